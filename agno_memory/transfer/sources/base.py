"""The base class of sources: tables of rows, which are only read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

Row = dict[str, Any]

# The number of rows by which readers recognize their format.
SAMPLE_SIZE: Final = 20


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A part of a source that cannot be read as a row.

    Args:
        reason: why it cannot be read.
        raw: its text.
    """

    reason: str
    raw: str


# The position of a row in its source (``"line 12"``, ``"row 7"``), and the row.
Item = tuple[str, Row | UnreadableRow]


class SourceError(Exception):
    """A source cannot be read. The text gives the reason and a remedy, without a password."""


class Source:
    """Base class: tables of rows."""

    # How many rows or bytes have been read, and how many there are in total (None: unknown).
    position = 0
    total: int | None = None
    # Whether the database has no type for JSON and stores it as text.
    stores_json_as_text = False
    # Whether values are cells of a spreadsheet, as formats.cell() writes them.
    has_cells = False
    # The names of the parts of the source beside its rows, which are not read.
    left_out: Collection[str] = ()

    def tables(self) -> list[str]:
        """Return the names of the tables."""
        raise NotImplementedError("A source lists its tables.")

    def rows(self, table: str) -> Iterator[Item]:
        """Yield the rows of a table.

        Raises:
            SourceError: the table cannot be read to its end.
        """
        raise NotImplementedError("A source yields the rows of a table.")

    def first_rows(self, table: str) -> list[Row]:
        """Return the first readable rows of a table, by which readers recognize their format."""
        with closing(self.rows(table)) as rows:  # type: ignore[type-var]
            return [row for _where, row in islice(rows, SAMPLE_SIZE) if isinstance(row, dict)]

    def is_empty(self, table: str) -> bool:
        """Return whether a table has no rows."""
        with closing(self.rows(table)) as rows:  # type: ignore[type-var]
            return next(rows, None) is None

    def read_at_once(self, rows: int) -> None:
        """Limit the rows of the next table that are in memory at once, if a server sends many."""

    def close(self) -> None:
        """Close the file or the connection."""


def find_table(source: Source, name: str) -> str:
    """Return a table's full name in the source.

    Args:
        source: to look in.
        name: the full name, or its last part: ``user_memories`` for ``ai.user_memories``.

    Raises:
        SourceError: the source has no such table; the text lists the tables.
    """
    for table in source.tables():
        if name in (table, table.rpartition(".")[2]):
            return table
    raise SourceError(f"The source has no table or collection {name!r}. Choose one of: {table_names(source.tables())}.")


def table_names(tables: list[str]) -> str:
    """Return names of tables for an error text, at most 20."""
    return ", ".join(tables[:20]) or "none"
