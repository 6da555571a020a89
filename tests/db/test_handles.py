"""Handles: a table of their own on every database, created on first use; their password stays secret."""

from __future__ import annotations

import copy
import errno
import pickle
import shutil
import socket
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connections, transaction

from agno_memory.db import MemoryDb, MongoMemoryDb, PostgresMemoryDb, SqliteMemoryDb
from agno_memory.db.handles import MONGODB_OPTIONS, NO_FOREIGN_KEYS, POSTGRES_OPTIONS, SQLITE_OPTIONS, base
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.operations import CreateWordsIndex
from tests.databases import (
    PROCESSES,
    THREADS,
    VERBS,
    children,
    commits,
    each_database,
    errors,
    handle,
    handles_allowed,
    place,
    race,
    results,
)
from tests.worker import use_first

pytestmark = [commits]

Make = Callable[[str], MemoryDb]


@pytest.fixture(autouse=True)
def _handles(transactional_db: None) -> Iterator[None]:
    with handles_allowed():
        yield


@pytest.fixture
def make(alias: str, tmp_path: Path, _handles: None) -> Iterator[Make]:
    """Create handles for tables of this test alone, and drop them afterwards."""
    made: list[MemoryDb] = []
    suffix = uuid.uuid4().hex[:8]

    def make_one(table: str) -> MemoryDb:
        made.append(handle(*place(alias, tmp_path), f"{table}_{suffix}"))
        return made[-1]

    yield make_one
    for one in made:
        one.drop()


def test_a_missing_folder_is_made_on_first_use(tmp_path: Path) -> None:
    db = SqliteMemoryDb(db_file=tmp_path / "a" / "b" / "memory.db")
    assert not db.table_exists()
    assert list(tmp_path.iterdir()) == []
    Memory(db=db).add_user_memory(UserMemory(memory="x"))
    assert db.table_exists()
    assert (tmp_path / "a" / "b" / "memory.db").is_file()


def test_a_relative_path_is_the_same_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    relative = SqliteMemoryDb("notes", "memory.db")
    monkeypatch.chdir("/")
    absolute = SqliteMemoryDb("notes", str(tmp_path / "memory.db"))
    assert relative.alias == absolute.alias
    added = Memory(db=relative).add_user_memory(UserMemory(memory="x"))
    assert Memory(db=absolute).get_user_memories() == [added]


