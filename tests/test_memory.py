"""Paging and filtering by ``Memory``; the contract has its verbs."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connections
from django.test.utils import CaptureQueriesContext

from agno_memory.db import stored_lists
from agno_memory.db.keyset import ORDERS, Order
from agno_memory.db.statements import Condition
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.names import FILTERS, Kind
from agno_memory.times import now
from tests.databases import commits, each_database

pytestmark = [commits]
each_order = pytest.mark.parametrize("order", ORDERS)


@pytest.fixture
def memory(alias: str) -> Memory:
    """Memories of two users, of which some have the same times."""
    made = Memory(alias)
    ids = [f"m{number * 7 % 20:02}" for number in range(20)]
    for start in range(0, 20, 4):
        made.add_user_memories([UserMemory(memory_id=each, memory="x") for each in ids[start : start + 4]], "maya")
    for memory_id in ids[::5]:
        made.replace_user_memory(memory_id, UserMemory(memory="y"), "maya")
    made.add_user_memory(UserMemory(memory="his"), "noah")
    return made


@each_database
@each_order
def test_pages_of_a_whole_list(alias: str, memory: Memory, order: Order) -> None:
    name, is_descending = order.removeprefix("-"), order.startswith("-")
    expected = sorted(memory.rows("maya"), key=attrgetter(name, "memory_id"), reverse=is_descending)
    with CaptureQueriesContext(connections[alias]) as queries:
        assert memory.page("maya", size=7, order=order) == expected[:7]
        assert memory.page("maya", size=7, position=expected[6], order=order) == expected[7:14]
    assert len(queries) == 2
    place = getattr(expected[13], name), expected[13].memory_id
    assert memory.page("maya", size=7, position=place, order=order) == expected[14:]
    assert memory.page("maya", size=7, position=expected[-1], order=order) == []
    assert memory.page("maya", size=0, order=order) == []
    assert memory.page("maya", size=100, order=order) == memory.rows("maya").page(100, order=order)


@each_database
def test_a_page_is_compiled_once(alias: str, memory: Memory) -> None:
    position = memory.page("maya", size=1)[0]
    memory.page("maya", size=1, position=position)
    statements = [
        stored_lists.select_many(Condition("user_id", None), order="-last_updated", after_position=is_after)
        for is_after in (False, True)
    ]
    compiled = [dict(each._compiled) for each in statements]
    assert all(compiled)
    assert memory.page("noah", size=5, position=(now(), "z")) == memory.page("noah", size=5)
    assert [each._compiled for each in statements] == compiled


@pytest.mark.parametrize("alias", ["default"])
def test_bad_arguments_of_a_page(alias: str, memory: Memory) -> None:
    bad: list[dict[str, Any]] = [{"size": -1}, {"size": "7"}, {"size": True}]
    for arguments in bad:
        with pytest.raises(ValidationError) as caught:
            memory.page("maya", **arguments)
        assert list(caught.value.message_dict) == ["size"]
    with pytest.raises(ValidationError, match="user"):
        memory.page(1.5, size=1)


@each_database
def test_added_memories_are_saved_in_this_database(alias: str) -> None:
    """The client, which passes the contract too, has no database."""
    memory = Memory(alias)
    one = memory.add_user_memory(UserMemory(memory="one"), "maya")
    many = memory.add_user_memories([UserMemory(memory=f"number {number}") for number in range(3)], "maya")
    assert {(each._state.adding, each._state.db) for each in (one, *many)} == {(False, alias)}


@each_database
def test_filters_of_get_user_memories_are_those_of_the_queryset(alias: str) -> None:
    memory = Memory(alias)
    contents: list[dict[str, Any]] = [
        {"topics": ["a", "b"], "agent_id": "x"},
        {"topics": ["b"], "agent_id": "x", "session_id": "s"},
        {"agent_id": "y", "team_id": "t"},
    ]
    for content in contents:
        memory.add_user_memory(UserMemory(memory="x", **content), "maya")
        memory.add_user_memory(UserMemory(memory="x", **content), "noah")
    for filters in (
        {},
        {"agent_id": "x"},
        {"agent_id": "x", "session_id": "s"},
        {"team_id": "t", "agent_id": "x"},
        {"topics": ["a", "b"]},
        {"topics": ["b"], "agent_id": "x", "session_id": "s"},
        {"any_topics": ["a", "c"], "topics": []},
    ):
        expected = list(memory.rows("maya").matching(**filters).newest())
        assert memory.get_user_memories("maya", **filters) == expected, filters
        assert memory.get_user_memories("maya", limit=1, **filters) == expected[:1], filters


@pytest.mark.parametrize("each", [each for each in FILTERS if each.kind is Kind.IDENTIFIER], ids=lambda each: each.name)
def test_an_id_to_filter_by_is_checked(each: Any) -> None:
    values: list[Any] = ["", " ", "x" * 256, True]
    for value in values:
        filters: dict[str, Any] = {each.name: value}
        with pytest.raises(ValidationError) as caught:
            Memory("default").get_user_memories("maya", **filters)
        assert list(caught.value.message_dict) == [each.name]


def test_an_unknown_filter_names_the_known_ones() -> None:
    with pytest.raises(TypeError, match=r"'colour' is not a filter. Choose from: topics, "):
        UserMemory.objects.matching(colour="red")
