"""Stretches of time, as the list's query string names them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import Final, NamedTuple

from django.db.models import Q
from django.utils import timezone

PART: Final = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
PAST_DAYS: Final = re.compile(r"(\d{1,4})d")


class Period(NamedTuple):
    """From the first moment to before the second; None is open."""

    start: datetime.datetime | None = None
    end: datetime.datetime | None = None

    def on(self, field: str) -> Q:
        """Return the condition that a time lies in it."""
        bounds = {f"{field}__gte": self.start, f"{field}__lt": self.end}
        return Q(**{name: moment for name, moment in bounds.items() if moment is not None})


def midnight(day: datetime.date) -> datetime.datetime:
    """Return the moment in which a day begins where the reader is."""
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time()))


def parse(text: str) -> Period:
    """Return what is meant: ``today``, ``7d`` (today and the days before), ``2026``, ``2026-11`` or ``2026-11-25``.

    Raises:
        ValueError: none of them.
    """
    today = timezone.localdate()
    if text == "today":
        return days(today, today)
    if past := PAST_DAYS.fullmatch(text):
        return Period(midnight(today - datetime.timedelta(days=int(past[1]) - 1)))
    found = PART.fullmatch(text)
    if found is None or "00" in found.groups():
        raise ValueError("no period")
    year, month, day = found.groups()
    return days(*_first_and_last(int(year), int(month or 0), int(day or 0)))


def _first_and_last(year: int, month: int, day: int) -> tuple[datetime.date, datetime.date]:
    first = datetime.date(year, month or 1, day or 1)
    if day:
        return first, first
    if month:
        return first, _next_month(first) - datetime.timedelta(days=1)
    return first, first.replace(month=12, day=31)


def _next_month(first: datetime.date) -> datetime.date:
    return (first + datetime.timedelta(days=31)).replace(day=1)


def days(first: datetime.date | None, last: datetime.date | None) -> Period:
    """Return the period from a day to another one, both included.

    Raises:
        ValueError: no time is that far away.
    """
    try:
        start = midnight(first) if first else None
        return Period(start, midnight(last + datetime.timedelta(days=1)) if last else None)
    except OverflowError as error:
        raise ValueError("out of time") from error


class Step(NamedTuple):
    """A period to go to."""

    value: str
    first: datetime.date
    # How Django's date filter writes it.
    format: str


def steps(value: str, earliest: datetime.date, latest: datetime.date) -> tuple[list[Step], list[Step]]:
    """Return the way to a period and what it divides into: years into months, months into days.

    Args:
        value: a period as the query string names it; anything but a year, month or day is all of time.
        earliest: day before which there is nothing, likewise ``latest``.
    """
    found = PART.fullmatch(value)
    numbers = [int(part) for part in found.groups() if part] if found else []
    way = [_step(numbers[: depth + 1]) for depth in range(len(numbers))]
    inside = _years if not numbers else (_months, _days, _nothing)[len(numbers) - 1]
    divided = inside(numbers, earliest, latest)
    return way, [_step(each) for each in divided]


def _step(numbers: list[int]) -> Step:
    year, month, day = [*numbers, 1, 1][:3]
    value = "-".join([f"{numbers[0]:04d}", *(f"{number:02d}" for number in numbers[1:])])
    return Step(value, datetime.date(year, month, day), ("Y", "F Y", "j F")[len(numbers) - 1])


Division = Callable[[list[int], datetime.date, datetime.date], list[list[int]]]


def _years(numbers: list[int], earliest: datetime.date, latest: datetime.date) -> list[list[int]]:
    return [[year] for year in range(latest.year, earliest.year - 1, -1)]


def _months(numbers: list[int], earliest: datetime.date, latest: datetime.date) -> list[list[int]]:
    (year,) = numbers
    first, last = earliest.replace(day=1), latest.replace(day=1)
    return [[year, month] for month in range(1, 13) if first <= datetime.date(year, month, 1) <= last]


def _days(numbers: list[int], earliest: datetime.date, latest: datetime.date) -> list[list[int]]:
    year, month = numbers
    first = datetime.date(year, month, 1)
    length = (_next_month(first) - first).days
    return [[year, month, day] for day in range(1, length + 1) if earliest <= first.replace(day=day) <= latest]


def _nothing(numbers: list[int], earliest: datetime.date, latest: datetime.date) -> list[list[int]]:
    return []