def test_a_new_file_is_in_wal_mode_before_anyone_can_open_it(tmp_path: Path) -> None:
    modes = []

    class Watched(SqliteMemoryDb):
        def _table_names(self) -> list[str]:
            # SQLite's file format keeps the mode in bytes 18 and 19: 2 is WAL.
            modes.append(self.db_file.read_bytes()[18:20])
            return super()._table_names()

    Watched(db_file=tmp_path / "memory.db").create()
    assert modes == [b"\2\2"]
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_without_links_a_new_file_is_made_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(self: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    db = SqliteMemoryDb(db_file=tmp_path / "memory.db")
    added = Memory(db=db).add_user_memory(UserMemory(memory="x"))
    assert Memory(db=db).get_user_memories() == [added]


def test_sqlite_is_ready_for_readers_and_writers_at_once(tmp_path: Path) -> None:
    db = SqliteMemoryDb(db_file=tmp_path / "memory.db")
    db.create()
    connection = connections[db.alias]
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert cursor.execute("PRAGMA busy_timeout").fetchone() == (30_000,)
    own = f"{NO_FOREIGN_KEYS}; PRAGMA secure_delete=ON; PRAGMA cache_size=-16000"
    init_command = f"{SQLITE_OPTIONS['init_command']}; {own}"
    assert connection.settings_dict["OPTIONS"] == SQLITE_OPTIONS | {"init_command": init_command}
    assert getattr(connection, "transaction_mode") == "IMMEDIATE"  # noqa: B009  unknown to Django's stubs


@each_database
def test_handles_for_one_place_are_interchangeable(make: Make) -> None:
    first, second = make("memories"), make("memories")
    assert (first.alias, first.table_name, first.model) == (second.alias, second.table_name, second.model)
    added = Memory(db=first).add_user_memory(UserMemory(memory="x"))
    assert Memory(db=second).get_user_memories() == [added]
    second.drop()
    assert Memory(db=first).get_user_memories() == []


@each_database
def test_tables_of_one_database_do_not_see_each_other(make: Make) -> None:
    work, home = make("work"), make("home")
    assert work.alias == home.alias
    for db, topic in ((work, "office"), (home, "kitchen")):
        Memory(db=db).add_user_memory(UserMemory(memory_id="same", memory=topic, topics=[topic]))
    assert [counted.topic for counted in home.model.objects.using(home.alias).topic_counts()] == ["kitchen"]
    assert [found.memory for found in Memory(db=work).get_user_memories()] == ["office"]
    assert Memory(db=work).get_user_memories(topics=["kitchen"]) == []
    assert Memory(db=work).clear() == 1
    assert [found.memory for found in Memory(db=home).get_user_memories()] == ["kitchen"]


@each_database
def test_a_table_comes_and_goes(make: Make) -> None:
    db = make("memories")
    assert not db.table_exists()
    db.create()
    db.create()
    assert db.table_exists()
    Memory(db=db).add_user_memory(UserMemory(memory_id="a", memory="x"))
    db.drop()
    db.drop()
    assert not db.table_exists()
    assert Memory(db=db).get_user_memory("a") is None
    assert db.table_exists()


@each_database
def test_a_table_of_an_earlier_version_gets_its_new_columns(make: Make) -> None:
    db = make("memories")
    Memory(db=db).add_user_memory(UserMemory(memory_id="a", memory="Likes tea", session_id="s"))
    make_older(db)
    # As in a new process.
    base._created.clear()
    memory = Memory(db=make("memories"))
    assert [found.memory for found in memory.search_user_memories("tea")] == ["Likes tea"]
    memory.add_user_memory(UserMemory(memory="Likes green tea", session_id="s"))
    assert len(memory.search_user_memories("tea")) == 2
    assert memory.replace_user_memory("a", UserMemory(memory="Likes cake")).version == 2
    assert [found.memory for found in memory.search_user_memories("cake")] == ["Likes cake"]


def make_older(db: MemoryDb) -> None:
    """Take the words of ranked searches out of a table, as it was before they were stored."""
    connection: Any = connections[db.alias]
    if connection.vendor == "mongodb":
        connection.database[db.table_name].update_many({}, {"$unset": {"search_terms": 1}})
        return
    with connection.schema_editor() as editor:
        CreateWordsIndex.drop(editor, db.model)
    connection.disable_constraint_checking()
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE "{db.table_name}" DROP COLUMN search_terms')


@each_database
def test_every_verb_works_in_the_table_of_a_handle(make: Make, alias: str) -> None:
    memory = Memory(db=make("memories"))
    came = {name: verb(memory) for name, verb in VERBS.items()}
    assert [memory.version for memory in came["get_user_memories"]] == []
    assert came["get_user_memory"].version == 3
    assert (came["clear_user_memories"], came["clear"]) == (3, 0)
    assert not UserMemory.objects.using(alias).exists()


Shape = Counter[tuple[Any, ...]]


def indexes(alias: str, table: str) -> Shape:
    """Return the indexes and constraints of a table without their names."""
    connection: Any = connections[alias]
    if connection.vendor == "mongodb":
        # Its introspection fails on an index of text.
        return Counter((str(index["key"]),) for index in connection.get_collection(table).index_information().values())
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)
    parts = ("columns", "orders", "type", "primary_key", "unique", "index", "check")
    return Counter(tuple(str(constraint.get(part)) for part in parts) for constraint in found.values())


@each_database
def test_a_handle_makes_the_indexes_of_the_migration(make: Make, alias: str) -> None:
    db = make("memories")
    db.create()
    migrated = indexes(alias, UserMemory._meta.db_table)
    assert indexes(db.alias, db.table_name) == migrated
    # The index of the pinned memories has the columns of another one, and a condition.
    assert sorted(migrated.values())[-2:] == [1, 2]
    assert connections[alias].vendor != "postgresql" or "gin" in str(migrated)


@each_database
def test_keys_of_mongodb_are_those_of_the_migration(make: Make, alias: str) -> None:
    """Read by the driver, because Django's introspection leaves out parts of an index."""
    if connections[alias].vendor != "mongodb":
        return
    db = make("memories")
    db.create()
    keys = [mongodb_keys(alias, UserMemory._meta.db_table), mongodb_keys(db.alias, db.table_name)]
    assert keys[0] == keys[1]
    assert ([("memory_id", 1)], False, False) in keys[0]
    unique = [(keys, is_partial) for keys, is_unique, is_partial in keys[0] if is_unique]
    assert unique == [([("user_id", 1), ("text_key", 1)], True)]


