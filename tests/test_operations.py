"""The migrations and their operations, forwards and backwards, on a database of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.db.models import Index
from pytest_django import DjangoDbBlocker

from agno_memory.models import UserMemory
from agno_memory.operations import CreateTopicsIndex
from tests.databases import each_database

TABLE = UserMemory._meta.db_table
SCRATCH = "scratch"
DECLARED = {index.name for index in (*UserMemory._meta.indexes, *UserMemory._meta.constraints)}


@pytest.fixture
def scratch(alias: str, django_db_blocker: DjangoDbBlocker, worker_id: str) -> Iterator[str]:
    """A migrated database of the test's own, on the server of ``alias``."""
    settings = connections.settings[alias]
    name = f"agno_memory_scratch_{worker_id}"
    if connections[alias].vendor == "sqlite":
        name = f"{settings['NAME']}_{name}"
    connections.settings[SCRATCH] = {**settings, "TEST": {**settings["TEST"], "NAME": name}}
    with django_db_blocker.unblock():
        creation = connections[SCRATCH].creation
        creation.create_test_db(verbosity=0, autoclobber=True)
        try:
            yield SCRATCH
        finally:
            creation.destroy_test_db(settings["NAME"], verbosity=0)
            del connections[SCRATCH], connections.settings[SCRATCH]


def migrate(target: str = "") -> None:
    call_command("migrate", "agno_memory", *([target] if target else []), database=SCRATCH, verbosity=0)


def tables() -> list[str]:
    return connections[SCRATCH].introspection.table_names()


def indexes(table: str = TABLE) -> dict[str, dict[str, Any]]:
    connection = connections[SCRATCH]
    if connection.vendor == "mongodb":
        # Its introspection leaves out indexes that the backend did not create.
        information: dict[str, dict[str, Any]] = connection.get_collection(table).index_information()  # type: ignore[attr-defined]
        return information
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, table)
    return {name: dict(constraint) for name, constraint in constraints.items() if constraint["index"]}


def columns(index: dict[str, Any]) -> list[str]:
    return index["columns"] if "columns" in index else [column for column, _ in index["key"]]


@each_database
def test_the_migration_makes_table_and_indexes(scratch: str) -> None:
    assert TABLE in tables()
    assert indexes().keys() >= DECLARED


@each_database
def test_the_migration_can_be_taken_back_and_made_again(scratch: str) -> None:
    before = indexes()
    migrate("zero")
    assert TABLE not in tables()
    migrate()
    assert indexes() == before


@pytest.mark.django_db(databases="__all__")
def test_nothing_is_left_to_migrate() -> None:
    call_command("makemigrations", "agno_memory", check=True, dry_run=True, verbosity=0)


# The index of topics


@pytest.mark.parametrize("alias", ["postgres"])
def test_postgresql_gets_a_gin_index(scratch: str) -> None:
    # The other one is on an expression.
    gin = [index["columns"] for index in indexes().values() if index["type"] == "gin"]
    assert sorted(gin) == [[], ["topics"]]


@pytest.mark.parametrize("alias", ["mongodb", "standalone"])
def test_mongodb_gets_multikey_indexes_and_no_second_index_on_the_key(scratch: str) -> None:
    found = indexes()
    assert columns(found["agno_memory_user_topics"]) == ["user_id", "topics", "last_updated", "memory_id"]
    assert columns(found["agno_memory_topics"]) == ["topics", "last_updated", "memory_id", "_id"]
    assert [name for name, index in found.items() if columns(index) == ["_id"]] == ["_id_"]
    unique = [columns(index) for index in found.values() if index.get("unique")]
    assert unique == [["user_id", "text_key"]]


@pytest.mark.parametrize("alias", ["default"])
def test_sqlite_gets_the_declared_indexes_alone(scratch: str) -> None:
    created = [name for name in indexes() if not name.startswith("sqlite_autoindex")]
    assert set(created) == DECLARED


@each_database
def test_the_operation_is_taken_back_by_itself(scratch: str, alias: str) -> None:
    made = indexes()
    operation = CreateTopicsIndex("usermemory")
    with connections[SCRATCH].schema_editor() as editor:
        operation.database_backwards("agno_memory", editor, *states())
    left = indexes()
    assert not [name for name, index in left.items() if "topics" in columns(index)]
    assert left.keys() >= DECLARED
    with connections[SCRATCH].schema_editor() as editor:
        operation.database_forwards("agno_memory", editor, *states())
    assert indexes() == made


def states() -> tuple[ProjectState, ProjectState]:
    state = MigrationLoader(connections[SCRATCH]).project_state()
    return state, state


@each_database
def test_the_operation_keeps_away_where_the_router_does_not_send_the_app(scratch: str, settings: Any) -> None:
    settings.DATABASE_ROUTERS = ["agno_memory.routers.MemoryRouter"]
    before = indexes()
    with connections[SCRATCH].schema_editor() as editor:
        CreateTopicsIndex("usermemory").database_backwards("agno_memory", editor, *states())
    assert indexes() == before


# A part of the SQL of the operation.
TOPICS_SQL = {"sqlite": "(no-op)", "postgresql": "USING gin", "mongodb": "agno_memory_user_topics"}


@each_database
def test_sql_can_be_shown_and_changes_nothing(scratch: str) -> None:
    migrate("zero")
    shown = StringIO()
    for number in ("0001", "0007"):
        call_command("sqlmigrate", "agno_memory", number, database=SCRATCH, stdout=shown)
    _, topics = shown.getvalue().split("-- Create the topics index of usermemory\n")
    assert all(name in shown.getvalue() for name in DECLARED)
    assert TOPICS_SQL[connections[SCRATCH].vendor] in topics
    assert TABLE not in tables()


def test_it_describes_itself() -> None:
    operation = CreateTopicsIndex("usermemory")
    assert operation.describe() == "Create the topics index of usermemory"
    assert operation.migration_name_fragment == "usermemory_topics_index"
    assert operation.deconstruct() == ("CreateTopicsIndex", ("usermemory",), {})


def test_names_of_indexes_fit_every_database() -> None:
    assert all(len(name) <= Index.max_name_length for name in DECLARED)
