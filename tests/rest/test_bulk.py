"""Many memories at once: all or nothing, errors by position, and one person erased."""

from __future__ import annotations

from typing import Any

import pytest

from agno_memory.formats import as_dict
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from tests.rest.api import PROBLEM, Caller, add, add_many, each_database, on_sqlite, site


@each_database
def test_many_are_stored_in_order(alias: str, ana: Caller) -> None:
    given = [{"memory": f"number {number}", "memory_id": f"{9 - number}", "topics": ["a"]} for number in range(9)]
    response = ana.call("POST", "memories/bulk/", given)
    assert response.status_code == 201
    assert [memory["memory"] for memory in response.json()] == [memory["memory"] for memory in given]
    assert response.json() == [as_dict(UserMemory.objects.get(memory_id=memory["memory_id"])) for memory in given]


@each_database
def test_all_or_nothing(alias: str, ana: Caller) -> None:
    add("ana", memory_id="mine")
    add("ana", memory_id="also mine")
    add("bob", memory_id="theirs")
    good = {"memory": "good"}
    cases: list[tuple[list[Any], int, dict[str, list[str]]]] = [
        ([good, {"memory": ""}, good], 400, {"1": ["memory"]}),
        ([good, {}, {"memory": "x", "topics": 1, "agent_id": 1}], 400, {"1": ["memory"], "2": ["agent_id", "topics"]}),
        ([good, {"memory": "x", "memory_id": "a"}, {"memory": "x", "memory_id": "a"}], 400, {"2": ["memory_id"]}),
        ([good, {"memory": "x", "memory_id": "bulk"}], 400, {"1": ["memory_id"]}),
        ([good, {"memory": "x", "colour": "red"}], 400, {"1": ["colour"]}),
        ([good, {"memory": "x", "memory_id": "mine"}], 409, {"1": ["memory_id"]}),
        ([good, {"memory": "x", "created_at": "2026-01-01T00:00:00Z"}], 400, {"1": ["created_at"]}),
        (
            [{"memory": "x", "memory_id": each} for each in ("also mine", "theirs", "new", "mine")],
            409,
            {"0": ["memory_id"], "3": ["memory_id"]},
        ),
    ]
    for body, status, named in cases:
        response = ana.call("POST", "memories/bulk/", body)
        assert (response.status_code, {place: sorted(fields) for place, fields in response.json().items()}) == (
            status,
            named,
        )
        assert UserMemory.objects.count() == 3


@on_sqlite
def test_the_time_of_creation_is_read_only(alias: str, ana: Caller) -> None:
    refused = {"created_at": ["This field is read-only."]}
    body = [{"memory": "a"}, {"memory": "b", "created_at": None}, {"memory": "c", "created_at": "2026-01-01T00:00:00Z"}]
    response = ana.call("POST", "memories/bulk/", body)
    assert (response.status_code, response.json()) == (400, {"1": refused, "2": refused})
    assert not UserMemory.objects.exists()


@on_sqlite
def test_a_body_that_is_not_a_list_is_refused(alias: str, ana: Caller) -> None:
    bodies: list[Any] = [{}, {"memory": "x"}, "x", 1, None]
    for body in bodies:
        response = ana.call("POST", "memories/bulk/", body)
        assert (response.status_code, response.json()) == (400, {"non_field_errors": ["Send a list of memories."]})
    lists: list[list[Any]] = [[1], ["x"], [None], [[]], [{"memory": "x"}, []]]
    for items in lists:
        response = ana.call("POST", "memories/bulk/", items)
        assert (response.status_code, list(response.json())) == (400, [str(len(items) - 1)])
    assert ana.call("POST", "memories/bulk/", []).json() == []


@each_database
def test_up_to_a_limit(alias: str, ana: Caller) -> None:
    assert len(ana.call("POST", "memories/bulk/", [{"memory": "x"}] * 1_000).json()) == 1_000
    with site(alias, REST_MAX_BULK=3):
        assert ana.call("POST", "memories/bulk/", [{"memory": "x"}] * 3).status_code == 201
        response = ana.call("POST", "memories/bulk/", [{"memory": "x"}] * 4)
        assert (response.status_code, response.json()) == (
            400,
            {"non_field_errors": ["At most 3 at once (there are 4): send several requests."]},
        )
        ids = [str(number) for number in range(4)]
        assert ana.call("POST", "memories/delete/", {"memory_ids": ids[:3]}).status_code == 200
        response = ana.call("POST", "memories/delete/", {"memory_ids": ids})
        assert (response.status_code, list(response.json())) == (400, ["memory_ids"])
        assert "At most 3 at once" in response.json()["memory_ids"][0]
    assert UserMemory.objects.count() == 1_003


