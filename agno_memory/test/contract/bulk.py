"""Adding many memories of one person at once."""

from __future__ import annotations

from django.test import override_settings

from agno_memory.exceptions import MemoryExists
from agno_memory.models import UserMemory
from agno_memory.test.contract.case import ALICE, BOB, ContractCase
from agno_memory.test.helpers import values


class BulkContract(ContractCase):
    """A batch is added completely or, if an id is taken, not at all."""

    def test_many(self) -> None:
        passed = [UserMemory(memory=f"number {number}", topics=[" t", "t"]) for number in range(25)]
        with override_settings(AGNO_MEMORY={"BATCH_SIZE": 10}):
            added = self.memory.add_user_memories(iter(passed), ALICE)
        self.assertEqual([memory.memory_id for memory in added], [memory.memory_id for memory in passed])
        read = {memory.memory_id: values(memory) for memory in self.rows}
        self.assertEqual(read, {memory.memory_id: values(memory) for memory in added})
        self.assertEqual({memory.version for memory in added}, {1})
        self.assertEqual({memory._state.adding for memory in added}, {False})
        self.assertEqual(self.memory.add_user_memories([], ALICE), [])

    def test_a_taken_id_anywhere_refuses_all(self) -> None:
        taken = [self.add(memory_id="a"), self.add("b", memory_id="b"), self.add("Bob's", BOB, memory_id="c")]
        batch = [UserMemory(memory=str(number)) for number in range(25)]
        batch += [UserMemory(memory="x", memory_id="b"), UserMemory(memory="x", memory_id="a")]
        batch += [UserMemory(memory="x", memory_id="c")]
        with override_settings(AGNO_MEMORY={"BATCH_SIZE": 10}), self.assertRaises(MemoryExists) as caught:
            self.memory.add_user_memories(batch, ALICE)
        self.assertEqual(caught.exception.memory_ids, ["b", "a"])
        self.assertEqual(set(self.rows), set(taken))

    def test_an_id_given_twice(self) -> None:
        twice = [UserMemory(memory="x", memory_id="a"), UserMemory(memory="y", memory_id="a")]
        self.assert_refused("1.memory_id", self.memory.add_user_memories, twice, ALICE)
