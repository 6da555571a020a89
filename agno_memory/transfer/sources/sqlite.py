"""SQLite files as a source."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

from agno_memory.transfer.sources.base import Item, Source, SourceError

# The largest text or BLOB to read, in bytes: a column that is computed may be of any length.
MAX_VALUE_SIZE: Final = 64 * 2**20
# The first bytes of every SQLite file.
HEADER: Final = b"SQLite format 3\x00"


class SqliteSource(Source):
    """A SQLite file, opened read-only.

    Views are not read: a file of a stranger may have one that never ends.
    """

    stores_json_as_text = True

    def __init__(self, path: Path) -> None:
        # A file in write-ahead mode in a folder that is not writable opens only as immutable, which assumes that no
        # other process writes to it.
        for options in ("mode=ro", "mode=ro&immutable=1"):
            self._connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?{options}", uri=True)
            self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_SIZE)
            try:
                self._connection.execute("PRAGMA trusted_schema=OFF")
                self._tables = self._find_tables()
                break
            except sqlite3.Error as error:
                self._connection.close()
                reason = str(error)
        else:
            raise SourceError(f"{path} cannot be read as a SQLite file: {reason}")
        self._connection.row_factory = sqlite3.Row
        self._connection.text_factory = lambda value: value.decode(errors="surrogateescape")

    def _find_tables(self) -> list[str]:
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        return [name for (name,) in self._connection.execute(query)]

    def tables(self) -> list[str]:
        return self._tables

    def rows(self, table: str) -> Iterator[Item]:
        # SQLite accepts no parameter for a name; this one comes from tables() and is quoted.
        name = '"' + table.replace('"', '""') + '"'
        try:
            (self.total,) = self._connection.execute(f"SELECT count(*) FROM {name}").fetchone()  # noqa: S608
            for number, row in enumerate(self._connection.execute(f"SELECT * FROM {name}"), start=1):  # noqa: S608
                self.position = number
                yield f"row {number}", dict(row)
        except sqlite3.Error as error:
            raise SourceError(f"The table {table} cannot be read to its end: {error}") from None

    def close(self) -> None:
        self._connection.close()
