"""The verbs against scripted responses: their requests and results. Also ``calls``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import httpx
import pytest
from django.core.exceptions import ValidationError

from agno_memory import names
from agno_memory.client import (
    DuplicateMemory,
    MemoryChanged,
    MemoryExists,
    MemoryNotFound,
    Stats,
    UnexpectedAnswer,
    UserMemory,
    VersionNotFound,
)
from tests.scripted import (
    BASE,
    DEFAULTS,
    NOT_FOUND,
    PAYLOAD,
    SECRET,
    VERSION,
    Script,
    Verb,
    both_ways,
    client,
    memory_of,
    page,
)

pytestmark = pytest.mark.usefixtures("no_waiting")


@both_ways
def test_add(call: Verb) -> None:
    script = Script(httpx.Response(201, json=PAYLOAD))
    argument = UserMemory(memory=SECRET, topics=["food"], metadata={"a": 1}, user_id="somebody", version=9)
    added = call(script, "add_user_memory", argument, user_id="maya")
    assert script.calls == ["POST /api/memories/?user_id=maya"]
    (body,) = script.bodies
    assert body == {
        **DEFAULTS,
        "memory_id": argument.memory_id,
        "memory": SECRET,
        "topics": ["food"],
        "metadata": {"a": 1},
    }
    assert script.sent[0].headers["Content-Type"] == "application/json"
    assert script.sent[0].headers["Accept"] == "application/json"
    assert added == memory_of(PAYLOAD)
    assert added.created_at == datetime(2026, 11, 25, 2, 20, 22, 123000, UTC)


@both_ways
def test_get(call: Verb) -> None:
    script = Script(httpx.Response(200, json=PAYLOAD))
    assert call(script, "get_user_memory", "m1", "maya") == memory_of(PAYLOAD)
    assert script.calls == ["GET /api/memories/m1/?user_id=maya"]
    assert call(Script(NOT_FOUND), "get_user_memory", "m1") is None


def test_user_of_a_call() -> None:
    script = Script(page(), page(), page())
    with client(script) as memory:
        memory.get_user_memories()
    with client(script, user_id="maya") as memory:
        memory.get_user_memories()
        memory.get_user_memories(5)
    users = [dict(parse_qsl(request.url.query.decode())).get("user_id") for request in script.sent]
    assert users == [None, "maya", "5"]


@both_ways
def test_list_reads_all_pages(call: Verb) -> None:
    """The query of the next page is used, and its host is not: credentials are sent to ``base_url`` only."""
    script = Script(
        page("c", "b", next="http://10.0.0.1/elsewhere/?user_id=maya&topic=caf%C3%A9&cursor=x%3D&page_size=2"),
        page("a"),
    )
    found = call(client(script, page_size=2), "get_user_memories", "maya", topics=["café"])
    assert [memory.memory_id for memory in found] == ["c", "b", "a"]
    assert script.calls == [
        "GET /api/memories/?user_id=maya&topic=caf%C3%A9&ordering=-created_at&page_size=2",
        "GET /api/memories/?user_id=maya&topic=caf%C3%A9&cursor=x%3D&page_size=2",
    ]
    assert {request.url.host for request in script.sent} == {"example.com"}


@both_ways
def test_list_stops_at_the_limit(call: Verb) -> None:
    following = f"{BASE}memories/?cursor=x&page_size=2"
    script = Script(page("a", "b", next=following), page("c", "d", next=following))
    found = call(client(script, page_size=2), "get_user_memories", limit=3)
    assert [memory.memory_id for memory in found] == ["a", "b", "c"]
    script = Script(page("a", next=following))
    assert len(call(script, "get_user_memories", limit=1)) == 1
    assert script.calls == ["GET /api/memories/?ordering=-last_updated&page_size=1"]
    assert call(Script(), "get_user_memories", limit=0) == []


def test_next_page_is_the_same_page() -> None:
    circle = f"{BASE}memories/?cursor=x"
    script = Script(page(next=circle), page(next=circle))
    with client(script) as memory, pytest.raises(UnexpectedAnswer, match="next page"):
        memory.get_user_memories()


def payloads_of(*moments: str) -> list[dict[str, Any]]:
    return [
        {**PAYLOAD, "memory_id": f"m{moment}", "last_updated": f"2026-11-25T0{moment[0]}:00:00Z"} for moment in moments
    ]


@both_ways
def test_a_ranked_search_is_one_request(call: Verb) -> None:
    found = {
        "results": [{**each, "score": 2.5, "explanation": {"words": {"tea": 2.5}}} for each in payloads_of("2a", "1")]
    }
    script = Script(httpx.Response(200, json=found), httpx.Response(200, json=found))
    memories = call(script, "search_user_memories", query="tea?", limit=5, topics=["a"], precise=True, min_relative=0.5)
    assert [memory.memory_id for memory in memories] == ["m2a", "m1"]
    matches = call(script, "search_user_memories", query="tea?", explain=True)
    assert [(match.memory.memory_id, match.score, match.explanation) for match in matches] == [
        ("m2a", 2.5, {"words": {"tea": 2.5}}),
        ("m1", 2.5, {"words": {"tea": 2.5}}),
    ]
    assert script.calls == [
        "GET /api/memories/search/?topic=a&q=tea%3F&limit=5&min_relative=0.5&precise=true",
        "GET /api/memories/search/?q=tea%3F&explain=true",
    ]


@both_ways
@pytest.mark.parametrize(
    "arguments", [{"min_relative": 2}, {"min_relative": True}, {"min_relative": "1"}, {"query": " "}]
)
def test_bad_options_of_a_search_are_refused(call: Verb, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        call(Script(), "search_user_memories", **{"query": "tea", **arguments})
    with pytest.raises(TypeError, match="colour"):
        call(Script(), "search_user_memories", query="tea", colour="red")


@both_ways
@pytest.mark.parametrize(
    ("verb", "arguments", "query", "found"),
    [
        ("get_user_memories", {}, "", "m3 m2b m2a m1"),
        ("search_user_memories", {}, "", "m3 m2b m2a m1"),
        ("search_user_memories", {"retrieval_method": "first_n"}, "", "m1 m2a m2b m3"),
        ("search_user_memories", {"query": "ignored", "retrieval_method": "last_n"}, "", "m3 m2b m2a m1"),
        (
            "search_user_memories",
            {"query": "spicy 100%", "retrieval_method": "keyword"},
            "q=spicy+100%25&",
            "m3 m2b m2a m1",
        ),
    ],
)
def test_order_without_a_limit(call: Verb, verb: str, arguments: dict[str, Any], query: str, found: str) -> None:
    """Read in an order that does not change during writes, and returned in the requested order."""
    script = Script(httpx.Response(200, json={"next": None, "results": payloads_of("2a", "3", "1", "2b")}))
    assert [memory.memory_id for memory in call(script, verb, **arguments)] == found.split()
    assert script.calls == [f"GET /api/memories/?{query}ordering=-created_at&page_size=100"]


@both_ways
@pytest.mark.parametrize(
    ("verb", "arguments", "query"),
    [
        ("get_user_memories", {"limit": 5}, "ordering=-last_updated&page_size=5"),
        ("search_user_memories", {"limit": 500}, "ordering=-last_updated&page_size=100"),
        ("search_user_memories", {"limit": 5, "retrieval_method": "first_n"}, "ordering=last_updated&page_size=5"),
        (
            "search_user_memories",
            {"limit": 5, "query": "tea", "retrieval_method": "keyword"},
            "q=tea&ordering=-last_updated&page_size=5",
        ),
    ],
)
def test_order_with_a_limit(call: Verb, verb: str, arguments: dict[str, Any], query: str) -> None:
    script = Script(page("b", "a"))
    assert [memory.memory_id for memory in call(script, verb, **arguments)] == ["b", "a"]
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
        ("memory_ids", "delete_user_memories", {"memory_ids": [5.0]}),
        ("memory_ids", "delete_user_memories", {"memory_ids": UserMemory(memory="x")}),
        *[
            ("memory_id", verb, {"memory_id": bad})
            for verb in ("get_user_memory", "delete_user_memory")
            for bad in (None, True, 1.5, b"m", "", " ", 10**255, 10**5_000, {"memory_id": "m"}, UserMemory)
        ],
        ("memory_id", "add_user_memory", {"memory": {"memory": "x", "memory_id": 10**255}}),
        ("session_id", "add_user_memory", {"memory": {"memory": "x", "session_id": 10**255}}),
        ("1.memory_id", "add_user_memories", {"memories": [{"memory": "x", "memory_id": each} for each in (5, "5")]}),
        ("session_id", "get_user_memories", {"session_id": True}),
        ("session_id", "get_user_memories", {"session_id": UserMemory(memory="x")}),
        ("memories", "add_user_memories", {"memories": UserMemory(memory="x")}),
        *[
            ("version", verb, {"memory_id": "m", "version": bad})
            for verb in ("delete_user_memory",)
            for bad in (0, "1", True)
        ],
        ("__all__", "get_user_memories", {"topics": ["x" * 100] * 1000}),
    ],
)
def test_invalid_arguments(field: str, verb: str, arguments: dict[str, Any]) -> None:
    with client(Script()) as memory, pytest.raises(ValidationError) as caught:
        getattr(memory, verb)(**arguments)
    assert list(caught.value.message_dict) == [field]


A_UUID = UUID("0192f0a0-0000-7000-8000-000000000001")


@both_ways
@pytest.mark.parametrize(
    ("given", "text"),
    [(12, "12"), (-1, "-1"), (A_UUID, str(A_UUID)), (UserMemory(memory="x", memory_id="m"), "m"), ("m", "m")],
)
def test_ids_in_all_types(call: Verb, given: Any, text: str) -> None:
    """Those of the service; a memory stands for its id."""
    ok = httpx.Response(200, json=PAYLOAD)
    script = Script(ok, ok, httpx.Response(204), httpx.Response(200, json={"deleted": [text]}))
    call(script, "get_user_memory", given)
    call(script, "replace_user_memory", given, UserMemory(memory="x"))
    assert call(script, "delete_user_memory", given) is None
    assert call(script, "delete_user_memories", [given, text]) == [text]
    assert script.calls[:3] == [f"{method} /api/memories/{text}/" for method in ("GET", "PUT", "DELETE")]
    assert script.bodies[-1] == {"memory_ids": [text]}
    for verb, arguments in (("replace_user_memory", [UserMemory(memory="x")]), ("delete_user_memory", [])):
        with pytest.raises(MemoryNotFound) as missing:
            call(Script(NOT_FOUND), verb, given, *arguments)
        assert missing.value.memory_id == text
        with pytest.raises(MemoryChanged) as changed:
            call(Script(httpx.Response(412, json={"detail": "Changed."})), verb, given, *arguments, version=2)
        assert changed.value.memory_id == text


@both_ways
def test_ids_of_new_memories_and_filters_in_all_types(call: Verb) -> None:
    created = httpx.Response(201, json=PAYLOAD)
    script = Script(created, httpx.Response(200, json=PAYLOAD), page())
    new: Any = {"memory": "x", "memory_id": A_UUID, "agent_id": 5, "session_id": A_UUID, "metadata": {"n": 5}}
    call(script, "add_user_memory", new, A_UUID)
    call(script, "upsert_user_memory", new, 7)
    call(script, "get_user_memories", A_UUID, agent_id=5, session_id=A_UUID)
    sent = {"memory": "x", "agent_id": "5", "session_id": str(A_UUID), "metadata": {"n": 5}}
    assert script.bodies == [{**sent, "memory_id": str(A_UUID)}, sent]
    assert script.calls == [
        f"POST /api/memories/?user_id={A_UUID}",
        f"PUT /api/memories/{A_UUID}/?user_id=7",
        f"GET /api/memories/?user_id={A_UUID}&agent_id=5&session_id={A_UUID}&ordering=-created_at&page_size=100",
    ]


@both_ways
def test_machine_written_fields_are_not_sent(call: Verb) -> None:
    """So that a memory that was read can be added elsewhere, and sent back."""
    read = memory_of(PAYLOAD)
    created, replaced = httpx.Response(201, json=PAYLOAD), httpx.Response(200, json=PAYLOAD)
    script = Script(created, httpx.Response(201, json=[PAYLOAD]), replaced, replaced)
    call(script, "add_user_memory", read)
    call(script, "add_user_memories", [PAYLOAD])
    call(script, "replace_user_memory", read, read)
    call(script, "upsert_user_memory", read)
    first, (second,), *others = script.bodies
    for body in (first, second, *others):
        assert not body.keys() & {"user_id", *names.MACHINE_WRITTEN}


@pytest.mark.parametrize("user_id", ["", " ", "\ud800", 1.5, True, b"maya", object(), 10**255, UserMemory(memory="x")])
def test_invalid_user_ids(user_id: Any) -> None:
    with client(Script()) as memory:
        for call in (
            memory.get_user_memories,
            memory.clear_user_memories,
            memory.erase_user,
            memory.count_user,
            memory.stats,
            memory.topic_counts,
        ):
            with pytest.raises(ValidationError) as caught:
                call(user_id)
            assert list(caught.value.message_dict) == ["user_id"]


@both_ways
def test_replace(call: Verb) -> None:
    script = Script(httpx.Response(200, json=PAYLOAD), httpx.Response(200, json=PAYLOAD))
    argument = UserMemory(memory="New", memory_id="other")
    assert call(script, "replace_user_memory", "m1", argument, "maya") == memory_of(PAYLOAD)
    call(script, "replace_user_memory", "m1", argument, version=2)
    assert script.calls == ["PUT /api/memories/m1/?user_id=maya", "PUT /api/memories/m1/"]
    assert "memory_id" not in script.bodies[0]
    assert [request.headers.get("If-Match") for request in script.sent] == [None, '"2"']
    with pytest.raises(MemoryNotFound) as missing:
        call(Script(NOT_FOUND), "replace_user_memory", "m1", argument)
    assert missing.value.memory_id == "m1"
    with pytest.raises(MemoryChanged) as changed:
        call(Script(httpx.Response(412, json={"detail": "Changed."})), "replace_user_memory", "m1", argument, version=2)
    assert (changed.value.memory_id, changed.value.version) == ("m1", 2)


@both_ways
def test_upsert(call: Verb) -> None:
    taken = httpx.Response(412, json={"detail": "Taken."})
    argument = UserMemory(memory="x", memory_id="m1")
    script = Script(httpx.Response(200, json=PAYLOAD))
    assert call(script, "upsert_user_memory", argument) == memory_of(PAYLOAD)
    script = Script(NOT_FOUND, httpx.Response(201, json=PAYLOAD))
    assert call(script, "upsert_user_memory", argument) == memory_of(PAYLOAD)
    assert script.calls == ["PUT /api/memories/m1/"] * 2
    assert [request.headers.get("If-None-Match") for request in script.sent] == [None, "*"]
    # Another call added it in between: now it can be replaced.
    script = Script(NOT_FOUND, taken, httpx.Response(200, json=PAYLOAD))
    assert call(script, "upsert_user_memory", argument) == memory_of(PAYLOAD)
    with pytest.raises(MemoryExists) as caught:
        call(Script(*[NOT_FOUND, taken] * 3), "upsert_user_memory", argument)
    assert caught.value.memory_ids == ["m1"]


@both_ways
def test_delete(call: Verb) -> None:
    script = Script(httpx.Response(204), httpx.Response(204))
    assert call(script, "delete_user_memory", "m1", "maya") is None
    call(script, "delete_user_memory", "m1", version=7)
    assert script.calls == ["DELETE /api/memories/m1/?user_id=maya", "DELETE /api/memories/m1/"]
    assert script.sent[1].headers["If-Match"] == '"7"'
    with pytest.raises(MemoryNotFound):
        call(Script(NOT_FOUND), "delete_user_memory", "m1")
    with pytest.raises(MemoryChanged):
        call(Script(httpx.Response(412, json={"detail": "Changed."})), "delete_user_memory", "m1", version=7)


@both_ways
def test_add_many_in_batches(call: Verb) -> None:
    argument = [UserMemory(memory=str(number), memory_id=f"m{number}") for number in range(5)]
    payload = [{**PAYLOAD, "memory_id": memory.memory_id} for memory in argument]
    script = Script(*(httpx.Response(201, json=payload[start : start + 2]) for start in (0, 2, 4)))
    added = call(client(script, bulk_size=2), "add_user_memories", iter(argument), "maya")
    assert [memory.memory_id for memory in added] == ["m0", "m1", "m2", "m3", "m4"]
    assert script.calls == ["POST /api/memories/bulk/?user_id=maya"] * 3
    assert [[each["memory_id"] for each in body] for body in script.bodies] == [["m0", "m1"], ["m2", "m3"], ["m4"]]
    assert call(Script(), "add_user_memories", []) == []


@pytest.mark.parametrize("form", ["list", "dictionary"])
def test_errors_of_many_by_position(form: str) -> None:
    argument = [UserMemory(memory=str(number), memory_id=f"m{number}") for number in range(4)]
    wrong = [{}, {"topics": ["Too many."], "memory": ["Blank."]}]
    taken = [{"memory_id": ["Taken."]}, {}]
    payload: list[Any] = [wrong, taken]
    if form == "dictionary":
        payload = [{str(place): errors for place, errors in enumerate(each) if errors} for each in payload]
    good = httpx.Response(201, json=[{**PAYLOAD, "memory_id": memory.memory_id} for memory in argument[:2]])
    script = Script(good, httpx.Response(400, json=payload[0]), good, httpx.Response(409, json=payload[1]))
    with client(script, bulk_size=2) as memory:
        with pytest.raises(ValidationError) as refused:
            memory.add_user_memories(argument)
        with pytest.raises(MemoryExists) as exists:
            memory.add_user_memories(argument)
    assert refused.value.message_dict == {"3.topics": ["Too many."], "3.memory": ["Blank."]}
    assert exists.value.memory_ids == ["m2"]
    for caught in (refused, exists):
        assert "2 memories were added" in caught.value.__notes__[0]


def test_duplicate_ids_in_two_requests() -> None:
    argument = [UserMemory(memory=str(number), memory_id=f"m{number % 3}") for number in range(4)]
    with client(Script(), bulk_size=1) as memory, pytest.raises(ValidationError) as caught:
        memory.add_user_memories(argument)
    assert list(caught.value.message_dict) == ["3.memory_id"]


@both_ways
def test_delete_many(call: Verb) -> None:
    script = Script(httpx.Response(200, json={"deleted": ["b"]}), httpx.Response(200, json={"deleted": ["c"]}))
    deleted = call(client(script, bulk_size=2), "delete_user_memories", iter(["a", "b", "a", "c"]), "maya")
    assert deleted == ["b", "c"]
    assert script.calls == ["POST /api/memories/delete/?user_id=maya"] * 2
    assert script.bodies == [{"memory_ids": ["a", "b"]}, {"memory_ids": ["c"]}]
    assert call(Script(), "delete_user_memories", []) == []


@both_ways
def test_clear(call: Verb) -> None:
    script = Script(httpx.Response(200, json={"deleted": 4}))
    assert call(script, "clear_user_memories", "maya/x@y") == 4
    assert script.calls == ["DELETE /api/users/maya%2Fx%40y/memories/?confirm=maya%2Fx%40y"]
    # Without a user, the first request asks for their id.
    stats = {"user_id": "noah", "total": 0, "first_created_at": None, "last_updated": None}
    script = Script(httpx.Response(200, json=stats), httpx.Response(200, json={"deleted": 0}))
    assert call(script, "clear_user_memories") == 0
    assert script.calls == ["GET /api/stats/", "DELETE /api/users/me/memories/?confirm=noah"]


@both_ways
def test_count_user(call: Verb) -> None:
    counts = {"memories": 4, "log_texts": 1}
    script = Script(*[httpx.Response(200, json={"user_id": "maya/x@y", "counts": counts})] * 2)
    assert call(script, "count_user", "maya/x@y") == call(script, "count_user") == counts
    assert script.calls == ["GET /api/users/maya%2Fx%40y/", "GET /api/users/me/"]


@both_ways
def test_erase_user(call: Verb) -> None:
    counts = {"erased": {"memories": 4, "log_texts": 1}, "left": {"memories": 0, "log_texts": 0}}
    script = Script(httpx.Response(200, json=counts))
    erasure = call(script, "erase_user", "maya/x@y")
    assert erasure == (counts["erased"], counts["left"])
    assert erasure.is_complete
    assert script.calls == ["DELETE /api/users/maya%2Fx%40y/?confirm=maya%2Fx%40y"]
    stats = {"user_id": "noah", "total": 0, "first_created_at": None, "last_updated": None}
    left = {"erased": {"memories": 1}, "left": {"memories": 1}}
    script = Script(httpx.Response(200, json=stats), httpx.Response(200, json=left))
    assert not call(script, "erase_user").is_complete
    assert script.calls == ["GET /api/stats/", "DELETE /api/users/me/?confirm=noah"]


@both_ways
def test_topics_and_stats(call: Verb) -> None:
    script = Script(httpx.Response(200, json={"results": [{"topic": "food", "count": 3}]}))
    assert call(script, "topic_counts", "maya", limit=2) == [("food", 3)]
    assert script.calls == ["GET /api/topics/?user_id=maya&limit=2"]
    assert call(Script(), "topic_counts", limit=0) == []
    payload = {
        "user_id": "maya",
        "total": 3,
        "first_created_at": PAYLOAD["created_at"],
        "last_updated": PAYLOAD["last_updated"],
    }
    moments = [datetime(2026, 11, 25, hour, 20, 22, 123000, UTC) for hour in (2, 3)]
    assert call(Script(httpx.Response(200, json=payload)), "stats", "maya") == Stats("maya", 3, *moments)


@pytest.mark.parametrize("name", ["retries", "page_size", "bulk_size"])
def test_invalid_numbers(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        client(Script(), **{name: -1})


# Earlier versions and duplicates


@both_ways
def test_history_reads_all_pages(call: Verb) -> None:
    following = f"{BASE}memories/a%2Fb/history/?cursor=x&page_size=2"
    script = Script(
        httpx.Response(200, json={"next": following, "results": [VERSION, {**VERSION, "version": 2}]}),
        httpx.Response(200, json={"next": None, "results": [{**VERSION, "version": 1}]}),
    )
    found = call(client(script, page_size=2), "get_user_memory_history", "a/b", "maya")
    assert [version.version for version in found] == [3, 2, 1]
    assert found[0].reason == "ticket 812"
    assert script.calls == [
        "GET /api/memories/a%2Fb/history/?user_id=maya&page_size=2",
        "GET /api/memories/a%2Fb/history/?cursor=x&page_size=2",
    ]
    script = Script(httpx.Response(200, json={"next": following, "results": [VERSION]}))
    assert len(call(script, "get_user_memory_history", "m1", limit=1)) == 1
    assert script.calls == ["GET /api/memories/m1/history/?page_size=1"]
    with pytest.raises(MemoryNotFound, match="m1"):
        call(Script(NOT_FOUND), "get_user_memory_history", "m1")


@both_ways
def test_restore(call: Verb) -> None:
    script = Script(httpx.Response(200, json=PAYLOAD))
    restored = call(script, "restore_user_memory", "m1", "maya", 2, at_version=3, reason="ticket 812")
    assert restored == memory_of(PAYLOAD)
    assert script.calls == ["POST /api/memories/m1/restore/?user_id=maya"]
    assert script.bodies == [{"version": 2, "reason": "ticket 812"}]
    assert script.sent[0].headers["If-Match"] == '"3"'
    script = Script(httpx.Response(200, json=PAYLOAD))
    call(script, "restore_user_memory", "m1")
    assert script.bodies == [{"version": None, "reason": ""}]
    assert "If-Match" not in script.sent[0].headers
    with pytest.raises(VersionNotFound, match="version 2"):
        call(Script(NOT_FOUND), "restore_user_memory", "m1", version=2)
    changed = httpx.Response(412, json={"detail": "x"})
    with pytest.raises(MemoryChanged):
        call(Script(changed), "restore_user_memory", "m1", at_version=3)
    with pytest.raises(UnexpectedAnswer):
        call(Script(changed), "restore_user_memory", "m1")
    with pytest.raises(ValidationError) as caught:
        call(Script(), "restore_user_memory", "m1", at_version=0)
    assert list(caught.value.message_dict) == ["at_version"]


@both_ways
def test_merge(call: Verb) -> None:
    script = Script(httpx.Response(200, json=PAYLOAD))
    assert call(script, "merge_user_memories", ["m1", memory_of(PAYLOAD), 2], "maya", "x") == memory_of(PAYLOAD)
    assert script.calls == ["POST /api/memories/merge/?user_id=maya"]
    assert script.bodies == [{"memory_ids": ["m1", "m1", "2"], "memory": "x"}]
    # The service does not name the memory that it misses.
    script = Script(NOT_FOUND, httpx.Response(200, json=PAYLOAD), NOT_FOUND)
    with pytest.raises(MemoryNotFound, match="'b'"):
        call(script, "merge_user_memories", ["a", "b", "c"])
    assert script.calls[1:] == ["GET /api/memories/a/", "GET /api/memories/b/"]
    with pytest.raises(MemoryChanged):
        call(Script(httpx.Response(409, json={"detail": "x"})), "merge_user_memories", ["a", "b"])


@both_ways
def test_duplicates(call: Verb) -> None:
    other = {**PAYLOAD, "memory_id": "m2"}
    script = Script(httpx.Response(200, json={"results": [[PAYLOAD, other]]}))
    assert call(script, "duplicates", "maya", 5) == [[memory_of(PAYLOAD), memory_of(other)]]
    assert script.calls == ["GET /api/memories/duplicates/?user_id=maya&limit=5"]
    assert call(Script(), "duplicates", limit=0) == []


@both_ways
def test_an_earlier_moment(call: Verb) -> None:
    moment = datetime(2026, 11, 25, 12, tzinfo=UTC)
    sent = "as_of=2026-11-25T12%3A00%3A00%2B00%3A00"
    script = Script(httpx.Response(200, json=PAYLOAD), page(), httpx.Response(200, json={"results": []}), page())
    with client(script) as memory:
        memory.get_user_memory("m1", as_of=moment)
        memory.get_user_memories(as_of=moment, limit=1)
        memory.search_user_memories("x", as_of=moment)
        memory.search_user_memories(retrieval_method="last_n", limit=1, as_of=moment)
    assert [path.partition("&")[0] for path in script.calls] == [
        f"GET /api/memories/m1/?{sent}",
        f"GET /api/memories/?{sent}",
        f"GET /api/memories/search/?{sent}",
        f"GET /api/memories/?{sent}",
    ]
    for bad in (moment.replace(tzinfo=None), "2026-11-25", 5):
        with pytest.raises(ValidationError) as caught:
            call(Script(), "get_user_memories", as_of=bad)
        assert list(caught.value.message_dict) == ["as_of"]


@both_ways
def test_delete_permanently(call: Verb) -> None:
    script = Script(httpx.Response(204))
    call(script, "delete_user_memory", "m1", "maya", permanently=True)
    assert script.calls == ["DELETE /api/memories/m1/?user_id=maya&permanently=true"]
    script = Script(httpx.Response(200, json={"deleted": ["a"]}))
    assert call(script, "delete_user_memories", ["a", "b"], permanently=True) == ["a"]
    assert script.bodies == [{"memory_ids": ["a", "b"], "permanently": True}]


@both_ways
def test_a_text_that_is_known(call: Verb) -> None:
    refused = httpx.Response(409, json={"detail": "Known.", "memory_id": "m9"})
    calls: list[tuple[str, Any, list[httpx.Response]]] = [
        ("add_user_memory", UserMemory(memory="x"), [refused]),
        ("upsert_user_memory", UserMemory(memory="x"), [NOT_FOUND, refused]),
        ("add_user_memories", [UserMemory(memory="x")], [refused]),
    ]
    for verb, argument, steps in calls:
        with pytest.raises(DuplicateMemory) as caught:
            call(Script(*steps), verb, argument)
        assert caught.value.memory_id == "m9"
    # The service may return the memory that is there.
    known = httpx.Response(200, json=PAYLOAD)
    assert call(Script(known), "add_user_memory", UserMemory(memory="x")) == memory_of(PAYLOAD)
    assert call(Script(NOT_FOUND, known), "upsert_user_memory", UserMemory(memory="x")) == memory_of(PAYLOAD)
