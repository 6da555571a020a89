"""Migrations on MongoDB that are killed, simultaneous or late complete the schema; a check names missing parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connections
from django.test import override_settings

from agno_memory.models import AgentRecord, AgentSession, UserMemory
from agno_memory.operations import CreateTopicsIndex
from agno_memory.schema import check_schema
from tests.databases import children, disconnect, race
from tests.test_operations import SCRATCH, indexes, migrate, scratch

# The fixture is used by its name.
__all__ = ["scratch"]

TABLES = [model._meta.db_table for model in apps.get_app_config("agno_memory").get_models()]
UNIQUE = ["agno_memory_unique_text", "agno_record_unique"]
on_mongodb = pytest.mark.parametrize("alias", ["mongodb", "standalone"])


class Killed(BaseException):
    """The end of a process."""


def all_indexes() -> dict[str, dict[str, Any]]:
    return {table: indexes(table) for table in TABLES}


def empty_database() -> Any:
    """Drop all collections of the test's database, also the list of applied migrations."""
    database = connections[SCRATCH].database  # type: ignore[attr-defined]
    for name in database.list_collection_names():
        database.drop_collection(name)
    return database


@on_mongodb
def test_a_migration_takes_and_completes_a_collection_that_was_written_before(scratch: str) -> None:
    complete = all_indexes()
    database = empty_database()
    for table in TABLES:
        database[table].insert_one({"_id": table, "session_id": table, "search_terms": "words"})
    migrate()
    assert all_indexes() == complete
    assert all(database[table].count_documents({}) == 1 for table in TABLES)
    # The words of a newer release stay.
    assert database[UserMemory._meta.db_table].find_one()["search_terms"] == "words"


@on_mongodb
def test_a_migration_that_was_killed_at_any_index_is_completed_by_the_next_one(scratch: str) -> None:
    complete = all_indexes()
    # A run without MongoDB does without its driver too.
    from pymongo.collection import Collection

    create = Collection.create_indexes
    for survived in (0, 1, 7, 8, 13, 15, 16):
        empty_database()
        calls = iter(range(survived))

        def mortal(*args: Any, calls: Any = calls, **kwargs: Any) -> Any:
            if next(calls, None) is None:
                raise Killed
            return create(*args, **kwargs)

        with patch.object(Collection, "create_indexes", mortal), pytest.raises(Killed):
            migrate()
        migrate()
        assert all_indexes() == complete


# The arguments of a command by which it differs from others.
ARGUMENTS = ("indexes", "index", "documents", "updates", "deletes")


@contextmanager
def dying() -> Iterator[None]:
    """Let a process die after each command that changes the database in a way in which none has changed it before."""
    # A run without MongoDB does without its driver too.
    from pymongo.monitoring import CommandListener

    class Listener(CommandListener):
        commands: ClassVar[dict[int, str]] = {}
        seen: ClassVar[set[str]] = set()

        def started(self, event: Any) -> None:
            name, command = event.command_name, event.command
            self.commands[event.request_id] = f"{name} {command[name]} {[command.get(each) for each in ARGUMENTS]}"

        def failed(self, event: Any) -> None:
            """Leave the error to the caller."""

        def succeeded(self, event: Any) -> None:
            command = self.commands.pop(event.request_id)
            if command not in self.seen and has_changed(event.command_name, event.reply):
                self.seen.add(command)
                raise Killed

    settings = connections[SCRATCH].settings_dict
    disconnect(SCRATCH)
    with patch.dict(settings, OPTIONS={**settings["OPTIONS"], "event_listeners": [Listener()]}):
        yield
    disconnect(SCRATCH)


def has_changed(command: str, reply: Any) -> bool:
    """Return whether a command has changed the database, by the server's reply."""
    if command == "createIndexes":
        return bool(reply["numIndexesAfter"] > reply["numIndexesBefore"])
    if command in ("insert", "update", "delete"):
        return bool(reply.get("nModified", reply["n"]))
    return command in ("create", "drop", "dropIndexes")


@on_mongodb
def test_a_migration_that_dies_after_each_change_is_completed_by_the_next_ones(scratch: str) -> None:
    """Each run finds the database as the last one has left it, goes on to the next change, and dies."""
    complete = all_indexes()
    empty_database()
    deaths = 0
    with dying():
        while deaths < 200:
            try:
                migrate()
            except Killed:
                deaths += 1
            else:
                break
    assert 60 < deaths < 200
    assert all_indexes() == complete


@on_mongodb
def test_processes_that_migrate_at_once_all_succeed(alias: str, scratch: str) -> None:
    complete = all_indexes()
    for _ in range(2):
        empty_database()
        assert race(1, lambda _thread, _round: migrate(), threads=3) == [[None] * 3]
        assert all_indexes() == complete
    empty_database()
    name = str(connections[SCRATCH].settings_dict["NAME"])
    # Processes of their own share nothing but the server.
    with children([{"job": "migrate", "alias": alias, "database": name}] * 3) as processes:
        assert [process.read_all() for process in processes] == [[None]] * 3
    assert all_indexes() == complete


@on_mongodb
def test_sessions_with_one_id_are_an_error_with_a_text(scratch: str) -> None:
    database = empty_database()
    database[AgentSession._meta.db_table].insert_many([{"session_id": "twice"}, {"session_id": "twice"}])
    with pytest.raises(IntegrityError, match="duplicate key"):
        migrate()


@on_mongodb
def test_a_migration_can_be_taken_back_where_indexes_are_missing(scratch: str) -> None:
    connections[SCRATCH].database[UserMemory._meta.db_table].drop_indexes()  # type: ignore[attr-defined]
    migrate("zero")
    assert not {*TABLES} & {*connections[SCRATCH].introspection.table_names()}


