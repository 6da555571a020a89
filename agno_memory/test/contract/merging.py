"""Duplicates, and memories that are merged."""

from __future__ import annotations

import datetime

from agno_memory.exceptions import DuplicateMemory, MemoryNotFound
from agno_memory.models import UserMemory
from agno_memory.signals import memory_added
from agno_memory.test.contract.case import ALICE, BOB, ContractCase
from agno_memory.test.helpers import texts, with_settings
from agno_memory.times import now


class MergingContract(ContractCase):
    """Memories that say the same are found, merged, and not added twice if the settings ask for that."""

    def test_what_is_merged_expires_with_the_last_of_them(self) -> None:
        soon, later = now() + datetime.timedelta(days=1), now() + datetime.timedelta(days=2)
        for expiries, expected in (((later, soon), later), ((None, soon), None), ((soon, None), None)):
            ids = [self.add("Is in Lisbon", expires_at=each).memory_id for each in expiries]
            self.assertEqual(self.memory.merge_user_memories(ids, ALICE).expires_at, expected)

    def test_merging_keeps_the_newest_and_unites_the_topics(self) -> None:
        old, other = self.add("Likes tea", topics=["a"], pinned=True), self.add("Tea, please", topics=["b", "a"])
        new = self.add("Likes green tea", topics=["c"], feedback="good")
        ids = [other.memory_id, new.memory_id, old.memory_id]
        merged = self.memory.merge_user_memories(ids, ALICE)
        self.assertEqual((merged.memory_id, merged.memory, merged.version), (new.memory_id, "Likes green tea", 2))
        self.assertEqual((sorted(merged.topics), merged.pinned), (["a", "b", "c"], True))
        self.assertEqual((merged.created_at, merged.feedback), (old.created_at, "good"))
        self.assertEqual(texts(self.memory.get_user_memories(ALICE)), ["Likes green tea"])
        (gone,) = self.memory.get_user_memory_history(old.memory_id, ALICE)
        self.assertEqual((gone.action, gone.merged_into), ("merged", new.memory_id))
        # One restore each undoes it.
        for memory_id in ids:
            self.memory.restore_user_memory(memory_id, ALICE)
        restored = {memory.memory: memory for memory in self.memory.get_user_memories(ALICE)}
        self.assertEqual(sorted(restored), ["Likes green tea", "Likes tea", "Tea, please"])
        self.assertEqual(restored["Likes green tea"].topics, ["c"])
        self.assertEqual(restored["Likes green tea"].created_at, new.created_at)

    def test_the_memory_that_others_are_merged_into_is_not_deleted(self) -> None:
        old, new = self.add("Likes tea"), self.add("Likes green tea")
        self.memory.merge_user_memories([old.memory_id, new.memory_id], ALICE)
        deleted = self.memory.rows_to_write(ALICE).revisions().deleted()
        self.assertEqual([version.memory_id for version in deleted], [old.memory_id])

    def test_merging_takes_a_text(self) -> None:
        ids = [self.add("a").memory_id, self.add("b").memory_id]
        self.assertEqual(self.memory.merge_user_memories(ids, ALICE, memory="both").memory, "both")

    def test_bad_merges_change_nothing(self) -> None:
        one, two = self.add("1"), self.add("2")
        his = self.add("his", BOB)
        for other in ("nothing", his.memory_id):
            with self.assertRaises(MemoryNotFound) as caught:
                self.memory.merge_user_memories([one.memory_id, other, "nor this"], ALICE)
            self.assertEqual(caught.exception.memory_id, other)
        self.assert_refused("memory_ids", self.memory.merge_user_memories, [one.memory_id, one.memory_id], ALICE)
        ids = [one.memory_id, two.memory_id]
        self.assert_refused("memory", self.memory.merge_user_memories, ids, ALICE, memory=" ")
        with with_settings(MAX_TOPICS=1):
            three = self.add("3", topics=["a"])
            four = self.add("4", topics=["b"])
            self.assert_refused("topics", self.memory.merge_user_memories, [three.memory_id, four.memory_id], ALICE)
        self.assertEqual(self.rows.count(), 5)

    def test_duplicates(self) -> None:
        for text in (
            "Prefers dark mode in every app",
            "Allergic to nuts",
            "ALLERGIC  TO NUTS",
            "Rent is due on the 8th",
            "Rent is due on the 9th",
            "Prefers dark mode in every single app",
        ):
            self.add(text)
        self.add("Allergic to nuts", BOB)
        groups = [texts(group) for group in self.memory.duplicates(ALICE)]
        self.assertEqual(
            groups,
            [
                ["ALLERGIC  TO NUTS", "Allergic to nuts"],
                ["Prefers dark mode in every single app", "Prefers dark mode in every app"],
            ],
        )
        self.assertEqual(len(self.memory.duplicates(ALICE, limit=1)), 1)
        self.assertEqual(self.memory.duplicates(BOB), [])

    def test_what_is_known_is_returned(self) -> None:
        with with_settings(ON_DUPLICATE="return"):
            first = self.add("Likes tea")
            with self.received(memory_added) as sent:
                again = self.add("LIKES TEA", topics=["t"])
            self.assertEqual(sent, [])
            self.assertEqual((again.memory_id, again.topics), (first.memory_id, []))
            known, new, same = self.memory.add_user_memories(
                [UserMemory(memory="likes tea"), UserMemory(memory="new"), UserMemory(memory="New")], ALICE
            )
            self.assertEqual((known.memory_id, same.memory_id), (first.memory_id, new.memory_id))
            self.assertEqual(same.memory, "new")
            upserted = self.memory.upsert_user_memory(UserMemory(memory="Likes tea", memory_id="m"), ALICE)
            self.assertEqual(upserted.memory_id, first.memory_id)
            self.assertEqual(self.memory.rows(ALICE).count(), 2)
            self.assertNotEqual(self.add("Likes tea", BOB).memory_id, first.memory_id)

    def test_what_is_known_is_refused(self) -> None:
        with with_settings(ON_DUPLICATE="refuse"):
            first = self.add("Likes tea")
            with self.assertRaises(DuplicateMemory) as caught:
                self.add("likes tea")
            self.assertEqual(caught.exception.memory_id, first.memory_id)
            with self.assertRaises(DuplicateMemory):
                self.memory.add_user_memories([UserMemory(memory="x"), UserMemory(memory="likes tea")], ALICE)
            self.assertEqual(self.memory.rows(ALICE).count(), 1)
            moved = self.add("Rides a bike")
            rows = self.rows.filter(key=moved.key)
            rows.update(agent_id="x")
            with self.assertRaises(DuplicateMemory):
                self.add("rides a bike")
            rows.update(memory="Drives a car")
            self.memory.delete_user_memory(self.add("rides a bike").memory_id, ALICE)
            self.memory.delete_user_memory(moved.memory_id, ALICE)
            other = self.add("other")
            self.memory.replace_user_memory(other.memory_id, UserMemory(memory="another"), ALICE)
            with self.assertRaises(DuplicateMemory):
                self.add("Another")
            # A replacement may make two texts the same.
            self.memory.replace_user_memory(other.memory_id, UserMemory(memory="Likes tea"), ALICE)
            self.memory.delete_user_memory(first.memory_id, ALICE)
            self.memory.delete_user_memory(other.memory_id, ALICE)
            self.assertEqual(self.add("likes tea").version, 1)

    def test_duplicates_are_allowed_by_default(self) -> None:
        self.add("Likes tea"), self.add("Likes tea")
        self.assertEqual(self.rows.count(), 2)
