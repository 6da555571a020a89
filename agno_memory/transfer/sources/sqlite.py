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
# The instructions of SQLite's virtual machine between two rows, in units that the connection counts. One row of a table
# takes few; a query that never ends takes any number.
UNIT: Final = 100_000
MAX_UNITS: Final = 500
# How table_xinfo marks the columns with stored values: ordinary ones, and computed ones that are stored.
STORED: Final = (0, 3)


class SqliteSource(Source):
    """A SQLite file, opened read-only.

    Only stored values are read. The file may be a stranger's: its views, virtual tables and computed columns run
    queries and expressions, which may never end.
    """

    stores_json_as_text = True

    def __init__(self, path: Path) -> None:
        # A file in write-ahead mode in a folder that is not writable opens only as immutable, which assumes that no
        # other process writes to it.
        for options in ("mode=ro", "mode=ro&immutable=1"):
            self._connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?{options}", uri=True)
            self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_SIZE)
            self._units = 0
            self._connection.set_progress_handler(self._takes_too_long, UNIT)
            try:
                self._connection.execute("PRAGMA trusted_schema=OFF")
                self._tables = self._find_tables()
                self._size = self._bytes()
                break
            except sqlite3.Error as error:
                self._connection.close()
                reason = str(error)
        else:
            raise SourceError(f"{path} cannot be read as a SQLite file: {reason}")
        self._connection.row_factory = sqlite3.Row
        self._connection.text_factory = lambda value: value.decode(errors="surrogateescape")

    def _takes_too_long(self) -> bool:
        self._units += 1
        return self._units > MAX_UNITS

    def _find_tables(self) -> list[str]:
        # A view or a virtual table has no page of its own. SQLite writes the text itself: only a forged one differs.
        query = (
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
            "AND rootpage > 0 AND sql LIKE 'CREATE TABLE %'"
        )
        return [name for (name,) in self._connection.execute(query)]

    def tables(self) -> list[str]:
        return self._tables

    def rows(self, table: str) -> Iterator[Item]:
        name = _quoted(table)
        try:
            self.total = self._count(name)
            columns = ", ".join(_quoted(column) for column in self._stored_columns(table))
            for number, row in enumerate(self._connection.execute(f"SELECT {columns} FROM {name}"), start=1):  # noqa: S608
                if number > self._size:
                    # Pages of a damaged file can be there many times.
                    raise sqlite3.DatabaseError("it has more rows than the file has bytes")
                self._units = 0
                self.position = number
                yield f"row {number}", dict(row)
        except sqlite3.Error as error:
            raise SourceError(f"The table {table} cannot be read to its end: {error}") from None

    def _count(self, name: str) -> int | None:
        """Return the number of rows; None if counting takes too long."""
        self._units = 0
        try:
            # count(*) is one instruction, which no limit ends.
            (count,) = self._connection.execute(f"SELECT count(1) FROM {name}").fetchone()  # noqa: S608
        except sqlite3.OperationalError:
            return None
        finally:
            self._units = 0
        return int(count)

    def _bytes(self) -> int:
        """Return the size of the file, with that of the log beside it which is not in it yet."""
        (pages,), (page_size,) = (
            self._connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size")
        )
        return int(pages * page_size)

    def _stored_columns(self, table: str) -> list[str]:
        rows = self._connection.execute("SELECT name, hidden FROM pragma_table_xinfo(?)", (table,))
        return [name for name, hidden in rows if hidden in STORED]

    def close(self) -> None:
        self._connection.close()


def _quoted(name: str) -> str:
    """Return a name for a statement: SQLite accepts no parameter for it."""
    return '"' + name.replace('"', '""') + '"'
