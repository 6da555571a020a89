"""Earlier versions: the history of a memory and its restoration."""

from __future__ import annotations

from itertools import pairwise
from unittest import mock

from agno_memory import history
from agno_memory.acting import acting
from agno_memory.bulk import BulkMemory
from agno_memory.exceptions import MemoryChanged, MemoryNotFound, VersionNotFound
from agno_memory.models import UserMemory
from agno_memory.signals import memory_added, memory_replaced
from agno_memory.test.contract.case import ALICE, BOB
from agno_memory.test.contract.moments import SECOND, MomentContract
from agno_memory.test.helpers import at, texts, values, with_settings
from agno_memory.times import now


class HistoryContract(MomentContract):
    """A write leaves one version, and nothing that was deleted is lost before its time."""

    def versions(self, added: UserMemory) -> list[tuple[int, str, str]]:
        """Return the history as version, text and action, and check that its times leave no hole."""
        history = self.memory.get_user_memory_history(added.memory_id, ALICE)
        for newer, older in pairwise(history):
            if older.action != "deleted":
                self.assertEqual(newer.valid_from, older.valid_until)
            self.assertLessEqual(older.valid_from, older.valid_until)
        return [(version.version, version.memory, version.action) for version in history]

    def test_the_history_has_every_version_and_who_ended_it(self) -> None:
        added = self.add("one", topics=["a"], metadata={"plan": "pro"})
        with acting("ann", reason="ticket 812", through="admin"):
            replaced = self.replace(added, "two")
        self.memory.upsert_user_memory(UserMemory(memory_id=added.memory_id, memory="three"), ALICE)
        newest, middle, oldest = self.memory.get_user_memory_history(added.memory_id, ALICE)
        self.assertEqual([newest.memory, middle.memory, oldest.memory], ["three", "two", "one"])
        self.assertEqual((oldest.topics, oldest.metadata, oldest.version), (["a"], {"plan": "pro"}, 1))
        ended = (oldest.action, oldest.actor, oldest.through, oldest.reason)
        self.assertEqual(ended, ("replaced", "ann", "admin", "ticket 812"))
        self.assertEqual((oldest.valid_from, oldest.valid_until), (added.last_updated, replaced.last_updated))
        self.assertEqual((middle.actor, middle.through, middle.reason), (None, "service", ""))
        self.assertEqual((newest.action, newest.valid_until), ("", None))

    def test_nobody_sees_the_history_of_another(self) -> None:
        added = self.add("one")
        self.replace(added, "two")
        for verb in (self.memory.get_user_memory_history, self.memory.restore_user_memory):
            with self.assertRaises(MemoryNotFound):
                verb(added.memory_id, BOB)
        self.assertIsNone(self.memory.get_user_memory(added.memory_id, BOB, as_of=now()))
        self.assertEqual(self.memory.get_user_memories(BOB, as_of=now()), [])

    def test_a_version_is_restored_as_a_new_one(self) -> None:
        added = self.add("one", topics=["a"], feedback="good")
        self.replace(added, "two")
        with self.received(memory_replaced) as sent:
            restored = self.memory.restore_user_memory(added.memory_id, ALICE)
        self.assertEqual([each["memory_ids"] for each in sent], [[added.memory_id]])
        self.assertEqual((restored.version, restored.memory, restored.topics), (3, "one", ["a"]))
        self.assertEqual((restored.feedback, restored.created_at), ("good", added.created_at))
        again = self.memory.restore_user_memory(added.memory_id, ALICE, version=2)
        self.assertEqual((again.version, again.memory), (4, "two"))
        self.assertEqual(
            self.versions(added),
            [(4, "two", ""), (3, "one", "restored"), (2, "two", "restored"), (1, "one", "replaced")],
        )
        with self.assertRaises(VersionNotFound):
            self.memory.restore_user_memory(added.memory_id, ALICE, version=9)
        self.assert_refused("version", self.memory.restore_user_memory, added.memory_id, ALICE, version=0)

    def test_a_deleted_memory_comes_back(self) -> None:
        added = self.add("one", topics=["a"])
        self.replace(added, "two")
        with acting("bob"):
            self.memory.delete_user_memory(added.memory_id, ALICE)
        self.assertEqual(self.versions(added), [(2, "two", "deleted"), (1, "one", "replaced")])
        self.assertEqual(self.memory.get_user_memories(ALICE), [])
        with self.received(memory_added) as sent:
            restored = self.memory.restore_user_memory(added.memory_id, ALICE)
        self.assertEqual([each["memory_ids"] for each in sent], [[added.memory_id]])
        self.assertEqual((restored.version, restored.memory, restored.created_at), (3, "two", added.created_at))
        read = self.memory.get_user_memory(added.memory_id, ALICE)
        assert read is not None
        self.assertEqual(values(read), values(restored))
        self.assertEqual(self.versions(added), [(3, "two", ""), (2, "two", "deleted"), (1, "one", "replaced")])
        self.memory.delete_user_memory(added.memory_id, ALICE)
        first = self.memory.restore_user_memory(added.memory_id, ALICE, version=1)
        self.assertEqual((first.version, first.memory, first.topics), (4, "one", ["a"]))

    def test_an_id_that_is_used_again_begins_a_new_history(self) -> None:
        added = self.add("one", memory_id="m")
        self.memory.delete_user_memory("m", ALICE)
        self.assertEqual(self.add("new", memory_id="m").version, 1)
        self.assertEqual(self.versions(added), [(1, "new", "")])
        with self.assertRaises(VersionNotFound):
            self.memory.restore_user_memory("m", ALICE)
        self.memory.delete_user_memory("m", ALICE)
        self.assertEqual(self.versions(added), [(1, "new", "deleted")])

    def test_writes_through_the_orm_and_of_staff_leave_versions(self) -> None:
        added = self.add("1", topics=["a"])
        self.rows.filter(key=added.key).update(memory="2")
        memory = self.rows.get(key=added.key)
        memory.memory = "3"
        memory.save(using=self.database)
        memory.memory = "4"
        self.rows.bulk_update([memory], ["memory"])
        BulkMemory(self.rows).add_topic("b")
        self.assertEqual(BulkMemory(self.rows).delete(), 1)
        last = [(5, "4", "deleted"), (4, "4", "replaced"), (3, "3", "replaced"), (2, "2", "replaced")]
        self.assertEqual(self.versions(added), [*last, (1, "1", "replaced")])
        self.memory.restore_user_memory(added.memory_id, ALICE)
        self.rows.filter(key=added.key).delete()
        self.memory.restore_user_memory(added.memory_id, ALICE)
        self.rows.get(key=added.key).delete(using=self.database)
        self.assertEqual([version[0] for version in self.versions(added)], [7, 6, 5, 4, 3, 2, 1])

    def test_pages_of_a_history(self) -> None:
        earlier = self.add("earlier", memory_id="m")
        for number in range(4):
            self.replace(earlier, str(number))
        self.memory.delete_user_memory("m", ALICE)
        self.assertEqual(self.memory.get_user_memory_history("m", ALICE, limit=0), [])
        with self.assertRaises(MemoryNotFound):
            self.memory.get_user_memory_history("nothing", ALICE, limit=1)
        # Two memories with one id are told apart by their times, in milliseconds.
        with at(now() + SECOND):
            added = self.add("0", memory_id="m")
            for number in range(1, 6):
                self.replace(added, str(number))
        whole = self.memory.get_user_memory_history("m", ALICE)
        self.assertEqual([version.memory for version in whole], ["5", "4", "3", "2", "1", "0"])
        seen = self.memory.get_user_memory_history("m", ALICE, limit=2)
        while page := self.memory.get_user_memory_history("m", ALICE, limit=2, position=seen[-1]):
            self.assertLessEqual(len(page), 2)
            seen += page
        self.assertEqual([version.version for version in seen], [version.version for version in whole])
        position = (whole[1].last_updated, whole[1].version)
        self.assertEqual(self.memory.get_user_memory_history("m", ALICE, position=position), whole[2:])
        self.assert_refused("limit", self.memory.get_user_memory_history, "m", ALICE, limit=-1)
        with mock.patch.object(history, "PAGE_SIZE", 2):
            for version, text in ((1, "0"), (5, "4")):
                self.assertEqual(self.memory.restore_user_memory("m", ALICE, version=version).memory, text)
            for version in (9, 100):
                with self.assertRaises(VersionNotFound):
                    self.memory.restore_user_memory("m", ALICE, version=version)

    def test_a_version_is_restored_only_over_the_one_that_was_seen(self) -> None:
        added = self.add("one")
        replaced = self.replace(added, "two")
        for version in (1, added):
            with self.assertRaises(MemoryChanged):
                self.memory.restore_user_memory(added.memory_id, ALICE, at_version=version)
        self.assert_refused("at_version", self.memory.restore_user_memory, added.memory_id, ALICE, at_version=0)
        for version in (replaced, 3):
            restored = self.memory.restore_user_memory(added.memory_id, ALICE, at_version=version)
        self.assertEqual((restored.version, restored.memory), (4, "two"))
        self.memory.delete_user_memory(added.memory_id, ALICE)
        with self.assertRaises(MemoryChanged):
            self.memory.restore_user_memory(added.memory_id, ALICE, at_version=4)

    def test_a_walk_through_versions_reads_each_once(self) -> None:
        for text in ("a", "b"):
            added = self.add(text)
            for number in range(3):
                self.replace(added, f"{text}{number}")
        rows = self.rows.for_user(ALICE)
        with with_settings(BATCH_SIZE=2):
            walked = texts(rows.versions().walk())
        # By memory: the keys are digests.
        self.assertEqual(sorted([walked[:3], walked[3:]]), [["a", "a0", "a1"], ["b", "b0", "b1"]])

    def test_what_is_deleted_for_good_leaves_nothing(self) -> None:
        revisions = self.rows.revisions()
        one, two = self.add("one"), self.add("two")
        self.replace(one, "1")
        self.replace(two, "2")
        self.memory.delete_user_memory(one.memory_id, ALICE, permanently=True)
        self.assertEqual({each.memory_key for each in revisions.all()}, {two.key})
        self.memory.delete_user_memory(two.memory_id, ALICE)
        self.memory.delete_user_memory(two.memory_id, ALICE, permanently=True)
        self.assertFalse(revisions.exists())
        with self.assertRaises(MemoryNotFound):
            self.memory.delete_user_memory(two.memory_id, ALICE, permanently=True)
        three = self.add("three")
        self.replace(three, "3")
        gone = self.add("gone")
        self.memory.delete_user_memories([gone.memory_id], ALICE)
        ids = [three.memory_id, gone.memory_id]
        self.assertEqual(self.memory.delete_user_memories(ids, ALICE, permanently=True), ids)
        self.assertFalse(revisions.exists())
        for clear in (self.memory.clear_user_memories, lambda owner: self.rows.for_user(owner).erase()):
            self.replace(self.add("four"), "4")
            clear(ALICE)
            self.assertFalse(revisions.exists())

    def test_without_history_nothing_is_kept(self) -> None:
        with with_settings(HISTORY_DAYS=0):
            added = self.add("one")
            self.replace(added, "two")
            self.assertEqual(self.versions(added), [(2, "two", "")])
            self.memory.upsert_user_memory(UserMemory(memory_id=added.memory_id, memory="3", topics=["a"]), ALICE)
            BulkMemory(self.rows).add_topic("b")
            self.assertEqual(self.rows.update(memory="4"), 1)
            (stored,) = self.rows
            self.assertEqual((stored.memory, stored.topics, stored.version), ("4", ["a", "b"], 5))
            self.add("old", memory_id="m", expires_at=now())
            merged = self.memory.merge_user_memories([added.memory_id, self.add("new", memory_id="m").memory_id], ALICE)
            self.assertEqual((merged.memory_id, merged.version), ("m", 2))
            self.memory.delete_user_memory("m", ALICE)
            with self.assertRaises(MemoryNotFound):
                self.memory.restore_user_memory("m", ALICE)
            self.add("x")
            self.assertEqual(BulkMemory(self.rows).delete(), 1)
            self.add("x")
            self.rows.all().delete()
            self.memory.delete_user_memories([self.add("x").memory_id], ALICE)
        self.assertFalse(self.rows.exists())
        self.assertFalse(self.rows.revisions().exists())

    def test_a_clock_that_goes_back_makes_no_hole(self) -> None:
        added = self.add("one")
        with at(now() - 10 * SECOND):
            self.replace(added, "two")
            self.memory.delete_user_memory(added.memory_id, ALICE)
            restored = self.memory.restore_user_memory(added.memory_id, ALICE)
        self.assertGreaterEqual(restored.last_updated, added.last_updated)
        self.versions(added)
