"""Memories that expire or are pinned."""

from __future__ import annotations

import datetime

from agno_memory.exceptions import MemoryNotFound
from agno_memory.models import UserMemory
from agno_memory.pruning import prune
from agno_memory.signals import memory_deleted
from agno_memory.test.contract.case import ALICE, BOB, ContractCase
from agno_memory.test.helpers import at, texts, with_settings
from agno_memory.times import EPOCH, now

SECOND = datetime.timedelta(seconds=1)


class ExpiryContract(ContractCase):
    """From its last millisecond on, an expired memory is nowhere."""

    def test_an_expired_memory_is_nowhere(self) -> None:
        end = now() + 60 * SECOND
        self.add("stays")
        added = self.add("passes", topics=["t"], expires_at=end)
        self.assertEqual(added.expires_at, end)
        with at(end - SECOND / 1000):
            self.assertIsNotNone(self.memory.get_user_memory(added.memory_id, ALICE))
            self.assertEqual(self.memory.rows(ALICE).count(), 2)
        with at(end):
            self.assertIsNone(self.memory.get_user_memory(added.memory_id, ALICE))
            self.assertEqual(texts(self.memory.get_user_memories(ALICE)), ["stays"])
            self.assertEqual(self.memory.get_user_memories(ALICE, topics=["t"]), [])
            for method in ("ranked", "keyword"):
                self.assertEqual(self.memory.search_user_memories("passes", None, method, ALICE), [])
            self.assertEqual(texts(self.memory.page(ALICE, size=5)), ["stays"])
            self.assertEqual(self.memory.rows(ALICE).count(), 1)
            self.assertEqual(self.memory.rows(ALICE).topic_counts(), [])
            self.assertNotIn("passes", self.memory.context(ALICE).text)
            with self.assertRaises(MemoryNotFound):
                self.memory.replace_user_memory(added.memory_id, UserMemory(memory="x"), ALICE)
            with self.assertRaises(MemoryNotFound):
                self.memory.delete_user_memory(added.memory_id, ALICE)
            self.assertEqual(self.memory.delete_user_memories([added.memory_id], ALICE), [])

    def test_the_id_of_an_expired_memory_is_free(self) -> None:
        new = UserMemory(memory="new", memory_id="m")
        moment = now()
        for end, days in ((moment, 30), (EPOCH, 30), (moment, 0)):
            with at(moment), with_settings(HISTORY_DAYS=days):
                for verb in (self.memory.add_user_memory, self.memory.upsert_user_memory):
                    self.add("old", memory_id="m", expires_at=end)
                    for owner in (ALICE, BOB):
                        written = verb(new, owner)
                        self.assertEqual((written.memory, written.version), ("new", 1))
                    self.memory.clear()
                self.add("old", memory_id="m", expires_at=end)
                self.memory.add_user_memories([new], ALICE)
            self.assertEqual(texts(self.memory.get_user_memories(ALICE)), ["new"])
            self.memory.clear()

    def test_a_moment_before_the_end_knows_an_expired_memory(self) -> None:
        start = now() - 100 * SECOND
        with at(start):
            added = self.add("passes", expires_at=start + 50 * SECOND)
        for _pruned in (False, True):
            for seconds, known in ((10, ["passes"]), (50, []), (60, [])):
                found = self.memory.get_user_memories(ALICE, as_of=start + seconds * SECOND)
                self.assertEqual(texts(found), known)
            prune(self.database)
        (version,) = self.memory.get_user_memory_history(added.memory_id, ALICE)
        self.assertEqual((version.action, version.valid_until), ("expired", start + 50 * SECOND))
        with at(start + 50 * SECOND):
            restored = self.memory.restore_user_memory(added.memory_id, ALICE)
        self.assertIsNone(restored.expires_at)
        self.assertEqual(texts(self.memory.get_user_memories(ALICE)), ["passes"])

    def test_pruning_removes_what_is_too_old(self) -> None:
        day, moment = datetime.timedelta(days=1), now()
        with at(moment - 30 * day):
            added = self.add("1")
            self.memory.replace_user_memory(added.memory_id, UserMemory(memory="2"), ALICE)
            gone = self.add("gone")
            self.memory.delete_user_memory(gone.memory_id, ALICE)
        with at(moment - 30 * day + SECOND / 1000):
            self.memory.replace_user_memory(added.memory_id, UserMemory(memory="3"), ALICE)
        expired = [self.add("expired", expires_at=end).memory_id for end in (moment - SECOND, EPOCH - day)]
        his = self.add("his", BOB, expires_at=moment).memory_id
        with at(moment), self.received(memory_deleted) as sent:
            self.assertEqual(prune(self.database), (3, 2))
            self.assertEqual(prune(self.database), (0, 0))
            history = self.memory.get_user_memory_history(added.memory_id, ALICE)
        pairs = [(each["user_id"], memory_id) for each in sent for memory_id in each["memory_ids"]]
        self.assertEqual(sorted(pairs), sorted([*((ALICE, each) for each in expired), (BOB, his)]))
        self.assertEqual([version.memory for version in history], ["3", "2"])
        with self.assertRaises(MemoryNotFound):
            self.memory.restore_user_memory(gone.memory_id, ALICE)
        self.assertEqual(self.rows.count(), 1)
        with with_settings(HISTORY_DAYS=0):
            prune(self.database)
        self.assertFalse(self.rows.revisions().exists())

    def test_memories_of_a_topic_expire(self) -> None:
        moment = now()
        spans = {"notes": "30 days", "today": datetime.timedelta(hours=1)}
        with with_settings(EXPIRE_AFTER=spans), at(moment):
            added = self.add(topics=["notes", "food"])
            self.assertEqual(added.expires_at, moment + datetime.timedelta(days=30))
            self.assertEqual(self.add(topics=["notes", "today"]).expires_at, moment + datetime.timedelta(hours=1))
            self.assertIsNone(self.add(topics=["food"]).expires_at)
            given = moment + datetime.timedelta(days=2)
            self.assertEqual(self.add(topics=["notes"], expires_at=given).expires_at, given)
            (many,) = self.memory.add_user_memories([UserMemory(memory="x", topics=["notes"])], ALICE)
            self.assertEqual(many.expires_at, moment + datetime.timedelta(days=30))

    def test_pinned_memories_come_first_in_the_context(self) -> None:
        self.add("Allergic to nuts", pinned=True)
        self.add("Likes green tea")
        self.add("Lives in Lisbon")
        text = self.memory.context(ALICE, "tea").text
        self.assertIn("[1] Allergic to nuts\n[2] Likes green tea", text)
        self.assertIn("[1] Allergic to nuts\n[2] Lives in Lisbon", self.memory.context(ALICE).text)

    def test_bad_times_are_refused(self) -> None:
        for value in ("tomorrow", 5, datetime.datetime(2030, 1, 1), datetime.datetime.max.replace(tzinfo=datetime.UTC)):  # noqa: DTZ001
            self.assert_refused("expires_at", self.add, expires_at=value)
        self.assert_refused("pinned", self.add, pinned="perhaps")
