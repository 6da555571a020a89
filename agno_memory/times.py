"""Times as they are stored (aware UTC, whole milliseconds), and their conversions: the only ones in the package.

The client has no Django and so converts its own.
"""

from __future__ import annotations

import datetime
from typing import Final

from django.utils import timezone

EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
# Before all times that are accepted.
BEGINNING: Final = datetime.datetime(1, 1, 1, tzinfo=datetime.UTC)
MILLISECOND: Final = datetime.timedelta(milliseconds=1)
SECOND: Final = datetime.timedelta(seconds=1)


def now() -> datetime.datetime:
    """Return the current time as it is stored."""
    moment = timezone.now()
    # In half of the time of whole_milliseconds(): UTC has no fold.
    return moment - datetime.timedelta(0, 0, moment.microsecond % 1000)


def whole_milliseconds(moment: datetime.datetime) -> datetime.datetime:
    """Return a moment without its microseconds: MongoDB stores milliseconds."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def to_milliseconds(moment: datetime.datetime) -> int:
    """Return the milliseconds from 1970 to an aware moment, for a token or a hidden field."""
    return (moment - EPOCH) // MILLISECOND


def from_milliseconds(milliseconds: int) -> datetime.datetime:
    """Return the moment of ``to_milliseconds()``, in UTC.

    Raises:
        ValueError: outside the years 1 to 9999.
    """
    try:
        return EPOCH + milliseconds * MILLISECOND
    except OverflowError as error:
        raise ValueError(f"{milliseconds} ms is outside the years 1 to 9999.") from error


def to_epoch(moment: datetime.datetime) -> int:
    """Return an aware moment in whole seconds since 1970, as agno stores it."""
    return int(moment.timestamp())


def from_epoch(seconds: float) -> datetime.datetime:
    """Return the moment of ``to_epoch()``, in UTC.

    Raises:
        ValueError, OverflowError, OSError: outside the range of datetimes.
    """
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def to_iso(moment: datetime.datetime) -> str:
    """Return an aware moment as ISO 8601 in UTC, to the millisecond: ``2026-11-25T09:30:00.125Z``."""
    return moment.astimezone(datetime.UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def from_iso(text: str) -> datetime.datetime:
    """Return the moment of an ISO 8601 text, in UTC. A text without an offset is taken for UTC.

    Raises:
        ValueError: it is not ISO 8601.
        OverflowError: outside the years 1 to 9999 in UTC.
    """
    moment = datetime.datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC)


def midnight(day: datetime.date, zone: datetime.tzinfo | None = None) -> datetime.datetime:
    """Return when a day begins.

    Args:
        day: the date.
        zone: the time zone; by default Django's current one.
    """
    return in_zone(datetime.datetime.combine(day, datetime.time()), zone)


def in_zone(local: datetime.datetime, zone: datetime.tzinfo | None = None) -> datetime.datetime:
    """Return the moment at which the clocks of a zone show a time.

    Args:
        local: the time, without a zone. If the clocks show it twice, the first moment counts; if they skip it, the
            first moment after the gap.
        zone: the time zone; by default Django's current one.
    """
    zone = zone or timezone.get_current_timezone()
    first, second = (timezone.make_aware(local.replace(fold=fold), zone) for fold in (0, 1))
    before, after = (moment.utcoffset() or datetime.timedelta() for moment in (first, second))
    if before >= after:
        return first
    # The clocks change by a whole second, between these two.
    start = (local.replace(microsecond=0) - after).replace(tzinfo=datetime.UTC)
    low, high = 0, int((after - before).total_seconds()) + 1
    while high - low > 1:
        middle = (low + high) // 2
        is_after = (start + middle * SECOND).astimezone(zone).utcoffset() == after
        low, high = (low, middle) if is_after else (middle, high)
    return (start + high * SECOND).astimezone(zone)
