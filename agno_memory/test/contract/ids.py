"""Ids: each owner has ids of their own."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from enum import Enum
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.models import F, Value
from django.test.utils import CaptureQueriesContext

from agno_memory import times
from agno_memory.db.keyset import ORDERS
from agno_memory.exceptions import AmbiguousMemory, MemoryExists, MemoryNotFound
from agno_memory.models import UserMemory
from agno_memory.test.contract.case import ALICE, BOB, ContractCase
from agno_memory.test.helpers import texts, values


class Role(str, Enum):  # noqa: UP042 -- StrEnum has another str().
    ADMIN = "admin"


class Level(int, Enum):
    FIVE = 5


LONG_AGO = datetime.datetime(2001, 1, 1, 12, 30, 15, 123_000, tzinfo=datetime.UTC)


class IdsContract(ContractCase):
    """An id is unique within its owner, and nothing shows whether another owner uses it."""

    def test_two_people_use_the_same_id(self) -> None:
        self.add("Alice's", ALICE, memory_id="memory_123")
        self.add("Bob's", BOB, memory_id="memory_123")
        for owner, text in ((ALICE, "Alice's"), (BOB, "Bob's")):
            read = self.memory.get_user_memory("memory_123", owner)
            self.assertEqual(read and (read.memory, read.user_id), (text, owner))
            self.assertEqual(texts(self.memory.get_user_memories(owner)), [text])
        self.memory.replace_user_memory("memory_123", UserMemory(memory="Bob's new"), BOB)
        self.memory.upsert_user_memory(UserMemory(memory="Alice's new", memory_id="memory_123"), ALICE)
        self.assertEqual(texts(self.memory.get_user_memories(ALICE)), ["Alice's new"])
        self.memory.delete_user_memory("memory_123", ALICE)
        self.assertIsNone(self.memory.get_user_memory("memory_123", ALICE))
        self.assertEqual(texts(self.memory.get_user_memories(BOB)), ["Bob's new"])
        self.assertEqual(self.memory.delete_user_memories(["memory_123"], ALICE), [])
        self.assertEqual(self.memory.delete_user_memories(["memory_123"], BOB), ["memory_123"])

    def test_an_id_is_used_once_by_each_owner(self) -> None:
        added = [self.add(memory_id="memory_123"), self.add("b", BOB, memory_id="memory_123")]
        for owner in (ALICE, BOB):
            with self.subTest(owner), self.assertRaises(MemoryExists) as caught:
                self.add("other", owner, memory_id="memory_123")
            self.assertEqual(caught.exception.memory_ids, ["memory_123"])
            new = [UserMemory(memory="other"), UserMemory(memory="other", memory_id="memory_123")]
            with self.subTest(owner), self.assertRaises(MemoryExists) as caught:
                self.memory.add_user_memories(new, owner)
            self.assertEqual(caught.exception.memory_ids, ["memory_123"])
        stored = {memory.key: values(memory) for memory in self.rows}
        self.assertEqual(stored, {memory.key: values(memory) for memory in added})

    def test_nothing_shows_that_another_owner_uses_an_id(self) -> None:
        self.add("Alice's", ALICE, memory_id="used")
        verbs: list[Callable[[str], Any]] = [
            lambda memory_id: self.memory.get_user_memory(memory_id, BOB),
            lambda memory_id: self.memory.replace_user_memory(memory_id, UserMemory(memory="x"), BOB),
            lambda memory_id: self.memory.replace_user_memory(memory_id, UserMemory(memory="x"), BOB, version=1),
            lambda memory_id: self.memory.delete_user_memory(memory_id, BOB),
            lambda memory_id: self.memory.delete_user_memories([memory_id, "absent"], BOB),
            lambda memory_id: self.memory.upsert_user_memory(UserMemory(memory="x", memory_id=memory_id), BOB),
            lambda memory_id: self.memory.delete_user_memory(memory_id, BOB),
            lambda memory_id: self.memory.add_user_memories([UserMemory(memory="x", memory_id=memory_id)], BOB),
            lambda memory_id: self.memory.delete_user_memory(memory_id, BOB),
            lambda memory_id: self.add("x", BOB, memory_id=memory_id),
        ]
        for verb in verbs:
            used, free = self.outcome(verb, "used"), self.outcome(verb, "free")
            self.assertEqual(used, free)
        alices = self.memory.get_user_memories(ALICE)
        self.assertEqual([(memory.memory, memory.version) for memory in alices], [("Alice's", 1)])

    def outcome(self, verb: Callable[[str], Any], memory_id: str) -> tuple[str, int]:
        """Return the kind of a verb's result, or its error, and the number of its statements."""
        with CaptureQueriesContext(connections[self.database]) as statements:
            try:
                result = type(verb(memory_id)).__name__
            except (MemoryNotFound, MemoryExists) as error:
                result = f"{error!r}".replace(memory_id, "ID")
        return result, len(statements)

    def test_ids_may_be_given_in_other_types(self) -> None:
        uuid = UUID("0192f0a0-0000-7000-8000-000000000001")
        added = self.add("number", 7, memory_id=12, session_id=uuid)
        self.assertEqual((added.memory_id, added.user_id, added.session_id), ("12", "7", str(uuid)))
        self.assertEqual(texts(self.memory.get_user_memories(7, session_id=uuid)), ["number"])
        for memory_id in (12, "12", added):
            read = self.memory.get_user_memory(memory_id, "7")
            self.assertEqual(read and read.memory_id, "12")
        self.add("uuid", uuid, memory_id=uuid)
        self.assertEqual(texts(self.memory.get_user_memories(str(uuid))), ["uuid"])
        replaced = self.memory.replace_user_memory(added, UserMemory(memory="replaced"), 7)
        self.assertEqual((replaced.memory_id, replaced.memory), ("12", "replaced"))
        self.assertEqual(self.memory.delete_user_memories([uuid, "none"], uuid), [str(uuid)])
        self.memory.delete_user_memory(replaced, 7)
        self.assertEqual(self.rows.count(), 0)

    def test_a_member_of_an_enum_is_its_text(self) -> None:
        added = self.add("enum", Role.ADMIN, memory_id=Role.ADMIN, agent_id=Role.ADMIN)
        for stored in (added.memory_id, added.user_id, added.agent_id):
            self.assertEqual((stored, type(stored)), ("admin", str))
        for name in ("admin", Role.ADMIN):
            self.assertEqual(self.memory.get_user_memory(name, name), added)
            self.assertEqual(self.memory.get_user_memories(name, agent_id=name), [added])
        with self.assertRaises(MemoryExists):
            self.add("text", "admin", memory_id="admin")
        self.assertEqual(self.add("number", 1, memory_id=Level.FIVE).memory_id, "5")
        created = UserMemory.objects.using(self.database).create(user_id=Role.ADMIN, memory_id=Level.FIVE, memory="x")
        self.assertEqual(self.memory.get_user_memory(5, "admin"), created)

    def test_what_is_not_an_id_is_refused(self) -> None:
        wrong: list[Any] = [True, 1.5, b"x", [], "", " ", 10**255]
        for bad in wrong:
            with self.subTest(bad):
                self.assert_refused("memory_id", self.memory.get_user_memory, bad, ALICE)
                self.assert_refused("memory_id", self.memory.delete_user_memory, bad, ALICE)
                self.assert_refused("memory_ids", self.memory.delete_user_memories, [bad], ALICE)
                self.assert_refused("user_id", self.memory.get_user_memories, bad)

    def test_an_id_without_an_owner(self) -> None:
        self.assertIsNone(self.rows.with_id("m"))
        added = self.add(memory_id="m")
        self.assertEqual(self.rows.with_id("m"), added)
        self.add("b", BOB, memory_id="m")
        with self.assertRaises(AmbiguousMemory):
            self.rows.with_id("m")

    def test_pages_over_all_owners_have_each_memory_once(self) -> None:
        for number in range(5):
            self.add("x", f"user {number}", memory_id="m")
            self.add("y", f"user {number}", memory_id="n")
        self.rows.set_times(LONG_AGO, LONG_AGO)
        for order in ORDERS:
            for size in (1, 3):
                walked = [memory.key for memory in self.rows.walk(order, size)]
                self.assertEqual(sorted(walked), sorted(memory.key for memory in self.rows))
        self.assertEqual(self.rows.newest()[0].memory_id, "n")

    def test_a_time_of_creation_that_the_caller_gives_is_kept(self) -> None:
        before = times.now()
        zone = datetime.timezone(datetime.timedelta(hours=2))
        added = self.add(created_at=LONG_AGO.astimezone(zone) + datetime.timedelta(microseconds=999))
        (many,) = self.memory.add_user_memories([UserMemory(memory="x", created_at=LONG_AGO)], ALICE)
        for memory in (added, many):
            self.assertEqual(memory.created_at, LONG_AGO)
            self.assertGreaterEqual(memory.last_updated, before)
            read = self.memory.get_user_memory(memory, ALICE)
            self.assertEqual(read and values(read), values(memory))
        replaced = self.memory.replace_user_memory(added, UserMemory(memory="y", created_at=before), ALICE)
        self.assertEqual(replaced.created_at, LONG_AGO)

    def test_a_time_of_creation_that_cannot_be_is_refused(self) -> None:
        tomorrow = times.now() + datetime.timedelta(days=1)
        # Not every time zone has these times, and UTC does not have those of the zones.
        zones = [datetime.UTC, *(datetime.timezone(datetime.timedelta(hours=hours)) for hours in (14, -12))]
        edges = [datetime.datetime(year, 1, 1, tzinfo=zone) for year in (1, 9999) for zone in zones]
        wrong: list[Any] = [tomorrow, LONG_AGO.replace(tzinfo=None), "2001-01-01", 5, *edges]
        for bad in wrong:
            with self.subTest(bad):
                memory = UserMemory(memory="x", created_at=bad)
                self.assert_refused("created_at", self.memory.add_user_memory, memory, ALICE)
                self.assert_refused("0.created_at", self.memory.add_user_memories, [memory], ALICE)

    def test_the_owner_and_the_id_of_a_saved_memory_do_not_change(self) -> None:
        added = self.add(memory_id="m")
        for name in ("user_id", "memory_id"):
            read = self.rows.get()
            setattr(read, name, "other")
            read.memory = "new"
            with self.subTest(name):
                with self.assertRaises(ValueError):
                    read.save(using=self.database)
                with self.assertRaises(ValueError):
                    self.rows.bulk_update([read], ["memory"])
                with self.assertRaises(TypeError):
                    self.rows.update(**{name: "other"})
                with self.assertRaises(TypeError):
                    self.rows.bulk_update([added], [name])
        with self.assertRaises(TypeError):
            self.rows.update(key="x" * 32)
        self.assertEqual([values(memory) for memory in self.rows], [values(added)])

    def test_a_change_beside_deferred_fields_is_refused_too(self) -> None:
        added = self.add(memory_id="m")
        for name in ("user_id", "memory_id"):
            for loaded in (["memory"], ["memory", name]):
                read = self.rows.only(*loaded).get()
                setattr(read, name, "other")
                read.memory = "new"
                with self.subTest(name, loaded=loaded):
                    with self.assertRaises(ValueError):
                        read.save(using=self.database)
                    with self.assertRaises(ValueError):
                        self.rows.bulk_update([read], ["memory"])
        self.assertEqual([values(memory) for memory in self.rows], [values(added)])
        read = self.rows.only("memory").get()
        read.memory = "new"
        read.save(using=self.database)
        self.assertEqual(texts(self.rows), ["new"])

    def test_memories_with_a_deferred_owner_are_checked_together(self) -> None:
        for number in range(5):
            self.add(memory_id=number)

        def statements(count: int) -> int:
            memories = list(self.rows.only("memory", "memory_id")[:count])
            with CaptureQueriesContext(connections[self.database]) as captured:
                self.rows.bulk_update(memories, ["memory"])
            return len(captured)

        self.assertEqual(statements(5), statements(1))

    def test_expressions_have_no_key(self) -> None:
        for name in ("user_id", "memory_id"):
            for expression in (F("memory"), Value("a")):
                content = {"user_id": "maya", "memory_id": "m", "memory": "x", name: expression}
                with self.subTest(name), self.assertRaises(TypeError):
                    UserMemory.objects.using(self.database).create(**content)
        self.assertEqual(self.rows.count(), 0)

    def test_keys_are_made_by_the_model(self) -> None:
        created = UserMemory.objects.using(self.database).create(user_id="ab", memory_id="c", memory="x", key="mine")
        other = self.add("x", "a", memory_id="bc")
        self.assertNotIn("mine", (created.key, other.key))
        self.assertNotEqual(created.key, other.key)
        self.assertEqual(len(created.key), 32)
