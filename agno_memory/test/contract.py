"""What the service promises, as a suite that runs on any database; and helpers for people who test with memories.

Bring another database in two lines::

    from agno_memory.test import MemoryContract
    from django.test import TransactionTestCase

    class MariaDbContract(MemoryContract, TransactionTestCase):
        database = "mariadb"

``database`` is an alias of ``DATABASES`` to which the app's migrations were applied. The suite clears the store before
every test: run it on a test database, as Django's test runner does.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar
from unittest import mock

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import DatabaseError, connections, transaction
from django.db.models import Case, F, Value, When
from django.dispatch import Signal
from django.test import TransactionTestCase, override_settings
from django.test.utils import CaptureQueriesContext

from agno_memory import times, validators
from agno_memory.bulk import BulkMemory
from agno_memory.db.keyset import ORDERS
from agno_memory.exceptions import AgnoMemoryError, MemoryChanged, MemoryExists, MemoryNotFound
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.signals import memory_added, memory_deleted, memory_replaced

if TYPE_CHECKING:
    _Base = TransactionTestCase
else:
    _Base = object


@contextmanager
def at(moment: datetime.datetime) -> Iterator[None]:
    """Let it be another time, for everything that asks Django for it."""
    with mock.patch("django.utils.timezone.now", return_value=moment):
        yield


ALICE = "alice@example.com"
BOB = "bob@example.com"


def values(memory: UserMemory) -> dict[str, Any]:
    """Return everything that a memory holds, to compare it field by field: models compare by key alone."""
    return {field.attname: getattr(memory, field.attname) for field in memory._meta.concrete_fields}


def texts(memories: Any) -> list[str]:
    """Return the texts of some memories, in their order."""
    return [memory.memory for memory in memories]


class ContractCase(_Base):
    """Where the parts of the contract find their store. Subclasses of the parts set ``database``."""

    database: ClassVar[str] = "default"
    databases = "__all__"

    def setUp(self) -> None:
        super().setUp()
        self.memory = Memory(db=self.database)
        self.memory.clear()

    @property
    def rows(self) -> UserMemoryQuerySet:
        """Everything in the store, whoever owns it."""
        return UserMemory.objects.using(self.database).all()

    def add(self, text: str = "The user prefers dark mode", user_id: object = ALICE, **content: Any) -> UserMemory:
        return self.memory.add_user_memory(UserMemory(memory=text, **content), user_id)

    def assert_refused(self, field: str, verb: Callable[..., Any], *args: Any, **kwargs: Any) -> ValidationError:
        """Check that a call raises ValidationError for this field, and that the store is as it was before."""
        before = [values(memory) for memory in self.rows.newest()]
        with self.assertRaises(ValidationError) as caught:
            verb(*args, **kwargs)
        self.assertIn(field, caught.exception.message_dict)
        self.assertEqual([values(memory) for memory in self.rows.newest()], before)
        return caught.exception

    @contextmanager
    def received(self, signal: Signal) -> Iterator[list[dict[str, Any]]]:
        """Collect what a signal sends."""
        sent: list[dict[str, Any]] = []

        def receiver(signal: Signal, **kwargs: Any) -> None:
            sent.append(kwargs)

        signal.connect(receiver)
        try:
            yield sent
        finally:
            signal.disconnect(receiver)


class AddContract(ContractCase):
    """What goes in comes out."""

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
        given = UserMemory(memory="x", topics=[" b ", "b"])
        before = values(given)
        added = self.memory.add_user_memory(given, ALICE)
        self.assertEqual(values(given), before)
        self.assertTrue(given._state.adding)
        self.assertEqual((added.memory_id, added.topics), (given.memory_id, ["b"]))

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

    def test_adding_takes_one_statement(self) -> None:
        self.add()
        with self.assertNumQueries(1, using=self.database):
            self.add()


class BadInputContract(ContractCase):
    """Bad input is refused before the database is touched, the same on every database."""

    bad_content: ClassVar[list[tuple[str, object]]] = [
        ("memory", ""),
        ("memory", " \n\t"),
        ("memory", None),
        ("memory", 5),
        ("memory", b"bytes"),
        ("memory", "a\x00b"),
        ("memory", "\ud800"),
        ("memory", "x" * 10_001),
        ("topics", "food"),
        ("topics", {"food": 1}),
        ("topics", 5),
        ("topics", [""]),
        ("topics", [" "]),
        ("topics", ["a", None]),
        ("topics", ["a\x00"]),
        ("topics", ["\udfff"]),
        ("topics", ["x" * 101]),
        ("topics", [str(number) for number in range(51)]),
        ("memory_id", ""),
        ("memory_id", "  "),
        ("memory_id", None),
        ("memory_id", 5),
        ("memory_id", "a\x00"),
        ("memory_id", "x" * 256),
        ("agent_id", "x" * 256),
        ("team_id", "\x00"),
        ("session_id", 5),
        ("input", "\x00"),
        ("input", "x" * 100_001),
        ("feedback", 5),
        ("metadata", []),
        ("metadata", "{}"),
        ("metadata", {1: 2}),
        ("metadata", {"$set": 1}),
        ("metadata", {"a": object()}),
        ("metadata", {"a": float("nan")}),
        ("metadata", {"a": float("inf")}),
        ("metadata", {"a": 2**63}),
        ("metadata", {"a": "\x00"}),
        ("metadata", {"\ud800": 1}),
        ("metadata", {"a": "x" * 70_000}),
    ]

    def test_content(self) -> None:
        self.add(memory_id="kept")
        for field, value in self.bad_content:
            bad = UserMemory(**{"memory": "good", field: value})
            with self.subTest(field=field, value=ascii(value)[:20]):
                self.assert_refused(field, self.memory.add_user_memory, bad, ALICE)
                many = [UserMemory(memory="good"), bad]
                self.assert_refused(f"1.{field}", self.memory.add_user_memories, many, ALICE)
                if field != "memory_id":
                    self.assert_refused(field, self.memory.replace_user_memory, "kept", bad, ALICE)

    def test_nesting_of_metadata(self) -> None:
        deep: dict[str, Any] = {}
        for _ in range(validators.MAX_METADATA_DEPTH):
            deep = {"a": deep}
        self.assert_refused("metadata", self.add, metadata=deep)
        self.assertEqual(self.add(metadata=deep["a"]).metadata, deep["a"])

    def test_the_callers_mistakes(self) -> None:
        get, search = self.memory.get_user_memories, self.memory.search_user_memories
        self.assert_refused("memory", self.memory.add_user_memory, "just a text", ALICE)
        self.assert_refused("memory_ids", self.memory.delete_user_memories, "memory_123", ALICE)
        for bad_limit in (-1, "5", True, 10**30):
            self.assert_refused("limit", get, ALICE, limit=bad_limit)
            self.assert_refused("limit", search, limit=bad_limit, user_id=ALICE)
        for bad_list in ("food", 5, {"food": 1}):
            self.assert_refused("topics", get, ALICE, topics=bad_list)
            self.assert_refused("any_topics", get, ALICE, any_topics=bad_list)
            self.assert_refused("memory_ids", self.memory.delete_user_memories, bad_list, ALICE)
        self.assert_refused("memories", self.memory.add_user_memories, UserMemory(memory="one"), ALICE)
        for bad_version in (0, "1", True, 2**63, {"$gt": 0}):
            replace = self.memory.replace_user_memory
            self.assert_refused("version", replace, "m", UserMemory(memory="x"), ALICE, version=bad_version)
        self.assert_refused("agent_id", get, ALICE, agent_id="")
        self.assert_refused("query", search, " ", user_id=ALICE)
        self.assert_refused("query", search, retrieval_method="keyword", user_id=ALICE)
        error = self.assert_refused("retrieval_method", search, "a", retrieval_method="x")
        self.assertIn("last_n, first_n, keyword", str(error))

    def test_ids_and_users_in_every_verb(self) -> None:
        memory, good = self.memory, UserMemory(memory="good")
        for bad in ("", "\x00", "\ud800", "x" * 256):
            for verb in (memory.get_user_memory, memory.delete_user_memory):
                self.assert_refused("memory_id", verb, bad, ALICE)
                self.assert_refused("user_id", verb, "m", bad)
            self.assert_refused("memory_ids", memory.delete_user_memories, ["m", bad], ALICE)
            self.assert_refused("memory_id", memory.replace_user_memory, bad, good, ALICE)
            for of_user in (memory.get_user_memories, memory.clear_user_memories):
                self.assert_refused("user_id", of_user, bad)
            for write in (memory.add_user_memory, memory.upsert_user_memory):
                self.assert_refused("user_id", write, good, bad)
        for bad_user in (True, 1.5, b"alice", ["alice"]):
            self.assert_refused("user_id", self.add, user_id=bad_user)

    def test_errors_do_not_repeat_the_text(self) -> None:
        error = self.assert_refused("memory", self.add, "secret\x00")
        self.assertNotIn("secret", str(error))

    @override_settings(AGNO_MEMORY={"MAX_MEMORY_LENGTH": 5, "MAX_TOPICS": 1, "MAX_TOPIC_LENGTH": 2})
    def test_limits_are_settings(self) -> None:
        self.assert_refused("memory", self.add, "123456")
        self.assert_refused("topics", self.add, "12345", topics=["a", "b"])
        self.assert_refused("topics", self.add, "12345", topics=["abc"])
        self.add("12345", topics=["ab", "ab"])


class OwnerContract(ContractCase):
    """Every call acts for one user."""

    def test_nobody_is_the_default_user_and_never_everyone(self) -> None:
        self.add("Alice's")
        self.add("default's", None)
        self.assertEqual(texts(self.memory.get_user_memories()), ["default's"])
        self.assertEqual(texts(self.memory.get_user_memories("default")), ["default's"])
        self.assertEqual(self.memory.clear_user_memories(), 1)
        self.assertEqual(texts(self.rows), ["Alice's"])

    @override_settings(AGNO_MEMORY={"DEFAULT_USER_ID": "nobody"})
    def test_the_default_user_is_a_setting(self) -> None:
        self.assertEqual(self.add(user_id=None).user_id, "nobody")

    def test_a_number_is_the_same_user_as_its_text(self) -> None:
        self.add(user_id=5)
        self.assertEqual(len(self.memory.get_user_memories("5")), 1)

    def test_users_differ_by_every_character(self) -> None:
        users = ["bob", "Bob", "bob ", "böb", "bo\u0308b", "b%", "b_b", "*", "中文"]
        for user in users:
            self.add(user, user)
        for user in users:
            self.assertEqual(texts(self.memory.get_user_memories(user)), [user])

    def test_someone_elses_memory_does_not_exist(self) -> None:
        hers = self.add("hers", ALICE, topics=["secret"])
        new = UserMemory(memory="his")
        self.assertIsNone(self.memory.get_user_memory(hers.memory_id, BOB))
        for call in (
            lambda memory_id: self.memory.replace_user_memory(memory_id, new, BOB),
            lambda memory_id: self.memory.replace_user_memory(memory_id, new, BOB, version=1),
            lambda memory_id: self.memory.delete_user_memory(memory_id, BOB),
        ):
            answers = []
            for memory_id in (hers.memory_id, "x" * len(hers.memory_id)):
                with self.assertRaises(MemoryNotFound) as caught:
                    call(memory_id)
                answers.append(str(caught.exception).replace(memory_id, "ID"))
            self.assertEqual(answers[0], answers[1])
        self.assertEqual(self.memory.delete_user_memories([hers.memory_id], BOB), [])
        self.assertEqual(self.memory.get_user_memories(BOB, topics=["secret"]), [])
        self.assertEqual(self.memory.search_user_memories("hers", user_id=BOB), [])
        self.assertEqual(self.memory.clear_user_memories(BOB), 0)
        self.assertEqual([values(memory) for memory in self.rows], [values(hers)])

    def test_upsert_of_someone_elses_id_changes_nothing(self) -> None:
        hers = self.add(memory_id="m")
        with self.assertRaises(MemoryExists):
            self.memory.upsert_user_memory(UserMemory(memory="his", memory_id="m"), BOB)
        self.assertEqual([values(memory) for memory in self.rows], [values(hers)])


class ReplaceContract(ContractCase):
    """Nothing is overwritten silently."""

    def test_replace_puts_everything_that_callers_set(self) -> None:
        added = self.add(topics=["a"], input="i", metadata={"a": 1}, agent_id="x", feedback="f")
        replaced = self.memory.replace_user_memory(added.memory_id, UserMemory(memory="New", topics=["b"]), ALICE)
        self.assertEqual(
            values(replaced),
            values(UserMemory(memory="New", topics=["b"], user_id=ALICE, memory_id=added.memory_id))
            | {
                "version": 2,
                "created_at": added.created_at,
                "last_updated": replaced.last_updated,
                "search_text": "new",
            },
        )
        read = self.memory.get_user_memory(added.memory_id, ALICE)
        assert read is not None
        self.assertEqual(values(read), values(replaced))

    def test_values_are_data(self) -> None:
        added = self.add()
        content = {
            "memory": "$memory",
            "topics": ["$topics", "$$ROOT", "%s", "{}"],
            "metadata": {"a": "$user_id", "b": {"c.d": ["$x"]}, "%(e)s": "%s"},
            "agent_id": "$agent",
            "input": "'; DROP TABLE agno_memory_usermemory; --",
        }
        replaced = self.memory.replace_user_memory(added.memory_id, UserMemory(**content), ALICE)
        self.assertEqual({name: getattr(replaced, name) for name in content}, content)

    def test_replace_of_a_version(self) -> None:
        added = self.add()
        replaced = self.memory.replace_user_memory(added.memory_id, UserMemory(memory="2"), ALICE, version=1)
        self.assertEqual(replaced.version, 2)
        with self.assertRaises(MemoryChanged) as caught:
            self.memory.replace_user_memory(added.memory_id, UserMemory(memory="3"), ALICE, version=1)
        self.assertEqual((caught.exception.memory_id, caught.exception.version), (added.memory_id, 1))
        self.assertEqual([values(memory) for memory in self.rows], [values(replaced)])

    def test_what_does_not_exist_is_not_found(self) -> None:
        for error in (MemoryNotFound, ObjectDoesNotExist, AgnoMemoryError):
            with self.assertRaises(error):
                self.memory.replace_user_memory("nothing", UserMemory(memory="x"), ALICE)
            with self.assertRaises(error):
                self.memory.delete_user_memory("nothing", ALICE)
        self.assertIsNone(self.memory.get_user_memory("nothing", ALICE))

    def test_upsert_adds_then_replaces(self) -> None:
        first = self.memory.upsert_user_memory(UserMemory(memory_id="m", memory="one"), ALICE)
        second = self.memory.upsert_user_memory(UserMemory(memory_id="m", memory="two"), ALICE)
        self.assertEqual([first.version, second.version], [1, 2])
        self.assertEqual([values(memory) for memory in self.rows], [values(second)])

    def test_replacing_takes_one_statement(self) -> None:
        added = self.add()
        for version in (None, 2):
            with self.assertNumQueries(1, using=self.database):
                self.memory.replace_user_memory(added.memory_id, UserMemory(memory="x"), ALICE, version=version)
        with self.assertNumQueries(1, using=self.database):
            self.memory.upsert_user_memory(UserMemory(memory_id=added.memory_id, memory="x"), ALICE)


class DeleteContract(ContractCase):
    """What is deleted is that, and no more."""

    def test_delete(self) -> None:
        kept, gone = self.add("kept"), self.add("gone")
        with self.assertNumQueries(1, using=self.database):
            self.memory.delete_user_memory(gone.memory_id, ALICE)
        self.assertEqual(list(self.rows), [kept])

    def test_delete_of_a_version(self) -> None:
        added = self.add()
        replaced = self.memory.replace_user_memory(added.memory_id, UserMemory(memory="2"), ALICE)
        with self.assertRaises(MemoryChanged):
            self.memory.delete_user_memory(added.memory_id, ALICE, version=1)
        self.assertEqual([values(memory) for memory in self.rows], [values(replaced)])
        with self.assertRaises(MemoryNotFound):
            self.memory.delete_user_memory(added.memory_id, BOB, version=2)
        with self.assertNumQueries(1, using=self.database):
            self.memory.delete_user_memory(added.memory_id, ALICE, version=2)
        self.assertFalse(self.rows.exists())
        with self.assertRaises(MemoryNotFound):
            self.memory.delete_user_memory(added.memory_id, ALICE, version=2)

    def test_delete_many_says_which(self) -> None:
        one, two, three = self.add("1"), self.add("2"), self.add("3")
        his = self.add("his", BOB)
        wanted = [three.memory_id, "nothing", his.memory_id, one.memory_id, one.memory_id]
        deleted = self.memory.delete_user_memories(wanted, ALICE)
        self.assertEqual(deleted, [three.memory_id, one.memory_id])
        self.assertEqual(set(self.rows), {two, his})
        self.assertEqual(self.memory.delete_user_memories(iter([]), ALICE), [])

    def test_clear_one_person(self) -> None:
        self.add("1"), self.add("2")
        his = self.add("his", BOB)
        self.assertEqual(self.memory.clear_user_memories(ALICE), 2)
        self.assertEqual(list(self.rows), [his])

    def test_clear_empties_the_store(self) -> None:
        self.add(), self.add(user_id=BOB)
        self.assertEqual(self.memory.clear(), 2)
        self.assertFalse(self.rows.exists())


class BulkContract(ContractCase):
    """Many at once are all or nothing, as far as it can be."""

    def test_many(self) -> None:
        given = [UserMemory(memory=f"number {number}", topics=[" t", "t"]) for number in range(25)]
        with override_settings(AGNO_MEMORY={"BATCH_SIZE": 10}):
            added = self.memory.add_user_memories(iter(given), ALICE)
        self.assertEqual([memory.memory_id for memory in added], [memory.memory_id for memory in given])
        read = {memory.memory_id: values(memory) for memory in self.rows}
        self.assertEqual(read, {memory.memory_id: values(memory) for memory in added})
        self.assertEqual({memory.version for memory in added}, {1})
        self.assertEqual(self.memory.add_user_memories([], ALICE), [])

    def test_a_taken_id_anywhere_refuses_all(self) -> None:
        taken = [self.add(memory_id="a"), self.add("his", BOB, memory_id="b")]
        batch = [UserMemory(memory=str(number)) for number in range(25)]
        batch += [UserMemory(memory="x", memory_id="b"), UserMemory(memory="x", memory_id="a")]
        with override_settings(AGNO_MEMORY={"BATCH_SIZE": 10}), self.assertRaises(MemoryExists) as caught:
            self.memory.add_user_memories(batch, ALICE)
        self.assertEqual(caught.exception.memory_ids, ["b", "a"])
        self.assertEqual(set(self.rows), set(taken))

    def test_an_id_given_twice(self) -> None:
        twice = [UserMemory(memory="x", memory_id="a"), UserMemory(memory="y", memory_id="a")]
        self.assert_refused("1.memory_id", self.memory.add_user_memories, twice, ALICE)


class TopicsContract(ContractCase):
    """Topics are canonical, and asked for whole."""

    def test_canonical(self) -> None:
        added = self.add(topics=[" ui ", "Cafe\u0301", "ui", "Café", "UI", "a, b"])
        self.assertEqual(added.topics, ["ui", "Café", "UI", "a, b"])

    def found(self, **filters: Any) -> set[str]:
        return set(texts(self.memory.get_user_memories(ALICE, **filters)))

    def test_all_and_any(self) -> None:
        for text, topics in {"ab": ["a", "b"], "b": ["b"], "c": ["c"], "none": []}.items():
            self.add(text, topics=topics)
        self.assertEqual(self.found(topics=["b"]), {"ab", "b"})
        self.assertEqual(self.found(topics=["a", "b"]), {"ab"})
        self.assertEqual(self.found(topics=["a", "c"]), set())
        self.assertEqual(self.found(any_topics=["a", "c"]), {"ab", "c"})
        self.assertEqual(self.found(topics=["b"], any_topics=["a", "c"]), {"ab"})

    def test_no_topics_to_ask_for(self) -> None:
        self.add("with", topics=["a"])
        self.add("without")
        self.assertEqual(self.found(topics=[]), {"with", "without"})
        self.assertEqual(self.found(any_topics=[]), set())
        self.assertEqual(self.rows.exclude(topics__about=[]).count(), 0)
        self.assertEqual(self.rows.exclude(topics__about_any=[]).count(), 2)

    def test_exclude(self) -> None:
        self.add("ab", topics=["a", "b"])
        self.add("b", topics=["b"])
        self.add("none")
        self.assertEqual(set(texts(self.rows.exclude(topics__about=["a"]))), {"b", "none"})
        self.assertEqual(set(texts(self.rows.exclude(topics__about_any=["a", "b"]))), {"none"})

    def test_topics_are_whole_and_plain(self) -> None:
        topics = [
            "art",
            "party",
            "%",
            "_",
            "a%",
            "'",
            '"',
            '", "',
            "[",
            "]",
            "\\",
            "$a",
            "$in",
            "a.b",
            "?",
            "?&",
            "{a}",
        ]
        topics += ["café", "食事", "🎉", "NULL", "null", "1", "true", "%s", "%(a)s", "--", "\u200f", "x\ny"]
        for topic in topics:
            self.add(topic, topics=[topic])
        for topic in topics:
            with self.subTest(topic=topic):
                self.assertEqual(self.found(topics=[topic]), {topic})
                self.assertEqual(self.found(any_topics=[topic, "no such topic"]), {topic})

    def test_many_topics_to_ask_for(self) -> None:
        self.add("a", topics=["a"])
        many = [f"topic {number}" for number in range(2_000)]
        self.assertEqual(self.found(any_topics=[*many, "a"]), {"a"})
        self.assertEqual(self.found(topics=[*many, "a"]), set())

    def test_topics_as_a_condition(self) -> None:
        self.add("ab", topics=["a", "b"])
        self.add("b", topics=["b"])
        about_a = When(topics__about=["a"], then=Value("yes"))
        about_any = When(topics__about_any=["a", "x"], then=Value("yes"))
        rows = self.rows.annotate(
            all=Case(about_a, default=Value("no")),
            any=Case(about_any, default=Value("no")),
        )
        answers = set(rows.values_list("memory", "all", "any"))
        self.assertEqual(answers, {("ab", "yes", "yes"), ("b", "no", "no")})

    def test_the_question_is_made_canonical_too(self) -> None:
        self.add(topics=["Café"])
        self.assertEqual(len(self.found(topics=[" Cafe\u0301 "])), 1)

    def test_topic_counts(self) -> None:
        for topics in (["b", "a"], ["b"], ["b", "é"], ["c", "a"], []):
            self.add(topics=topics)
        self.add(user_id=BOB, topics=["his", "b"])
        counts = self.rows.for_user(ALICE).topic_counts()
        self.assertEqual(counts, [("b", 3), ("a", 2), ("c", 1), ("é", 1)])
        self.assertEqual((counts[0].topic, counts[0].count), ("b", 3))
        self.assertEqual(self.rows.for_user(ALICE).topic_counts(limit=2), counts[:2])
        self.assertEqual(self.rows.about("his").topic_counts(), [("b", 1), ("his", 1)])
        self.assertEqual(self.rows.for_user("nobody").topic_counts(), [])
        self.assertEqual(self.rows.none().topic_counts(), [])
        self.assertEqual(sum(count for _, count in self.rows.newest()[:2].topic_counts()), 2)
        with self.assertNumQueries(1, using=self.database):
            self.rows.topic_counts()


class SearchContract(ContractCase):
    """Text is found in any case, and special characters are plain."""

    def test_mentioning(self) -> None:
        memories = ["Likes CAFÉ au lait", "100% sure", "snake_case [x] (y) {z} ^$.*+?|\\", "Straße", "ΟΔΟΣ", "Ⅷ ﬁ"]
        for text in memories:
            self.add(text)
        for query, expected in {
            "café": memories[0],
            "CAFE\u0301": memories[0],
            "Au LAIT": memories[0],
            "0%": memories[1],
            "e_c": memories[2],
            "[x] (y) {z} ^$.*+?|\\": memories[2],
            "STRASSE": memories[3],
            "οδος": memories[4],
            "VIII FI": memories[5],
        }.items():
            with self.subTest(query):
                self.assertEqual(texts(self.rows.mentioning(query)), [expected])
        for query in ("%", "_", "cafe", "5% s", ".*x"):
            self.assertLessEqual(self.rows.mentioning(query).count(), 1)
        self.assertEqual(self.rows.mentioning("cafe").count(), 0)

    def test_keyword_needs_every_word_in_any_order(self) -> None:
        self.add("Likes green tea")
        self.add("Likes black coffee")
        newest = self.add("Tea, green or black, is what she LIKES")
        search = self.memory.search_user_memories
        self.assertEqual(search("tea likes green", user_id=ALICE)[0], newest)
        self.assertEqual(len(search("tea likes green", user_id=ALICE)), 2)
        self.assertEqual(search("tea coffee", user_id=ALICE), [])
        self.assertEqual(len(search("LIKES", limit=1, retrieval_method="keyword", user_id=ALICE)), 1)

    def test_search_follows_every_kind_of_write(self) -> None:
        added = self.add("first")
        self.memory.replace_user_memory(added.memory_id, UserMemory(memory="SECOND"), ALICE)
        self.rows.mentioning("second").update(memory="THIRD")
        memory = self.rows.mentioning("third").get()
        memory.memory = "FOURTH"
        memory.save()
        memory = self.rows.only("memory").mentioning("fourth").get()
        memory.memory = "FIFTH"
        memory.save()
        memory = self.rows.mentioning("fifth").get()
        memory.memory = "SIXTH"
        self.rows.bulk_update([memory], ["memory"])
        self.assertEqual(texts(self.rows.mentioning("sixth")), ["SIXTH"])

    def test_methods(self) -> None:
        for number in range(4):
            self.add(str(number))
        search = self.memory.search_user_memories
        self.assertEqual(texts(search(user_id=ALICE)), ["3", "2", "1", "0"])
        self.assertEqual(texts(search(limit=2, retrieval_method="last_n", user_id=ALICE)), ["3", "2"])
        self.assertEqual(texts(search(limit=2, retrieval_method="first_n", user_id=ALICE)), ["0", "1"])
        self.assertEqual(search(limit=0, user_id=ALICE), [])


class OrderContract(ContractCase):
    """Newest first by ``last_updated``, ties by ``memory_id``, the same on every database."""

    def test_ties_by_code_point(self) -> None:
        ids = ["-", "0", "A", "B", "Z", "_", "a", "z", "é", "中", "\ufb01", "😀"]
        moment = times.now()
        with at(moment):
            for memory_id in reversed(ids):
                self.add(memory_id=memory_id)
        self.assertEqual([memory.memory_id for memory in self.rows.oldest()], ids)
        self.assertEqual([memory.memory_id for memory in self.rows.newest()], ids[::-1])
        self.assertEqual([memory.memory_id for memory in self.rows.newest().reverse()], ids)

    def test_a_write_makes_it_the_newest(self) -> None:
        first, second = self.add("first"), self.add("second")
        later = second.last_updated + datetime.timedelta(seconds=1)
        with at(later):
            self.memory.replace_user_memory(first.memory_id, UserMemory(memory="now last"), ALICE)
        self.assertEqual(texts(self.memory.get_user_memories(ALICE)), ["now last", "second"])
        self.assertEqual(texts(self.memory.get_user_memories(ALICE, limit=1)), ["now last"])

    def test_limits(self) -> None:
        for number in range(3):
            self.add(str(number))
        for limit, expected in {0: [], 1: ["2"], 2: ["2", "1"], 9: ["2", "1", "0"]}.items():
            self.assertEqual(texts(self.memory.get_user_memories(ALICE, limit=limit)), expected)
            self.assertEqual(texts(self.memory.get_user_memories(ALICE, topics=[], limit=limit)), expected)
            self.assertEqual(texts(self.memory.search_user_memories(user_id=ALICE, limit=limit)), expected)

    def test_order_of_parts_of_rows(self) -> None:
        for number in (3, 1, 2):
            self.add(str(number), memory_id=str(number), agent_id="a")
        now = times.now()
        for number in (1, 2, 3):
            with at(now + datetime.timedelta(seconds=number)):
                self.rows.filter(memory_id=str(number)).update(agent_id="b")
        newest = self.rows.newest()
        self.assertEqual(list(newest.values_list("memory", flat=True)), ["3", "2", "1"])
        self.assertEqual([row["memory"] for row in newest.values("memory")[:2]], ["3", "2"])
        self.assertEqual(texts(newest.only("memory")), ["3", "2", "1"])
        self.assertEqual(texts(newest.annotate(text=F("memory"))), ["3", "2", "1"])
        self.assertEqual(texts(newest.distinct()), ["3", "2", "1"])
        self.assertEqual(texts(self.rows.oldest().filter(agent_id="b")), ["1", "2", "3"])

    def test_filters_of_origin(self) -> None:
        self.add("1", agent_id="a", team_id="t", session_id="s")
        self.add("2", agent_id="b", team_id="t")
        get = self.memory.get_user_memories
        self.assertEqual(texts(get(ALICE, agent_id="a")), ["1"])
        self.assertEqual(texts(get(ALICE, team_id="t")), ["2", "1"])
        self.assertEqual(texts(get(ALICE, team_id="t", session_id="s")), ["1"])
        self.assertEqual(get(ALICE, agent_id="A"), [])

    def test_reading_takes_one_statement(self) -> None:
        self.add(topics=["a"])
        with self.assertNumQueries(3, using=self.database):
            self.memory.get_user_memory("nothing", ALICE)
            self.memory.get_user_memories(ALICE, topics=["a"], limit=1)
            self.memory.search_user_memories("dark mode", user_id=ALICE)


class PageContract(ContractCase):
    """A walk goes on where it was, whatever came or went, and questions about everybody come in pages."""

    def populate(self) -> list[UserMemory]:
        """Remember 20 things, some at the same moment, and write some of them again in another order."""
        start = times.now() - datetime.timedelta(hours=1)
        for number in range(20):
            with at(start + datetime.timedelta(seconds=number // 3)):
                self.add(str(number), memory_id=f"m{number * 7 % 20:02}")
        for number in (3, 14, 8, 9):
            with at(start + datetime.timedelta(minutes=1, seconds=number // 2)):
                self.memory.replace_user_memory(f"m{number:02}", UserMemory(memory=f"again {number}"), ALICE)
        return list(self.rows)

    def test_a_page_begins_where_the_last_one_ended(self) -> None:
        everything = self.populate()
        for order, (time, _key) in ORDERS.items():
            with self.subTest(order):
                name, descending = time.removeprefix("-"), time.startswith("-")
                expected = sorted(everything, key=attrgetter(name, "memory_id"), reverse=descending)
                self.assertEqual(list(self.rows.sorted_by(order)), expected)
                for position, memory in enumerate(expected):
                    following = self.rows.sorted_by(order).after(memory, order)
                    self.assertEqual(list(following), expected[position + 1 :])
                    place = (getattr(memory, name), memory.memory_id)
                    self.assertEqual(list(self.rows.after(place, order).sorted_by(order)), expected[position + 1 :])

    def test_pages(self) -> None:
        """A person's whole list has a statement of its own, and what is narrowed has not."""
        everything = self.populate()
        self.add("his", BOB)
        hers = UserMemory.objects.using(self.database).for_user(ALICE)
        narrowed = {
            "filter": hers.filter(version=2),
            "exclude": hers.exclude(version=2),
            "about": hers.about("no such topic"),
            "nothing": hers.none(),
            "his of hers": hers.for_user(BOB),
            "union": hers.filter(version=1) | hers.filter(memory_id="m03"),
        }
        for order, (time, _key) in ORDERS.items():
            name, descending = time.removeprefix("-"), time.startswith("-")
            expected = sorted(everything, key=attrgetter(name, "memory_id"), reverse=descending)
            with self.subTest(order), self.assertNumQueries(2, using=self.database):
                self.assertEqual(hers.page(7, order=order), expected[:7])
                self.assertEqual(hers.page(7, expected[6], order), expected[7:14])
            for what, rows in narrowed.items():
                with self.subTest(order, narrowed=what):
                    there = [memory for memory in expected if memory in set(rows)]
                    self.assertEqual(rows.page(3, order=order), there[:3])
                    self.assertEqual(rows.page(3, there[1], order) if there else [], there[2:5])

    def test_a_walk(self) -> None:
        everything = self.populate()
        expected = sorted(everything, key=attrgetter("created_at", "memory_id"))
        for size in (1, 3, 20, 100):
            self.assertEqual(list(self.rows.walk(size=size)), expected)
        with self.assertNumQueries(5, using=self.database):
            list(self.rows.walk(size=5))
        self.assertEqual(list(self.rows.for_user(BOB).walk()), [])

    def test_a_walk_while_others_write(self) -> None:
        """What was there when it began comes once, whatever is added, written or deleted meanwhile."""
        old = {memory.memory_id for memory in self.populate()}
        seen: list[str] = []
        for memory in self.rows.walk(size=3):
            seen.append(memory.memory_id)
            self.memory.replace_user_memory(memory.memory_id, UserMemory(memory="seen"), ALICE)
            if len(seen) < 20:
                self.add("new")
        self.assertEqual([seen.count(memory_id) for memory_id in old], [1] * 20)

    def test_stats(self) -> None:
        everything = self.populate()
        self.add("his", BOB)
        with self.assertNumQueries(3, using=self.database):
            stats = self.rows.for_user(ALICE).stats()
        first = min(memory.created_at for memory in everything)
        last = max(memory.last_updated for memory in everything)
        self.assertEqual(stats, (20, first, last))
        self.assertEqual(self.rows.for_user("nobody").stats(), (0, None, None))

    def test_owners(self) -> None:
        names = ["A", "Z", "a", "b", "é", "中", "😀"]
        last = {}
        for number, name in enumerate(names):
            for text in range(number + 1):
                last[name] = self.add(str(text), name).last_updated
        expected = [(name, number + 1, last[name]) for number, name in enumerate(names)]
        self.assertEqual(self.rows.owners(limit=100), expected)
        self.assertEqual(self.rows.owners(limit=2), expected[:2])
        self.assertEqual(self.rows.owners(after="a", limit=2), expected[3:5])
        self.assertEqual(self.rows.owners(after="aa", limit=1), expected[3:4])
        self.assertEqual(self.rows.owners(after="😀", limit=3), [])
        self.assertEqual(self.rows.owners(limit=0), [])
        self.assertEqual(self.rows.filter(memory="5").owners(limit=9), [("中", 1, last["中"]), ("😀", 1, mock.ANY)])


