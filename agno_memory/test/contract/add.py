"""Adding a memory."""

from __future__ import annotations

import datetime

from django.db import transaction

from agno_memory import times
from agno_memory.exceptions import MemoryExists
from agno_memory.models import UserMemory
from agno_memory.test.contract.case import ALICE, BOB, ContractCase
from agno_memory.test.helpers import values


class AddContract(ContractCase):
    """The verb that adds one memory. The returned memory equals the one that is read back."""

    def test_what_add_returns_equals_what_is_read_back(self) -> None:
        added = self.add(
            "Préfère le café ☕ 'sans' \"sucre\" \\ 100%",
            topics=["café", "食事"],
            input="un café, s'il vous plaît\n",
            metadata={"source": "chat", "score": 0.5, "tags": ["a", None, True], "deep": {"a.b": {"": 1}}},
            agent_id="barista",
            team_id="bar",
            session_id="s/1",
            feedback="good",
        )
        self.assertIsInstance(added, UserMemory)
        self.assertFalse(added._state.adding)
        read = self.memory.get_user_memory(added.memory_id, ALICE)
        assert read is not None
        self.assertEqual(values(read), values(added))

    def test_a_memory_starts_at_version_1_with_one_moment(self) -> None:
        before = times.now()
        added = self.add()
        self.assertEqual(added.version, 1)
        self.assertEqual(added.created_at, added.last_updated)
        self.assertLessEqual(before, added.created_at)
        self.assertEqual(added.created_at.tzinfo, datetime.UTC)
        self.assertEqual(added.created_at.microsecond % 1000, 0)

    def test_what_is_not_given_is_empty(self) -> None:
        added = self.add(topics=None, metadata=None, agent_id="")
        self.assertEqual((added.topics, added.metadata), ([], {}))
        self.assertEqual((added.agent_id, added.team_id, added.session_id), (None, None, None))
        self.assertEqual((added.input, added.feedback), (None, None))

    def test_the_callers_instance_is_left_alone(self) -> None:
        passed = UserMemory(memory="x", topics=[" b ", "b"])
        before = values(passed)
        added = self.memory.add_user_memory(passed, ALICE)
        self.assertEqual(values(passed), before)
        self.assertTrue(passed._state.adding)
        self.assertEqual((added.memory_id, added.topics), (passed.memory_id, ["b"]))

    def test_machine_written_fields_cannot_be_given(self) -> None:
        long_ago = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)
        added = self.add(version=7, created_at=long_ago, last_updated=long_ago, search_text="other")
        self.assertEqual(added.version, 1)
        self.assertGreater(added.last_updated, long_ago)
        self.assertEqual(added.search_text, added.memory.lower())

    def test_new_ids_are_in_the_order_of_their_making(self) -> None:
        ids = [self.add(str(number)).memory_id for number in range(20)]
        self.assertEqual(ids, sorted(ids))

    def test_an_id_is_used_once(self) -> None:
        added = self.add(memory_id="memory_123")
        for owner in (ALICE, BOB):
            with self.subTest(owner), self.assertRaises(MemoryExists) as caught:
                self.add("other", owner, memory_id="memory_123")
            self.assertEqual(caught.exception.memory_ids, ["memory_123"])
        self.assertEqual([values(memory) for memory in self.rows], [values(added)])

    def test_ids_differ_by_every_character(self) -> None:
        ids = ["a", "A", "a ", " a", "á", "a\u0301", "a/../b", "a%2Fb", "$a", "a.b", "中", "😀", "x" * 255]
        for memory_id in ids:
            self.add(memory_id, memory_id=memory_id)
        for memory_id in ids:
            read = self.memory.get_user_memory(memory_id, ALICE)
            self.assertEqual(read and read.memory, memory_id)

    def test_a_refused_id_does_not_spoil_the_callers_transaction(self) -> None:
        self.add(memory_id="taken")
        with transaction.atomic(using=self.database):
            with self.assertRaises(MemoryExists):
                self.add("again", memory_id="taken")
            with self.assertRaises(MemoryExists):
                self.memory.add_user_memories([UserMemory(memory="again", memory_id="taken")], ALICE)
            self.add("after")
        self.assertEqual(self.rows.count(), 2)

    def test_a_transaction_that_fails(self) -> None:
        """The verbs in a failed ``atomic()`` block are undone, or stay where the database has no transactions."""
        with self.assertRaises(RuntimeError), transaction.atomic(using=self.database):
            self.add("one")
            self.memory.add_user_memories([UserMemory(memory="two")], ALICE)
            raise RuntimeError
        self.assertEqual(self.rows.count(), 0 if self.supports_transactions else 2)

    def test_adding_takes_one_statement(self) -> None:
        self.add()
        with self.assertNumQueries(1, using=self.database):
            self.add()
