"""Writes inside the caller's transactions, and several writes as one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from agno_memory import replicas
from agno_memory.db import MongoMemoryDb, transactions
from agno_memory.db.many_rows import INSERT
from agno_memory.db.store import Store
from agno_memory.db.transactions import all_or_nothing, has_transactions
from agno_memory.exceptions import MemoryExists
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.test import values
from agno_memory.test.helpers import with_settings
from agno_memory.times import now
from tests.databases import commits, each_database, handles_allowed

pytestmark = [commits]
SQL = pytest.mark.parametrize("alias", ["default", "postgres"])
REPLICA_SET = pytest.mark.parametrize("alias", ["mongodb"])
STANDALONE = pytest.mark.parametrize("alias", ["standalone"])


def some(*ids: str) -> list[UserMemory]:
    return [one(memory_id) for memory_id in ids]


def one(memory_id: str) -> UserMemory:
    return UserMemory(memory_id=memory_id, memory="x")


def stored(alias: str) -> list[str]:
    return sorted(UserMemory.objects.using(alias).values_list("memory_id", flat=True))


@each_database
def test_which_have_transactions(alias: str) -> None:
    assert has_transactions(connections[alias]) is (alias != "standalone")


@SQL
def test_verbs_take_part_in_the_callers_transaction(alias: str) -> None:
    memory = Memory(alias)
    with transaction.atomic(using=alias):
        memory.add_user_memory(one("a"))
        memory.add_user_memories(some("b", "c"))
        memory.upsert_user_memory(one("a"))
        memory.delete_user_memories(["b"])
        transaction.set_rollback(True, using=alias)
    assert stored(alias) == []


@REPLICA_SET
def test_reads_in_a_transaction_of_mongodb_go_to_the_primary(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not to a read replica, as in Django's own transactions."""
    from django_mongodb_backend.transaction import atomic

    monkeypatch.setitem(replicas._process, "wrote", float("-inf"))
    assert not replicas.needs_primary(alias)
    with atomic(using=alias):
        assert replicas.needs_primary(alias)


@each_database
def test_verbs_work_in_an_atomic_block_of_django(alias: str) -> None:
    """As every request is with ATOMIC_REQUESTS, also on MongoDB, where such a block does nothing."""
    memory = Memory(alias)
    with transaction.atomic(using=alias):
        memory.add_user_memories(some("a", "b", "c"))
        assert memory.delete_user_memories(["b", "c"]) == ["b", "c"]
        with pytest.raises(MemoryExists):
            memory.add_user_memories(some("d", "a"))
        assert connections[alias].in_atomic_block
    assert stored(alias) == ["a"]


@SQL
def test_an_error_of_a_statement_breaks_the_callers_transaction_as_in_django(alias: str) -> None:
    added = Memory(alias).add_user_memory(one("a"))
    row = values(added) | {"search_text": "x", "search_terms": "", "text_key": None}
    for add in (INSERT.run, lambda model, alias, row: INSERT.run_many(model, alias, [row])):
        with transaction.atomic(using=alias):
            with pytest.raises(IntegrityError):
                add(UserMemory, alias, row)
            assert connections[alias].needs_rollback
        with pytest.raises(IntegrityError):
            add(UserMemory, alias, row)
        assert not connections[alias].needs_rollback


@SQL
def test_a_refused_batch_leaves_the_callers_transaction_alone(alias: str) -> None:
    memory = Memory(alias)
    with override_settings(AGNO_MEMORY={"BATCH_SIZE": 2}), transaction.atomic(using=alias):
        memory.add_user_memory(one("d"))
        with pytest.raises(MemoryExists):
            memory.add_user_memories(some("a", "b", "c", "d"))
        memory.add_user_memories(some("e", "f", "g"))
    assert stored(alias) == ["d", "e", "f", "g"]


@SQL
def test_a_text_that_is_taken_leaves_the_callers_transaction_alone(alias: str) -> None:
    memory = Memory(alias)
    with with_settings(ON_DUPLICATE="refuse"), transaction.atomic(using=alias):
        memory.add_user_memory(one("a"))
        memory.add_user_memory(UserMemory(memory_id="b", memory="y"))
        memory.replace_user_memory("b", one("b"))
        memory.add_user_memory(UserMemory(memory_id="c", memory="z"))
    assert stored(alias) == ["a", "b", "c"]


