"""What was known at a moment: reads with ``as_of``, their pages and searches."""

from __future__ import annotations

import datetime
from typing import Any

from agno_memory.models import UserMemory
from agno_memory.pruning import prune
from agno_memory.test.contract.case import ALICE, BOB, ContractCase
from agno_memory.test.helpers import at, texts, values, with_settings
from agno_memory.times import now

SECOND = datetime.timedelta(seconds=1)


class MomentContract(ContractCase):
    """Memories are read, searched and listed as they were at a moment."""

    def replace(self, added: UserMemory, text: str) -> UserMemory:
        return self.memory.replace_user_memory(added.memory_id, UserMemory(memory=text), ALICE)

    def test_what_was_known_at_a_moment(self) -> None:
        start = now() - 100 * SECOND
        with at(start):
            kept, changed, gone = self.add("kept", topics=["t"]), self.add("before", topics=["t"]), self.add("gone")
        with at(start + 10 * SECOND):
            self.replace(changed, "after")
            self.memory.delete_user_memory(gone.memory_id, ALICE)
            self.add("later", topics=["t"])
        early, late = start + 5 * SECOND, start + 15 * SECOND
        known = self.memory.get_user_memories
        self.assertEqual(sorted(texts(known(ALICE, as_of=early))), ["before", "gone", "kept"])
        self.assertEqual(sorted(texts(known(ALICE, as_of=late))), ["after", "kept", "later"])
        self.assertEqual(known(ALICE, as_of=start - SECOND), [])
        self.assertEqual(sorted(texts(known(ALICE, as_of=early, topics=["t"]))), ["before", "kept"])
        self.assertEqual(texts(known(ALICE, as_of=late, limit=1)), texts(known(ALICE, limit=1)))
        self.assertEqual(texts(self.rows.for_user(ALICE).as_of(early).mentioning("BEF")), ["before"])
        self.assertEqual(self.rows.for_user(ALICE).as_of(early).count(), 3)
        self.assertEqual(self.rows.as_of(early).exclude(memory="kept").count(), 2)
        memory = self.memory.get_user_memory(changed.memory_id, ALICE, as_of=early)
        assert memory is not None
        self.assertEqual(values(memory), values(changed))
        then = self.memory.get_user_memory(gone.memory_id, ALICE, as_of=early)
        assert then is not None
        self.assertEqual(then.memory, "gone")
        self.assertIsNone(self.memory.get_user_memory(gone.memory_id, ALICE, as_of=late))
        self.assertEqual(self.memory.get_user_memory(kept.memory_id, ALICE, as_of=late), kept)

    def test_pages_of_a_moment(self) -> None:
        start = now() - 100 * SECOND
        for number in range(12):
            with at(start + number * SECOND):
                added = self.add(str(number))
            if number % 3 == 0:
                with at(start + 50 * SECOND):
                    self.replace(added, "changed")
        rows = self.rows.for_user(ALICE).as_of(start + 40 * SECOND)
        expected = [str(number) for number in range(11, -1, -1)]
        self.assertEqual(texts(rows.newest()), expected)
        seen: list[UserMemory] = []
        while page := rows.page(5, seen[-1] if seen else None):
            seen += page
        self.assertEqual(texts(seen), expected)
        self.assertEqual(texts(rows.oldest()[2:5]), ["2", "3", "4"])
        with self.assertRaisesMessage(Exception, "as_of"):
            rows.update(memory="x")

    def test_pages_of_a_moment_keep_the_order_of_memories_of_one_millisecond(self) -> None:
        with at(now() - 10 * SECOND):
            added = self.memory.add_user_memories([UserMemory(memory=f"number {each}") for each in range(7)], ALICE)
        expected = texts(self.memory.get_user_memories(ALICE))
        self.memory.delete_user_memories([each.memory_id for each in added[::2]], ALICE)
        rows = self.rows.for_user(ALICE).as_of(now() - 5 * SECOND)
        first = rows.page(3)
        self.assertEqual(texts(first), expected[:3])
        self.assertEqual(texts(rows.page(9, first[-1])), expected[3:])

    def test_a_search_at_a_moment_is_that_of_then(self) -> None:
        """The same memories rank in the same order now and, read from the history, later."""
        start = now() - 100 * SECOND
        content: list[tuple[str, dict[str, Any]]] = [
            ("What do you drink?", {"session_id": "s", "metadata": {"speaker": "Ann"}}),
            ("Green tea, mostly", {"session_id": "s", "topics": ["drinks"]}),
            ("Allergic to nuts", {"topics": ["food allergies"]}),
            ("Likes tea and coffee", {"topics": ["drinks", "food"]}),
            ("Lives in Lisbon", {}),
        ]
        added = []
        for number, (text, fields) in enumerate(content):
            with at(start + number * SECOND):
                added.append(self.add(text, **fields))
        queries = ("green tea", "what does Ann drink?", "alergic", "food", "what about it?", "lisbon")
        options: list[dict[str, Any]] = [{}, {"precise": True}, {"topics": ["drinks"]}, {"min_relative": 0.9}]
        calls = [(query, option) for query in queries for option in (*options, {"retrieval_method": "keyword"})]

        def found(query: str, **arguments: Any) -> list[tuple[str, float]]:
            matches = self.memory.search_user_memories(query, user_id=ALICE, explain=True, **arguments)
            return [(match.memory.memory, match.score) for match in matches]

        expected = [found(query, **option) for query, option in calls]
        with at(start + 30 * SECOND):
            for each in added[::2]:
                self.memory.delete_user_memory(each.memory_id, ALICE)
            self.add("Prefers green tea now")
        for (query, option), then in zip(calls, expected, strict=True):
            with self.subTest(query=query, **option):
                self.assertEqual(found(query, as_of=start + 20 * SECOND, **option), then)

    def test_a_moment_before_the_history_is_refused(self) -> None:
        added = self.add()
        long_ago = now() - datetime.timedelta(days=31)
        self.assert_refused("as_of", self.memory.get_user_memories, ALICE, as_of=long_ago)
        self.assert_refused("as_of", self.memory.get_user_memory, added.memory_id, ALICE, as_of=long_ago)
        self.assert_refused("as_of", self.memory.get_user_memories, ALICE, as_of=long_ago.replace(tzinfo=None))
        with with_settings(HISTORY_DAYS=60):
            self.assertEqual(self.memory.get_user_memories(ALICE, as_of=long_ago), [])

    def test_what_readers_see_who_may_not_see_deleted_memories(self) -> None:
        """Neither those that were deleted or have expired, nor those with an id that was used again."""
        start = now() - 100 * SECOND
        with at(start):
            kept, gone, again, back = (self.add(text) for text in ("kept", "gone", "again", "back"))
            expiring = self.add("expiring", expires_at=start + 50 * SECOND)
            self.add("his", BOB)
            self.replace(gone, "gone 2")
        with at(start + 20 * SECOND):
            for each in (gone, again, back):
                self.memory.delete_user_memory(each.memory_id, ALICE)
            self.replace(kept, "kept 2")
            self.memory.restore_user_memory(back.memory_id, ALICE)
            self.add("new", memory_id=again.memory_id)
            self.replace(again, "new 2")
        rows = self.rows.for_user(ALICE)
        then = rows.as_of(start + 10 * SECOND)
        self.assertEqual(sorted(texts(then)), ["again", "back", "expiring", "gone 2", "kept"])
        seen = then.without_deleted()
        self.assertEqual((sorted(texts(seen)), seen.count()), (["back", "kept"], 2))
        self.assertEqual(texts(seen.newest()[:1]), ["back"])
        self.assertEqual(texts(seen.filter(memory="kept")), ["kept"])
        self.assertEqual(sorted(texts(rows.versions().walk())), ["again", "back", "gone", "gone 2", "kept", "new"])
        self.assertEqual(sorted(texts(rows.without_deleted().versions().walk())), ["back", "kept", "new"])
        self.assertEqual(texts(rows.filter(memory="gone 2").versions().deleted()), ["gone 2"])
        # A version may have had another expiry, so current() is no condition on versions.
        self.assertEqual(sorted(texts(rows.current().as_of(start + 10 * SECOND))), ["again", "back", "gone 2", "kept"])
        with at(start + 30 * SECOND):
            later = self.memory.add_user_memory(UserMemory(memory="soon", expires_at=start + 40 * SECOND), ALICE)
            self.replace(later, "never")
        self.assertEqual(texts(rows.current().filter(memory="soon").versions()), ["soon"])
        prune(self.database)
        self.assertEqual(sorted(texts(then.without_deleted())), ["back", "kept"])
        self.assertIn(expiring.memory_id, [each.memory_id for each in rows.versions().deleted()])
