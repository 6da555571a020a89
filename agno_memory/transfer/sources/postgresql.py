"""PostgreSQL databases as a source."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from agno_memory.db.drivers import how_to_install
from agno_memory.transfer.sources.base import Item, Row, SourceError
from agno_memory.transfer.sources.servers import ServerSource


class PostgresSource(ServerSource):
    """A PostgreSQL database, in a read-only transaction. Tables outside ``public`` are named with their schema."""

    prefixes = ("postgres://", "postgresql://", "postgresql+")

    def __init__(self, url: str) -> None:
        super().__init__(url)
        try:
            # The driver is optional: a site without PostgreSQL imports from files.
            import psycopg
            from psycopg import sql
            from psycopg.rows import dict_row
            from psycopg.types.json import set_json_loads
            from psycopg.types.string import TextLoader
        except ImportError:
            raise SourceError(how_to_install("django.db.backends.postgresql")) from None
        self._sql, self._error = sql, psycopg.Error
        # SQLAlchemy's URLs name a driver after a plus sign: postgresql+psycopg://.
        scheme, separator, rest = url.partition("://")
        try:
            self._connection: Any = psycopg.connect(
                f"{scheme.partition('+')[0]}{separator}{rest}",
                row_factory=dict_row,
                connect_timeout=self.connect_timeout,
            )
            self._connection.read_only = True
            # A value that Python cannot represent must not end the import: the row with it is rejected.
            set_json_loads(_json_or_text, self._connection)
            for name in ("date", "timestamp", "timestamptz"):
                self._connection.adapters.register_loader(name, TextLoader)
            self._tables = self._find_tables()
        except psycopg.Error as error:
            raise self.connection_error(error) from None

    def _find_tables(self) -> dict[str, tuple[str, str]]:
        """Return schema and name of each table, by the name that users see."""
        rows = self._fetch(
            "SELECT table_schema AS schema, table_name AS name FROM information_schema.tables "
            "WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"
        )
        return {
            row["name"] if row["schema"] == "public" else f"{row['schema']}.{row['name']}": (row["schema"], row["name"])
            for row in rows
        }

    def _fetch(self, query: Any) -> list[Row]:
        with self._connection.cursor() as cursor:
            rows: list[Row] = cursor.execute(query).fetchall()
            return rows

    def tables(self) -> list[str]:
        return list(self._tables)

    def rows(self, table: str) -> Iterator[Item]:
        name = self._sql.Identifier(*self._tables[table])
        try:
            self.total = self._fetch(self._sql.SQL("SELECT count(*) AS count FROM {}").format(name))[0]["count"]
            # A named cursor stays on the server, which sends the rows in batches.
            with self._connection.cursor(name="agno_memory") as cursor:
                cursor.itersize = self.batch_size
                cursor.execute(self._sql.SQL("SELECT * FROM {}").format(name))
                for number, row in enumerate(cursor, start=1):
                    self.position = number
                    yield f"row {number}", row
        except self._error as error:
            raise self.reading_error(error, table) from None

    def close(self) -> None:
        self._connection.close()


def _json_or_text(text: str | bytes) -> Any:
    """Return the value of JSON, or its text if it is nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError:
        return text if isinstance(text, str) else text.decode()
