"""The client's values and their parsers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from agno_memory import names
from agno_memory.client import MemoryVersion, UnexpectedAnswer, UserMemory, models
from agno_memory.models import UserMemory as Model
from tests.scripted import PAYLOAD, SECRET, VERSION, Script, client, memory_of


def test_a_memory_has_the_fields_of_the_model() -> None:
    fields = {field.attname for field in Model._meta.concrete_fields} - {
        "key",
        "search_text",
        "search_terms",
        "text_key",
    }
    assert set(UserMemory.__dataclass_fields__) == fields
    assert Model.content_fields == names.CONTENT_FIELDS
    unsaved, model = UserMemory(memory="x"), Model(memory="x")
    assert {name: getattr(unsaved, name) for name in fields - {"memory_id"}} == {
        name: getattr(model, name) for name in fields - {"memory_id"}
    }


def test_repr_contains_ids_only() -> None:
    memory = UserMemory(memory=SECRET, topics=["health"], input=SECRET, metadata={"a": SECRET}, memory_id="m1")
    assert str(memory) == "m1"
    assert "m1" in repr(memory)
    assert SECRET not in repr(memory)
    assert "health" not in repr(memory)


def test_memories_are_hashable() -> None:
    memory = UserMemory(memory="x")
    assert {memory, UserMemory(memory="x", memory_id=memory.memory_id), UserMemory(memory="x")} > {memory}
    assert len({memory, UserMemory(memory="x", memory_id=memory.memory_id)}) == 1


def test_unknown_fields_are_ignored() -> None:
    """A site or a newer service adds them."""
    assert memory_of({**PAYLOAD, "mood": "good"}) == memory_of(PAYLOAD)


@pytest.mark.parametrize("name", [name for name in names.CONTENT_FIELDS if name != "memory"])
def test_content_fields_that_the_service_lacks_have_their_defaults(name: str) -> None:
    """The service is older than the client."""
    payload = {key: value for key, value in PAYLOAD.items() if key != name}
    default = getattr(UserMemory(memory="x"), name)
    assert memory_of(payload) == replace(memory_of(PAYLOAD), **{name: default})


def test_defaults_are_not_shared() -> None:
    payload = {key: value for key, value in PAYLOAD.items() if key not in ("topics", "metadata")}
    memory_of(payload).topics.append("food")
    memory_of(payload).metadata["a"] = 1
    assert (memory_of(payload).topics, memory_of(payload).metadata) == ([], {})


@pytest.mark.parametrize("name", ["memory", "memory_id", "user_id", *names.MACHINE_WRITTEN])
def test_required_fields(name: str) -> None:
    payload = {key: value for key, value in PAYLOAD.items() if key != name}
    with client(Script(httpx.Response(200, json=payload))) as memory, pytest.raises(UnexpectedAnswer):
        memory.get_user_memory("m1")


def test_every_field_has_a_place() -> None:
    """A field in ``names.FIELDS`` that the dataclass lacks would make every response unreadable."""
    assert set(UserMemory.__dataclass_fields__) == set(names.FIELDS)
    assert set(MemoryVersion.__dataclass_fields__) == {*names.FIELDS, *names.VERSION_FIELDS}


def test_a_version_is_a_memory_with_its_end() -> None:
    version = models.parse_version(VERSION)
    assert isinstance(version, UserMemory)
    assert version.memory == SECRET
    assert version.valid_from == version.last_updated
    assert version.valid_until == datetime(2026, 11, 25, 4, 20, 22, 123000, UTC)
    assert (version.action, version.actor, version.through) == ("replaced", "maya", "REST")
    assert version.reason == "ticket 812"
    assert models.parse_version({**VERSION, "valid_until": None}).valid_until is None
    assert SECRET not in repr(version)
    assert "ticket" not in repr(version)
    assert len({version, models.parse_version(VERSION)}) == 1


@pytest.mark.parametrize("name", names.VERSION_FIELDS)
def test_required_fields_of_a_version(name: str) -> None:
    payload = {key: value for key, value in VERSION.items() if key != name}
    script = Script(httpx.Response(200, json={"next": None, "results": [payload]}))
    with client(script) as memory, pytest.raises(UnexpectedAnswer):
        memory.get_user_memory_history("m1")


@pytest.mark.parametrize(
    "values",
    [
        {"topics": "food"},
        {"metadata": None},
        {"version": "1"},
        {"memory": None},
        {"memory_id": 5},
        {"created_at": None},
        {"created_at": "2026-11-25T02:20:22"},
        {"last_updated": "x"},
    ],
)
def test_invalid_memories(values: dict[str, Any]) -> None:
    script = Script(httpx.Response(200, json={**PAYLOAD, **values}))
    with client(script) as memory, pytest.raises(UnexpectedAnswer) as caught:
        memory.get_user_memory("m1")
    assert SECRET not in str(caught.value)
