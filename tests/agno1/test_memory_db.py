"""``DjangoMemoryDb``: its methods, its rows and its upserts, on every database."""

from __future__ import annotations

import re

import pytest
from agno.memory.v2.db.schema import MemoryRow
from django.core.exceptions import ValidationError

from agno_memory.contrib.agno import DjangoMemoryDb
from agno_memory.exceptions import MemoryExists, MemoryNotFound
from agno_memory.models import UserMemory
from agno_memory.names import CONTENT_FIELDS
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
    with pytest.raises(MemoryExists):
        db.upsert_memory(MemoryRow(id="m", user_id="noah", memory={"memory": "x"}))
    with pytest.raises(ValidationError):
        db.upsert_memory(MemoryRow(id="p", user_id="noah", memory={"memory": " "}))
    with pytest.raises(MemoryNotFound):
        db.delete_memory("none")
    db.delete_memory("m")
    with pytest.raises(NotImplementedError, match="migrate"):
        db.drop_table()
    assert db.table_exists()
    assert db.clear()
    assert not UserMemory.objects.using(alias).exists()


@each_database
@pytest.mark.parametrize("name", CONTENT_FIELDS)
def test_every_content_field_survives_an_agents_upsert(alias: str, name: str) -> None:
    add_with_every_field(alias)
    content = {} if name == "memory" else {"memory": "Other"}
    DjangoMemoryDb(alias).upsert_memory(MemoryRow(id="m", user_id="maya", memory=content))
    assert field_of_memory(alias, name) == sample(name)
    assert field_of_memory(alias, "memory") == content.get("memory", sample("memory"))
