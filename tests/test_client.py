"""``MemoryClient``: its methods, streams and options for httpx. The verbs are in ``test_client_verbs.py``."""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import Any

import httpx
import pytest

from agno_memory import __version__, names
from agno_memory.client import (
    AccessDenied,
    MemoryClient,
    ServiceUnavailable,
    UnexpectedAnswer,
    UserMemory,
)
from agno_memory.client.reads import Filters
from agno_memory.memory import Memory
from tests.scripted import BASE, PAYLOAD, SECRET, Script, Verb, both_ways, client, memory_of, page

pytestmark = pytest.mark.usefixtures("no_waiting")


def test_signatures_are_those_of_the_service() -> None:
    """The same arguments, in the same order, with the same defaults; but for the calls that other doors build on."""
    verbs = {name for name in dir(Memory) if f"a{name}" in dir(Memory)} - {
        "page",
        "select",
        "upsert_fields",
        "context",
    }
    verbs |= {f"a{name}" for name in verbs}
    assert verbs <= set(dir(MemoryClient))
    for name in verbs - {"clear", "aclear"}:
        assert parameters(getattr(MemoryClient, name)) == parameters(getattr(Memory, name)), name
        assert getattr(MemoryClient, name).__doc__
        twins = [inspect.iscoroutinefunction(getattr(each, name)) for each in (MemoryClient, Memory)]
        assert twins[0] is twins[1]


def parameters(verb: Verb) -> list[tuple[str, Any, Any]]:
    found = list(inspect.signature(verb).parameters.values())[1:]
    # The client follows the links of pages, and sends the reason that acting() has in Python.
    return [(each.name, each.kind, each.default) for each in found if each.name not in ("position", "reason")]


def test_clear_is_not_available() -> None:
    memory = MemoryClient(BASE)
    with pytest.raises(NotImplementedError, match="clear_user_memories"):
        memory.clear()
    with pytest.raises(NotImplementedError, match="everybody"):
        asyncio.run(memory.aclear())


def exported(memory: MemoryClient, way: str, **kwargs: Any) -> list[UserMemory]:
    if way == "sync":
        with memory:
            return list(memory.iter_user_memories(**kwargs))

    async def life() -> list[UserMemory]:
        async with memory:
            return [each async for each in memory.aiter_user_memories(**kwargs)]

    return asyncio.run(life())


each_way = pytest.mark.parametrize("way", ["sync", "async"])


@each_way
def test_export(way: str) -> None:
    # Other line separators do not end a line.
    texts = ["a\u2028b\x85c\x0bd\r", "x" * 100_000, "é"]
    payload = [{**PAYLOAD, "memory": text} for text in texts]
    lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in payload)
    script = Script(httpx.Response(200, content=lines.encode(), headers={"Content-Type": "application/x-ndjson"}))
    found = exported(client(script, user_id="maya"), way, topics=["a"])
    assert found == [memory_of(each) for each in payload]
    assert script.calls == ["GET /api/memories/export/?user_id=maya&topic=a&history=false"]
    assert script.sent[0].headers["Accept"] == "application/x-ndjson"
    empty = Script(httpx.Response(200, content=b""))
    assert exported(MemoryClient(BASE, transport=empty), way) == []
    assert exported(client(Script()), way, any_topics=[]) == []


@each_way
def test_truncated_export_is_an_error(way: str) -> None:
    line = json.dumps(PAYLOAD).encode() + b"\n"
    for body, error in ((line + line[:50], ServiceUnavailable), (line + b"<html>\n", UnexpectedAnswer)):
        script = Script(httpx.Response(200, content=body))
        with pytest.raises(error) as caught:
            exported(client(script), way)
        assert SECRET not in str(caught.value)


@each_way
def test_export_is_retried_and_refused_as_other_calls(way: str) -> None:
    script = Script(httpx.Response(503), httpx.Response(200, content=json.dumps(PAYLOAD).encode() + b"\n"))
    assert exported(client(script), way) == [memory_of(PAYLOAD)]
    with pytest.raises(AccessDenied):
        exported(client(Script(httpx.Response(403, json={"detail": "No."}))), way)


def test_filters_are_in_the_signatures_of_lists() -> None:
    """In ``help()`` too, and another name is a TypeError, as in Python."""
    filters = list(Filters.__annotations__)
    assert set(filters) <= {"metadata", *(each.name for each in names.FILTERS)}
    for name in ("iter_user_memories", "aiter_user_memories"):
        found = parameters(getattr(MemoryClient, name))
        assert [each[0] for each in found] == ["user_id", *filters]
        assert {each[2] for each in found} == {None}
    with client(Script()) as memory:
        for verb in (memory.get_user_memories, memory.iter_user_memories):
            with pytest.raises(TypeError, match="topic"):
                verb(topic=["food"])  # type: ignore[call-arg]


@both_ways
def test_cookies_are_not_kept(call: Verb) -> None:
    """A session would require a CSRF token, and bind later calls to its user."""
    answer = httpx.Response(200, json={"results": []}, headers={"Set-Cookie": "sessionid=abc; Path=/"})
    script = Script(answer, answer)
    with client(script) as memory:
        memory.topic_counts()
        memory.topic_counts()
    assert "Cookie" not in script.sent[1].headers


@both_ways
def test_options_reach_httpx(call: Verb) -> None:
    script = Script(page())
    headers = {"Accept": "application/json; version=2", "X-Agent": "barista"}
    call(client(script, headers=headers), "get_user_memories")
    assert script.sent[0].headers["Accept"] == "application/json; version=2"
    assert script.sent[0].headers["X-Agent"] == "barista"
    assert script.sent[0].headers["User-Agent"] == f"agno-memory/{__version__}"
