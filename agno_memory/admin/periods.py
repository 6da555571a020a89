"""Periods of time, as the list's query string writes them."""

from __future__ import annotations

import datetime
import re
from typing import Final, NamedTuple

from django.utils import timezone

from agno_memory.times import midnight

DATE_PART: Final = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
PAST_DAYS: Final = re.compile(r"(\d{1,4})d")


class Period(NamedTuple):
    """The time from ``start`` (included) to ``end`` (excluded); None is unlimited."""

    start: datetime.datetime | None = None
    end: datetime.datetime | None = None


def parse(text: str) -> Period:
    """Return the period of a text.

    Args:
        text: ``today``, ``7d`` (today and the six days before), ``2026``, ``2026-11`` or ``2026-11-25``.

    Raises:
        ValueError: none of these formats.
    """
    today = timezone.localdate()
    if text == "today":
        return days(today, today)
    if past := PAST_DAYS.fullmatch(text):
        return Period(midnight(today - datetime.timedelta(days=int(past[1]) - 1)))
    match = DATE_PART.fullmatch(text)
    if match is None or "00" in match.groups():
        raise ValueError("This is not a period.")
    year, month, day = match.groups()
    return days(*_first_and_last(int(year), int(month or 0), int(day or 0)))


def _first_and_last(year: int, month: int, day: int) -> tuple[datetime.date, datetime.date]:
    first = datetime.date(year, month or 1, day or 1)
    if day:
        return first, first
    if month:
        return first, next_month(first) - datetime.timedelta(days=1)
    return first, first.replace(month=12, day=31)


def next_month(day: datetime.date) -> datetime.date:
    """Return the first day of the month after a day."""
    return (day.replace(day=1) + datetime.timedelta(days=31)).replace(day=1)


def days(first: datetime.date | None, last: datetime.date | None) -> Period:
    """Return the period from one day to another, both included.

    Raises:
        ValueError: a day outside the range of datetimes.
    """
    try:
        start = midnight(first) if first else None
        return Period(start, midnight(last + datetime.timedelta(days=1)) if last else None)
    except OverflowError as error:
        raise ValueError("This day is outside the range of datetimes.") from error


class Step(NamedTuple):
    """A link of the time navigation.

    Args:
        value: the period, as the query string writes it.
        first: its first day.
        format: the format of its label, as for Django's ``date`` filter.
    """

    value: str
    first: datetime.date
    format: str


def steps(value: str, earliest: datetime.date, latest: datetime.date) -> tuple[list[Step], list[Step]]:
    """Return the path to a period and its parts: the months of a year, or the days of a month.

    Args:
        value: a period, as the query string writes it; anything but a year, month or day is all of time.
        earliest: the first day with memories; earlier parts are left out.
        latest: the last day with memories; later parts are left out.
    """
    match = DATE_PART.fullmatch(value)
    numbers = [int(part) for part in match.groups() if part] if match else []
    path = [_step(numbers[: depth + 1]) for depth in range(len(numbers))]
    divide = (_years, _months, _days, _no_parts)[len(numbers)]
    return path, [_step(part) for part in divide(numbers, earliest, latest)]


def _step(numbers: list[int]) -> Step:
    year, month, day = [*numbers, 1, 1][:3]
    value = "-".join([f"{numbers[0]:04d}", *(f"{number:02d}" for number in numbers[1:])])
    return Step(value, datetime.date(year, month, day), ("Y", "F Y", "j F")[len(numbers) - 1])


def _years(numbers: list[int], earliest: datetime.date, latest: datetime.date) -> list[list[int]]:
    return [[year] for year in range(latest.year, earliest.year - 1, -1)]


def _months(numbers: list[int], earliest: datetime.date, latest: datetime.date) -> list[list[int]]:
    (year,) = numbers
    first, last = earliest.replace(day=1), latest.replace(day=1)
    return [[year, month] for month in range(1, 13) if first <= datetime.date(year, month, 1) <= last]


def _days(numbers: list[int], earliest: datetime.date, latest: datetime.date) -> list[list[int]]:
    year, month = numbers
    first = datetime.date(year, month, 1)
    length = (next_month(first) - first).days
    return [[year, month, day] for day in range(1, length + 1) if earliest <= first.replace(day=day) <= latest]


def _no_parts(numbers: list[int], earliest: datetime.date, latest: datetime.date) -> list[list[int]]:
    return []
