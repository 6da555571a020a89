"""Ids belong to their owner: several people use the same ones, and nothing shows whether another person has an id."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from agno_memory.formats import as_dict
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.rest.views import MemoryViewSet, PersonViewSet, SessionViewSet
from tests.rest.api import PROBLEM, Caller, add, each_database, ids, one, response_parts
from tests.rest.test_sessions import save

# Ids of the same length: Bob has a memory, a session and a run with the first one, and there is a person of this name.
USED, FREE = "used", "free"
ID = "{id}"
NEW: dict[str, Any] = {"memory": "x"}
CREATE = {"If-None-Match": "*"}
# Stands for the tag of the response before.
LAST = "{etag}"


class Step(NamedTuple):
    """A request with an id in its path or body.

    Args:
        method: HTTP method.
        path: with ``{id}`` for the id, or ``{word}`` of another route.
        body: with ``{id}`` for the id.
        headers: of the request.
    """

    method: str
    path: str
    body: Any = None
    headers: dict[str, str] | None = None


MEMORY = f"memories/{ID}/"
READS = [Step("GET", MEMORY), Step("HEAD", MEMORY), Step("GET", MEMORY, headers={"If-None-Match": LAST})]
WRITES = [
    Step(method, MEMORY, None if method == "DELETE" else NEW, headers)
    for method in ("PUT", "PATCH", "DELETE")
    for headers in ({"If-Match": '"9"'}, {"If-None-Match": '"9"'}, {})
]
DELETE_MANY = Step("POST", "memories/delete/", {"memory_ids": [ID, "other"]})
ADD = Step("POST", "memories/", {**NEW, "memory_id": ID})
ADD_MANY = Step("POST", "memories/bulk/", [NEW, {**NEW, "memory_id": ID}])
PUT_NEW = Step("PUT", MEMORY, NEW, CREATE)
# A missing memory, then the same memory created in all ways, each followed by attempts to create it again.
LIFE = [
    *(*READS, *WRITES, DELETE_MANY),
    *(ADD, ADD, ADD_MANY, PUT_NEW, *READS, *WRITES, *READS),
    *(ADD_MANY, ADD, ADD_MANY, PUT_NEW, *READS, DELETE_MANY, DELETE_MANY),
    *(PUT_NEW, ADD, ADD_MANY, PUT_NEW, *READS, *WRITES),
]
HISTORY, RESTORE = Step("GET", f"{MEMORY}history/"), Step("POST", f"{MEMORY}restore/", {"version": 1})
# The same life with its versions.
VERSIONS = [
    *(HISTORY, RESTORE, Step("POST", "memories/merge/", {"memory_ids": [ID, "other"]})),
    *(ADD, HISTORY, Step("PUT", MEMORY, NEW), HISTORY, Step("POST", f"{MEMORY}restore/", {}), HISTORY),
    *(Step("POST", "memories/merge/", {"memory_ids": [ID, "other"]}), Step("GET", "memories/duplicates/")),
    *(Step("DELETE", MEMORY), HISTORY, RESTORE, Step("DELETE", f"{MEMORY}?permanently=true"), HISTORY, *READS),
    *(ADD, Step("DELETE", f"{MEMORY}?permanently=true"), HISTORY, RESTORE, Step("GET", "memories/?deleted=true")),
]
SESSION = f"sessions/{ID}/"
SESSIONS = [
    Step("GET", SESSION),
    Step("GET", f"{SESSION}runs/"),
    Step("PATCH", SESSION, {"name": "x"}),
    Step("DELETE", SESSION),
]
# People are named by callers without permissions.
PEOPLE = [
    Step("GET", f"users/{ID}/"),
    Step("DELETE", f"users/{ID}/memories/"),
    Step("DELETE", f"users/{ID}/"),
    Step("DELETE", f"users/{ID}/?confirm={ID}"),
    *(
        Step("GET", f"{path}?user_id={ID}")
        for path in ("sessions/", "sessions/s/", "sessions/s/runs/", "sessions/export/")
    ),
    Step("DELETE", f"sessions/s/?user_id={ID}"),
    Step("DELETE", f"users/{ID}/memories/?confirm={ID}"),
    *(
        Step("GET", f"{path}?user_id={ID}")
        for path in (
            *("memories/", "memories/m/", "memories/m/history/", "memories/duplicates/"),
            *("memories/export/", "topics/", "stats/"),
        )
    ),
    *(Step("GET", f"memories/?deleted=true&user_id={ID}"), Step("GET", f"memories/?as_of=2026-01-01&user_id={ID}")),
    Step("POST", f"memories/m/restore/?user_id={ID}", {}),
    Step("POST", "memories/merge/", {"memory_ids": ["m", "n"], "user_id": ID}),
    *(Step(method, f"memories/m/?user_id={ID}", NEW) for method in ("PUT", "PATCH")),
    Step("DELETE", f"memories/m/?user_id={ID}"),
    Step("POST", "memories/", {**NEW, "user_id": ID}),
    Step("POST", "memories/bulk/", [{**NEW, "user_id": ID}]),
    Step("POST", "memories/delete/", {"memory_ids": ["m"], "user_id": ID}),
]


def with_id(value: Any, name: str) -> Any:
    match value:
        case str():
            return value.replace(ID, name)
        case list():
            return [with_id(each, name) for each in value]
        case dict():
            return {key: with_id(each, name) for key, each in value.items()}
    return value


def outcomes(who: Caller, steps: list[Step], name: str, query: str, accept: str) -> Iterator[Any]:
    """Yield the statuses, headers, contents and numbers of statements of requests with an id."""
    etag = ""
    for step in steps:
        path = with_id(step.path, name)
        path += query and f"{'&' if '?' in path else '?'}{query}"
        headers = {"Accept": accept, **(step.headers or {})}
        headers = {header: etag if value == LAST else value for header, value in headers.items()}
        with ExitStack() as stack:
            captured = [stack.enter_context(CaptureQueriesContext(connections[alias])) for alias in connections]
            status, answered, content = response_parts(
                who.call(step.method, path, with_id(step.body, name), headers=headers)
            )
        etag = answered.get("ETag", "")
        yield (
            step,
            status,
            {header: without_details(value, name) for header, value in answered.items()},
            without_details(content.decode(), name),
            [len(each) for each in captured],
        )


def without_details(text: str, name: str) -> str:
    """Return a text without its id, generated ids and times."""
    text = re.sub(rf"\b{name}\b", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
    text = re.sub(r'"(\d+)-[0-9a-f]{16}"', r'"\1-DIGEST"', text)
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)


@pytest.fixture
def taken(site: None) -> UserMemory:
    """Bob's memory, beside his session and a person with the same id."""
    save(USED, "bob", runs=1)
    add(USED, "hers", memory_id="m")
    return add("bob", "his", memory_id=USED, topics=["his"])