def mongodb_keys(alias: str, collection: str) -> list[tuple[Any, bool, bool]]:
    connection: Any = connections[alias]
    found = connection.get_collection(collection).index_information().values()
    return sorted((index["key"], index.get("unique", False), "partialFilterExpression" in index) for index in found)


@each_database
def test_first_use_by_many_at_once_makes_one_place(make: Make, alias: str, tmp_path: Path) -> None:
    db = make("memories")
    arguments: dict[str, Any] = dict(zip(("kind", "arguments"), place(alias, tmp_path), strict=True))
    arguments["table"] = db.table_name
    with children([{"job": "use_first", **arguments}] * PROCESSES) as processes:
        outcomes = race(1, lambda thread, _: list(use_first(**arguments)))[0]
        said = [child.read_all() for child in processes]
    assert errors(outcomes) == []
    added = [*results(outcomes), *said]
    assert [len(ids) for ids in added] == [1] * (THREADS + PROCESSES)
    assert {memory.memory_id for memory in Memory(db=db).get_user_memories()} == {ids[0] for ids in added}
    assert indexes(db.alias, db.table_name) == indexes(alias, UserMemory._meta.db_table)


@each_database
def test_instances_are_memories_that_stay_in_their_table(make: Make, alias: str) -> None:
    db = make("memories")
    memory = Memory(db=db)
    added = memory.add_user_memory(UserMemory(memory_id="a", memory="old", topics=["x"]))
    assert isinstance(added, UserMemory)
    assert added == memory.get_user_memory("a")
    added.memory = "New"
    added.save()
    assert [found.version for found in memory.search_user_memories("new")] == [2]
    memory.replace_user_memory("a", UserMemory(memory="newest"))
    added.refresh_from_db()
    assert (added.memory, added.version) == ("newest", 3)
    added.delete()
    assert memory.get_user_memories() == []
    assert not UserMemory.objects.using(alias).exists()


def by_pickle(instance: UserMemory) -> UserMemory:
    copied: UserMemory = pickle.loads(pickle.dumps(instance))
    return copied


@each_database
@pytest.mark.parametrize("make_copy", [by_pickle, copy.copy, copy.deepcopy])
def test_copies_of_instances_stay_in_their_table(make: Make, make_copy: Callable[[UserMemory], UserMemory]) -> None:
    memory = Memory(db=make("memories"))
    added = memory.add_user_memory(UserMemory(memory_id="a", memory="old", metadata={"a": [1]}))
    copied = make_copy(added)
    assert copied == added
    assert copied.metadata == {"a": [1]}
    copied.memory = "new"
    copied.save()
    assert [found.memory for found in memory.get_user_memories()] == ["new"]
    copied.delete()
    assert memory.get_user_memories() == []


@pytest.mark.parametrize("name", ["", "1st", "a b", "a;b", 'a"b', "a.b", "a$b", "é", "a\n", "a" * 64])
def test_bad_table_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="letters, digits"):
        SqliteMemoryDb(name, tmp_path / "memory.db")


@pytest.mark.parametrize("name", ["a", "_", "A-1", "select", "Order", "a" * 63])
@each_database
def test_good_table_names_work(make: Make, alias: str, tmp_path: Path, name: str) -> None:
    db = handle(*place(alias, tmp_path), name)
    try:
        added = Memory(db=db).add_user_memory(UserMemory(memory="x", topics=["x"]))
        assert Memory(db=db).get_user_memories(topics=["x"]) == [added]
    finally:
        db.drop()


@pytest.mark.parametrize("db_file", [":memory:", "file:memory?mode=memory", ""])
def test_sqlite_in_memory_is_refused(db_file: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="pass the path of a file"):
        SqliteMemoryDb(db_file=db_file)


BAD_POSTGRES = {
    "": "must look like",
    "hunter2": "must look like",
    "mysql://ann:hunter2@host/db": "must look like",
    "host=h user=u password=hunter2": "must look like",
    "postgresql://ann:hunter2@host:port/db": "special characters of the password as %xx",
    "postgresql://ann:hunter2@[host/db": "special characters of the password as %xx",
    "postgresql://ann:hunter2@host/": "must end with a database",
    "postgresql://ann:hunter2@host": "must end with a database",
}


