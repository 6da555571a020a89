"""Many writers at once, in threads and in processes, on every database."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from agno_memory.exceptions import MemoryChanged, MemoryExists, MemoryNotFound
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.revision_models import MemoryRevision
from tests.databases import (
    ALIASES,
    PROCESSES,
    THREADS,
    children,
    commits,
    each_database,
    errors,
    race,
    results,
)
from tests.worker import SHARED_ID, SHARED_OWNER, write

pytestmark = [commits]

ROUNDS = 15
TIMES = 8


@pytest.fixture
def shared(alias: str) -> UserMemory:
    """The memory that everybody writes to."""
    return Memory(db=alias).add_user_memory(UserMemory(memory_id=SHARED_ID, memory="start"), user_id=SHARED_OWNER)


@each_database
def test_threads_and_processes_lose_nothing(alias: str, shared: UserMemory) -> None:
    jobs = [
        {"job": "write", "alias": alias, "writer": f"process{number}", "times": TIMES} for number in range(PROCESSES)
    ]
    with children(jobs) as processes:
        outcomes = race(1, lambda thread, _: list(write(alias, f"thread{thread}", TIMES)))[0]
        said = [process.read_all() for process in processes]
        assert [process.process.returncode for process in processes] == [0] * PROCESSES
    assert errors(outcomes) == []
    acknowledged = [(name, version) for writer in [*results(outcomes), *said] for name, version in writer]
    assert_nothing_lost(alias, acknowledged)


def assert_nothing_lost(alias: str, acknowledged: list[tuple[str, int]]) -> None:
    writers = THREADS + PROCESSES
    replaced = sorted(version for name, version in acknowledged if name == SHARED_ID)
    assert replaced == list(range(2, writers * TIMES + 2))
    added = Counter(name for name, _ in acknowledged if name != SHARED_ID)
    assert set(added.values()) == {1}
    assert len(added) == writers * TIMES * 3
    rows = UserMemory.objects.using(alias)
    assert dict(rows.values_list("memory_id", "version")) == {**added, SHARED_ID: writers * TIMES + 1}
    # Each write of the shared memory kept exactly one version, which held until the next one.
    history = Memory(db=alias).get_user_memory_history(SHARED_ID, SHARED_OWNER)
    assert [version.version for version in history] == list(range(writers * TIMES + 1, 0, -1))
    assert MemoryRevision.objects.using(alias).count() == writers * TIMES
    assert all(newer.valid_from == older.valid_until for newer, older in pairwise(history))


@each_database
def test_one_of_many_replaces_of_a_version_wins(alias: str, shared: UserMemory) -> None:
    memory = Memory(db=alias)

    def replace(thread: int, number: int) -> str:
        new = UserMemory(memory=f"{thread} in {number}")
        return memory.replace_user_memory(SHARED_ID, new, SHARED_OWNER, version=number + 1).memory

    rounds = race(ROUNDS, replace)
    for outcomes in rounds:
        assert len(results(outcomes)) == 1
        assert [type(error) for error in errors(outcomes)] == [MemoryChanged] * (THREADS - 1)
    kept = memory.get_user_memory(SHARED_ID, SHARED_OWNER)
    assert kept is not None
    assert (kept.version, kept.memory) == (ROUNDS + 1, results(rounds[-1])[0])


@each_database
def test_one_of_many_adds_of_an_id_wins_for_each_owner(alias: str) -> None:
    memory = Memory(db=alias)
    owners = [f"user{number}" for number in range(4)]

    def add(thread: int, number: int) -> UserMemory:
        new = UserMemory(memory_id=f"id{number}", memory=f"by {thread}")
        return memory.add_user_memory(new, user_id=owners[thread % 4])

    for number, outcomes in enumerate(race(ROUNDS, add)):
        assert [type(error) for error in errors(outcomes)] == [MemoryExists] * (THREADS - len(owners))
        assert {error.memory_ids[0] for error in errors(outcomes) if isinstance(error, MemoryExists)} == {f"id{number}"}
        winners = {(winner.user_id, winner.memory, 1) for winner in results(outcomes)}
        rows = UserMemory.objects.using(alias).filter(memory_id=f"id{number}")
        assert set(rows.values_list("user_id", "memory", "version")) == winners
        assert sorted(owner for owner, _text, _version in winners) == owners


@each_database
def test_one_of_many_deletes_wins(alias: str) -> None:
    memory = Memory(db=alias)
    memory.add_user_memories([UserMemory(memory_id=f"id{number}", memory="x") for number in range(ROUNDS)])
    for outcomes in race(ROUNDS, lambda _, number: memory.delete_user_memory(f"id{number}")):
        assert outcomes.count(None) == 1
        assert [type(error) for error in errors(outcomes)] == [MemoryNotFound] * (THREADS - 1)


@pytest.mark.parametrize("alias", [alias for alias in ALIASES if alias != "standalone"])
def test_every_id_of_many_deletes_is_named_once(alias: str) -> None:
    """A stand-alone MongoDB can neither return deleted rows nor read and delete as one."""
    memory = Memory(db=alias)
    ids = [f"id{number}" for number in range(20 * ROUNDS)]
    memory.add_user_memories([UserMemory(memory_id=memory_id, memory="x") for memory_id in ids])
    deleted: list[str] = []
    for outcomes in race(ROUNDS, lambda _, number: memory.delete_user_memories(ids[20 * number : 20 * number + 20])):
        assert errors(outcomes) == []
        deleted += [memory_id for named in results(outcomes) for memory_id in named]
    assert sorted(deleted) == sorted(ids)


@each_database
def test_all_upserts_of_one_user_succeed(alias: str) -> None:
    memory = Memory(db=alias)

    def upsert(thread: int, number: int) -> int:
        return memory.upsert_user_memory(UserMemory(memory_id=f"id{number}", memory=f"by {thread}")).version

    for outcomes in race(ROUNDS, upsert):
        assert errors(outcomes) == []
        assert sorted(results(outcomes)) == list(range(1, THREADS + 1))
    assert UserMemory.objects.using(alias).count() == ROUNDS


@each_database
def test_upserts_of_one_user_survive_deletes(alias: str) -> None:
    """The memory comes and goes between an upsert's two statements; it always has the same owner."""
    memory = Memory(db=alias)

    def write(thread: int, _: int) -> object:
        if thread % 2:
            return memory.upsert_user_memory(UserMemory(memory_id="a", memory="x"))
        return memory.delete_user_memories(["a"])

    for outcomes in race(4 * ROUNDS, write):
        assert errors(outcomes) == []


