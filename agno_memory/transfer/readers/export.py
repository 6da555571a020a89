"""The file of ``export_memories``; ``exporter.py`` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agno_memory.names import FIELDS, MACHINE_WRITTEN
from agno_memory.transfer.exporter import FORMAT, VERSION
from agno_memory.transfer.readers.base import Reader
from agno_memory.transfer.records import InvalidRecord, Record, Rejected, parse_moment
from agno_memory.transfer.sources import Row


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
        unknown = row.keys() - set(FIELDS)
        if unknown:
            raise InvalidRecord(f"unknown fields: {', '.join(sorted(unknown))}")
        values = {name: row.get(name) for name in FIELDS if name not in MACHINE_WRITTEN}
        # The version starts at 1 again.
        times = {name: parse_moment(row[name]) for name in ("created_at", "last_updated")}
        return values | times
