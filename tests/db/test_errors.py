"""A killed process loses no acknowledged write, and a database that does not answer raises Django's errors."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connections

from agno_memory.bulk import BulkMemory
from agno_memory.db import MemoryDb, SqliteMemoryDb
from agno_memory.db.errors import is_full, is_read_only, is_unavailable, with_django_errors
from agno_memory.db.sharding import MongoSharding
from agno_memory.db.transactions import has_transactions
from agno_memory.exceptions import MemoryExists
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.schema import check_schema
from agno_memory.search.checks import check_stored_words, check_vectors, check_words_index
from tests.databases import VERBS, attempt, children, commits, disconnect, each_database, handle, handles_allowed, place
from tests.worker import SHARED_ID, SHARED_OWNER

pytestmark = [commits]


@each_database
def test_a_killed_writer_loses_nothing_that_was_acknowledged(alias: str) -> None:
    memory = Memory(db=alias)
    memory.add_user_memory(UserMemory(memory_id=SHARED_ID, memory="start"), user_id=SHARED_OWNER)
    with children([{"job": "write", "alias": alias, "writer": "killed", "times": 1_000_000}]) as (child,):
        acknowledged = [child.read() for _ in range(60)]
        child.kill()
        acknowledged += child.read_all()
    connections[alias].close()
    stored = dict(UserMemory.objects.using(alias).values_list("memory_id", "version"))
    assert {name for name, version in acknowledged if stored.get(name, 0) < version} == set()
    after = memory.replace_user_memory(SHARED_ID, UserMemory(memory="after"), user_id=SHARED_OWNER)
    assert after.version == stored[SHARED_ID] + 1


@each_database
def test_a_batch_whose_writer_is_killed_leaves_all_or_nothing(alias: str) -> None:
    """A stand-alone MongoDB has no transactions: there the batches that were written stay."""
    job = {"job": "die_in_the_middle", "alias": alias, "writer": "killed", "count": 9_000, "batches": 7}
    with children([job]) as (child,):
        (session,) = child.read_all()
        assert child.process.returncode == -signal.SIGKILL
    connections[alias].close()
    stored = UserMemory.objects.using(alias).count()
    assert stored == (0 if has_transactions(connections[alias]) else 7_000)
    memory = Memory(db=alias)
    added = memory.add_user_memory(UserMemory(memory_id="after", memory="x"))
    assert memory.get_user_memories() == [added]
    if session is not None:
        end_session(alias, session)


def end_session(alias: str, session: str) -> None:
    """End the transaction of a dead process, as MongoDB does after a minute. Until then the table cannot be dropped."""
    from bson.binary import UUID_SUBTYPE, Binary

    connection: Any = connections[alias]
    connection.connection.admin.command("killSessions", [{"id": Binary(bytes.fromhex(session), UUID_SUBTYPE)}])


# As it is written in a connection string, and as it is.
SECRETS = ("hunter2%40%2F", "hunter2@/", "hunter2")


def nobody_listens() -> int:
    with socket.socket() as once:
        once.bind(("127.0.0.1", 0))
        return int(once.getsockname()[1])


def postgres_is_down(folder: Path) -> MemoryDb:
    url = f"postgresql://ann:{SECRETS[0]}@127.0.0.1:{nobody_listens()}/notes"
    return handle("PostgresMemoryDb", {"connection_string": url})


def postgres_lacks_the_database(folder: Path) -> MemoryDb:
    kind, arguments = place("postgres", folder)
    url = arguments["connection_string"].replace(connections["postgres"].settings_dict["NAME"], "no_such_database")
    return handle(kind, {"connection_string": f"{url}&password={SECRETS[0]}" if "?" in url else url})


def mongodb_is_down(folder: Path) -> MemoryDb:
    url = f"mongodb://ann:{SECRETS[0]}@127.0.0.1:{nobody_listens()}/?serverSelectionTimeoutMS=50"
    return handle("MongoMemoryDb", {"connection_string": url, "db_name": "notes"})


def mongodb_knows_nobody_of_this_name(folder: Path) -> MemoryDb:
    kind, arguments = place("mongodb", folder)
    url = arguments["connection_string"].replace("mongodb://", f"mongodb://ann:{SECRETS[0]}@")
    quickly = "retryReads=false&retryWrites=false&heartbeatFrequencyMS=500&authSource=admin"
    return handle(kind, {**arguments, "connection_string": f"{url}{'&' if '?' in url else '?'}{quickly}"})


def sqlite_is_a_folder(folder: Path) -> MemoryDb:
    return handle("SqliteMemoryDb", {"db_file": str(folder)})


def sqlite_is_no_database(folder: Path) -> MemoryDb:
    path = folder / "memory.db"
    path.write_bytes(os.urandom(8192))
    return handle("SqliteMemoryDb", {"db_file": str(path)})


def sqlite_has_a_file_for_a_folder(folder: Path) -> MemoryDb:
    (folder / "file").touch()
    return handle("SqliteMemoryDb", {"db_file": str(folder / "file" / "memory.db")})


FAULTS = {
    "default": [sqlite_is_a_folder, sqlite_is_no_database, sqlite_has_a_file_for_a_folder],
    "postgres": [postgres_is_down, postgres_lacks_the_database],
    "mongodb": [mongodb_is_down, mongodb_knows_nobody_of_this_name],
}
each_fault = pytest.mark.parametrize(
    ("alias", "fault"), [(alias, fault) for alias, faults in FAULTS.items() for fault in faults]
)


@pytest.fixture
def broken(alias: str, fault: object, tmp_path: Path, transactional_db: None) -> Iterator[MemoryDb]:
    assert callable(fault)
    with handles_allowed():
        yield fault(tmp_path)


@each_fault
def test_a_database_that_does_not_answer_raises(broken: MemoryDb, caplog: pytest.LogCaptureFixture) -> None:
    """In the statement of each verb, and in the handle, which would create the table first."""
    caplog.set_level(logging.DEBUG)
    check_errors({name: attempt(lambda name=name: first(broken.alias, VERBS[name])) for name in VERBS})  # type: ignore[misc]
    by_handle = ("add_user_memory", "get_user_memories", "clear")
    check_errors({name: attempt(lambda name=name: VERBS[name](Memory(db=broken))) for name in by_handle})  # type: ignore[misc]
    assert_no_secret(caplog.text)
    assert_no_secret(repr(broken))
    assert_no_secret(repr(Memory(db=broken)))


def first(alias: str, verb: Callable[[Memory], object]) -> object:
    """Connect anew, with everything logged, for this verb."""
    disconnect(alias)
    connections[alias].force_debug_cursor = True
    return verb(Memory(db=alias))


@each_fault
def test_the_methods_of_a_handle_raise(broken: MemoryDb) -> None:
    check_errors({"create": attempt(broken.create)})
    if not isinstance(broken, SqliteMemoryDb) or broken.db_file.exists():
        check_errors({"table_exists": attempt(broken.table_exists), "drop": attempt(broken.drop)})


@each_fault
def test_the_methods_of_a_queryset_raise(broken: MemoryDb) -> None:
    rows = broken.model.objects.using(broken.alias)
    questions: dict[str, Callable[[], object]] = {
        "newest": lambda: list(rows.newest()),
        "about": lambda: rows.about("x").count(),
        "mentioning": lambda: rows.mentioning("x").exists(),
        "topic_counts": lambda: rows.topic_counts(),
        "update": lambda: rows.filter(user_id="x").update(agent_id="x"),
        "erase": lambda: rows.filter(user_id="x").erase(),
        "bulk_create": lambda: rows.bulk_create([broken.model(memory="x", user_id="x")]),
    }
    check_errors({name: attempt(question) for name, question in questions.items()})


def check_errors(outcomes: dict[str, object]) -> None:
    """Assert that each outcome is an error of the database, without the password."""
    assert {name: came for name, came in outcomes.items() if not isinstance(came, DatabaseError)} == {}
    for came in outcomes.values():
        assert isinstance(came, DatabaseError)
        assert_no_secret(traceback_text(came))


def traceback_text(error: BaseException | None) -> str:
    """Return the texts of an error and of its causes."""
    return (
        ""
        if error is None
        else f"{error!r} {error}" + traceback_text(error.__cause__) + traceback_text(error.__context__)
    )


def assert_no_secret(text: str) -> None:
    assert [secret for secret in SECRETS if secret in text] == []


@pytest.mark.parametrize(
    ("alias", "make_read_only"),
    [("default", "PRAGMA query_only = on"), ("postgres", "SET default_transaction_read_only = on")],
)
def test_a_database_that_takes_no_writes_is_read_and_says_so(alias: str, make_read_only: str) -> None:
    memory = Memory(db=alias)
    added = memory.add_user_memory(UserMemory(memory_id="a", memory="x"))
    with connections[alias].cursor() as cursor:
        cursor.execute(make_read_only)
    try:
        assert memory.get_user_memories() == [added]
        for name in VERBS.keys() - {"get_user_memory", "get_user_memories", "search_user_memories"}:
            if name != "delete_user_memories":  # finds nothing to delete
                with pytest.raises(DatabaseError):
                    VERBS[name](memory)
    finally:
        connections[alias].close()
    assert memory.get_user_memories() == [added]


@pytest.mark.parametrize(
    ("alias", "damage"),
    [
        ("default", "UPDATE {table} SET memory = CAST(x'68756e74657232ff' AS TEXT)"),
        ("postgres", "ALTER TABLE {table} ADD CONSTRAINT damage CHECK (agent_id <> 'y') NOT VALID"),
        ("mongodb", '{{"collMod": "{table}", "validator": {{"agent_id": {{"$ne": "y"}}}}}}'),
    ],
)
def test_errors_of_the_database_hold_no_text_of_a_memory(
    alias: str, damage: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """SQLite quotes a text that it cannot decode, as in a corrupt file; the others quote a row that they refuse."""
    with handles_allowed():
        db = handle(*place(alias, tmp_path), table="damaged")
        memory = Memory(db)
        memory.add_user_memory(UserMemory(memory_id="a", memory="hunter2", agent_id="x"))
        connection: Any = connections[db.alias]
        command = damage.format(table=db.table_name)
        if alias == "mongodb":
            connection.database.command(json.loads(command))
        else:
            with connection.cursor() as cursor:
                cursor.execute(command)
        outcomes: dict[str, object] = {
            "list": attempt(lambda: memory.get_user_memories()),
            "get": attempt(lambda: memory.get_user_memory("a")),
            "queryset": attempt(lambda: list(memory.rows())),
        }
        if alias != "default":
            refused = UserMemory(memory_id="a", memory="hunter2", agent_id="y")
            outcomes = {
                "replace": attempt(lambda: memory.replace_user_memory("a", refused)),
                "add": attempt(lambda: memory.add_user_memory(UserMemory(memory="hunter2", agent_id="y"))),
                "add many": attempt(lambda: memory.add_user_memories([UserMemory(memory="hunter2", agent_id="y")])),
                "update": attempt(lambda: memory.rows().update(agent_id="y")),
            }
        check_errors(outcomes)
        for error in outcomes.values():
            assert isinstance(error, DatabaseError)
            assert str(error)
            assert not is_unavailable(error)
        db.drop()


@each_database
def test_the_error_of_a_taken_id_holds_no_text_of_a_memory(alias: str) -> None:
    """MongoDB's driver quotes the documents of a bulk write."""
    memory = Memory(alias)

    def both() -> list[UserMemory]:
        return [UserMemory(memory_id=each, memory=f"hunter2 {each}", user_id="maya") for each in "ab"]

    memory.add_user_memories(both(), "maya")
    rows = memory.rows_to_write()
    outcomes = {
        "add": attempt(lambda: memory.add_user_memory(both()[0], "maya")),
        "add many": attempt(lambda: memory.add_user_memories(both(), "maya")),
        "bulk_create": attempt(lambda: rows.bulk_create(both())),
        "save": attempt(lambda: both()[0].save(using=alias, force_insert=True)),
    }
    for name, error in outcomes.items():
        assert isinstance(error, MemoryExists if name.startswith("add") else IntegrityError)
        assert_no_secret(traceback_text(error))