class TimeContract(ContractCase):
    """``last_updated`` and ``version`` move on every write, and never back."""

    def assert_moved(self, write: Callable[[UserMemory], Any]) -> None:
        before = self.add()
        with at(before.last_updated + datetime.timedelta(milliseconds=1)):
            write(self.rows.get(memory_id=before.memory_id))
        after = self.rows.get(memory_id=before.memory_id)
        self.assertEqual(after.version, before.version + 1)
        self.assertEqual(after.last_updated - before.last_updated, datetime.timedelta(milliseconds=1))
        self.assertEqual(after.created_at, before.created_at)

    def test_queryset_update(self) -> None:
        self.assert_moved(lambda memory: self.rows.filter(pk=memory.pk).update(topics=["a"]))

    def test_save(self) -> None:
        self.assert_moved(lambda memory: memory.save())

    def test_save_of_some_fields(self) -> None:
        self.assert_moved(lambda memory: memory.save(update_fields=["topics"]))

    def test_save_of_a_deferred_instance(self) -> None:
        self.assert_moved(lambda memory: self.rows.only("topics").get(pk=memory.pk).save())

    def test_bulk_update(self) -> None:
        self.assert_moved(lambda memory: self.rows.bulk_update([memory], ["topics"]))

    def test_save_of_a_memory_that_was_deleted_does_not_bring_it_back(self) -> None:
        added = self.add()
        self.memory.delete_user_memory(added.memory_id, ALICE)
        with self.assertRaises(DatabaseError):
            added.save()
        with self.assertRaises(DatabaseError):
            added.save(update_fields=["memory"])
        self.assertFalse(self.rows.exists())

    def test_save_tells_the_instance(self) -> None:
        memory = self.add()
        memory.save()
        self.assertEqual(values(memory), values(self.rows.get()))

    def test_a_clock_that_goes_back(self) -> None:
        before = self.add()
        yesterday = before.last_updated - datetime.timedelta(days=1)
        with at(yesterday):
            after = self.memory.replace_user_memory(before.memory_id, UserMemory(memory="x"), ALICE)
            self.assertEqual(after.last_updated, before.last_updated)
            self.rows.update(topics=["a"])
        self.assertEqual(self.rows.get().last_updated, before.last_updated)
        self.assertEqual(self.rows.get().version, 3)

    def test_machine_written_fields_cannot_be_set(self) -> None:
        self.add()
        for field in ("version", "last_updated"):
            with self.assertRaisesMessage(TypeError, field):
                self.rows.update(**{field: None})