@each_database
def test_upserts_of_two_users_do_not_meet(alias: str) -> None:
    memory = Memory(db=alias)

    def upsert(thread: int, number: int) -> tuple[str, int]:
        new = UserMemory(memory_id=f"id{number}", memory=f"by {thread}")
        upserted = memory.upsert_user_memory(new, user_id=f"user{thread % 2}")
        return upserted.user_id, upserted.version

    for number, outcomes in enumerate(race(ROUNDS, upsert)):
        versions = range(1, THREADS // 2 + 1)
        assert sorted(results(outcomes)) == [(f"user{user}", version) for user in range(2) for version in versions]
        assert UserMemory.objects.using(alias).filter(memory_id=f"id{number}").count() == 2


@each_database
def test_one_of_many_batches_with_a_common_id_wins(alias: str) -> None:
    """A stand-alone MongoDB has no transactions: there the losers raise too, but their earlier batches stay."""
    memory = Memory(db=alias)

    def add(thread: int, number: int) -> int:
        names = [f"{number}-{thread}-{name}" for name in "abcd"]
        names.insert(2, f"{number}-common")
        new = [UserMemory(memory_id=name, memory="x", agent_id=f"agent{thread}") for name in names]
        memory.add_user_memories(new, user_id="maya")
        return thread

    for number, outcomes in enumerate(race(ROUNDS, add)):
        assert [type(error) for error in errors(outcomes)] == [MemoryExists] * (THREADS - 1)
        (winner,) = results(outcomes)
        rows = UserMemory.objects.using(alias).filter(memory_id__startswith=f"{number}-")
        agents = Counter(rows.values_list("agent_id", flat=True))
        assert agents[f"agent{winner}"] == 5
        assert rows.get(memory_id=f"{number}-common").agent_id == f"agent{winner}"
        if alias != "standalone":
            assert set(agents) == {f"agent{winner}"}


@each_database
def test_batches_with_common_ids_in_opposite_order_do_not_lock_each_other_out(alias: str) -> None:
    """A stand-alone MongoDB may let both lose, each at an id of the other; elsewhere one wins completely."""
    memory = Memory(db=alias)
    names = [f"id{number:04}" for number in range(1500)]

    def add(thread: int, number: int) -> int:
        ordered = names if thread else names[::-1]
        new = [UserMemory(memory_id=f"{number}-{name}", memory="x", agent_id=f"agent{thread}") for name in ordered]
        memory.add_user_memories(new, user_id="maya")
        return thread

    for number, outcomes in enumerate(race(2, add, threads=2)):
        assert {type(error) for error in errors(outcomes)} == {MemoryExists}
        rows = UserMemory.objects.using(alias).filter(memory_id__startswith=f"{number}-")
        agents = Counter(rows.values_list("agent_id", flat=True))
        if alias != "standalone":
            (winner,) = results(outcomes)
            assert agents == {f"agent{winner}": len(names)}
