"""The async twins of the verbs."""

from __future__ import annotations

import asyncio
from inspect import iscoroutinefunction

from agno_memory.exceptions import MemoryChanged
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.test.contract.case import ALICE, ContractCase
from agno_memory.test.helpers import texts, values


class AsyncContract(ContractCase):
    """Each verb has an async twin with the same behaviour."""

    def test_every_verb_has_a_twin(self) -> None:
        verbs = {name for name in vars(Memory) if not name.startswith("_") and callable(getattr(Memory, name))}
        twins = {name for name in verbs if iscoroutinefunction(getattr(Memory, name))}
        self.assertTrue(twins)
        self.assertEqual(twins, {f"a{name}" for name in verbs - twins})

    async def test_a_life(self) -> None:
        memory = self.memory
        added = await memory.aadd_user_memory(UserMemory(memory="one", topics=["a"]), ALICE)
        read = await memory.aget_user_memory(added.memory_id, user_id=ALICE)
        assert read is not None
        self.assertEqual(values(read), values(added))
        await memory.areplace_user_memory(added.memory_id, UserMemory(memory="two"), ALICE, version=1)
        with self.assertRaises(MemoryChanged):
            await memory.areplace_user_memory(added.memory_id, UserMemory(memory="3"), ALICE, version=1)
        upserted = await memory.aupsert_user_memory(UserMemory(memory="3", memory_id=added.memory_id), ALICE)
        self.assertEqual(upserted.version, 3)
        more = await memory.aadd_user_memories([UserMemory(memory="x"), UserMemory(memory="y")], ALICE)
        self.assertEqual(len(await memory.aget_user_memories(ALICE)), 3)
        self.assertEqual(texts(await memory.asearch_user_memories("y", user_id=ALICE)), ["y"])
        await memory.adelete_user_memory(added.memory_id, ALICE)
        self.assertEqual(await memory.adelete_user_memories([more[0].memory_id], ALICE), [more[0].memory_id])
        self.assertEqual(await memory.aclear_user_memories(ALICE), 1)
        self.assertEqual(await memory.aclear(), 0)

    async def test_many_at_once(self) -> None:
        calls = [self.memory.aadd_user_memory(UserMemory(memory=str(number)), ALICE) for number in range(20)]
        added = await asyncio.gather(*calls)
        self.assertEqual({memory async for memory in self.rows}, set(added))
