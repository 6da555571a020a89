"""The files of this project: that of ``export_memories``, which ``exporter.py`` writes, and downloads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from agno_memory.formats import value_of_cell
from agno_memory.names import FIELDS, MACHINE_WRITTEN
from agno_memory.transfer.exporter import FORMAT, VERSION
from agno_memory.transfer.person_exporter import KINDS
from agno_memory.transfer.readers.base import Reader, parse_json
from agno_memory.transfer.records import InvalidRecord, Record, Rejected, parse_moment
from agno_memory.transfer.sources import Row

# The fields that a cell has as JSON.
JSON_FIELDS: Final = ("topics", "metadata")
# The fields that files of earlier releases lack.
LATER_FIELDS: Final = frozenset({"expires_at", "pinned"})
# The field that marks the earlier version of a memory. It is left out: a new store begins a history of its own.
ENDED: Final = "valid_until"
OTHERS: Final = frozenset(KINDS)


class Export(Reader):
    """Reads a header with the version of the format, a memory per line, and a last line with their number."""

    name = "export"
    description = "the file of manage.py export_memories"

    @classmethod
    def matches(cls, row: Row) -> bool:
        return row.get("format") == FORMAT

    def read(self) -> Iterator[Record | Rejected]:
        count, expected = 0, None
        for where, row in self.source.rows(self.table):
            if isinstance(row, dict) and "end" in row:
                expected = row["end"]
                continue
            record = self.record(where, row)
            if record is not None:
                count += 1
                yield record
        if expected is None:
            yield Rejected("the end", "the last line is missing: the file is incomplete", "")
        elif expected != count:
            yield Rejected("the end", f"the last line counts {expected} memories, but the file has {count}", "")

    def fields(self, row: Row) -> dict[str, Any] | None:
        if "format" in row:
            if row.get("version") != VERSION:
                raise InvalidRecord(f"version {row.get('version')!r} of the format is not supported, only {VERSION}")
            return None
        # The file of export_user has lines of other kinds too, which the app imports from agno's own databases only.
        return None if ENDED in row or row.keys() <= OTHERS else memory_fields(row)


class Download(Reader):
    """Reads a memory per row, as JSON or as CSV, without a header and a last line."""

    name = "download"
    description = "the file that the admin or the REST API exports: JSON Lines or CSV"

    @classmethod
    def matches(cls, row: Row) -> bool:
        return set(FIELDS) - LATER_FIELDS <= row.keys()

    def fields(self, row: Row) -> dict[str, Any] | None:
        if ENDED in row:
            return None
        return memory_fields(_row_of_cells(row) if self.source.has_cells else row)


def memory_fields(row: Row) -> dict[str, Any]:
    """Return the fields of a memory that was exported; its version starts at 1 again.

    Raises:
        InvalidRecord: an unknown field, or a time that is not one.
    """
    unknown = row.keys() - set(FIELDS)
    if unknown:
        raise InvalidRecord(f"unknown fields: {', '.join(sorted(unknown))}")
    values = {name: row.get(name) for name in FIELDS if name not in MACHINE_WRITTEN}
    times = {name: parse_moment(row.get(name)) for name in ("created_at", "last_updated", "expires_at")}
    return values | times


def _row_of_cells(row: Row) -> Row:
    """Return the values that ``formats.csv_lines()`` has written into the cells of a row."""
    return {
        name: (parse_json(cell) if name in JSON_FIELDS else value_of_cell(cell)) if cell else None
        for name, cell in row.items()
    }