def test_a_write_is_no_transaction_of_its_own_without_autocommit() -> None:
    memory, connection = Memory("default"), connections["default"]
    kept = memory.add_user_memories(some("a", "b"))
    connection.set_autocommit(False)
    try:
        for write in (
            lambda: memory.add_user_memories(some("c")),
            lambda: memory.replace_user_memory("a", one("a")),
            lambda: memory.delete_user_memory("b"),
        ):
            write()
            connection.rollback()
    finally:
        connection.set_autocommit(True)
    assert [(each.memory_id, each.version) for each in memory.rows().oldest()] == [(each.memory_id, 1) for each in kept]


@REPLICA_SET
def test_a_taken_id_inside_a_transaction_of_mongodb(alias: str) -> None:
    from django_mongodb_backend.transaction import atomic

    memory = Memory(alias)
    memory.add_user_memory(one("a"), "noah")
    calls = (
        lambda: memory.add_user_memory(one("a"), "noah"),
        lambda: memory.add_user_memories(some("b", "a"), "noah"),
    )
    for call in calls:
        with pytest.raises(MemoryExists) as caught, atomic(using=alias):
            call()
        assert caught.value.memory_ids == ["a"]
    assert stored(alias) == ["a"]


@REPLICA_SET
def test_the_id_of_an_expired_memory_is_taken_inside_a_transaction_of_mongodb(alias: str) -> None:
    """The addition that fails breaks the transaction, so nothing can make the id free in it."""
    from django_mongodb_backend.transaction import atomic

    memory = Memory(alias)
    memory.add_user_memory(UserMemory(memory_id="a", memory="x", expires_at=now()), "maya")
    for _attempt in range(2):
        with pytest.raises(MemoryExists) as caught, atomic(using=alias):
            memory.upsert_user_memory(one("a"), "maya")
        assert caught.value.memory_ids == ["a"]
    assert memory.upsert_user_memory(one("a"), "maya").version == 1


@REPLICA_SET
def test_a_failed_commit_of_mongodb_does_not_break_the_next_transaction(alias: str) -> None:
    from django_mongodb_backend.transaction import atomic

    memory = Memory(alias)
    memory.add_user_memory(one("z"))
    with pytest.raises(Exception, match="aborted"), atomic(using=alias), pytest.raises(MemoryExists):
        memory.add_user_memory(one("z"))
    with override_settings(AGNO_MEMORY={"BATCH_SIZE": 1}), pytest.raises(MemoryExists):
        memory.add_user_memories(some("a", "b", "z"))
    assert stored(alias) == ["z"]
    memory.add_user_memories(some("c"))
    assert stored(alias) == ["c", "z"]


@REPLICA_SET
def test_only_the_outermost_transaction_is_repeated(alias: str) -> None:
    from django_mongodb_backend.transaction import atomic
    from pymongo.errors import OperationFailure

    attempts = []

    def work() -> None:
        attempts.append(1)
        raise OperationFailure("conflict", 112, {"errorLabels": ["TransientTransactionError"]})

    with pytest.raises(DatabaseError), atomic(using=alias):
        all_or_nothing(alias, work)
    assert len(attempts) == 1


@STANDALONE
def test_an_id_that_is_taken_while_a_batch_is_written(alias: str) -> None:
    """The rows written before are deleted, and the error names only this id."""

    class Racing(Store):
        def _insert_batches(self, *args: Any) -> None:
            Memory(alias).add_user_memory(one("e"), "maya")
            super()._insert_batches(*args)

    memory = Memory(alias)
    memory._store = Racing(alias)
    for size in (1, 2, 100):
        Memory(alias).clear()
        Memory(alias).add_user_memory(one("a"), "maya")
        Memory(alias).delete_user_memory("a", "maya")
        with override_settings(AGNO_MEMORY={"BATCH_SIZE": size}), pytest.raises(MemoryExists) as caught:
            memory.add_user_memories(some("a", "b", "c", "d", "e", "f"), "maya")
        assert caught.value.memory_ids == ["e"]
        assert stored(alias) == ["e"]
        # The history of an earlier memory with the id stays.
        assert [each.action for each in memory.get_user_memory_history("a", "maya")] == ["deleted"]


