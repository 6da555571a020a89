"""Bad input: refused before the database is touched."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import DatabaseError
from django.test import override_settings

from agno_memory import validators
from agno_memory.models import UserMemory
from agno_memory.test.contract.case import ALICE, ContractCase


class BadInputContract(ContractCase):
    """Bad input raises ValidationError before the database is touched, the same on every database."""

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
        self.assert_refused("metadata", self.add, metadata=nested(validators.MAX_METADATA_DEPTH + 1))
        deepest = nested(min(validators.MAX_METADATA_DEPTH, self.max_json_depth))
        self.assertEqual(self.add(metadata=deepest).metadata, deepest)
        if self.max_json_depth < validators.MAX_METADATA_DEPTH:
            with self.assertRaises(DatabaseError):
                self.add(metadata=nested(self.max_json_depth + 1))
            self.assertEqual(self.rows.count(), 1)

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


def nested(depth: int) -> dict[str, Any]:
    """Return an object with this many levels of objects, itself among them."""
    return {"a": nested(depth - 1)} if depth > 1 else {}