def beside_the_memories() -> override_settings:
    """Make the test's database one that ``Memory(alias)`` alone uses."""
    return override_settings(AGNO_MEMORY={}, DATABASE_ROUTERS=["tests.routers.EveryDatabase"])


@on_mongodb
def test_the_check_of_a_database_names_missing_parts(scratch: str, settings: Any) -> None:
    settings.AGNO_MEMORY = {"DATABASE": SCRATCH}
    settings.DATABASE_ROUTERS = ["agno_memory.routers.MemoryRouter"]
    assert check_schema(databases=[SCRATCH]) == []
    database = connections[SCRATCH].database  # type: ignore[attr-defined]
    database[AgentSession._meta.db_table].drop_index("agno_memory_unique_session_id")
    database[UserMemory._meta.db_table].drop_index("agno_memory_newest")
    for model, name in zip((UserMemory, AgentRecord), UNIQUE, strict=True):
        database[model._meta.db_table].drop_index(name)
    (message,) = check_schema(databases=[SCRATCH])
    assert message.id == "agno_memory.W015"
    missing = "agno_memory_newest, agno_memory_unique_session_id, agno_memory_unique_text, agno_record_unique"
    assert f"memories: {missing}. " in message.msg
    assert check_schema(databases=["default"]) == check_schema() == []
    with beside_the_memories():
        assert check_schema(databases=[SCRATCH]) == [message]
    # The commands of the hint.
    call_command("migrate", "agno_memory", "zero", fake=True, database=SCRATCH, verbosity=0)
    migrate()
    assert check_schema(databases=[SCRATCH]) == []
    empty_database()
    (message,) = check_schema(databases=[SCRATCH])
    assert all(table in message.msg for table in TABLES)


@on_mongodb
def test_migrate_does_not_report_what_it_will_create(
    scratch: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AGNO_MEMORY = {"DATABASE": SCRATCH}
    settings.DATABASE_ROUTERS = ["agno_memory.routers.MemoryRouter"]
    monkeypatch.setattr("sys.argv", ["manage.py", "migrate"])
    database = empty_database()
    assert check_schema(databases=[SCRATCH]) == []
    monkeypatch.setattr("sys.argv", ["manage.py", "check", "--database=migrate"])
    assert len(check_schema(databases=[SCRATCH])) == 1
    # All migrations are recorded, so this run creates nothing.
    monkeypatch.setattr("sys.argv", ["manage.py", "migrate"])
    migrate()
    assert check_schema(databases=[SCRATCH]) == []
    database[UserMemory._meta.db_table].drop_index("agno_memory_newest")
    assert len(check_schema(databases=[SCRATCH])) == 1


@pytest.mark.parametrize("alias", ["postgres"])
def test_the_check_of_a_postgresql_names_a_missing_index_of_topics(scratch: str, settings: Any) -> None:
    settings.AGNO_MEMORY = {"DATABASE": SCRATCH}
    settings.DATABASE_ROUTERS = ["agno_memory.routers.MemoryRouter"]
    connection = connections[SCRATCH]
    (name,) = CreateTopicsIndex.names_on_postgresql(UserMemory)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {name}")
    (message,) = check_schema(databases=[SCRATCH])
    assert f"memories: {name}. " in message.msg


@pytest.mark.parametrize("alias", ["default", "postgres"])
def test_the_check_of_a_database_with_sql_names_missing_indexes(scratch: str, settings: Any) -> None:
    settings.AGNO_MEMORY = {"DATABASE": SCRATCH}
    settings.DATABASE_ROUTERS = ["agno_memory.routers.MemoryRouter"]
    assert check_schema(databases=[SCRATCH]) == []
    connection = connections[SCRATCH]
    with connection.cursor() as cursor:
        for name in ("agno_memory_newest", *UNIQUE):
            cursor.execute(f"DROP INDEX {name}")
    (message,) = check_schema(databases=[SCRATCH])
    assert message.id == "agno_memory.W015"
    assert "memories: agno_memory_newest, agno_memory_unique_text, agno_record_unique. " in message.msg
    with beside_the_memories():
        assert check_schema(databases=[SCRATCH]) == [message]
    # MariaDB has no partial indexes.
    with patch.object(connection.features, "supports_partial_indexes", False):
        (message,) = check_schema(databases=[SCRATCH])
    assert "memories: agno_memory_newest. " in message.msg
    # The command of the hint prints the statements.
    assert "sqlmigrate agno_memory" in str(message.hint)
    printed = StringIO()
    for migration in ("0001", "0007", "0009"):
        call_command("sqlmigrate", "agno_memory", migration, database=SCRATCH, stdout=printed, no_color=True)
    # On SQLite, a migration that makes a table anew repeats its indexes.
    names = [f'INDEX "{name}"' for name in ("agno_memory_newest", *UNIQUE)]
    statements = {name: line for line in printed.getvalue().splitlines() for name in names if name in line}
    assert statements.keys() == {*names}
    with connection.cursor() as cursor:
        for statement in statements.values():
            cursor.execute(statement)
    assert check_schema(databases=[SCRATCH]) == []


@pytest.mark.parametrize("alias", ["default", "postgres"])
def test_databases_with_sql_refuse_writes_to_a_missing_table_themselves(scratch: str, settings: Any) -> None:
    migrate("zero")
    settings.AGNO_MEMORY = {"DATABASE": SCRATCH}
    settings.DATABASE_ROUTERS = ["agno_memory.routers.MemoryRouter"]
    assert check_schema(databases=[SCRATCH]) == []
    with pytest.raises(DatabaseError):
        UserMemory.objects.create(memory="Likes tea", user_id="maya")
