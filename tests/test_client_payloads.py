"""Arguments of callers as payloads and parameters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from django.core.exceptions import ValidationError

from agno_memory import names
from agno_memory.client import UserMemory, payloads
from agno_memory.models import UserMemory as Model
from tests.scripted import PAYLOAD, Script, client, page


class Note:
    memory = "x"
    topics = ("a", "b")
    other = "not sent"


@pytest.mark.parametrize(
    ("argument", "body"),
    [
        ({"memory": "x", "topics": {"a"}}, {"memory": "x", "topics": ["a"]}),
        ({"memory": "x", "memori": "y"}, {"memory": "x", "memori": "y"}),
        (
            {**PAYLOAD, "memory": "x"},
            {**{name: PAYLOAD[name] for name in names.CONTENT_FIELDS}, "memory": "x", "memory_id": "m1"},
        ),
        (Note(), {"memory": "x", "topics": ["a", "b"]}),
        (
            Model(memory="x", memory_id="m1"),
            dict.fromkeys(names.CONTENT_FIELDS)
            | {"memory": "x", "topics": [], "metadata": {}, "pinned": False, "memory_id": "m1"},
        ),
    ],
    ids=["dictionary", "unknown name", "a response", "object", "model"],
)
def test_types_of_memories(argument: object, body: dict[str, Any]) -> None:
    script = Script(httpx.Response(201, json=PAYLOAD))
    with client(script) as memory:
        memory.add_user_memory(argument)
    (sent,) = script.bodies
    assert sent.pop("memory_id") == body.pop("memory_id", None) or len(body) < 3
    assert sent == body


@pytest.mark.parametrize(
    ("field", "argument"),
    [
        ("memory", "just a text"),
        ("memory", 5),
        ("memory", {"memory": b"bytes"}),
        ("metadata", {"memory": "x", "metadata": {"at": datetime.now(UTC)}}),
        ("metadata", {"memory": "x", "metadata": {"a": float("nan")}}),
        ("metadata", {"memory": "x", "metadata": {1: "becomes text"}}),
        ("topics", {"memory": "x", "topics": [{"set"}]}),
    ],
)
def test_values_without_json(field: str, argument: object) -> None:
    with client(Script()) as memory:
        with pytest.raises(ValidationError) as one:
            memory.add_user_memory(argument)
        assert list(one.value.message_dict) == [field]
        with pytest.raises(ValidationError) as many:
            memory.add_user_memories([UserMemory(memory="good"), argument])
        assert list(many.value.message_dict) == [f"1.{field}"]


def test_recursive_metadata() -> None:
    endless: dict[str, Any] = {}
    endless["a"] = endless
    with client(Script()) as memory, pytest.raises(ValidationError, match="too deep"):
        memory.add_user_memory({"memory": "x", "metadata": endless})


def test_filters() -> None:
    script = Script(page())
    with client(script) as memory:
        memory.get_user_memories(topics=["a&b", "c"], any_topics=["d"], agent_id="x", team_id="y", session_id="z")
        assert memory.get_user_memories(any_topics=[]) == []
        assert list(memory.iter_user_memories(any_topics=[])) == []
    pairs = parse_qsl(script.sent[0].url.query.decode())
    assert sorted(pairs[:-2]) == [
        ("agent_id", "x"),
        ("any_topic", "d"),
        ("session_id", "z"),
        ("team_id", "y"),
        ("topic", "a&b"),
        ("topic", "c"),
    ]


@pytest.mark.parametrize("each", names.FILTERS, ids=lambda each: each.name)
def test_every_filter_has_a_parameter(each: names.Filter) -> None:
    """So that a filter that a verb accepts is never dropped."""
    moment = datetime(2026, 11, 25, 2, 20, 22, 123000, UTC)
    samples: dict[names.Kind, tuple[object, list[str]]] = {
        names.Kind.IDENTIFIER: ("x", ["x"]),
        names.Kind.TEXT: ("x", ["x"]),
        names.Kind.TOPICS: (("a", "b"), ["a", "b"]),
        names.Kind.MOMENT: (moment, [moment.isoformat()]),
    }
    value, texts = samples[each.kind]
    assert payloads.filter_parameters({each.name: value}) == [(each.parameter, text) for text in texts]
    assert payloads.filter_parameters({each.name: None}) == []
    if each.kind is names.Kind.IDENTIFIER:
        assert payloads.filter_parameters({each.name: 5}) == [(each.parameter, "5")]
    for bad in (5.0, b"x", datetime(2026, 11, 25)):  # noqa: DTZ001
        with pytest.raises(ValidationError) as caught:
            payloads.filter_parameters({each.name: bad})
        assert list(caught.value.message_dict) == [each.name]


def test_any_of_no_topics_matches_nothing() -> None:
    """The other filters are validated all the same."""
    assert payloads.filter_parameters({"any_topics": [], "agent_id": "x"}) is None
    with pytest.raises(ValidationError):
        payloads.filter_parameters({"any_topics": [], "agent_id": ""})


class Role(str, Enum):  # noqa: UP042 -- StrEnum has another str().
    ADMIN = "admin"


class Level(int, Enum):
    FIVE = 5


@pytest.mark.parametrize(("value", "text"), [(Role.ADMIN, "admin"), (Level.FIVE, "5")])
def test_a_member_of_an_enum_is_its_text(value: Any, text: str) -> None:
    """As in the service."""
    found = payloads.as_id("memory_id", value)
    assert (found, type(found)) == (text, str)
    assert payloads.new_memory({"memory": "x", "memory_id": value, "agent_id": value}) == (
        text,
        {"memory": "x", "agent_id": text},
    )


def test_metadata_is_a_parameter_for_each_key() -> None:
    values = {"plan": "pro", "seats": 5, "flag": True, "gone": None}
    assert payloads.filter_parameters({"metadata": values}) == [
        ("metadata.plan", "pro"),
        ("metadata.seats", "5"),
        ("metadata.flag", "true"),
        ("metadata.gone", "null"),
    ]
    for wrong in ("plan", ["plan"], {1: "x"}, {"plan": ["pro"]}):
        with pytest.raises(ValidationError):
            payloads.filter_parameters({"metadata": wrong})


def test_a_count_has_the_bounds_of_the_service() -> None:
    """As ``validators.validate_limit()`` and ``validate_version()``."""
    for limit in (None, 0, 1, 2**31 - 1):
        payloads.check_limit(limit)
    assert payloads.if_match_header(None) == {}
    for version in (1, 2**31 - 1):
        assert payloads.if_match_header(version) == {"If-Match": f'"{version}"'}
    moment = datetime(2026, 11, 25, 10, 30, 0, 125_000, timezone(timedelta(hours=1)))
    read = UserMemory(memory="x", version=3, created_at=moment)
    assert payloads.if_match_header(read) == {"If-Match": '"3@2026-11-25T09:30:00.125Z"'}
    for created_at in (None, moment.replace(tzinfo=None)):
        with pytest.raises(ValidationError, match="version"):
            payloads.if_match_header(UserMemory(memory="x", created_at=created_at))
    refused: list[object] = [-1, 2**31, 1.0, "1", True]
    for value in refused:
        with pytest.raises(ValidationError, match="limit"):
            payloads.check_limit(value)
    for value in [0, *refused]:
        with pytest.raises(ValidationError, match="version"):
            payloads.if_match_header(value)
