"""``BulkMemory``: many memories of many owners."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from agno_memory.bulk import BulkMemory
from agno_memory.models import UserMemory
from agno_memory.signals import memory_added, memory_deleted, memory_replaced
from agno_memory.test.contract.case import ALICE, BOB, ContractCase
from agno_memory.test.helpers import texts, values


class BulkMemoryContract(ContractCase):
    """Actions of staff on many memories of many owners."""

    small = override_settings(AGNO_MEMORY={"BATCH_SIZE": 2, "MAX_TOPICS": 3})

    def topics_by_text(self) -> dict[str, list[str]]:
        return {memory.memory: memory.topics for memory in self.rows}

    @small
    def test_add_a_topic(self) -> None:
        self.add("none"), self.add("one", topics=["b"]), self.add("has it", BOB, topics=["a", "b"])
        self.add("full", BOB, topics=["1", "2", "3"]), self.add("two", BOB, topics=["c", "b"])
        before = {memory.memory: memory for memory in self.rows}
        self.assertEqual(BulkMemory(self.rows).add_topic(" a "), 3)
        expected = {
            "none": ["a"],
            "one": ["b", "a"],
            "has it": ["a", "b"],
            "full": ["1", "2", "3"],
            "two": ["c", "b", "a"],
        }
        self.assertEqual(self.topics_by_text(), expected)
        for memory in self.rows:
            changed = memory.memory in ("none", "one", "two")
            self.assertEqual(memory.version, 2 if changed else 1)
            self.assertEqual(memory.last_updated > before[memory.memory].last_updated, changed)
        self.assertEqual(BulkMemory(self.rows).add_topic("a"), 0)

    @small
    def test_remove_a_topic(self) -> None:
        self.add("only", topics=["a"]), self.add("between", topics=["x", "a", "b"])
        self.add("first", BOB, topics=["a", "x"]), self.add("without", BOB, topics=["b"])
        self.assertEqual(BulkMemory(self.rows).remove_topic("a"), 3)
        self.assertEqual(self.topics_by_text(), {"only": [], "between": ["x", "b"], "first": ["x"], "without": ["b"]})
        self.assertEqual(BulkMemory(self.rows).remove_topic("a"), 0)

    def test_a_topic_is_data(self) -> None:
        self.add("x", topics=["other"])
        for topic in (
            "$topics",
            "%s %%",
            "it's",
            '"quoted"',
            "{}",
            "[]",
            "$[#]",
            "1",
            "null",
            "食事",
            "a\\b",
            "a\n.",
            "-",
        ):
            with self.subTest(topic):
                self.assertEqual(BulkMemory(self.rows).add_topic(topic), 1)
                self.assertEqual(self.topics_by_text(), {"x": ["other", topic]})
                self.assertEqual(BulkMemory(self.rows).remove_topic(topic), 1)
                self.assertEqual(self.topics_by_text(), {"x": ["other"]})

    @small
    def test_reassign_from_many_owners(self) -> None:
        his, hers, already = self.add("1", ALICE), self.add("2", "carol"), self.add("3", BOB)
        self.add("4", ALICE, topics=["kept"])
        rows = self.rows.exclude(topics__about=["kept"])
        self.assertEqual(BulkMemory(rows).reassign(BOB), 2)
        self.assertEqual(
            {memory.memory_id for memory in self.memory.get_user_memories(BOB)},
            {his.memory_id, hers.memory_id, already.memory_id},
        )
        self.assertEqual(texts(self.memory.get_user_memories(ALICE)), ["4"])
        self.assertEqual({memory.memory: memory.version for memory in self.rows}, {"1": 1, "2": 1, "3": 1, "4": 1})

    def test_reassigned_memories_keep_their_versions_and_times(self) -> None:
        added = self.add("old", ALICE, memory_id="m", topics=["a"], metadata={"b": [1]})
        before = self.memory.replace_user_memory(added, UserMemory(memory="new", topics=["c"]), ALICE)
        self.assertEqual(BulkMemory(self.rows).reassign(BOB), 1)
        moved = self.memory.get_user_memory("m", BOB)
        assert moved is not None
        changed = {"user_id": BOB, "key": moved.key}
        self.assertEqual(values(moved), values(before) | changed)
        self.assertIsNone(self.memory.get_user_memory("m", ALICE))

    @small
    def test_reassign_leaves_memories_with_ids_that_the_new_owner_uses(self) -> None:
        for number in range(5):
            self.add(f"Alice's {number}", ALICE, memory_id=str(number))
        self.add("Bob's 1", BOB, memory_id="1"), self.add("Bob's 4", BOB, memory_id="4")
        bulk = BulkMemory(self.rows.for_user(ALICE))
        self.assertEqual(bulk.reassign(BOB), 3)
        self.assertEqual(bulk.conflicts, ["1", "4"])
        self.assertEqual(set(texts(self.memory.get_user_memories(ALICE))), {"Alice's 1", "Alice's 4"})
        bobs = {"Alice's 0", "Bob's 1", "Alice's 2", "Alice's 3", "Bob's 4"}
        self.assertEqual(set(texts(self.memory.get_user_memories(BOB))), bobs)

    @small
    def test_reassign_completes_a_move_that_was_interrupted(self) -> None:
        added = self.add("x", ALICE, memory_id="m")
        copy = {name: value for name, value in values(added).items() if name not in ("user_id", "key")}
        UserMemory.objects.using(self.database).bulk_create([UserMemory(user_id=BOB, **copy)])
        self.rows.for_user(BOB).set_times(added.created_at, added.last_updated)
        self.assertEqual(BulkMemory(self.rows.for_user(ALICE)).reassign(BOB), 1)
        self.assertEqual([memory.user_id for memory in self.rows], [BOB])

    @small
    def test_delete_from_many_owners(self) -> None:
        for number in range(5):
            self.add(str(number), BOB if number % 2 else ALICE, topics=["gone"])
        self.add("kept")
        self.assertEqual(BulkMemory(self.rows.about("gone")).delete(), 5)
        self.assertEqual(texts(self.rows), ["kept"])

    def test_statements_do_not_grow_with_the_rows(self) -> None:
        self.add_numbers(2)
        with CaptureQueriesContext(connections[self.database]) as few:
            BulkMemory(self.rows).add_topic("a")
        self.add_numbers(40)
        with (
            override_settings(AGNO_MEMORY={"BATCH_SIZE": 100}),
            CaptureQueriesContext(connections[self.database]) as many,
        ):
            BulkMemory(self.rows).add_topic("b")
        self.assertEqual(len(few), len(many))

    def add_numbers(self, number: int) -> None:
        self.memory.add_user_memories([UserMemory(memory=str(each)) for each in range(number)], ALICE)

    def test_bad_input_is_refused_before_anything_is_written(self) -> None:
        self.add("x")
        for topic in ("", " ", "x" * 101, "\x00", None, 5):
            self.assert_refused("topic", BulkMemory(self.rows).add_topic, topic)
            self.assert_refused("topic", BulkMemory(self.rows).remove_topic, topic)
        self.assert_refused("user_id", BulkMemory(self.rows).reassign, " ")

    def test_slices_and_unions_are_refused(self) -> None:
        for rows in (self.rows.newest()[:1], self.rows.union(self.rows)):
            with self.assertRaises(TypeError):
                BulkMemory(rows)

    @small
    def test_a_memory_that_stops_matching_is_left_unchanged(self) -> None:
        self.add("1", ALICE, memory_id="1"), self.add("2", ALICE, memory_id="2"), self.add("3", ALICE, memory_id="3")

        def meanwhile(batch: list[UserMemory]) -> None:
            BulkMemory(self.rows.filter(memory_id="3")).reassign(BOB)

        self.assertEqual(BulkMemory(self.rows.for_user(ALICE), meanwhile).add_topic("a"), 2)
        self.assertEqual(self.topics_by_text(), {"1": ["a"], "2": ["a"], "3": []})

    @small
    def test_signals_of_batches(self) -> None:
        self.add("1", ALICE, memory_id="1"), self.add("2", BOB, memory_id="2"), self.add("3", ALICE, memory_id="3")
        batches: list[list[str]] = []

        def on_batch(batch: list[UserMemory]) -> None:
            batches.append([memory.memory_id for memory in batch])

        with (
            self.received(memory_added) as added,
            self.received(memory_replaced) as replaced,
            self.received(memory_deleted) as deleted,
        ):
            BulkMemory(self.rows, on_batch).add_topic("a")
            BulkMemory(self.rows).reassign("carol")
            BulkMemory(self.rows).delete()
        self.assertEqual(batches, [["1", "2"], ["3"]])
        self.assertEqual(owners_and_ids(replaced), [(ALICE, ["1"]), (BOB, ["2"]), (ALICE, ["3"])])
        self.assertEqual(owners_and_ids(added), [("carol", ["1", "2"]), ("carol", ["3"])])
        carols = [("carol", ["1", "2"]), ("carol", ["3"])]
        self.assertEqual(owners_and_ids(deleted), [(ALICE, ["1"]), (BOB, ["2"]), (ALICE, ["3"]), *carols])
        for sent in (*added, *replaced, *deleted):
            self.assertEqual((sent["sender"], sent["using"]), (UserMemory, self.database))


def owners_and_ids(sent: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """Return the owner and the memory ids of each sending of a signal."""
    return [(arguments["user_id"], arguments["memory_ids"]) for arguments in sent]
