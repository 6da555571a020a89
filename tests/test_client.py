"""The client against answers that are written here: what it sends, what it makes of them, what it shows."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import pickle
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from django.core.exceptions import ValidationError

from agno_memory import __version__, exceptions
from agno_memory import client as public
from agno_memory.client import (
    AccessDenied,
    MemoryChanged,
    MemoryClient,
    MemoryExists,
    MemoryNotFound,
    RemoteError,
    ServiceUnavailable,
    Stats,
    Throttled,
    UnexpectedAnswer,
    UserMemory,
    models,
    protocol,
    retries,
)
from agno_memory.memory import Memory
from agno_memory.models import UserMemory as Model
from agno_memory.rest import converters
from tests.databases import attempt
from tests.scripted import (
    BASE,
    NOT_THERE,
    PROXY,
    SECRET,
    TOKEN,
    TOLD,
    Script,
    Verb,
    both_ways,
    client,
    memory_of,
    page,
)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "FIRST_WAIT", 0)


# The same verbs


def test_it_has_the_verbs_of_the_service() -> None:
    """With the same arguments, in the same order, with the same defaults."""
    verbs = {name for name in vars(Memory) if not name.startswith("_") and callable(getattr(Memory, name))}
    # The REST API pages by itself.
    verbs -= {"page", "apage"}
    assert verbs <= set(dir(MemoryClient))
    for name in verbs - {"clear", "aclear"}:
        assert parameters(getattr(MemoryClient, name)) == parameters(getattr(Memory, name)), name
        assert getattr(MemoryClient, name).__doc__
        twins = [inspect.iscoroutinefunction(getattr(each, name)) for each in (MemoryClient, Memory)]
        assert twins[0] is twins[1]


def parameters(verb: Verb) -> list[tuple[str, Any, Any]]:
    return [(each.name, each.kind, each.default) for each in list(inspect.signature(verb).parameters.values())[1:]]


def test_a_memory_has_the_fields_of_the_model() -> None:
    fields = {field.attname for field in Model._meta.concrete_fields} - {"search_text"}
    assert set(UserMemory.__dataclass_fields__) == fields
    assert Model.content_fields == models.CONTENT_FIELDS
    unsaved, model = UserMemory(memory="x"), Model(memory="x")
    assert {name: getattr(unsaved, name) for name in fields - {"memory_id"}} == {
        name: getattr(model, name) for name in fields - {"memory_id"}
    }


def test_the_store_cannot_be_emptied() -> None:
    memory = MemoryClient(BASE)
    with pytest.raises(NotImplementedError, match="clear_user_memories"):
        memory.clear()
    with pytest.raises(NotImplementedError, match="everybody"):
        asyncio.run(memory.aclear())


# What is sent, and what becomes of the answer


@both_ways
def test_add(ask: Verb) -> None:
    script = Script(httpx.Response(201, json=TOLD))
    given = UserMemory(memory=SECRET, topics=["food"], metadata={"a": 1}, user_id="somebody", version=9)
    added = ask(script, "add_user_memory", given, user_id="maya")
    assert script.calls == ["POST /api/memories/?user_id=maya"]
    (body,) = script.bodies
    assert body == {
        "memory_id": given.memory_id,
        "memory": SECRET,
        "topics": ["food"],
        "input": None,
        "metadata": {"a": 1},
        "agent_id": None,
        "team_id": None,
        "session_id": None,
        "feedback": None,
    }
    assert script.sent[0].headers["Content-Type"] == "application/json"
    assert script.sent[0].headers["Accept"] == "application/json"
    assert added == memory_of(TOLD)
    assert added.created_at == datetime(2026, 11, 25, 2, 20, 22, 123000, UTC)


class Anything:
    memory = "x"
    topics = ("a", "b")
    other = "not sent"


@pytest.mark.parametrize(
    ("given", "body"),
    [
        ({"memory": "x", "topics": {"a"}}, {"memory": "x", "topics": ["a"]}),
        ({"memory": "x", "memori": "y"}, {"memory": "x", "memori": "y"}),
        (
            {**TOLD, "memory": "x"},
            {**{name: TOLD[name] for name in models.CONTENT_FIELDS}, "memory": "x", "memory_id": "m1"},
        ),
        (Anything(), {"memory": "x", "topics": ["a", "b"]}),
        (
            Model(memory="x", memory_id="m1"),
            dict.fromkeys(models.CONTENT_FIELDS) | {"memory": "x", "topics": [], "metadata": {}, "memory_id": "m1"},
        ),
    ],
    ids=["dictionary", "unknown name", "an answer", "object", "model"],
)
def test_what_may_be_added(given: object, body: dict[str, Any]) -> None:
    script = Script(httpx.Response(201, json=TOLD))
    with client(script) as memory:
        memory.add_user_memory(given)
    (sent,) = script.bodies
    assert sent.pop("memory_id") == body.pop("memory_id", None) or len(body) < 3
    assert sent == body


@pytest.mark.parametrize(
    ("field", "given"),
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
def test_what_cannot_be_sent(field: str, given: object) -> None:
    with client(Script()) as memory:
        with pytest.raises(ValidationError) as one:
            memory.add_user_memory(given)
        assert list(one.value.message_dict) == [field]
        with pytest.raises(ValidationError) as many:
            memory.add_user_memories([UserMemory(memory="good"), given])
        assert list(many.value.message_dict) == [f"1.{field}"]


def test_metadata_without_end_is_refused() -> None:
    endless: dict[str, Any] = {}
    endless["a"] = endless
    with client(Script()) as memory, pytest.raises(ValidationError, match="too deep"):
        memory.add_user_memory({"memory": "x", "metadata": endless})


@both_ways
def test_get(ask: Verb) -> None:
    script = Script(httpx.Response(200, json=TOLD))
    assert ask(script, "get_user_memory", "m1", "maya") == memory_of(TOLD)
    assert script.calls == ["GET /api/memories/m1/?user_id=maya"]
    assert ask(Script(NOT_THERE), "get_user_memory", "m1") is None


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
    script = Script(NOT_THERE)
    with client(script, user_id=memory_id) as memory:
        assert memory.get_user_memory(memory_id) is None
    assert script.sent[0].url.raw_path.split(b"?")[0] == f"/api/memories/{sent}/".encode()
    assert parse_qsl(script.sent[0].url.query.decode()) == [("user_id", memory_id)]


@pytest.mark.parametrize(
    "memory_id", ["", " ", ".", "..", "a/../b", "/a", "a/", "a//b", "bulk", "delete", "export", "\ud800", 5, None]
)
def test_ids_that_lead_elsewhere_are_not_sent(memory_id: Any) -> None:
    """Without a look at the id, these would be calls on other resources."""
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
    "memory_id", ["a", "a/b", ".", "a/.", "/a", "a/", "a//b", "bulk", "bulk/", "delete", "export", "exports"]
)
def test_ids_that_the_service_does_not_create_are_those_that_the_client_does_not_send(memory_id: str) -> None:
    """One rule with two homes, because the client does without Django."""
    outcomes = [
        attempt(lambda: converters.validate_reachable("memory_id", memory_id, converters.RESERVED)),
        attempt(lambda: protocol.segment("memory_id", memory_id)),
    ]
    assert len({isinstance(outcome, ValidationError) for outcome in outcomes}) == 1


@pytest.mark.parametrize("user_id", ["", " ", "\ud800", 1.5, True, b"maya", object()])
def test_users_that_are_none(user_id: Any) -> None:
    with client(Script()) as memory:
        for call in (memory.get_user_memories, memory.clear_user_memories, memory.stats, memory.topic_counts):
            with pytest.raises(ValidationError) as caught:
                call(user_id)
            assert list(caught.value.message_dict) == ["user_id"]


def test_whom_a_call_is_for() -> None:
    script = Script(page(), page(), page())
    with client(script) as memory:
        memory.get_user_memories()
    with client(script, user_id="maya") as memory:
        memory.get_user_memories()
        memory.get_user_memories(5)
    users = [dict(parse_qsl(request.url.query.decode())).get("user_id") for request in script.sent]
    assert users == [None, "maya", "5"]


@both_ways
def test_list_follows_the_pages(ask: Verb) -> None:
    """By what they say comes next, and not to where they say: credentials stay here."""
    script = Script(
        page("c", "b", next="http://10.0.0.1/elsewhere/?user_id=maya&topic=caf%C3%A9&cursor=x%3D&page_size=2"),
        page("a"),
    )
    found = ask(client(script, page_size=2), "get_user_memories", "maya", topics=["café"])
    assert [memory.memory_id for memory in found] == ["c", "b", "a"]
    assert script.calls == [
        "GET /api/memories/?user_id=maya&topic=caf%C3%A9&ordering=-created_at&page_size=2",
        "GET /api/memories/?user_id=maya&topic=caf%C3%A9&cursor=x%3D&page_size=2",
    ]
    assert {request.url.host for request in script.sent} == {"example.com"}


@both_ways
def test_list_stops_at_the_limit(ask: Verb) -> None:
    following = f"{BASE}memories/?cursor=x&page_size=2"
    script = Script(page("a", "b", next=following), page("c", "d", next=following))
    found = ask(client(script, page_size=2), "get_user_memories", limit=3)
    assert [memory.memory_id for memory in found] == ["a", "b", "c"]
    script = Script(page("a", next=following))
    assert len(ask(script, "get_user_memories", limit=1)) == 1
    assert script.calls == ["GET /api/memories/?ordering=-last_updated&page_size=1"]
    assert ask(Script(), "get_user_memories", limit=0) == []


def test_pages_that_go_round_in_circles_end() -> None:
    circle = f"{BASE}memories/?cursor=x"
    script = Script(page(next=circle), page(next=circle))
    with client(script) as memory, pytest.raises(UnexpectedAnswer, match="next page"):
        memory.get_user_memories()


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


def told_of(*moments: str) -> list[dict[str, Any]]:
    return [
        {**TOLD, "memory_id": f"m{moment}", "last_updated": f"2026-11-25T0{moment[0]}:00:00Z"} for moment in moments
    ]


@both_ways
@pytest.mark.parametrize(
    ("verb", "arguments", "query", "found"),
    [
        ("get_user_memories", {}, "", "m3 m2b m2a m1"),
        ("search_user_memories", {}, "", "m3 m2b m2a m1"),
        ("search_user_memories", {"retrieval_method": "first_n"}, "", "m1 m2a m2b m3"),
        ("search_user_memories", {"query": "ignored", "retrieval_method": "last_n"}, "", "m3 m2b m2a m1"),
        ("search_user_memories", {"query": "spicy 100%"}, "q=spicy+100%25&", "m3 m2b m2a m1"),
    ],
)
def test_all_of_them(ask: Verb, verb: str, arguments: dict[str, Any], query: str, found: str) -> None:
    """Asked for in an order that stays while somebody writes, and given in the one that was asked for."""
    script = Script(httpx.Response(200, json={"next": None, "results": told_of("2a", "3", "1", "2b")}))
    assert [memory.memory_id for memory in ask(script, verb, **arguments)] == found.split()
    assert script.calls == [f"GET /api/memories/?{query}ordering=-created_at&page_size=100"]


@both_ways
@pytest.mark.parametrize(
    ("verb", "arguments", "query"),
    [
        ("get_user_memories", {"limit": 5}, "ordering=-last_updated&page_size=5"),
        ("search_user_memories", {"limit": 500}, "ordering=-last_updated&page_size=100"),
        ("search_user_memories", {"limit": 5, "retrieval_method": "first_n"}, "ordering=last_updated&page_size=5"),
        ("search_user_memories", {"limit": 5, "query": "tea"}, "q=tea&ordering=-last_updated&page_size=5"),
    ],
)
def test_some_of_them(ask: Verb, verb: str, arguments: dict[str, Any], query: str) -> None:
    script = Script(page("b", "a"))
    assert [memory.memory_id for memory in ask(script, verb, **arguments)] == ["b", "a"]
    assert script.calls == [f"GET /api/memories/?{query}"]


@pytest.mark.parametrize(
    ("field", "verb", "arguments"),
    [
        ("query", "search_user_memories", {"query": " "}),
        ("query", "search_user_memories", {"query": "\ud800"}),
        ("query", "search_user_memories", {"retrieval_method": "keyword"}),
        ("retrieval_method", "search_user_memories", {"retrieval_method": "x"}),
        *[
            ("limit", verb, {"limit": bad})
            for verb in ("search_user_memories", "get_user_memories", "topic_counts")
            for bad in (-1, True, "5", 1.5)
        ],
        ("topics", "get_user_memories", {"topics": "food"}),
        ("topics", "get_user_memories", {"topics": [""]}),
        ("topics", "get_user_memories", {"topics": ["\ud800"]}),
        ("topics", "iter_user_memories", {"topics": 5}),
        ("any_topics", "get_user_memories", {"any_topics": [None]}),
        ("agent_id", "get_user_memories", {"agent_id": ""}),
        ("memory_ids", "delete_user_memories", {"memory_ids": "m1"}),
        ("memory_ids", "delete_user_memories", {"memory_ids": [5]}),
        ("memories", "add_user_memories", {"memories": UserMemory(memory="x")}),
        *[
            ("version", verb, {"memory_id": "m", "version": bad})
            for verb in ("delete_user_memory",)
            for bad in (0, "1", True)
        ],
        ("__all__", "get_user_memories", {"topics": ["x" * 100] * 1000}),
    ],
)
def test_questions_that_are_not_sent(field: str, verb: str, arguments: dict[str, Any]) -> None:
    with client(Script()) as memory, pytest.raises(ValidationError) as caught:
        getattr(memory, verb)(**arguments)
    assert list(caught.value.message_dict) == [field]


@both_ways
def test_replace(ask: Verb) -> None:
    script = Script(httpx.Response(200, json=TOLD), httpx.Response(200, json=TOLD))
    given = UserMemory(memory="New", memory_id="other")
    assert ask(script, "replace_user_memory", "m1", given, "maya") == memory_of(TOLD)
    ask(script, "replace_user_memory", "m1", given, version=2)
    assert script.calls == ["PUT /api/memories/m1/?user_id=maya", "PUT /api/memories/m1/"]
    assert "memory_id" not in script.bodies[0]
    assert [request.headers.get("If-Match") for request in script.sent] == [None, '"2"']
    with pytest.raises(MemoryNotFound) as missing:
        ask(Script(NOT_THERE), "replace_user_memory", "m1", given)
    assert missing.value.memory_id == "m1"
    with pytest.raises(MemoryChanged) as changed:
        ask(Script(httpx.Response(412, json={"detail": "Changed."})), "replace_user_memory", "m1", given, version=2)
    assert (changed.value.memory_id, changed.value.version) == ("m1", 2)


@both_ways
def test_upsert(ask: Verb) -> None:
    taken = httpx.Response(412, json={"detail": "Taken."})
    given = UserMemory(memory="x", memory_id="m1")
    script = Script(httpx.Response(200, json=TOLD))
    assert ask(script, "upsert_user_memory", given) == memory_of(TOLD)
    script = Script(NOT_THERE, httpx.Response(201, json=TOLD))
    assert ask(script, "upsert_user_memory", given) == memory_of(TOLD)
    assert script.calls == ["PUT /api/memories/m1/"] * 2
    assert [request.headers.get("If-None-Match") for request in script.sent] == [None, "*"]
    # Somebody was quicker: then it is there to be replaced.
    script = Script(NOT_THERE, taken, httpx.Response(200, json=TOLD))
    assert ask(script, "upsert_user_memory", given) == memory_of(TOLD)
    with pytest.raises(MemoryExists) as caught:
        ask(Script(*[NOT_THERE, taken] * 3), "upsert_user_memory", given)
    assert caught.value.memory_ids == ["m1"]


@both_ways
def test_delete(ask: Verb) -> None:
    script = Script(httpx.Response(204), httpx.Response(204))
    assert ask(script, "delete_user_memory", "m1", "maya") is None
    ask(script, "delete_user_memory", "m1", version=7)
    assert script.calls == ["DELETE /api/memories/m1/?user_id=maya", "DELETE /api/memories/m1/"]
    assert script.sent[1].headers["If-Match"] == '"7"'
    with pytest.raises(MemoryNotFound):
        ask(Script(NOT_THERE), "delete_user_memory", "m1")
    with pytest.raises(MemoryChanged):
        ask(Script(httpx.Response(412, json={"detail": "Changed."})), "delete_user_memory", "m1", version=7)


@both_ways
def test_add_many_in_requests_that_the_service_takes(ask: Verb) -> None:
    given = [UserMemory(memory=str(number), memory_id=f"m{number}") for number in range(5)]
    told = [{**TOLD, "memory_id": memory.memory_id} for memory in given]
    script = Script(*(httpx.Response(201, json=told[start : start + 2]) for start in (0, 2, 4)))
    added = ask(client(script, bulk_size=2), "add_user_memories", iter(given), "maya")
    assert [memory.memory_id for memory in added] == ["m0", "m1", "m2", "m3", "m4"]
    assert script.calls == ["POST /api/memories/bulk/?user_id=maya"] * 3
    assert [[each["memory_id"] for each in body] for body in script.bodies] == [["m0", "m1"], ["m2", "m3"], ["m4"]]
    assert ask(Script(), "add_user_memories", []) == []


def test_add_many_keeps_requests_small(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [b"x" * size for size in (4, 4, 4, 20, 1, 1)]
    assert [len(batch) for batch in protocol.batches(items, 100, 10)] == [2, 1, 1, 2]
    assert [len(batch) for batch in protocol.batches(items[:3], 2, 1000)] == [2, 1]
    assert list(protocol.batches([], 2, 10)) == []


@pytest.mark.parametrize("form", ["list", "dictionary"])
def test_what_is_wrong_with_many_is_told_by_position(form: str) -> None:
    given = [UserMemory(memory=str(number), memory_id=f"m{number}") for number in range(4)]
    wrong = [{}, {"topics": ["Too many."], "memory": ["Blank."]}]
    taken = [{"memory_id": ["Taken."]}, {}]
    told: list[Any] = [wrong, taken]
    if form == "dictionary":
        told = [{str(place): errors for place, errors in enumerate(each) if errors} for each in told]
    good = httpx.Response(201, json=[{**TOLD, "memory_id": memory.memory_id} for memory in given[:2]])
    script = Script(good, httpx.Response(400, json=told[0]), good, httpx.Response(409, json=told[1]))
    with client(script, bulk_size=2) as memory:
        with pytest.raises(ValidationError) as refused:
            memory.add_user_memories(given)
        with pytest.raises(MemoryExists) as exists:
            memory.add_user_memories(given)
    assert refused.value.message_dict == {"3.topics": ["Too many."], "3.memory": ["Blank."]}
    assert exists.value.memory_ids == ["m2"]
    for caught in (refused, exists):
        assert "2 memories were added" in caught.value.__notes__[0]


def test_an_id_given_twice_is_seen_across_requests() -> None:
    given = [UserMemory(memory=str(number), memory_id=f"m{number % 3}") for number in range(4)]
    with client(Script(), bulk_size=1) as memory, pytest.raises(ValidationError) as caught:
        memory.add_user_memories(given)
    assert list(caught.value.message_dict) == ["3.memory_id"]


@both_ways
def test_delete_many(ask: Verb) -> None:
    script = Script(httpx.Response(200, json={"deleted": ["b"]}), httpx.Response(200, json={"deleted": ["c"]}))
    deleted = ask(client(script, bulk_size=2), "delete_user_memories", iter(["a", "b", "a", "c"]), "maya")
    assert deleted == ["b", "c"]
    assert script.calls == ["POST /api/memories/delete/?user_id=maya"] * 2
    assert script.bodies == [{"memory_ids": ["a", "b"]}, {"memory_ids": ["c"]}]
    assert ask(Script(), "delete_user_memories", []) == []


@both_ways
def test_clear(ask: Verb) -> None:
    script = Script(httpx.Response(200, json={"deleted": 4}))
    assert ask(script, "clear_user_memories", "maya/x@y") == 4
    assert script.calls == ["DELETE /api/users/maya%2Fx%40y/memories/?confirm=maya%2Fx%40y"]
    # Whoever names nobody has to know who that is.
    stats = {"user_id": "noah", "total": 0, "first_created_at": None, "last_updated": None}
    script = Script(httpx.Response(200, json=stats), httpx.Response(200, json={"deleted": 0}))
    assert ask(script, "clear_user_memories") == 0
    assert script.calls == ["GET /api/stats/", "DELETE /api/users/me/memories/?confirm=noah"]


@both_ways
def test_topics_and_stats(ask: Verb) -> None:
    script = Script(httpx.Response(200, json={"results": [{"topic": "food", "count": 3}]}))
    assert ask(script, "topic_counts", "maya", limit=2) == [("food", 3)]
    assert script.calls == ["GET /api/topics/?user_id=maya&limit=2"]
    assert ask(Script(), "topic_counts", limit=0) == []
    told = {"user_id": "maya", "total": 3, "first_created_at": TOLD["created_at"], "last_updated": TOLD["last_updated"]}
    moments = [datetime(2026, 11, 25, hour, 20, 22, 123000, UTC) for hour in (2, 3)]
    assert ask(Script(httpx.Response(200, json=told)), "stats", "maya") == Stats("maya", 3, *moments)


# Streams


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
    # What ends a line elsewhere does not end one here.
    texts = ["a\u2028b\x85c\x0bd\r", "x" * 100_000, "é"]
    told = [{**TOLD, "memory": text} for text in texts]
    lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in told)
    script = Script(httpx.Response(200, content=lines.encode(), headers={"Content-Type": "application/x-ndjson"}))
    found = exported(client(script, user_id="maya"), way, topics=["a"])
    assert found == [memory_of(each) for each in told]
    assert script.calls == ["GET /api/memories/export/?user_id=maya&topic=a"]
    assert script.sent[0].headers["Accept"] == "application/x-ndjson"
    empty = Script(httpx.Response(200, content=b""))
    assert exported(MemoryClient(BASE, transport=empty), way) == []
    assert exported(client(Script()), way, any_topics=[]) == []


@each_way
def test_export_that_is_cut_is_no_shorter_list(way: str) -> None:
    line = json.dumps(TOLD).encode() + b"\n"
    for body, error in ((line + line[:50], ServiceUnavailable), (line + b"<html>\n", UnexpectedAnswer)):
        script = Script(httpx.Response(200, content=body))
        with pytest.raises(error) as caught:
            exported(client(script), way)
        assert SECRET not in str(caught.value)


@each_way
def test_export_is_asked_for_again_and_refused_like_any_other_call(way: str) -> None:
    script = Script(httpx.Response(503), httpx.Response(200, content=json.dumps(TOLD).encode() + b"\n"))
    assert exported(client(script), way) == [memory_of(TOLD)]
    with pytest.raises(AccessDenied):
        exported(client(Script(httpx.Response(403, json={"detail": "No."}))), way)


def test_pieces_become_lines() -> None:
    lines = protocol.Lines()
    fed = [list(lines.feed(piece)) for piece in (b"a", b"b\nc\nd", b"", b"\n\n")]
    assert fed == [[], [b"ab", b"c"], [], [b"d", b""]]
    assert not lines.is_cut
    assert list(lines.feed(b"e")) == []
    assert lines.is_cut


# Errors and values


def test_errors_are_those_of_the_service() -> None:
    for name in ("AgnoMemoryError", "MemoryNotFound", "MemoryExists", "MemoryChanged", "ValidationError"):
        assert getattr(public, name) is getattr(exceptions, name)
    assert public.ValidationError is ValidationError
    for name in ("AccessDenied", "ServiceUnavailable", "Throttled", "UnexpectedAnswer"):
        assert issubclass(getattr(public, name), RemoteError)
    assert issubclass(RemoteError, exceptions.AgnoMemoryError)


@pytest.mark.parametrize(
    "error",
    [
        AccessDenied("no", 403),
        Throttled("slow down", 429, 5.0),
        ServiceUnavailable("gone", 503, 5.0, may_have_happened=False),
        UnexpectedAnswer("what", None),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_travel_between_processes(error: RemoteError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


def test_a_memory_shows_ids_and_not_what_is_known() -> None:
    memory = UserMemory(memory=SECRET, topics=["health"], input=SECRET, metadata={"a": SECRET}, memory_id="m1")
    assert str(memory) == "m1"
    assert "m1" in repr(memory)
    assert SECRET not in repr(memory)
    assert "health" not in repr(memory)


def test_memories_can_be_in_sets_as_the_models_can() -> None:
    memory = UserMemory(memory="x")
    assert {memory, UserMemory(memory="x", memory_id=memory.memory_id), UserMemory(memory="x")} > {memory}
    assert len({memory, UserMemory(memory="x", memory_id=memory.memory_id)}) == 1


def test_fields_that_a_site_adds_are_no_trouble() -> None:
    assert memory_of({**TOLD, "mood": "good"}) == memory_of(TOLD)


@pytest.mark.parametrize(
    "wrong",
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
def test_what_is_no_memory(wrong: dict[str, Any]) -> None:
    script = Script(httpx.Response(200, json={**TOLD, **wrong}))
    with client(script) as memory, pytest.raises(UnexpectedAnswer) as caught:
        memory.get_user_memory("m1")
    assert SECRET not in str(caught.value)


# Credentials


def everything(memory: MemoryClient) -> Iterator[str]:
    """Yield what may end up in a log when something goes wrong."""
    yield repr(memory)
    yield str(vars(memory))
    for steps in ([httpx.ReadError("x")], [httpx.Response(403)], [PROXY], [httpx.LocalProtocolError("x")]):
        memory._options["transport"].steps = steps
        try:
            memory.add_user_memory(UserMemory(memory=SECRET))
        except RemoteError as error:
            yield from (str(error), repr(error), repr(error.__cause__), repr(vars(error)))


@pytest.mark.parametrize(
    ("options", "header"),
    [
        ({"token": TOKEN}, f"Token {TOKEN}"),
        ({"token": TOKEN, "scheme": "Bearer"}, f"Bearer {TOKEN}"),
        ({"auth": ("maya", TOKEN)}, httpx.BasicAuth("maya", TOKEN)._auth_header),
        ({}, None),
    ],
)
def test_credentials_are_sent_and_never_shown(
    options: dict[str, Any], header: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    script = Script(page())
    with caplog.at_level(logging.DEBUG), client(script, **options) as memory:
        memory.get_user_memories()
        assert script.sent[0].headers.get("Authorization") == header
        shown = "".join(everything(memory))
    for secret in (TOKEN, SECRET):
        assert secret not in shown
        assert secret not in caplog.text


def test_a_search_is_not_in_errors() -> None:
    with client(Script(PROXY)) as memory, pytest.raises(UnexpectedAnswer) as caught:
        memory.search_user_memories("illness")
    assert "illness" not in str(caught.value)


@pytest.mark.parametrize("token", ["", "abc\n", "a b", "é", "\ud800", "a\x00"])
def test_tokens_that_cannot_be_sent(token: str) -> None:
    """httpx's own error would show them."""
    with pytest.raises(ValueError, match="printable") as caught:
        MemoryClient(BASE, token=token)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize(
    ("base_url", "sent"),
    [
        ("https://example.com/api/", "https://example.com/api/topics/"),
        ("https://example.com/api", "https://example.com/api/topics/"),
        ("https://example.com", "https://example.com/topics/"),
        ("http://[::1]:8000/v%C3%A9//", "http://[::1]:8000/v%C3%A9/topics/"),
    ],
)
def test_addresses(base_url: str, sent: str) -> None:
    script = Script(httpx.Response(200, json={"results": []}))
    with MemoryClient(base_url, transport=script) as memory:
        memory.topic_counts()
    assert str(script.sent[0].url) == sent


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "example.com/api/",
        "ftp://example.com/",
        "https://",
        "https://maya:hunter2@example.com/",
        "https://example.com:port/",
        "https://example.com/?a=b",
        "https://example.com/#a",
    ],
)
def test_addresses_that_are_none(base_url: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        MemoryClient(base_url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["retries", "page_size", "bulk_size"])
def test_numbers_that_make_no_sense(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        client(Script(), **{name: -1})


def test_one_way_to_say_who_asks() -> None:
    with pytest.raises(ValueError, match="not both"):
        MemoryClient(BASE, token=TOKEN, auth=("a", "b"))


@both_ways
def test_sessions_of_the_server_are_not_kept(ask: Verb) -> None:
    """They would be asked for a CSRF token, and remember whoever came before."""
    answer = httpx.Response(200, json={"results": []}, headers={"Set-Cookie": "sessionid=abc; Path=/"})
    script = Script(answer, answer)
    with client(script) as memory:
        memory.topic_counts()
        memory.topic_counts()
    assert "Cookie" not in script.sent[1].headers


@both_ways
def test_options_reach_httpx(ask: Verb) -> None:
    script = Script(page())
    headers = {"Accept": "application/json; version=2", "X-Agent": "barista"}
    ask(client(script, headers=headers), "get_user_memories")
    assert script.sent[0].headers["Accept"] == "application/json; version=2"
    assert script.sent[0].headers["X-Agent"] == "barista"
    assert script.sent[0].headers["User-Agent"] == f"agno-memory/{__version__}"