class SignalContract(ContractCase):
    """Receivers are told after the write; one that fails breaks nothing."""

    def test_what_is_sent(self) -> None:
        memory = self.memory
        with (
            self.received(memory_added) as added,
            self.received(memory_replaced) as replaced,
            self.received(memory_deleted) as deleted,
        ):
            self.add(memory_id="1")
            memory.add_user_memories([UserMemory(memory="x", memory_id="2")], ALICE)
            memory.upsert_user_memory(UserMemory(memory="x", memory_id="3"), ALICE)
            memory.upsert_user_memory(UserMemory(memory="x", memory_id="3"), ALICE)
            memory.replace_user_memory("1", UserMemory(memory="x"), ALICE)
            memory.delete_user_memory("1", ALICE)
            memory.delete_user_memories(["2", "nothing"], ALICE)
            memory.clear_user_memories(ALICE)
            self.add(memory_id="4")
            memory.clear()
        self.assertEqual([sent["memory_ids"] for sent in added], [["1"], ["2"], ["3"], ["4"]])
        self.assertEqual([sent["memory_ids"] for sent in replaced], [["3"], ["1"]])
        self.assertEqual([sent["memory_ids"] for sent in deleted], [["1"], ["2"], None, None])
        self.assertEqual([sent["user_id"] for sent in deleted], [ALICE, ALICE, ALICE, None])
        for sent in (*added, *replaced, *deleted):
            self.assertEqual((sent["sender"], sent["using"]), (UserMemory, self.database))

    def test_nothing_is_sent_when_nothing_was_written(self) -> None:
        self.add(memory_id="taken")
        with self.received(memory_added) as added, self.received(memory_deleted) as deleted:
            with self.assertRaises(MemoryExists):
                self.add(memory_id="taken")
            self.memory.clear_user_memories(BOB)
            self.memory.delete_user_memories(["nothing"], ALICE)
        self.assertEqual((added, deleted), ([], []))

    def test_a_receiver_that_fails(self) -> None:
        def receiver(**kwargs: Any) -> None:
            raise RuntimeError("receiver")

        memory_added.connect(receiver)
        try:
            with self.assertLogs("django.dispatch", logging.ERROR) as logs:
                added = self.add("secret text")
        finally:
            memory_added.disconnect(receiver)
        self.assertEqual(list(self.rows), [added])
        self.assertNotIn("secret text", "\n".join(logs.output))

    def test_a_receiver_that_breaks_the_callers_transaction(self) -> None:
        def receiver(memory_ids: list[str], using: str, **kwargs: Any) -> None:
            UserMemory.objects.using(using).create(memory_id=memory_ids[0], memory="taken", user_id=BOB)

        memory_added.connect(receiver)
        try:
            with self.assertLogs("django.dispatch", logging.ERROR), transaction.atomic(using=self.database):
                self.add("first")
                self.add("second")
        finally:
            memory_added.disconnect(receiver)
        self.assertEqual(set(texts(self.rows)), {"first", "second"})


