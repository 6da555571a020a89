"""Empties the databases after a test, as Django's ``flush`` does, but only the tables that the test has filled.

Django empties each table of each database, and then creates the permissions again: that takes longer than most tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connections, models
from django.test import TransactionTestCase

# Rows that migrations create. They stay if the test has not changed them.
CREATED: tuple[type[models.Model], ...] = (ContentType, Permission)

# By alias: the tables of a database after Django's flush, and the created rows in it.
_flushed: dict[str, tuple[list[str], list[Any]]] = {}


@contextmanager
def emptying() -> Iterator[None]:
    """Empty the databases of transactional tests this way inside the block."""
    with mock.patch.object(TransactionTestCase, "_fixture_teardown", empty):
        yield


def empty(test: Any) -> None:
    """Empty the databases of a test."""
    for alias in test._databases_names(include_mirrors=False):
        empty_database(alias)


def empty_database(alias: str) -> None:
    """Leave a database as Django's flush does: without rows, except for those that migrations create."""
    connection = connections[alias]
    tables = sorted(connection.introspection.django_table_names())
    if _flushed.get(alias) != (tables, created_rows(alias, tables)):
        # The first time, or after a test with models, permissions or content types of its own.
        call_command("flush", verbosity=0, interactive=False, database=alias, reset_sequences=False)
        _flushed[alias] = (tables, created_rows(alias, tables))
        return
    created = [model._meta.db_table for model in CREATED]
    filled = FILLED[connection.vendor](alias, [table for table in tables if table not in created])
    if filled:
        statements = connection.ops.sql_flush(no_style(), filled, allow_cascade=True)
        connection.ops.execute_sql_flush(statements)


def created_rows(alias: str, tables: list[str]) -> list[Any]:
    stored = [model for model in CREATED if model._meta.db_table in tables]
    return [list(model._base_manager.using(alias).order_by("pk").values_list()) for model in stored]


def filled_on_sqlite(alias: str, tables: list[str]) -> list[str]:
    existing = set(connections[alias].introspection.table_names())
    parts = [f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in tables if table in existing]
    with connections[alias].cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return [table for (table,) in cursor.fetchall()]


def filled_on_postgres(alias: str, tables: list[str]) -> list[str]:
    """Return the tables with a page in their file, among them those from which all rows are deleted."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relkind = 'r' AND pg_table_is_visible(oid) "
            "AND pg_relation_size(oid) > 0",
            [tables],
        )
        return [table for (table,) in cursor.fetchall()]


def filled_on_mongodb(alias: str, tables: list[str]) -> list[str]:
    connection: Any = connections[alias]
    connection.ensure_connection()
    nothing: dict[str, Any] = {"$match": {"_id": {"$in": []}}}
    parts = [
        {"$unionWith": {"coll": table, "pipeline": [{"$limit": 1}, {"$project": {"_id": {"$literal": table}}}]}}
        for table in tables
    ]
    return [row["_id"] for row in connection.database[tables[0]].aggregate([nothing, *parts])]


FILLED: dict[str, Callable[[str, list[str]], list[str]]] = {
    "sqlite": filled_on_sqlite,
    "postgresql": filled_on_postgres,
    "mongodb": filled_on_mongodb,
}
