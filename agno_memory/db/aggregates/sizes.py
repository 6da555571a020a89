from __future__ import annotations

from typing import Any, NamedTuple

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet

from agno_memory.db.errors import with_django_errors


class Size(NamedTuple):
    """About how many memories a table has, and how many owners; None where the database keeps no note of it."""

    memories: int | None = None
    owners: int | None = None


class SizeEstimate:
    """The size of a whole table as the database has it in its own notes: no row is read.

    Args:
        rows: all of the table's. Of a part of it nothing is known, and nothing is told.
    """

    def __init__(self, rows: QuerySet[Any]) -> None:
        self.rows = rows
        self.table: str = rows.model._meta.db_table

    def run(self) -> Size:
        if self.rows.query.where or self.rows.query.is_sliced:
            return Size()
        connection = connections[self.rows.db]
        method = getattr(self, f"as_{connection.vendor}", self.as_sql)
        found: Size = method(connection)
        return found

    def as_sql(self, connection: BaseDatabaseWrapper) -> Size:
        return Size()

    def as_sqlite(self, connection: BaseDatabaseWrapper) -> Size:
        """Take the distance of the first and the last row, and how many an owner has from ANALYZE, if it ever ran."""
        table = connection.ops.quote_name(self.table)
        with connection.cursor() as cursor:
            # The name of the table alone is written into the text.
            cursor.execute(f"SELECT MAX(rowid) - (SELECT MIN(rowid) FROM {table}) + 1 FROM {table}")  # noqa: S608
            (memories,) = cursor.fetchone()
            cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'")
            if not memories or cursor.fetchone() is None:
                return Size(memories or 0)
            cursor.execute("SELECT stat FROM sqlite_stat1 WHERE tbl = %s AND idx = %s", [self.table, self._index])
            # "1000000 100 1 1": rows, and how many of them have the same first column, the same two, and so on.
            stat = (cursor.fetchone() or ("",))[0].split()
        return Size(memories, max(memories // int(stat[1]), 1) if len(stat) > 1 else None)

    @property
    def _index(self) -> str:
        """The name of an index that begins with the owner."""
        return next(str(index.name) for index in self.rows.model._meta.indexes if index.fields[0] == "user_id")

    def as_postgresql(self, connection: BaseDatabaseWrapper) -> Size:
        """Ask the planner, which knows as much as the last ANALYZE or VACUUM found out."""
        sql = """
            SELECT c.reltuples, s.n_distinct FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = 'user_id'
            WHERE c.oid = %s::regclass
        """
        with connection.cursor() as cursor:
            cursor.execute(sql, [connection.ops.quote_name(self.table)])
            memories, distinct = cursor.fetchone()
        # -1 is "never counted"; distinct values below 0 are a share of the rows.
        if memories < 0 or distinct is None:
            return Size(int(memories) if memories >= 0 else None)
        return Size(int(memories), round(-distinct * memories if distinct < 0 else distinct))

    def as_mongodb(self, connection: BaseDatabaseWrapper) -> Size:
        collection = connection.get_collection(self.table)  # type: ignore[attr-defined]
        return Size(with_django_errors(connection, collection.estimated_document_count))