NAMES = {f"unknown {number}": 1 for number in range(50)}
MANY_ERRORS = {
    "unknown fields": ("memories/bulk/", [{"memory": "x", **NAMES}] * 300),
    "a long name": ("memories/bulk/", [{"memory": "x", "y" * 10_000: 1}] * 300),
    "topics": ("memories/bulk/", [{"memory": "", "topics": [1] * 100}] * 1_000),
    "no memories": ("memories/bulk/", [1] * 1_000),
    "taken ids": ("memories/bulk/", [{"memory": "x", "memory_id": f"a{number}"} for number in range(1_000)]),
    "one id": ("memories/bulk/", [{"memory": "x", "memory_id": "b"}] * 1_000),
    "no ids": ("memories/delete/", {"memory_ids": [""] * 1_000}),
    "a long text": ("memories/", {"memory": "x", "session_id": {"y" * 100_000: 1}, "z" * 100_000: 1}),
}


@on_sqlite
@pytest.mark.parametrize(("path", "body"), MANY_ERRORS.values(), ids=MANY_ERRORS)
@pytest.mark.parametrize("accept", ["application/json", PROBLEM])
def test_the_errors_of_a_large_request_are_a_small_response(
    alias: str, ana: Caller, path: str, body: Any, accept: str
) -> None:
    Memory().add_user_memories([UserMemory(memory="x", memory_id=f"a{number}") for number in range(1_000)], "ana")
    response = ana.call("POST", path, body, headers={"Accept": accept})
    assert response.status_code in {400, 409}
    assert len(response.content) < 40_000
    assert len(body) < 1_000 or "more errors" in response.content.decode()
    assert UserMemory.objects.count() == 1_000


@each_database
def test_many_are_deleted_and_named(alias: str, ana: Caller) -> None:
    ids = [memory.memory_id for memory in add_many("ana", 6)]
    add("bob", memory_id="theirs")
    add("bob", memory_id=ids[0])
    wanted = [ids[4], "nothing", ids[0], "theirs", ids[4], "..", "bulk", "a b/%"]
    response = ana.call("POST", "memories/delete/", {"memory_ids": wanted})
    assert (response.status_code, response.json()) == (200, {"deleted": [ids[4], ids[0]]})
    assert sorted(memory.memory_id for memory in UserMemory.objects.for_user("ana")) == sorted(
        {*ids} - {ids[4], ids[0]}
    )
    assert {memory.memory_id for memory in UserMemory.objects.for_user("bob")} == {"theirs", ids[0]}
    assert ana.call("POST", "memories/delete/", {"memory_ids": wanted}).json() == {"deleted": []}
    assert ana.call("POST", "memories/delete/", {"memory_ids": []}).json() == {"deleted": []}


@on_sqlite
@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "x",
        {"memory_ids": None},
        {"memory_ids": "x"},
        {"memory_ids": {"a": 1}},
        {"memory_ids": [1]},
        {"memory_ids": [None]},
        {"memory_ids": [""]},
        {"memory_ids": ["x" * 256]},
        {"memory_ids": ["\x00"]},
        {"memory_ids": [["a"]]},
        {"memory_id": ["a"]},
        {"memory_ids": ["a"], "version": 1},
    ],
)
def test_bad_ids_are_refused(alias: str, ana: Caller, body: Any) -> None:
    add("ana", memory_id="a")
    response = ana.call("POST", "memories/delete/", body)
    assert response.status_code == 400
    assert response.json()
    assert UserMemory.objects.count() == 1


@each_database
def test_one_person_is_erased(alias: str, ana: Caller, bob: Caller, admin: Caller) -> None:
    add_many("ana", 5)
    add_many("bob", 2)
    for query in (
        "",
        "?confirm=",
        "?confirm=bob",
        "?confirm=ANA",
        "?confirm=ana%20",
        "?confirm=me",
        "?confirm=*",
        "?user_id=ana",
    ):
        response = ana.call("DELETE", f"users/me/memories/{query}")
        assert (query, response.status_code, list(response.json())) == (query, 400, ["confirm"])
        assert "?confirm=" in response.json()["confirm"][0]
    assert UserMemory.objects.count() == 7
    assert ana.call("DELETE", "users/ana/memories/?confirm=ana").json() == {"deleted": 5}
    assert ana.call("DELETE", "users/me/memories/?confirm=ana").json() == {"deleted": 0}
    assert bob.call("GET", "stats/").json()["total"] == 2
    assert admin.call("DELETE", "users/bob/memories/?confirm=bob").json() == {"deleted": 2}
    assert not UserMemory.objects.exists()