def test_a_full_disk_is_recognized(tmp_path: Path) -> None:
    with handles_allowed():
        db = SqliteMemoryDb(db_file=tmp_path / "memories.db")
        memory = Memory(db)
        memory.add_user_memory(UserMemory(memory="x"))
        with connections[db.alias].cursor() as cursor:
            cursor.execute("PRAGMA max_page_count = 1")
        error = attempt(lambda: [memory.add_user_memory(UserMemory(memory="x" * 9_000)) for _ in range(50)])
        assert isinstance(error, OperationalError)
        assert (is_full(error), is_read_only(error), is_unavailable(error)) == (True, False, False)


@pytest.mark.parametrize("alias", ["postgres"])
def test_the_error_of_a_full_disk_of_postgresql(alias: str) -> None:
    with pytest.raises(OperationalError) as caught, connections[alias].cursor() as cursor:
        cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$")
    assert (is_full(caught.value), is_unavailable(caught.value)) == (True, False)


@pytest.mark.parametrize("alias", ["mongodb"])
def test_errors_of_mongodb_have_djangos_classes_and_texts(alias: str) -> None:
    with handles_allowed():
        lost: Any = mongodb_is_down(Path())
        outcomes = {name: attempt(lambda name=name: VERBS[name](Memory(db=lost.alias))) for name in VERBS}  # type: ignore[misc]
        outcomes["queryset"] = attempt(lambda: list(lost.model.objects.using(lost.alias)))
        outcomes["sharding"] = attempt(lambda: MongoSharding(lost.alias))
        # Another check reports that the database does not answer.
        with mock.patch("agno_memory.search.checks.with_memories", lambda databases: databases):
            checks = (check_vectors, check_words_index, check_stored_words)
            assert [check([lost.alias]) for check in checks] == [[], [], []]
        with mock.patch("agno_memory.schema.with_memories", lambda databases: databases):
            assert [message.id for message in check_schema([lost.alias])] == ["agno_memory.W016"]
            with mock.patch("sys.argv", ["manage.py", "migrate"]):
                outcomes["migrate"] = attempt(lambda: check_schema([lost.alias]))
    assert {name: came for name, came in outcomes.items() if not isinstance(came, OperationalError)} == {}
    assert all(str(came) for came in outcomes.values())


