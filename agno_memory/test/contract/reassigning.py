"""The history of memories that another owner gets."""

from __future__ import annotations

import datetime
from unittest import mock

from agno_memory import history as history_of_memories
from agno_memory import people
from agno_memory.acting import acting
from agno_memory.bulk import BulkMemory
from agno_memory.exceptions import MemoryNotFound
from agno_memory.models import UserMemory
from agno_memory.restoring import BulkRestore
from agno_memory.revision_models import MemoryRevision
from agno_memory.test.contract.case import ALICE, BOB, ContractCase
from agno_memory.test.helpers import at, texts, with_settings
from agno_memory.times import now

SECOND = datetime.timedelta(seconds=1)


class ReassignmentContract(ContractCase):
    """The history goes with a memory, says that it was reassigned, and does not name the owner before."""

    def pages(self, owner: str, size: int) -> list[MemoryRevision]:
        """Return the history of the memory "m", read in pages."""
        page = read = self.memory.get_user_memory_history("m", owner, limit=size)
        while page := self.memory.get_user_memory_history("m", owner, limit=size, position=page[-1]):
            read = [*read, *page]
        return read

    def test_the_history_goes_with_a_memory_to_its_new_owner(self) -> None:
        added = self.add("one")
        replaced = self.memory.replace_user_memory(added.memory_id, UserMemory(memory="two"), ALICE)
        with acting("staff", reason="one account", through="admin"), with_settings(BATCH_SIZE=1):
            BulkMemory(self.rows.for_user(ALICE)).reassign(BOB)
        newest, event, oldest = self.memory.get_user_memory_history(added.memory_id, BOB)
        self.assertEqual([newest.memory, oldest.memory], ["two", "one"])
        self.assertEqual((event.action, event.version, event.user_id), ("reassigned", 0, BOB))
        self.assertEqual((event.actor, event.through, event.reason), ("staff", "admin", "one account"))
        self.assertEqual(event.valid_from, event.valid_until)
        self.assertGreaterEqual(event.valid_from, replaced.last_updated)
        self.assertNotIn(ALICE, [str(value) for value in vars(event).values()])
        with self.assertRaises(MemoryNotFound):
            self.memory.get_user_memory_history(added.memory_id, ALICE)
        self.assertFalse(self.rows.revisions().filter(user_id=ALICE).exists())

    def test_a_reassignment_is_an_event_and_not_a_version(self) -> None:
        start = now() - 100 * SECOND
        with at(start):
            added = self.add("one", memory_id="m")
        for number, owner in enumerate([BOB, ALICE, BOB]):
            with at(start + (number + 1) * SECOND):
                BulkMemory(self.rows).reassign(owner)
        with at(start + 10 * SECOND):
            self.memory.replace_user_memory("m", UserMemory(memory="two"), BOB)
        history = self.memory.get_user_memory_history("m", BOB)
        events = [(0, "reassigned")] * 3
        self.assertEqual([(each.version, each.action) for each in history], [(2, ""), *events, (1, "replaced")])
        self.assertEqual([each.valid_from for each in history[1:4]], [start + each * SECOND for each in (3, 2, 1)])
        for moment in (start, *(each.valid_from for each in history[1:4])):
            self.assertEqual(texts(self.memory.get_user_memories(BOB, as_of=moment)), ["one"])
            self.assertEqual(self.rows.as_of(moment).count(), 1)
        self.memory.delete_user_memory("m", BOB)
        BulkMemory(self.rows).reassign(ALICE)
        history = self.memory.get_user_memory_history("m", BOB)
        self.assertEqual([each.version for each in history], [2, 0, 0, 0, 1])
        self.assertEqual(self.pages(BOB, 1), history)
        self.assertEqual(texts(self.rows.filter(user_id=BOB).deleted_page(9)), ["two"])
        self.assertEqual(BulkRestore(self.rows.versions().filter(action="reassigned")).run(), (0, 0))
        restored = self.memory.restore_user_memory("m", BOB)
        self.assertEqual((restored.memory, restored.version), ("two", 3))
        # Events since the version that holds now began.
        BulkMemory(self.rows).reassign(ALICE)
        for size in (1, 2, 9):
            self.assertEqual([each.version for each in self.pages(ALICE, size)], [3, 0, 2, 0, 0, 0, 1])
        self.assertEqual(self.memory.restore_user_memory("m", ALICE).memory, "two")
        with mock.patch.object(history_of_memories, "PAGE_SIZE", 1):
            self.assertEqual(self.memory.restore_user_memory("m", ALICE, version=1).memory, added.memory)
        self.memory.delete_user_memory("m", ALICE, permanently=True)
        self.assertFalse(self.rows.revisions().exists())
        with with_settings(HISTORY_DAYS=0):
            self.add("one", memory_id="m")
            BulkMemory(self.rows).reassign(BOB)
        self.assertFalse(self.rows.revisions().exists())

    def test_what_is_restored_of_an_expired_memory_is_no_event(self) -> None:
        end = now() + 100 * SECOND
        added = self.add("passes", expires_at=end)
        BulkMemory(self.rows).reassign(BOB)
        with at(end):
            self.assertEqual(self.memory.restore_user_memory(added.memory_id, BOB).memory, "passes")

    def test_an_event_of_the_deleted_is_not_shown_without_them(self) -> None:
        self.add("canary", memory_id="m")
        BulkMemory(self.rows).reassign(BOB)
        self.memory.delete_user_memory("m", BOB)
        self.add("new", BOB, memory_id="m", created_at=now() - 100 * SECOND)
        self.assertEqual(list(self.rows.without_deleted().versions()), [])
        self.assertEqual(len(self.rows.versions()), 2)
        self.assertEqual(texts(self.memory.get_user_memory_history("m", BOB)), ["new"])

    def test_deleted_memories_go_with_an_account(self) -> None:
        for memory_id in ("kept", "gone", "taken"):
            self.add(f"Alice's {memory_id}", ALICE, memory_id=memory_id)
        self.add("Bob's", BOB, memory_id="taken")
        self.memory.delete_user_memories(["gone", "taken"], ALICE)
        with with_settings(BATCH_SIZE=1):
            self.assertEqual(people.reassign_memories(ALICE, BOB, self.database), (1, ["taken"]))
        left = self.rows.revisions().filter(user_id=ALICE)
        self.assertEqual([version.memory_id for version in left], ["taken"])
        self.assertEqual(
            [version.memory for version in self.rows.filter(user_id=BOB).deleted_page(9)], ["Alice's gone"]
        )
        self.assertEqual(self.memory.restore_user_memory("gone", BOB).memory, "Alice's gone")
