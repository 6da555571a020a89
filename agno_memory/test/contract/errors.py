"""Errors of the database, and refused operations of the queryset."""

from __future__ import annotations

from django.db import DatabaseError
from django.db.models import F

from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.test.contract.case import ALICE, ContractCase


class ErrorContract(ContractCase):
    """Errors reach the caller, and the queryset refuses writes that would break a rule of the service."""

    def test_the_error_names_an_unknown_alias(self) -> None:
        with self.assertRaisesMessage(Exception, "no_such_alias"):
            Memory(db="no_such_alias").get_user_memories(ALICE)

    def test_update_conflicts_would_overwrite_silently(self) -> None:
        with self.assertRaisesMessage(DatabaseError, "upsert_user_memory"):
            self.rows.bulk_create([UserMemory(memory="x")], update_conflicts=True)

    def test_text_by_expression_would_not_be_found(self) -> None:
        added = self.add()
        with self.assertRaisesMessage(TypeError, "bulk_update"):
            self.rows.update(memory=F("user_id"))
        with self.assertRaisesMessage(TypeError, "search_text follows memory"):
            self.rows.update(search_text="other")
        setattr(added, "memory", F("user_id"))  # noqa: B010  an assignment would be a type error
        with self.assertRaisesMessage(TypeError, "follows"):
            added.save()

    def test_erase_refuses_slices_and_unions(self) -> None:
        for number in range(3):
            self.add(str(number))
        for rows in (self.rows.newest()[:1], self.rows.union(self.rows)):
            with self.assertRaises(TypeError):
                rows.erase()
        self.assertEqual(self.rows.count(), 3)
        self.assertEqual(self.rows.mentioning("1").erase(), 1)