@pytest.mark.parametrize("alias", ["mongodb"])
@pytest.mark.parametrize("code", [6, 64, 89, 133])
def test_servers_that_mongodb_does_not_reach_are_unavailable(alias: str, code: int) -> None:
    """A router without a server that the read preference allows, a network that is gone, a late confirmation."""
    from pymongo.errors import BulkWriteError, OperationFailure

    late = {"writeErrors": [], "writeConcernErrors": [{"code": code, "errmsg": "late"}]}
    for cause in (OperationFailure("late", code), BulkWriteError(late)):

        def fail(cause: Exception = cause) -> None:
            raise cause

        error = attempt(lambda: with_django_errors(connections[alias], fail))
        assert isinstance(error, OperationalError)
        assert (str(error), is_unavailable(error)) == ("late", True)


@pytest.mark.parametrize("alias", ["mongodb"])
def test_ids_of_a_killed_writer_are_refused_as_unavailable(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """MongoDB keeps the transaction of a dead process for a minute."""
    monkeypatch.setattr("agno_memory.db.transactions.RETRY_SECONDS", 0.2)
    job = {"job": "die_in_the_middle", "alias": "mongodb", "writer": "killed", "count": 2_000, "batches": 1}
    with children([job]) as (child,):
        (session,) = child.read_all()
    memories = [UserMemory(memory_id=f"killed-{number}", memory="again") for number in range(3)]
    error = attempt(lambda: Memory("mongodb").add_user_memories(memories, user_id="killed"))
    end_session("mongodb", session)
    assert isinstance(error, OperationalError)
    assert str(error)
    assert is_unavailable(error)
    assert len(Memory("mongodb").add_user_memories(memories, user_id="killed")) == 3


@pytest.mark.parametrize("alias", ["mongodb"])
@pytest.mark.parametrize("preference", ["secondary", "secondaryPreferred", "nearest"])
def test_transactions_and_kept_versions_read_from_the_primary(alias: str, preference: str, tmp_path: Path) -> None:
    kind, arguments = place("mongodb", tmp_path)
    url = arguments["connection_string"]
    url = f"{url}{'&' if '?' in url else '?'}readPreference={preference}"
    with handles_allowed():
        memory = Memory(handle(kind, {**arguments, "connection_string": url}, "preferences"))
        memory.add_user_memories([UserMemory(memory_id=each, memory=each) for each in "abc"])
        assert memory.delete_user_memories(["a", "b", "d"]) == ["a", "b"]
        assert memory.replace_user_memory("c", UserMemory(memory="new")).version == 2
        memory.delete_user_memory("c")
        in_callers_transaction(memory)


def in_callers_transaction(memory: Memory) -> None:
    """Read and write in a transaction that the caller began, which has the connection's read preference."""
    from django_mongodb_backend.transaction import atomic

    alias = memory.rows().db
    for verb in VERBS.values():
        with atomic(using=alias):
            memory.upsert_user_memory(UserMemory(memory_id="a", memory="x y", topics=["x"], agent_id="x"))
            # Which version is there differs.
            assert not isinstance(attempt(lambda verb=verb: verb(memory)), DatabaseError)  # type: ignore[misc]
    with atomic(using=alias):
        memory.add_user_memories([UserMemory(memory_id=each, memory=each) for each in ("tea", "milk", "rum")])
        assert memory.get_user_memory("tea") in memory.get_user_memories()
        assert BulkMemory(memory.rows()).add_topic("z") == 3
        assert [each.count for each in memory.rows().topic_counts()] == [3]
        assert BulkMemory(memory.rows()).reassign("maya") == 3
        assert memory.search_user_memories("tea", 1, "ranked", user_id="maya")[0].memory_id == "tea"
        assert len(memory.rows("maya")) == memory.rows("maya").count() == 3