@each_database
@pytest.mark.parametrize("accept", ["application/json", PROBLEM])
@pytest.mark.parametrize(
    "steps", [LIFE, VERSIONS, SESSIONS, PEOPLE], ids=["memories", "versions", "sessions", "people"]
)
def test_nothing_shows_that_another_person_has_an_id(
    alias: str, ana: Caller, taken: UserMemory, steps: list[Step], accept: str
) -> None:
    ana.call("GET", "memories/")
    used, free = (list(outcomes(ana, steps, name, "", accept)) for name in (USED, FREE))
    assert used == free
    assert [as_dict(memory) for memory in UserMemory.objects.for_user("bob")] == [as_dict(taken)]


@each_database
@pytest.mark.parametrize("steps", [LIFE, VERSIONS], ids=["memories", "versions"])
def test_nothing_shows_it_to_those_who_act_for_a_person(
    alias: str, admin: Caller, taken: UserMemory, steps: list[Step]
) -> None:
    admin.call("GET", "memories/?user_id=ana")
    used, free = (list(outcomes(admin, steps, name, "user_id=ana", "application/json")) for name in (USED, FREE))
    assert used == free
    assert [as_dict(memory) for memory in UserMemory.objects.for_user("bob")] == [as_dict(taken)]


@each_database
def test_the_statuses_of_an_id(alias: str, ana: Caller, taken: UserMemory) -> None:
    """409 and 412 are about the caller's own memories."""
    statuses = [status for _step, status, *_rest in outcomes(ana, LIFE, USED, "", "application/json")]
    absent, existing = [404] * 3, [200, 200, 304]
    assert statuses == [
        *(*absent, *[404] * 9, 200),
        *(201, 409, 409, 412, *existing, 412, 200, 200, 412, 200, 200, 412, 204, 404, *absent),
        *(201, 409, 409, 412, *existing, 200, 200),
        *(201, 409, 409, 412, *existing, 412, 200, 200, 412, 200, 200, 412, 204, 404),
    ]