class AsyncContract(ContractCase):
    """Every verb has an async twin that does the same."""

    def test_every_verb_has_a_twin(self) -> None:
        verbs = {name for name in vars(Memory) if not name.startswith("_") and callable(getattr(Memory, name))}
        sync = {name for name in verbs if f"a{name}" in verbs}
        self.assertEqual(verbs, sync | {f"a{name}" for name in sync})
        self.assertIn("add_user_memory", sync)

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


class ErrorContract(ContractCase):
    """Errors of the database travel."""

    def test_an_unknown_alias_says_so(self) -> None:
        with self.assertRaisesMessage(Exception, "no_such_alias"):
            Memory(db="no_such_alias").get_user_memories(ALICE)

    def test_update_conflicts_would_overwrite_silently(self) -> None:
        with self.assertRaisesMessage(DatabaseError, "upsert_user_memory"):
            self.rows.bulk_create([UserMemory(memory="x")], update_conflicts=True)

    def test_text_by_expression_would_not_be_found(self) -> None:
        added = self.add()
        with self.assertRaisesMessage(TypeError, "bulk_update"):
            self.rows.update(memory=F("user_id"))
        with self.assertRaisesMessage(TypeError, "search_text follows memory"):
            self.rows.update(search_text="other")
        setattr(added, "memory", F("user_id"))  # noqa: B010  no text, as the types would say
        with self.assertRaisesMessage(TypeError, "follows"):
            added.save()

    def test_erase_deletes_no_more_than_it_shows(self) -> None:
        for number in range(3):
            self.add(str(number))
        for rows in (self.rows.newest()[:1], self.rows.union(self.rows)):
            with self.assertRaises(TypeError):
                rows.erase()
        self.assertEqual(self.rows.count(), 3)
        self.assertEqual(self.rows.mentioning("1").erase(), 1)


