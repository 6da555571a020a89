"""Paths, ids in paths, batches and lines. Responses are in ``test_client_retries.py``, with every verb."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from django.core.exceptions import ValidationError

from agno_memory import names
from agno_memory.client import UserMemory, protocol
from agno_memory.rest import converters
from tests.databases import attempt
from tests.scripted import NOT_FOUND, Script, client


@pytest.mark.parametrize(
    ("memory_id", "sent"),
    [
        ("a/b c?d#e&f=g;h", "a%2Fb%20c%3Fd%23e%26f%3Dg%3Bh"),
        ("100%", "100%25"),
        ("%2e%2E", "%252e%252E"),
        ("...", "..."),
        ("é 🌶️\n", "%C3%A9%20%F0%9F%8C%B6%EF%B8%8F%0A"),
        ("a\\b", "a%5Cb"),
        (" x", "%20x"),
    ],
)
def test_ids_are_encoded(memory_id: str, sent: str) -> None:
    script = Script(NOT_FOUND)
    with client(script, user_id=memory_id) as memory:
        assert memory.get_user_memory(memory_id) is None
    assert script.sent[0].url.raw_path.split(b"?")[0] == f"/api/memories/{sent}/".encode()
    assert parse_qsl(script.sent[0].url.query.decode()) == [("user_id", memory_id)]


@pytest.mark.parametrize(
    "memory_id",
    ["", " ", ".", "..", "a/../b", "/a", "a/", "a//b", "bulk", "delete", "export", "a/history", "\ud800", 5.0, None],
)
def test_ids_that_a_url_cannot_contain(memory_id: Any) -> None:
    """Unchecked, these would be requests for other resources."""
    with client(Script()) as memory:
        calls: list[Callable[[], Any]] = [
            lambda: memory.get_user_memory(memory_id),
            lambda: memory.delete_user_memory(memory_id),
            lambda: memory.replace_user_memory(memory_id, UserMemory(memory="x")),
            lambda: memory.upsert_user_memory({"memory": "x", "memory_id": memory_id}),
        ]
        for call in calls:
            with pytest.raises(ValidationError) as caught:
                call()
            assert list(caught.value.message_dict) == ["memory_id"]


@pytest.mark.parametrize(
    "memory_id",
    [
        *("a", "a/b", ".", "a/.", "/a", "a/", "a//b", "bulk", "bulk/", "delete", "export", "exports"),
        *("history", "a/history", "a/b/restore", "/history", "history/a", "a/histories", "merge", "duplicates"),
    ],
)
def test_refused_ids_are_those_of_the_service(memory_id: str) -> None:
    """The rule exists twice, because the client works without Django."""
    outcomes = [
        attempt(
            lambda: converters.validate_reachable("memory_id", memory_id, names.RESERVED_IDS, names.RESERVED_ENDINGS)
        ),
        attempt(lambda: protocol.path_segment("memory_id", memory_id)),
    ]
    assert len({isinstance(outcome, ValidationError) for outcome in outcomes}) == 1


@pytest.mark.parametrize("user_id", ["bulk", "search", "merge", "a/history"])
def test_the_words_of_memories_are_no_words_of_users(user_id: str) -> None:
    """Their addresses have a user id in another place."""
    script = Script(httpx.Response(200, json={"deleted": 1}))
    with client(script, user_id=user_id) as memory:
        assert memory.clear_user_memories() == 1


def test_batches_are_limited_in_items_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [b"x" * size for size in (4, 4, 4, 20, 1, 1)]
    assert [len(batch) for batch in protocol.batched_by_size(items, 100, 10)] == [2, 1, 1, 2]
    assert [len(batch) for batch in protocol.batched_by_size(items[:3], 2, 1000)] == [2, 1]
    assert list(protocol.batched_by_size([], 2, 10)) == []


def test_line_buffer() -> None:
    lines = protocol.LineBuffer()
    fed = [list(lines.feed(piece)) for piece in (b"a", b"b\nc\nd", b"", b"\n\n")]
    assert fed == [[], [b"ab", b"c"], [], [b"d", b""]]
    assert not lines.is_truncated
    assert list(lines.feed(b"e")) == []
    assert lines.is_truncated