@pytest.mark.parametrize("connection_string", BAD_POSTGRES)
def test_bad_connection_strings_of_postgresql_are_refused(connection_string: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=BAD_POSTGRES[connection_string]) as caught:
        PostgresMemoryDb(connection_string=connection_string)
    assert "hunter2" not in traceback_text(caught.value)


BAD_MONGODB = {
    "": "must look like",
    "hunter2": "must look like",
    "postgresql://ann:hunter2@host/db": "must look like",
    "mongodb:hunter2@host": "must look like",
    "mongodb://ann:hunter2@host:27017/": "name the database",
    "mongodb://ann:hunter2@host:27017/?retryWrites=true": "name the database",
}


@pytest.mark.parametrize("connection_string", BAD_MONGODB)
def test_bad_connection_strings_of_mongodb_are_refused(connection_string: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=BAD_MONGODB[connection_string]) as caught:
        MongoMemoryDb(connection_string=connection_string)
    assert "hunter2" not in traceback_text(caught.value)


@pytest.mark.parametrize(
    "connection_string",
    ["mongodb://ann:hunter2@host:port/db", "mongodb://ann:hun/ter2@host/db", "mongodb://ann:hunter2@a@host/db"],
)
def test_an_invalid_connection_string_is_refused_without_repeating_it(connection_string: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        MongoMemoryDb(connection_string=connection_string).table_exists()
    assert "ter2" not in traceback_text(caught.value)


def traceback_text(error: BaseException | None) -> str:
    """Return the text that a traceback would print of an error and of its causes."""
    if error is None:
        return ""
    context = None if error.__suppress_context__ else error.__context__
    return f"{error!r} {error}" + traceback_text(error.__cause__) + traceback_text(context)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"])
def test_a_connection_string_of_postgresql_is_read(scheme: str) -> None:
    db = PostgresMemoryDb(
        connection_string=f"{scheme}://a%40nn:p%40s%2Fs%3A%23%25w@h.example:6543/my%20db?sslmode=require"
    )
    settings = connections.settings[db.alias]
    names = ("USER", "PASSWORD", "HOST", "PORT", "NAME", "OPTIONS")
    assert [settings[name] for name in names] == [
        "a@nn",
        "p@s/s:#%w",
        "h.example",
        "6543",
        "my db",
        POSTGRES_OPTIONS | {"sslmode": "require"},
    ]
    assert repr(db) == "<PostgresMemoryDb 'memories' at h.example:6543/my db>"


def test_parameters_of_libpq_may_name_the_place() -> None:
    string = "postgresql:///?host=/run/pg&port=5433&dbname=notes&user=ann&password=p%40ss"
    db = PostgresMemoryDb(connection_string=string)
    settings = connections.settings[db.alias]
    assert [settings[name] for name in ("HOST", "PORT", "NAME", "USER", "PASSWORD", "OPTIONS")] == [
        "/run/pg",
        "5433",
        "notes",
        "ann",
        "p@ss",
        POSTGRES_OPTIONS,
    ]


def test_a_handle_gives_up_a_server_that_does_not_answer() -> None:
    """By default, and by the timeouts that its caller names."""
    assert POSTGRES_OPTIONS["connect_timeout"] <= 10
    with socket.create_server(("127.0.0.1", 0)) as silent, handles_allowed():
        string = f"postgresql://ann@127.0.0.1:{silent.getsockname()[1]}/notes"
        db = PostgresMemoryDb(connection_string=f"{string}?connect_timeout=7", options={"connect_timeout": 2})
        start = time.monotonic()
        with pytest.raises(OperationalError):
            db.table_exists()
        assert 1 < time.monotonic() - start < 6


@pytest.mark.parametrize("alias", ["mongodb"])
@pytest.mark.parametrize(
    "part", ["mongodb://%s@one:1,two:2/notes?replicaSet=rs0", "mongodb+srv://%s@cluster.example/notes"]
)
def test_a_connection_string_of_mongodb_is_read(alias: str, part: str) -> None:
    db = MongoMemoryDb("facts", connection_string=part % "a%40nn:p%40s%2Fs%3A%23%25w")
    hosts = part.partition("@")[2].partition("/")[0]
    assert (connections.settings[db.alias]["NAME"], db.collection_name) == ("notes", "facts")
    assert repr(db) == f"<MongoMemoryDb 'facts' at {hosts}/notes>"
    named = MongoMemoryDb(connection_string=part % "ann:x", db_name="other")
    assert connections.settings[named.alias]["NAME"] == "other"


@pytest.mark.parametrize("alias", ["mongodb"])
def test_a_handle_of_mongodb_has_timeouts_and_writes_to_the_journal(alias: str) -> None:
    """Those of the connection string win."""
    own = "mongodb://one:1/notes?socketTimeoutMS=700&Journal=false"
    options = [
        connections.settings[MongoMemoryDb(connection_string=each).alias]["OPTIONS"]
        for each in ("mongodb://one:1/notes", own)
    ]
    assert options == [MONGODB_OPTIONS, {"connectTimeoutMS": 5_000}]


@pytest.mark.parametrize("alias", ["default", "postgres"])
def test_first_use_inside_a_transaction_that_is_rolled_back(make: Make, alias: str) -> None:
    db = make("memories")
    memory = Memory(db=db)
    # Create the file first, which is not part of a transaction.
    connections[db.alias].ensure_connection() if alias == "postgres" else make("another").create()
    with transaction.atomic(using=db.alias):
        memory.add_user_memory(UserMemory(memory="x"))
        transaction.set_rollback(True, using=db.alias)
    assert not db.table_exists()
    memory.add_user_memory(UserMemory(memory="y"))
    assert [found.memory for found in memory.get_user_memories()] == ["y"]


@pytest.mark.parametrize("alias", ["postgres"])
def test_the_alias_does_not_contain_the_password(alias: str) -> None:
    places = [
        PostgresMemoryDb(connection_string=f"postgresql://ann:{password}@h.example/db")
        for password in ("hunter2", "hunter3", "hunter2")
    ]
    first, second, third = (place.alias for place in places)
    assert first == third
    assert second == f"{first}_2"
    assert connections.settings[second]["PASSWORD"] == "hunter3"


def test_names_of_sqlite_differ_by_more_than_case(tmp_path: Path) -> None:
    added = Memory(db=SqliteMemoryDb("Memories", tmp_path / "memory.db")).add_user_memory(UserMemory(memory="x"))
    assert Memory(db=SqliteMemoryDb("memories", tmp_path / "memory.db")).get_user_memories() == [added]


def test_none_is_not_a_connection_string() -> None:
    nothing: Any = None
    for call in (PostgresMemoryDb, MongoMemoryDb):
        with pytest.raises(ImproperlyConfigured, match="must look like"):
            call(connection_string=nothing)


def test_a_file_that_was_deleted_is_made_anew(tmp_path: Path) -> None:
    """In each thread of the process, also if its folder is gone; the log of the deleted file is not replayed."""
    with handles_allowed(), ThreadPoolExecutor(1) as other:
        db = SqliteMemoryDb(db_file=tmp_path / "new" / "memories.db")
        memory = Memory(db)
        memory.add_user_memory(UserMemory(memory="one"))
        assert len(other.submit(memory.get_user_memories).result()) == 1
        db.db_file.unlink()
        assert memory.get_user_memories() == []
        added = memory.add_user_memory(UserMemory(memory="two"))
        assert other.submit(memory.get_user_memories).result() == [added]
        shutil.rmtree(db.db_file.parent)
        assert other.submit(memory.get_user_memories).result() == []
        added = memory.add_user_memory(UserMemory(memory="three"))
        assert other.submit(memory.get_user_memories).result() == memory.get_user_memories() == [added]
        db.db_file.unlink()
        db.create()
        created = db.model.objects.using(db.alias).create(memory="four", user_id="maya")
        assert other.submit(memory.get_user_memories, "maya").result() == [created]
        other.submit(connections.close_all).result()


def test_a_file_that_was_replaced_is_read(tmp_path: Path) -> None:
    """As a backup is restored: another file gets the name."""
    with handles_allowed():
        backup = SqliteMemoryDb(db_file=tmp_path / "backup.db")
        saved = Memory(backup).add_user_memory(UserMemory(memory="saved"))
        memory = Memory(SqliteMemoryDb(db_file=tmp_path / "memories.db"))
        memory.add_user_memory(UserMemory(memory="lost"))
        connections[backup.alias].close()
        for path in tmp_path.glob("memories.db*"):
            path.unlink()
        backup.db_file.rename(tmp_path / "memories.db")
        assert memory.get_user_memories() == [saved]