class BulkMemoryContract(ContractCase):
    """What staff do to many memories at once."""

    small = override_settings(AGNO_MEMORY={"BATCH_SIZE": 2, "MAX_TOPICS": 3})

    def topics_by_text(self) -> dict[str, list[str]]:
        return {memory.memory: memory.topics for memory in self.rows}

    @small
    def test_add_a_topic(self) -> None:
        self.add("none"), self.add("one", topics=["b"]), self.add("has it", BOB, topics=["a", "b"])
        self.add("full", BOB, topics=["1", "2", "3"]), self.add("two", BOB, topics=["c", "b"])
        before = {memory.memory: memory for memory in self.rows}
        self.assertEqual(BulkMemory(self.rows).add_topic(" a "), 3)
        wanted = {
            "none": ["a"],
            "one": ["b", "a"],
            "has it": ["a", "b"],
            "full": ["1", "2", "3"],
            "two": ["c", "b", "a"],
        }
        self.assertEqual(self.topics_by_text(), wanted)
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
    def test_move_of_whoever(self) -> None:
        his, hers, already = self.add("1", ALICE), self.add("2", "carol"), self.add("3", BOB)
        self.add("4", ALICE, topics=["kept"])
        rows = self.rows.exclude(topics__about=["kept"])
        self.assertEqual(BulkMemory(rows).reassign(BOB), 2)
        self.assertEqual(
            {memory.memory_id for memory in self.memory.get_user_memories(BOB)},
            {his.memory_id, hers.memory_id, already.memory_id},
        )
        self.assertEqual(texts(self.memory.get_user_memories(ALICE)), ["4"])
        self.assertEqual({memory.memory: memory.version for memory in self.rows}, {"1": 2, "2": 2, "3": 1, "4": 1})

    @small
    def test_delete_of_whoever(self) -> None:
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

    def test_takes_what_it_can_repeat(self) -> None:
        for rows in (self.rows.newest()[:1], self.rows.union(self.rows)):
            with self.assertRaises(TypeError):
                BulkMemory(rows)

    @small
    def test_a_memory_that_meets_the_conditions_no_longer_is_left_alone(self) -> None:
        self.add("1", ALICE, memory_id="1"), self.add("2", ALICE, memory_id="2"), self.add("3", ALICE, memory_id="3")

        def meanwhile(batch: list[UserMemory]) -> None:
            self.rows.filter(memory_id="3").update(user_id=BOB)

        self.assertEqual(BulkMemory(self.rows.for_user(ALICE), meanwhile).add_topic("a"), 2)
        self.assertEqual(self.topics_by_text(), {"1": ["a"], "2": ["a"], "3": []})

    @small
    def test_what_is_told(self) -> None:
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
        self.assertEqual(_told(replaced), [(ALICE, ["1"]), (BOB, ["2"]), (ALICE, ["3"])])
        self.assertEqual(_told(added), [("carol", ["1", "2"]), ("carol", ["3"])])
        carols = [("carol", ["1", "2"]), ("carol", ["3"])]
        self.assertEqual(_told(deleted), [(ALICE, ["1"]), (BOB, ["2"]), (ALICE, ["3"]), *carols])
        for sent in (*added, *replaced, *deleted):
            self.assertEqual((sent["sender"], sent["using"]), (UserMemory, self.database))


def _told(sent: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    return [(each["user_id"], each["memory_ids"]) for each in sent]


class MemoryContract(
    AddContract,
    BadInputContract,
    OwnerContract,
    ReplaceContract,
    DeleteContract,
    BulkContract,
    TopicsContract,
    SearchContract,
    OrderContract,
    PageContract,
    TimeContract,
    SignalContract,
    AsyncContract,
    ErrorContract,
    BulkMemoryContract,
):
    """Everything that the service promises, for one database."""
