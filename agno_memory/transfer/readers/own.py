"""This project's own export; see ``exporting``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agno_memory.formats import FIELDS
from agno_memory.transfer.exporter import FORMAT, VERSION
from agno_memory.transfer.readers.base import Reader
from agno_memory.transfer.records import NotAMemory, Record, Rejected, moment
from agno_memory.transfer.sources import Row

LEFT_OUT = ("version", "created_at", "last_updated")


class Own(Reader):
    """Reads what ``export_memories`` wrote."""

    name = "export"
    about = "this project's own: manage.py export_memories"

    @classmethod
    def knows(cls, row: Row) -> bool:
        return row.get("format") == FORMAT

    def read(self) -> Iterator[Record | Rejected]:
        count, told = 0, None
        for found in super().read():
            if isinstance(found.raw, dict) and "end" in found.raw:
                told = found.raw["end"]
                continue
            count += 1
            yield found
        if told is None:
            yield Rejected("the end", "the last line is missing: the file was cut short", "")
        elif told != count:
            yield Rejected("the end", f"the last line tells of {told} memories, and there are {count}", "")

    def fields(self, row: Row) -> dict[str, Any] | None:
        if "format" in row:
            if row.get("version") != VERSION:
                raise NotAMemory(f"version {row.get('version')!r} of the format is not known here, only {VERSION}")
            return None
        if "end" in row:
            return {}
        unknown = row.keys() - set(FIELDS)
        if unknown:
            raise NotAMemory(f"unknown fields: {', '.join(sorted(unknown))}")
        values = {name: row.get(name) for name in FIELDS if name not in LEFT_OUT}
        return {**values, "created_at": moment(row["created_at"]), "last_updated": moment(row["last_updated"])}
