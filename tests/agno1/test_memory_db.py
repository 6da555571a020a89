"""``DjangoMemoryDb``: its methods, its rows and its upserts, on every database."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import Any

import pytest
from agno.memory.v2.db.schema import MemoryRow
from agno.memory.v2.memory import Memory as AgnoMemory
from agno.memory.v2.schema import UserMemory as AgnoUserMemory
from django.core.exceptions import ValidationError

from agno_memory.contrib.agno import DjangoMemoryDb
from agno_memory.exceptions import AmbiguousMemory
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.names import CONTENT_FIELDS
from agno_memory.services import ANYONE
from tests.agno_helpers import add_with_every_field, field_of_memory, sample
from tests.databases import commits, each_database

pytestmark = [commits]


@each_database
def test_the_store_of_memories(alias: str) -> None:
    db = DjangoMemoryDb(alias)
    row = MemoryRow(id="m", user_id="maya", memory={"memory": "Größe", "topics": ["a"], "input": "said"})
    written = db.upsert_memory(row)
    assert (written.id, db.memory_exists(row)) == ("m", True)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?", written.memory["last_updated"])
    for name in ("n", "o"):
        db.upsert_memory(MemoryRow(id=name, user_id="maya", memory={"memory": name}))
    assert [found.id for found in db.read_memories("maya")] == ["o", "n", "m"]
    assert [found.id for found in db.read_memories("maya", limit=2, sort="asc")] == ["m", "n"]
    assert db.read_memories("noah") == []
    with pytest.raises(ValidationError):
        db.upsert_memory(MemoryRow(id="p", user_id="noah", memory={"memory": " "}))
    # As in agno's stores
    db.delete_memory("none")
    assert len(db.read_memories("maya")) == 3
    db.delete_memory("m")
    with pytest.raises(NotImplementedError, match="migrate"):
        db.drop_table()
    assert db.table_exists()
    assert db.clear()
    assert not UserMemory.objects.using(alias).exists()


@each_database
@pytest.mark.parametrize("blank", ["", " "])
def test_every_method_refuses_a_blank_user(alias: str, blank: str) -> None:
    db = DjangoMemoryDb(alias)
    db.upsert_memory(MemoryRow(id="m", user_id="maya", memory={"memory": "x"}))
    row = MemoryRow(id="m", user_id=blank, memory={"memory": "y"})
    calls: list[Callable[[], object]] = [
        lambda: db.memory_exists(row),
        lambda: db.upsert_memory(row),
        lambda: db.read_memories(blank),
        lambda: db.read_memories(blank, limit=1, sort="asc"),
        lambda: AgnoMemory(db=db).delete_user_memory("m", user_id=blank),
    ]
    for call in calls:
        with pytest.raises(ValidationError):
            call()
    assert [(found.user_id, found.memory["memory"]) for found in db.read_memories()] == [("maya", "x")]


@each_database
def test_agno_finds_the_newest_and_the_oldest_memories_of_one_second(alias: str) -> None:
    db = DjangoMemoryDb(alias)
    facts = [f"fact {number}" for number in range(4)]
    for number, fact in enumerate(facts):
        db.upsert_memory(MemoryRow(id=fact, user_id="maya", memory={"memory": fact}))
        moment = datetime.datetime(2025, 6, 1, 12, 30, 15, number * 1_000, datetime.UTC)
        UserMemory.objects.using(alias).filter(memory=fact).set_times(moment, moment)
    agnos = AgnoMemory(db=db)
    for method, found in (("last_n", facts[-2:]), ("first_n", facts[:2])):
        searched: Any = agnos.search_user_memories(retrieval_method=method, limit=2, user_id="maya")
        assert [memory.memory for memory in searched] == found


@each_database
def test_two_users_with_one_memory_id(alias: str) -> None:
    db = DjangoMemoryDb(alias)
    for user in ("maya", "noah"):
        db.upsert_memory(MemoryRow(id="m", user_id=user, memory={"memory": "x"}))
    db.upsert_memory(MemoryRow(id="m", user_id="noah", memory={"memory": "Noah's"}))
    assert [row.memory["memory"] for user in ("maya", "noah") for row in db.read_memories(user)] == ["x", "Noah's"]
    row = MemoryRow(id="m", memory={})
    asked: list[Callable[[], object]] = [lambda: db.memory_exists(row), lambda: db.delete_memory("m")]
    for ask in asked:
        with pytest.raises(AmbiguousMemory, match="Name the user"):
            ask()
    # agno's own class names the user by reading their memories.
    agnos = AgnoMemory(db=db)
    agnos.replace_user_memory("m", AgnoUserMemory(memory="Maya's"), user_id="maya")
    assert sorted(memory.memory for memory in Memory(db=alias).rows(ANYONE)) == ["Maya's", "Noah's"]
    agnos.delete_user_memory("m", user_id="noah")
    assert [memory.user_id for memory in Memory(db=alias).rows(ANYONE)] == ["maya"]
    assert db.memory_exists(row)
    db.delete_memory("m")
    assert not db.memory_exists(row)


@each_database
@pytest.mark.parametrize("name", CONTENT_FIELDS)
def test_every_content_field_survives_an_agents_upsert(alias: str, name: str) -> None:
    add_with_every_field(alias)
    content = {} if name == "memory" else {"memory": "Other"}
    DjangoMemoryDb(alias).upsert_memory(MemoryRow(id="m", user_id="maya", memory=content))
    assert field_of_memory(alias, name) == sample(name)
    assert field_of_memory(alias, "memory") == content.get("memory", sample("memory"))
