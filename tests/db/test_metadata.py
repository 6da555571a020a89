"""Memories are found by values of their metadata, the same on every database."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from tests.databases import commits, each_database

pytestmark = [commits, each_database]

STORED: dict[str, dict[str, Any]] = {
    "text": {"plan": "pro", "seats": "5"},
    "number": {"plan": "pro", "seats": 5},
    "fraction": {"seats": 5.0, "ratio": 0.5},
    "true": {"flag": True, "seats": 1},
    "false": {"flag": False, "seats": 0},
    "null": {"flag": None},
    "empty": {},
    "list": {"plan": ["pro"], "flag": {"plan": "pro"}},
    "odd": {"a.b": "dot", 'quo"te': "x", "caf\u00e9": "\u00e9", "x$y": "$plan", "": "blank", "a": {"b": "dot"}},
    "case": {"plan": "Pro", "Plan": "pro"},
}
FOUND: list[tuple[dict[str, Any], list[str]]] = [
    ({"plan": "pro"}, ["number", "text"]),
    ({"plan": "pro", "seats": "5"}, ["text"]),
    ({"seats": 5}, ["fraction", "number"]),
    ({"seats": 5.0}, ["fraction", "number"]),
    ({"ratio": 0.5}, ["fraction"]),
    ({"seats": 1}, ["true"]),
    ({"flag": True}, ["true"]),
    ({"flag": False}, ["false"]),
    ({"flag": None}, ["null"]),
    ({"missing": None}, []),
    ({"a.b": "dot"}, ["odd"]),
    ({'quo"te': "x", "caf\u00e9": "\u00e9"}, ["odd"]),
    ({"x$y": "$plan"}, ["odd"]),
    ({"": "blank"}, ["odd"]),
    ({"Plan": "pro"}, ["case"]),
    ({"plan": "p%"}, []),
    ({}, sorted(STORED)),
]


@pytest.fixture
def memory(site: str) -> Memory:
    service = Memory()
    for user in ("maya", "noah"):
        service.add_user_memories(
            [UserMemory(memory="x", memory_id=name, metadata=metadata) for name, metadata in STORED.items()], user
        )
    return service


def test_values_are_equal_by_type(memory: Memory) -> None:
    for wanted, expected in FOUND:
        found = memory.get_user_memories("maya", metadata=wanted)
        assert sorted(each.memory_id for each in found) == expected, wanted
        assert {each.user_id for each in found} <= {"maya"}
    rest = memory.rows("maya").exclude(memory_id__in=["number", "text"])
    assert rest.matching(metadata={"plan": "pro"}).count() == 0
    assert memory.rows("maya").matching(metadata={"plan": "pro"}).newest().page(1)[0].memory_id in {"number", "text"}


def test_a_filter_that_no_metadata_can_match_is_refused(memory: Memory) -> None:
    wrong: list[Any] = ["plan", ["plan"], {"plan": ["pro"]}, {"plan": {}}, {"$where": "x"}, {"n": 2**70}, {1: "x"}]
    for wanted in wrong:
        with pytest.raises(ValidationError) as caught:
            memory.get_user_memories("maya", metadata=wanted)
        assert list(caught.value.message_dict) == ["metadata"]
