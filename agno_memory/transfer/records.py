"""What a source holds: memories as it has them, and what could not be read of it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Record:
    """A memory.

    Args:
        where: in the source: ``"line 12"``, ``"row 7"``.
        fields: by the names of ``UserMemory``'s fields, times as aware datetimes. What the source does not have is left
            out; without ``user_id`` it is nobody's in particular.
        raw: as the source has it, for the file of what was rejected.
    """

    where: str
    fields: dict[str, Any]
    raw: Any


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something that is no memory, and why."""

    where: str
    reason: str
    raw: Any


class NotAMemory(Exception):
    """A reader cannot make a memory of what the source has; the text says why."""


def moment(value: object) -> datetime.datetime | None:
    """Return a time of a source in UTC: seconds since 1970, or ISO 8601, which is taken for UTC where it is naive.

    Raises:
        NotAMemory: it is none.
    """
    if value is None or value == "":
        return None
    try:
        if isinstance(value, datetime.datetime):
            found = value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.datetime.fromtimestamp(value, datetime.UTC)
        else:
            found = datetime.datetime.fromisoformat(str(value))
        return (found if found.tzinfo else found.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC)
    except (ValueError, OverflowError, OSError):
        raise NotAMemory(f"{value!r:.60} is no time") from None
