"""Records: the results of a reader, one for each row of a source."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import ValidationError

from agno_memory.times import from_epoch, from_iso, midnight

DAY: Final = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Record:
    """A memory, as read from a source.

    Args:
        where: its position in the source: ``"line 12"``, ``"row 7"``.
        fields: values by the names of ``UserMemory``'s fields, times as aware datetimes. Fields that the source does
            not have are left out; without ``user_id``, the importer sets the owner.
        raw: the row of the source, for the file of rejected rows.
    """

    where: str
    fields: dict[str, Any]
    raw: Any


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that cannot be imported.

    Args:
        where: its position in the source.
        reason: a phrase in lower case, for the file of rejected rows.
        raw: the row of the source.
    """

    where: str
    reason: str
    raw: Any


class InvalidRecord(Exception):
    """A row that a reader cannot convert; the text is the reason."""


def parse_moment(value: object) -> datetime.datetime | None:
    """Return a time of a source in UTC; None if it is missing or empty.

    Args:
        value: a datetime, seconds since 1970, or ISO 8601. Without an offset, it is taken for UTC.

    Raises:
        InvalidRecord: it is not a time.
    """
    if value is None or value == "":
        return None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return from_epoch(value)
        # The text of a datetime is ISO 8601 as well.
        return from_iso(str(value))
    except (ValueError, OverflowError, OSError):
        raise InvalidRecord(f"{value!r:.60} is not a time") from None


def parse_last_day(value: object) -> datetime.datetime | None:
    """Return when the last day of something ends, in UTC; None if it is missing or empty.

    Args:
        value: a date in ISO 8601, which is included; or a moment, as of ``parse_moment()``.

    Raises:
        InvalidRecord: it is neither a date nor a time.
    """
    moment = parse_moment(value)
    try:
        day = datetime.date.fromisoformat(str(value))
    except ValueError:
        # A time as well as a date.
        return moment
    try:
        return midnight(day + DAY, datetime.UTC)
    except OverflowError:
        raise InvalidRecord(f"{value!r:.60} is not a time") from None


def reason_of(error: ValidationError) -> str:
    """Return the messages of an error by field, in one line: ``memory: This cannot be blank.``"""
    return "; ".join(f"{name}: {' '.join(messages)}" for name, messages in error.message_dict.items())
