"""Versions and times at every kind of write."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError

from agno_memory.models import UserMemory
from agno_memory.test.contract.case import ALICE, ContractCase
from agno_memory.test.helpers import at, values


class TimeContract(ContractCase):
    """Each write, by whichever method, increases ``version``, and never moves ``last_updated`` back."""

    def assert_moved(self, write: Callable[[UserMemory], Any]) -> None:
        before = self.add()
        with at(before.last_updated + datetime.timedelta(milliseconds=1)):
            write(self.rows.get(memory_id=before.memory_id))
        after = self.rows.get(memory_id=before.memory_id)
        self.assertEqual(after.version, before.version + 1)
        self.assertEqual(after.last_updated - before.last_updated, datetime.timedelta(milliseconds=1))
        self.assertEqual(after.created_at, before.created_at)

    def test_queryset_update(self) -> None:
        self.assert_moved(lambda memory: self.rows.filter(pk=memory.pk).update(topics=["a"]))

    def test_save(self) -> None:
        self.assert_moved(lambda memory: memory.save())

    def test_save_of_some_fields(self) -> None:
        self.assert_moved(lambda memory: memory.save(update_fields=["topics"]))

    def test_save_of_a_deferred_instance(self) -> None:
        self.assert_moved(lambda memory: self.rows.only("topics").get(pk=memory.pk).save())

    def test_bulk_update(self) -> None:
        self.assert_moved(lambda memory: self.rows.bulk_update([memory], ["topics"]))

    def test_save_of_a_deleted_memory_does_not_add_it_again(self) -> None:
        added = self.add()
        self.memory.delete_user_memory(added.memory_id, ALICE)
        with self.assertRaises(DatabaseError):
            added.save()
        with self.assertRaises(DatabaseError):
            added.save(update_fields=["memory"])
        self.assertFalse(self.rows.exists())

    def test_save_updates_the_instance(self) -> None:
        memory = self.add()
        memory.save()
        self.assertEqual(values(memory), values(self.rows.get()))

    def test_a_clock_that_goes_back(self) -> None:
        before = self.add()
        yesterday = before.last_updated - datetime.timedelta(days=1)
        with at(yesterday):
            after = self.memory.replace_user_memory(before.memory_id, UserMemory(memory="x"), ALICE)
            self.assertEqual(after.last_updated, before.last_updated)
            self.rows.update(topics=["a"])
        self.assertEqual(self.rows.get().last_updated, before.last_updated)
        self.assertEqual(self.rows.get().version, 3)

    def test_machine_written_fields_cannot_be_set(self) -> None:
        self.add()
        for field in ("version", "last_updated"):
            with self.assertRaisesMessage(TypeError, field):
                self.rows.update(**{field: None})