@pytest.mark.parametrize("alias", ["mongodb"])
def test_a_missing_server_is_an_error_of_django(alias: str) -> None:
    place = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50"
    with handles_allowed():
        handle = MongoMemoryDb(connection_string=place, db_name="nowhere")
        with pytest.raises(DatabaseError):
            has_transactions(connections[handle.alias])


@pytest.mark.parametrize("alias", ["mongodb", "standalone"])
def test_a_write_that_the_server_refuses_is_an_error_of_django(alias: str) -> None:
    """A validator of the server refuses the second batch: on a replica set, the first one is rolled back too."""
    connection: Any = connections[alias]
    table = UserMemory._meta.db_table
    connection.database.command("collMod", table, validator={"memory_id": {"$ne": "c"}})
    try:
        with override_settings(AGNO_MEMORY={"BATCH_SIZE": 2}), pytest.raises(DatabaseError, match="failed validation"):
            Memory(alias).add_user_memories(some("a", "b", "c"))
        with pytest.raises(DatabaseError):
            Memory(alias).add_user_memory(one("c"))
    finally:
        connection.database.command("collMod", table, validator={})
    assert stored(alias) == ([] if has_transactions(connection) else ["a", "b"])


# How long a transaction is repeated. The clock of these tests is a list of times.


class Conflict(Exception):
    """The driver's error of a transaction that collided, as far as it is read."""

    @staticmethod
    def has_error_label(label: str) -> bool:
        return label == "TransientTransactionError"


def waits(
    monkeypatch: pytest.MonkeyPatch, error: Exception, seconds: list[float], limit: float | None = None
) -> tuple[list[bool], list[float]]:
    """Ask at some times after the start whether another attempt is allowed; return the answers and the pauses."""
    times = iter([100.0, *(100.0 + each for each in seconds)])
    pauses: list[float] = []
    clock = SimpleNamespace(monotonic=lambda: next(times), sleep=pauses.append)
    monkeypatch.setattr("agno_memory.db.transactions.time", clock)
    wait = transactions._Wait("memories", limit)
    database_error = DatabaseError()
    database_error.__cause__ = error
    return [wait.allows_another(database_error) for _each in seconds], pauses


def test_a_transaction_that_collides_is_repeated_for_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, pauses = waits(monkeypatch, Conflict(), [0.0, 9.9, 10.0, 10.1])
    assert answers == [True, True, True, False]
    assert pauses == [0.05] * 3


def test_inside_another_transaction_it_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    assert waits(monkeypatch, Conflict(), [0.001], limit=0) == ([False], [])


def test_another_error_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    assert waits(monkeypatch, ValueError(), [0.0]) == ([False], [])


def test_a_patient_caller_waits_two_minutes_and_is_informed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    notices: list[str] = []
    with transactions.patient(notices.append):
        answers, pauses = waits(monkeypatch, Conflict(), [0.0, 0.9, 1.0, 11.0, 120.0, 120.1])
    assert answers == [True, True, True, True, True, False]
    assert pauses == [0.05, 0.05, 0.5, 0.5, 0.5]
    assert notices == ["memories"]


@REPLICA_SET
def test_a_patient_caller_does_not_wait_longer_for_a_lost_server(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from pymongo.errors import AutoReconnect

    error = AutoReconnect("connection closed")
    error._add_error_label("TransientTransactionError")
    notices: list[str] = []
    with transactions.patient(notices.append):
        assert waits(monkeypatch, error, [5.0, 10.1]) == ([True, False], [0.05])
    assert notices == []


@pytest.mark.parametrize("alias", ["default", "postgres"])
def test_the_outermost_transaction_takes_no_savepoint(alias: str) -> None:
    """On SQLite without autocommit, its release would commit. Inside another one, a failure undoes this part alone."""
    with CaptureQueriesContext(connections[alias]) as outermost:
        all_or_nothing(alias, lambda: None)
    assert not [each for each in outermost if "SAVEPOINT" in each["sql"]]
    with transaction.atomic(using=alias), CaptureQueriesContext(connections[alias]) as inner:
        all_or_nothing(alias, lambda: None)
    assert [each["sql"].split()[0] for each in inner] == ["SAVEPOINT", "RELEASE"]
