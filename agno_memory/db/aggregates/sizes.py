from __future__ import annotations

from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet

from agno_memory.db import mongodb
from agno_memory.db.connections import connection_to
from agno_memory.db.dispatch import vendor_method


class Size(NamedTuple):
    """The approximate numbers of memories and of owners in a table; None if the database has no statistics for it."""

    memories: int | None = None
    owners: int | None = None


class SizeEstimate:
    """The size of a whole table, from the database's own statistics: no row is read.

    Args:
        rows: all rows of the table. A filter or a slice makes the size unknown.
    """

    def __init__(self, rows: QuerySet[Any]) -> None:
        self.rows = rows
        self.table: str = rows.model._meta.db_table

    def run(self) -> Size:
        """Return the estimate."""
        if self.rows.query.where or self.rows.query.is_sliced:
            return Size()
        connection = connection_to(self.rows.db)
        size: Size = vendor_method(self, connection)(connection)
        return size

    def as_sql(self, connection: BaseDatabaseWrapper) -> Size:
        return Size()

    def as_sqlite(self, connection: BaseDatabaseWrapper) -> Size:
        """Use the distance of the first and the last row, and the statistics of ANALYZE if it has run."""
        table = connection.ops.quote_name(self.table)
        with connection.cursor() as cursor:
            # Only the name of the table is formatted into the text.
            cursor.execute(f"SELECT MAX(rowid) - (SELECT MIN(rowid) FROM {table}) + 1 FROM {table}")  # noqa: S608
            (memories,) = cursor.fetchone()
            cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'")
            if not memories or cursor.fetchone() is None:
                return Size(memories or 0)
            cursor.execute("SELECT stat FROM sqlite_stat1 WHERE tbl = %s AND idx = %s", [self.table, self._index])
            # "1000000 100 1 1": the number of rows, then the average number of rows with the same first column, with
            # the same first two columns, and so on.
            stat = (cursor.fetchone() or ("",))[0].split()
        return Size(memories, max(memories // int(stat[1]), 1) if len(stat) > 1 else None)

    @property
    def _index(self) -> str:
        """The name of an index that begins with the column of the owner."""
        return next(str(index.name) for index in self.rows.model._meta.indexes if index.fields[0] == "user_id")

    def as_postgresql(self, connection: BaseDatabaseWrapper) -> Size:
        """Read the planner's statistics, which date from the last ANALYZE or VACUUM."""
        sql = """
            SELECT c.reltuples, s.n_distinct FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = 'user_id'
            WHERE c.oid = %s::regclass
        """
        with connection.cursor() as cursor:
            cursor.execute(sql, [connection.ops.quote_name(self.table)])
            memories, distinct = cursor.fetchone()
        # -1 rows means "never counted"; a negative number of distinct values is a fraction of the rows.
        if memories < 0 or distinct is None:
            return Size(int(memories) if memories >= 0 else None)
        return Size(int(memories), round(-distinct * memories if distinct < 0 else distinct))

    def as_mongodb(self, connection: BaseDatabaseWrapper) -> Size:
        return Size(mongodb.estimated_count(connection, self.table))
