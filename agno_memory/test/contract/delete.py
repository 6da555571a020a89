"""Deleting one, many or all memories."""

from __future__ import annotations

from django.db import connections

from agno_memory.conf import conf
from agno_memory.db.transactions import has_transactions
from agno_memory.exceptions import MemoryChanged, MemoryNotFound
from agno_memory.models import UserMemory
from agno_memory.test.contract.case import ALICE, BOB, ContractCase
from agno_memory.test.helpers import values, with_settings


class DeleteContract(ContractCase):
    """A delete removes the named memories of one owner alone, and reports which they were."""

    def _statements_of_a_delete(self) -> int:
        """Return 1; with a model 2, for the vectors, and those of a transaction where the database has them."""
        if conf.EMBEDDER is None:
            return 1
        return 4 if has_transactions(connections[self.database]) else 2

    def test_delete(self) -> None:
        kept, gone = self.add("kept"), self.add("gone")
        with self.at_most(self._statements_of_a_delete() + 3):
            self.memory.delete_user_memory(gone.memory_id, ALICE)
        self.assertEqual(list(self.rows), [kept])

    def test_delete_of_a_version(self) -> None:
        added = self.add()
        replaced = self.memory.replace_user_memory(added.memory_id, UserMemory(memory="2"), ALICE)
        with self.assertRaises(MemoryChanged):
            self.memory.delete_user_memory(added.memory_id, ALICE, version=1)
        self.assertEqual([values(memory) for memory in self.rows], [values(replaced)])
        with self.assertRaises(MemoryNotFound):
            self.memory.delete_user_memory(added.memory_id, BOB, version=2)
        with (
            with_settings(HISTORY_DAYS=0),
            self.assertNumQueries(self._statements_of_a_delete(), using=self.database),
        ):
            self.memory.delete_user_memory(added.memory_id, ALICE, version=2)
        self.assertFalse(self.rows.exists())
        with self.assertRaises(MemoryNotFound):
            self.memory.delete_user_memory(added.memory_id, ALICE, version=2)

    def test_delete_many_says_which(self) -> None:
        one, two, three = self.add("1"), self.add("2"), self.add("3")
        his = self.add("his", BOB)
        requested_ids = [three.memory_id, "nothing", his.memory_id, one.memory_id, one.memory_id]
        deleted = self.memory.delete_user_memories(requested_ids, ALICE)
        self.assertEqual(deleted, [three.memory_id, one.memory_id])
        self.assertEqual(set(self.rows), {two, his})
        self.assertEqual(self.memory.delete_user_memories(iter([]), ALICE), [])

    def test_clear_one_person(self) -> None:
        self.add("1"), self.add("2")
        his = self.add("his", BOB)
        self.assertEqual(self.memory.clear_user_memories(ALICE), 2)
        self.assertEqual(list(self.rows), [his])

    def test_clear_empties_the_store(self) -> None:
        self.add(), self.add(user_id=BOB)
        self.assertEqual(self.memory.clear(), 2)
        self.assertFalse(self.rows.exists())