@each_database
def test_the_statuses_of_versions(alias: str, ana: Caller, admin: Caller, taken: UserMemory) -> None:
    """Without the permission, a deleted memory is one that never was."""
    for who, query, deleted in ((ana, "", False), (admin, "user_id=bob&", True)):
        name = FREE
        statuses = [status for _step, status, *_rest in outcomes(who, VERSIONS, name, query[:-1], "application/json")]
        seen = [200, 200, 204, 404] if deleted else [404, 404, 404, 404]
        expected = [*(404, 404, 404), *(201, 200, 200, 200, 200, 200), *(404, 200), *(204, *seen, 404, 404, 404)]
        assert statuses == [*expected, *(201, 204, 404, 404), 200 if deleted else 403]


def test_every_route_with_an_id_is_walked() -> None:
    routes = {
        (method.upper(), route.path)
        for view in (MemoryViewSet, PersonViewSet, SessionViewSet)
        for route, actions in view.routes().items()
        for method in actions
        if "<" in route.path or method == "post"
    }
    walked = {
        (step.method, step.path.split("?")[0])
        for step in (*LIFE, *VERSIONS, *SESSIONS, *PEOPLE)
        if step.method != "HEAD"
    }
    assert {(method, re.sub(r"<[^>]+>", ID, path)) for method, path in routes} <= walked


@each_database
def test_two_people_use_the_same_id(alias: str, ana: Caller, bob: Caller) -> None:
    where = one("memory_123")
    people = {"ana": ana, "bob": bob}
    for name, who in people.items():
        created = who.call("POST", "memories/", {"memory": f"of {name}", "memory_id": "memory_123"})
        assert (created.status_code, created["Location"]) == (201, f"http://testserver/api/{where}")
        assert who.call("POST", "memories/", {"memory": "again", "memory_id": "memory_123"}).status_code == 409
    for name, who in people.items():
        assert who.call("GET", where).json()["memory"] == f"of {name}"
        assert ids(who.call("GET", "memories/")) == ["memory_123"]
        replaced = who.call("PUT", where, {"memory": f"new of {name}"}, headers={"If-Match": '"1"'})
        assert (replaced.status_code, replaced.json()["user_id"]) == (200, name)
        assert who.call("PATCH", where, {"topics": [name]}).json()["version"] == 3
    assert ana.call("DELETE", where).status_code == 204
    assert ana.call("GET", where).status_code == 404
    assert bob.call("GET", where).json()["topics"] == ["bob"]
    assert ana.call("PUT", where, {"memory": "x"}, headers=CREATE).status_code == 201
    assert ana.call("POST", "memories/delete/", {"memory_ids": ["memory_123"]}).json() == {"deleted": ["memory_123"]}
    both = [{"memory": "x", "memory_id": each} for each in ("memory_123", "memory_124")]
    assert ana.call("POST", "memories/bulk/", both).status_code == 201
    refused = bob.call("POST", "memories/bulk/", both)
    assert (refused.status_code, list(refused.json())) == (409, ["0"])
    assert [memory.memory for memory in Memory().get_user_memories("bob")] == ["new of bob"]


@each_database
def test_caches_keep_people_apart(alias: str, ana: Caller, bob: Caller) -> None:
    """The memories of two people may have the same address and the same ETag."""
    for who in (ana, bob):
        who.call("POST", "memories/", {"memory": "x", "memory_id": "a"})
    for headers in ({}, {"If-None-Match": '"1"'}, {"If-Match": '"2"'}):
        method = "DELETE" if "If-Match" in headers else "GET"
        varied = [who.call(method, one("a"), headers=headers)["Vary"].split(", ") for who in (ana, bob)]
        assert all("Authorization" in names for names in varied)
