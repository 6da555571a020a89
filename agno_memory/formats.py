"""The forms in which memories leave: a dictionary for JSON, JSON Lines, and CSV. One home, whoever sends them out."""

from __future__ import annotations

import csv
import datetime
import json
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Any, Final

from agno_memory.models import UserMemory

FIELDS: Final = ("memory_id", "user_id", *UserMemory.content_fields, "version", "created_at", "last_updated")

_values = attrgetter(*FIELDS)

# A spreadsheet takes a cell that begins so for a formula, and runs it: OWASP's list, with the full-width forms that
# Excel reads alike.
FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# Without it, Excel does not read UTF-8.
BYTE_ORDER_MARK: Final = "\ufeff"


def as_dict(memory: UserMemory) -> dict[str, Any]:
    """Return what JSON shows of a memory: every field that a caller may know, times as ``timestamp()`` writes them."""
    shown = dict(zip(FIELDS, _values(memory), strict=True))
    shown["created_at"] = timestamp(memory.created_at)
    shown["last_updated"] = timestamp(memory.last_updated)
    return shown


def timestamp(moment: datetime.datetime) -> str:
    """Return a moment as ISO 8601 in UTC, to the millisecond: ``2026-11-25T09:30:00.125Z``."""
    return moment.astimezone(datetime.UTC).isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


def json_lines(memories: Iterable[UserMemory]) -> Iterator[str]:
    """Yield memories as JSON, one a line."""
    for memory in memories:
        yield json.dumps(as_dict(memory), ensure_ascii=False) + "\n"


class _Line:
    """What the csv module writes to: it keeps the line that was written last."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


def csv_lines(memories: Iterable[UserMemory]) -> Iterator[str]:
    """Yield memories as CSV with a header, safe to open in a spreadsheet; topics and metadata are JSON."""
    line = _Line()
    writer = csv.writer(line)
    writer.writerow(FIELDS)
    yield BYTE_ORDER_MARK + line.text
    for memory in memories:
        writer.writerow(map(cell, as_dict(memory).values()))
        yield line.text


def cell(value: object) -> str:
    """Return a value as a cell that no spreadsheet takes for a formula: an apostrophe in front says that it is text."""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text
