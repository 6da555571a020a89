"""Clients that write at the same moment: nothing is lost, and the losing client gets an error."""

from __future__ import annotations

from collections import Counter
from typing import Any
from unittest import mock

import pytest

from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.rest.etags import check_preconditions
from tests.databases import race, results
from tests.rest.api import Caller, add, each_database_commits, one, stored

THREADS = 6
ROUNDS = 4
FIELDS = ("memory", "input", "agent_id", "team_id", "session_id", "feedback")


def statuses(outcomes: list[Any]) -> Counter[int]:
    return Counter(response.status_code for response in outcomes)


def clients(who: Caller) -> list[Caller]:
    """Return a client for every thread; all of them are the same user."""
    return [who.again() for _thread in range(THREADS)]


@each_database_commits
def test_an_id_is_used_once_by_each_owner(alias: str, ana: Caller, bob: Caller) -> None:
    threads = [(ana, bob)[thread % 2].again() for thread in range(THREADS)]

    def create(thread: int, number: int) -> Any:
        return threads[thread].call("POST", "memories/", {"memory": f"{thread}", "memory_id": f"{number}"})

    def put(thread: int, number: int) -> Any:
        path = one(f"put {number}")
        return threads[thread].call("PUT", path, {"memory": f"{thread}"}, headers={"If-None-Match": "*"})

    for outcomes in race(ROUNDS, create, THREADS):
        assert statuses(outcomes) == {201: 2, 409: THREADS - 2}
    for outcomes in race(ROUNDS, put, THREADS):
        assert statuses(outcomes) == {201: 2, 412: THREADS - 2}
    assert [UserMemory.objects.for_user(owner).count() for owner in ("ana", "bob")] == [2 * ROUNDS] * 2


@each_database_commits
def test_one_of_those_who_name_a_version_wins(alias: str, ana: Caller) -> None:
    add("ana", memory_id="a")
    threads = clients(ana)

    def replace(thread: int, number: int) -> Any:
        method = ("PUT", "PATCH")[thread % 2]
        return threads[thread].call(method, one("a"), {"memory": f"{thread}"}, headers={"If-Match": f'"{number + 1}"'})

    for outcomes in race(ROUNDS, replace, THREADS):
        assert statuses(outcomes) == {200: 1, 412: THREADS - 1}
    assert stored("a").version == ROUNDS + 1

    def delete(thread: int, number: int) -> Any:
        return threads[thread].call("DELETE", one("a"), headers={"If-Match": f'"{ROUNDS + 1}"'})

    (outcomes,) = race(1, delete, THREADS)
    assert statuses(outcomes)[204] == 1
    assert statuses(outcomes).keys() <= {204, 404, 412}


@each_database_commits
def test_patches_of_different_fields_are_all_kept(alias: str, ana: Caller) -> None:
    add("ana", memory_id="a")
    threads = clients(ana)

    def patch(thread: int, number: int) -> Any:
        return threads[thread].call("PATCH", one("a"), {FIELDS[thread]: f"{FIELDS[thread]} {number}"})

    for number, outcomes in enumerate(race(ROUNDS, patch, THREADS)):
        assert statuses(outcomes) == {200: THREADS}
        last = max((response.json() for response in results(outcomes)), key=lambda memory: memory["version"])
        assert {name: last[name] for name in FIELDS} == {name: f"{name} {number}" for name in FIELDS}
    assert stored("a").version == 1 + ROUNDS * THREADS


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@each_database_commits
def test_a_memory_that_is_added_again_in_between_is_not_the_one_that_was_read(
    alias: str, ana: Caller, method: str
) -> None:
    """It has the same id and the same version, but another tag."""
    add("ana", "first", memory_id="a")

    def check_and_lose(request: Any, memory: UserMemory) -> None:
        """Check the preconditions; then another client deletes the memory and adds one with the same id."""
        check_preconditions(request, memory)
        if memory.memory == "first":
            Memory().delete_user_memory("a", "ana")
            add("ana", "second", memory_id="a", feedback="of the second")

    for tag in (ana.call("GET", one("a"))["ETag"], '"1"'):
        with mock.patch("agno_memory.rest.memories.views.check_preconditions", check_and_lose):
            body = None if method == "DELETE" else {"memory": "mine"}
            assert ana.call(method, one("a"), body, headers={"If-Match": tag}).status_code == 412
        assert (stored("a").memory, stored("a").version) == ("second", 1)
        UserMemory.objects.all().erase()
        add("ana", "first", memory_id="a")
    # Without a precondition, a change of some fields reads the new memory, and keeps its other fields.
    with mock.patch("agno_memory.rest.memories.views.check_preconditions", check_and_lose):
        assert ana.call("PATCH", one("a"), {"memory": "mine"}).status_code == 200
    assert (stored("a").memory, stored("a").feedback) == ("mine", "of the second")
