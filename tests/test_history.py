"""Earlier versions beside the contract: sequences of writes, many writers at once, writers that are killed."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connections, transaction
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from agno_memory import people
from agno_memory.acting import acting, current_author
from agno_memory.bulk import BulkMemory
from agno_memory.db import mongodb, revisions
from agno_memory.db.store import Store
from agno_memory.exceptions import MemoryChanged, MemoryNotFound
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.pruning import prune
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.revision_models import MemoryRevision
from agno_memory.test import at
from agno_memory.times import now
from tests.databases import commits, each_database

SECOND = datetime.timedelta(seconds=1)
IDS = ["a", "b"]
WRITES = st.lists(
    st.tuples(st.sampled_from(["upsert", "delete", "restore", "merge", "topic", "clear"]), st.sampled_from(IDS)),
    max_size=8,
)


@commits
@each_database
@settings(max_examples=12, deadline=None)
@given(writes=WRITES)
def test_a_moment_shows_what_a_dictionary_would(alias: str, writes: list[tuple[str, str]]) -> None:
    memory = Memory(alias)
    memory.clear()
    start = now() - 1_000 * SECOND
    known: dict[str, str] = {}
    moments: list[tuple[datetime.datetime, dict[str, str]]] = []
    for number, (action, memory_id) in enumerate(writes):
        moment = start + number * SECOND
        with at(moment):
            known = _write(memory, action, memory_id, str(number), dict(known))
        if action == "clear":
            # Nothing is known of what was erased.
            moments = []
        moments.append((moment + SECOND / 2, known))
    for moment, expected in moments:
        found = {each.memory_id: each.memory for each in memory.get_user_memories("maya", as_of=moment)}
        assert found == expected
        assert memory.rows_at(moment, "maya").count() == len(expected)
        for memory_id in IDS:
            one = memory.get_user_memory(memory_id, "maya", as_of=moment)
            assert (one.memory if one else None) == expected.get(memory_id)


def _write(memory: Memory, action: str, memory_id: str, text: str, known: dict[str, str]) -> dict[str, str]:
    """Write to a memory, and return what it must know afterwards."""
    if action == "upsert":
        memory.upsert_user_memory(UserMemory(memory_id=memory_id, memory=text), "maya")
        return known | {memory_id: text}
    if action == "clear":
        memory.clear_user_memories("maya")
        return {}
    if action == "topic":
        BulkMemory(memory.rows_to_write("maya")).add_topic(text)
        return known
    if action == "merge" and len(known) == len(IDS):
        merged = memory.merge_user_memories(IDS, "maya", memory=text)
        return {merged.memory_id: text}
    if action == "merge":
        return known
    if action == "delete":
        assert memory.delete_user_memories([memory_id], "maya") == [memory_id][: memory_id in known]
        return {key: value for key, value in known.items() if key != memory_id}
    return _restore(memory, memory_id, known)


def _restore(memory: Memory, memory_id: str, known: dict[str, str]) -> dict[str, str]:
    try:
        return known | {memory_id: memory.restore_user_memory(memory_id, "maya").memory}
    except MemoryNotFound:
        return known


@commits
@each_database
def test_versions_of_many_writers_have_neither_gaps_nor_doubles(alias: str) -> None:
    memory = Memory(alias)
    memory.add_user_memory(UserMemory(memory_id="m", memory="0"), "maya")
    errors: list[Exception] = []

    def write(name: int) -> None:
        try:
            for number in range(5):
                memory.replace_user_memory("m", UserMemory(memory=f"{name}.{number}"), "maya")
        except Exception as error:
            errors.append(error)
        finally:
            connections[alias].close()

    threads = [threading.Thread(target=write, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    history = memory.get_user_memory_history("m", "maya")
    assert [version.version for version in history] == list(range(41, 0, -1))
    assert len({version.memory for version in history}) == 41
    for newer, older in pairwise(history):
        assert newer.valid_from == older.valid_until


class Killed(BaseException):
    """As the end of a process: no part of the package catches it."""


@contextmanager
def killed_after(calls: int) -> Iterator[None]:
    """End a process of MongoDB before its next write, after a number of them."""
    original: Any = mongodb.queries._call
    left = [calls]

    def call(model: Any, connection: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method not in ("find", "find_one"):
            if not left[0]:
                raise Killed
            left[0] -= 1
        return original(model, connection, method, *args, **kwargs)

    with mock.patch.object(mongodb.queries, "_call", call):
        yield


@commits
@pytest.mark.parametrize("alias", ["standalone"])
@pytest.mark.parametrize("calls", [0, 1])
@pytest.mark.parametrize("action", ["replace", "delete"])
def test_a_writer_that_was_killed_without_transactions(alias: str, action: str, calls: int) -> None:
    """Where MongoDB stands alone, a version is kept before it is written; it shows in no list twice."""
    memory = Memory(alias)
    before = now() - SECOND
    added = memory.add_user_memory(UserMemory(memory_id="m", memory="one"), "maya")
    writes: dict[str, Callable[[], object]] = {
        "replace": lambda: memory.replace_user_memory("m", UserMemory(memory="lost"), "maya"),
        "delete": lambda: memory.delete_user_memory("m", "maya"),
    }
    with killed_after(calls), pytest.raises(Killed):
        writes[action]()
    assert MemoryRevision.objects.using(alias).count() == calls
    assert [version.version for version in memory.get_user_memory_history("m", "maya")] == [1]
    moment = now() + SECOND
    assert [each.memory for each in memory.get_user_memories("maya", as_of=added.last_updated)] == ["one"]
    assert memory.rows_at(added.last_updated, "maya").count() == 1
    assert memory.rows_at(before, "maya").count() == 0
    with acting("ann"), at(moment):
        memory.replace_user_memory("m", UserMemory(memory="two"), "maya")
    history = memory.get_user_memory_history("m", "maya")
    assert [(version.version, version.memory, version.actor) for version in history] == [
        (2, "two", None),
        (1, "one", "ann"),
    ]
    assert history[1].valid_until == history[0].valid_from
    assert MemoryRevision.objects.using(alias).count() == 1


@commits
@pytest.mark.parametrize("alias", ["standalone", "mongodb"])
def test_a_version_that_a_server_lost_in_between_is_kept_again(alias: str) -> None:
    """A server that crashes has not saved the version yet; the write waits, and another server does it."""
    memory = Memory(alias)
    original: Any = mongodb.queries._call

    def call(model: Any, connection: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method in ("find_one_and_update", "delete_one"):
            assert MemoryRevision.objects.using(alias).all().delete()[0] == 1
        return original(model, connection, method, *args, **kwargs)

    memory.add_user_memory(UserMemory(memory_id="m", memory="one"), "maya")
    with mock.patch.object(mongodb, "writing_server", side_effect=["before", "after"] * 2):
        with mock.patch.object(mongodb.queries, "_call", call):
            memory.replace_user_memory("m", UserMemory(memory="two"), "maya")
        assert [version.memory for version in memory.get_user_memory_history("m", "maya")] == ["two", "one"]
        MemoryRevision.objects.using(alias).all().delete()
        with mock.patch.object(mongodb.queries, "_call", call):
            memory.delete_user_memory("m", "maya")
    assert [version.memory for version in memory.get_user_memory_history("m", "maya")] == ["two"]


@commits
@pytest.mark.parametrize("alias", ["standalone"])
def test_a_version_is_saved_by_the_next_write_if_its_server_takes_that(alias: str) -> None:
    memory = Memory(alias)
    memory.add_user_memory(UserMemory(memory_id="m", memory="one"), "maya")
    for server in (None, "one"):
        with (
            mock.patch.object(mongodb, "writing_server", return_value=server),
            mock.patch.object(mongodb, "add_missing", wraps=mongodb.add_missing) as add_missing,
        ):
            memory.replace_user_memory("m", UserMemory(memory="two"), "maya")
        assert [call.kwargs["is_followed"] for call in add_missing.call_args_list] == [server is not None]


# The commands of MongoDB that write, and the one that makes the writes of a transaction last.
WRITING = ("insert", "update", "delete", "findAndModify", "commitTransaction")


@contextmanager
def killed_before_statement(alias: str, number: int) -> Iterator[None]:
    """End a process before one of its statements that write, counted from 0."""
    left = [number]

    def pass_by(name: str) -> None:
        if not left[0]:
            raise Killed(name)
        left[0] -= 1

    def execute(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(("SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK")):
            pass_by(sql)
        return execute(sql, params, many, context)

    if connections[alias].vendor != "mongodb":
        with connections[alias].execute_wrapper(execute):
            yield
        return
    from pymongo.synchronous.pool import Connection

    command = Connection.command

    def counted(connection: Any, database: str, spec: Any, *args: Any, **kwargs: Any) -> Any:
        if next(iter(spec)) in WRITING:
            pass_by(str(spec))
        return command(connection, database, spec, *args, **kwargs)

    with mock.patch.object(Connection, "command", counted):
        yield


def texts_of(memory: Memory, owner: str) -> set[str]:
    """Return all texts of an owner that a list or a history still has."""
    versions = MemoryRevision.objects.using(memory.write_alias).filter(user_id=owner)
    return {each.memory for each in [*memory.get_user_memories(owner), *versions]}


def restore_deleted(memory: Memory, owner: str) -> None:
    memory.restore_user_memory("gone", owner, version=1)


def merge_both(memory: Memory, owner: str) -> None:
    there = [each.memory_id for each in memory.get_user_memories(owner) if each.memory_id in ("a", "b")]
    if len(there) == 2:
        memory.merge_user_memories(there, owner, "both")


# Each with the texts of the list afterwards.
WRITERS: dict[str, tuple[Callable[[Memory, str], object], set[str]]] = {
    "restores": (lambda memory, owner: memory.restore_user_memory("a", owner, version=1), {"one", "other"}),
    "restores a deleted memory": (restore_deleted, {"two", "other", "deleted"}),
    "merges": (merge_both, {"both"}),
    "deletes several": (lambda memory, owner: memory.delete_user_memories(["a", "b"], owner), set()),
    "adds a topic": (
        lambda memory, owner: BulkMemory(memory.rows_to_write(owner)).add_topic("x"),
        {"two", "other"},
    ),
    "prunes": (lambda memory, _owner: prune(memory.write_alias), {"two", "other"}),
}


@commits
@each_database
@pytest.mark.parametrize("name", WRITERS)
def test_a_writer_that_is_killed_before_any_of_its_statements(alias: str, name: str) -> None:
    """Nothing is lost, a repetition completes the write, and no version is there twice."""
    memory = Memory(alias)
    write, afterwards = WRITERS[name]
    # Pruning removes it, and all else keeps it.
    expired = {"expired"} if name != "prunes" else set()
    for number in range(20):
        owner = f"maya {number}"
        memory.add_user_memories(
            [
                UserMemory(memory_id="a", memory="one"),
                UserMemory(memory_id="b", memory="other"),
                UserMemory(memory_id="gone", memory="deleted"),
            ],
            owner,
        )
        memory.replace_user_memory("a", UserMemory(memory="two"), owner)
        memory.delete_user_memory("gone", owner)
        with at(now() - 10 * SECOND):
            memory.add_user_memory(UserMemory(memory="expired", expires_at=now() + SECOND), owner)
        before = texts_of(memory, owner)
        was_killed = False
        try:
            with killed_before_statement(alias, number):
                write(memory, owner)
        except Killed:
            was_killed = True
        stored = {each.memory for each in memory.rows_to_write(owner)}
        assert texts_of(memory, owner) | stored >= before | expired
        with suppress(MemoryNotFound):
            write(memory, owner)
        assert {each.memory for each in memory.get_user_memories(owner)} == afterwards
        for memory_id in ("a", "b", "gone"):
            versions = [each.version for each in memory.get_user_memory_history(memory_id, owner)]
            assert versions == sorted(set(versions), reverse=True)
        if not was_killed:
            assert number
            return
    pytest.fail("The writer has more statements than the test kills.")


@commits
@each_database
def test_a_reassignment_that_is_killed_before_any_of_its_statements_is_completed(alias: str) -> None:
    memory = Memory(alias)
    for number in range(30):
        before, after = f"old {number}", f"new {number}"
        for memory_id in ("a", "gone"):
            memory.add_user_memory(UserMemory(memory_id=memory_id, memory=f"{memory_id} 1"), before)
            memory.replace_user_memory(memory_id, UserMemory(memory=f"{memory_id} 2"), before)
        memory.delete_user_memory("gone", before)
        texts = texts_of(memory, before)
        was_killed = False
        try:
            with killed_before_statement(alias, number):
                people.reassign_memories(before, after, alias)
        except Killed:
            was_killed = True
        assert texts_of(memory, before) | texts_of(memory, after) == texts
        assert people.reassign_memories(before, after, alias).conflicts == []
        counts = people.count(before, alias)
        assert (counts["memories"], counts["earlier versions"]) == (0, 0)
        assert [each.version for each in memory.get_user_memory_history("gone", after)] == [2, 1]
        history = [each.version for each in memory.get_user_memory_history("a", after)]
        # Without transactions, a call that was killed may have left its note.
        assert history in ([2, 0, 1], [2, 0, 0, 1] if alias == "standalone" and was_killed else None)
        if not was_killed:
            assert number
            return
    pytest.fail("The reassignment has more statements than the test kills.")


@commits
@pytest.mark.parametrize("alias", ["default", "postgres"])
def test_a_transaction_that_is_rolled_back_keeps_no_version(alias: str) -> None:
    memory = Memory(alias)
    memory.add_user_memory(UserMemory(memory_id="m", memory="one"), "maya")
    with transaction.atomic(using=alias):
        memory.replace_user_memory("m", UserMemory(memory="two"), "maya")
        transaction.set_rollback(True, using=alias)
    assert [version.version for version in memory.get_user_memory_history("m", "maya")] == [1]


@commits
@each_database
def test_a_restoration_that_loses_against_another_write_changes_nothing(alias: str) -> None:
    memory = Memory(alias)
    memory.add_user_memory(UserMemory(memory_id="m", memory="one"), "maya")
    memory.replace_user_memory("m", UserMemory(memory="two"), "maya")
    original = Store.versions

    def then_another(store: Store, *args: Any, **options: Any) -> Any:
        found = original(store, *args, **options)
        Memory(alias).replace_user_memory("m", UserMemory(memory="three"), "maya")
        return found

    with mock.patch.object(Store, "versions", then_another), pytest.raises(MemoryChanged):
        memory.restore_user_memory("m", "maya")
    assert [each.memory for each in memory.get_user_memories("maya")] == ["three"]


def test_authors_are_nested() -> None:
    assert current_author() == (None, "service", "")
    with acting("ann", reason="a", through="admin"):
        with acting(reason="b"):
            assert current_author() == ("ann", "admin", "b")
        with acting(lambda: "bob", through="REST"):
            assert current_author() == ("bob", "REST", "a")
        assert current_author() == ("ann", "admin", "a")
    assert current_author() == (None, "service", "")
    # An account may lack the value that its owner's id is.
    with override_settings(AGNO_MEMORY={"USER_ID_FIELD": "email"}), acting(User(username="ann")):
        assert current_author().actor is None
    with pytest.raises(ValidationError), acting("ann", reason="x" * 1_001):
        pass


@commits
@each_database
def test_pruning_goes_batch_by_batch(alias: str) -> None:
    memory = Memory(alias)
    with at(now() - datetime.timedelta(days=31)):
        for name in ("maya", "noah"):
            added = memory.add_user_memories([UserMemory(memory=str(number)) for number in range(4)], name)
            memory.delete_user_memories([each.memory_id for each in added], name)
    memory.add_user_memories([UserMemory(memory=str(number), expires_at=now() - SECOND) for number in range(5)], "maya")
    sizes: list[int] = []
    with mock.patch("agno_memory.pruning.BATCH_SIZE", 3):
        assert prune(alias, sizes.append) == (5, 8)
    assert sizes == [3, 2, 3, 3, 2]
    assert prune(alias) == (0, 0)


@commits
@pytest.mark.parametrize("alias", ["default"])
def test_pruning_ends_if_another_call_removes_the_same(alias: str) -> None:
    Memory(alias).add_user_memory(UserMemory(memory="x", expires_at=now()), "maya")
    # Once by the index, and once for all rows.
    with mock.patch.object(UserMemoryQuerySet, "expire", side_effect=[[], []]):
        assert prune(alias, lambda count: pytest.fail("nothing was removed")) == (0, 0)


@commits
@pytest.mark.parametrize("alias", ["postgres"])
def test_one_statement_of_postgresql_locks_keeps_and_writes(alias: str) -> None:
    """In this order: a version that another call has just written is the one that is kept."""
    sql = revisions.KeepingDelete("key", "user_id", unexpired=False)
    added = Memory(alias).add_user_memory(UserMemory(memory="x"), "maya")
    values = {"key": added.key, "user_id": "maya", **revisions.ending("deleted").values()}
    assert sql.run(UserMemory, alias, values) == 1
    (kept,) = MemoryRevision.objects.using(alias).all()
    assert (kept.memory, kept.version, kept.is_deleted) == ("x", 1, True)
    assert sql.run(UserMemory, alias, values) == 0
