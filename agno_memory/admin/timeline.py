"""The timeline of a person's memories: a chart by day, week, month or year, depending on the time that they span."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import NamedTuple

from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agno_memory.admin.charts import Point, columns, number
from agno_memory.admin.periods import next_month
from agno_memory.db.aggregates import SpanCounts
from agno_memory.querysets import Stats, UserMemoryQuerySet
from agno_memory.times import midnight

# Maximum number of columns; for a longer time, each column spans more days.
MAX_COLUMNS = 48
# About this many columns have a tick.
TICKS = 6

Day = datetime.date


class Unit(NamedTuple):
    """A unit of time for the columns.

    Args:
        first: returns the first day of the unit that contains a day.
        following: returns the first day of the next unit, for the first day of a unit.
        label: returns the label of a unit, for its first day.
        heading: returns the heading of the labels.
    """

    first: Callable[[Day], Day]
    following: Callable[[Day], Day]
    label: Callable[[Day], str]
    heading: Callable[[], str]


def _monday(day: Day) -> Day:
    return day - datetime.timedelta(days=day.weekday())


UNITS = (
    Unit(
        lambda day: day,
        lambda day: day + datetime.timedelta(days=1),
        lambda day: date_format(day, "DATE_FORMAT"),
        lambda: _("Day"),
    ),
    Unit(
        _monday,
        lambda day: day + datetime.timedelta(days=7),
        lambda day: date_format(day, "DATE_FORMAT"),
        lambda: _("Week starting on"),
    ),
    Unit(
        lambda day: day.replace(day=1),
        next_month,
        lambda day: date_format(day, "YEAR_MONTH_FORMAT"),
        lambda: _("Month"),
    ),
    Unit(
        lambda day: day.replace(month=1, day=1),
        lambda day: day.replace(year=day.year + 1, month=1, day=1),
        lambda day: str(day.year),
        lambda: _("Year"),
    ),
)


def division(first: Day, last: Day) -> tuple[Unit, list[Day]]:
    """Return the shortest unit with at most ``MAX_COLUMNS`` columns, the first day of each, and the end of the last."""
    for unit in UNITS:
        days = [unit.first(first)]
        while days[-1] <= last and len(days) <= MAX_COLUMNS + 1:
            days.append(unit.following(days[-1]))
        if len(days) <= MAX_COLUMNS + 1 and days[-1] > last:
            return unit, days
    # The time is longer than MAX_COLUMNS years: show the last years.
    return unit, [Day(last.year + 1 - years, 1, 1) for years in range(MAX_COLUMNS, -1, -1)]


def timeline(rows: UserMemoryQuerySet, stats: Stats) -> SafeString:
    """Return a chart of the times when memories were added. Its query is served by one index.

    Args:
        rows: the memories of one person, at least one.
        stats: their ``stats()``.
    """
    assert stats.first_created is not None
    assert stats.last_updated is not None
    # No memory was added after the last update, unless another program wrote the times.
    unit, days = division(*sorted([localdate(stats.first_created), localdate(stats.last_updated)]))
    counts = rows.read(SpanCounts(rows, "created_at", [midnight(day) for day in days]).run)
    points = _points([unit.label(day) for day in days[:-1]], counts)
    headings = unit.heading(), _("Memories")
    return columns("am-timeline", _("When the memories were added"), _summary(points), points, headings)


def _points(labels: list[str], counts: list[int]) -> list[Point]:
    """Return the columns. About ``TICKS`` of them have a tick, and every other tick is minor."""
    interval = -(-len(counts) // TICKS)
    return [
        Point(label, count, label if index % interval == interval // 2 else "", is_minor=bool(index // interval % 2))
        for index, (label, count) in enumerate(zip(labels, counts, strict=True))
    ]


def _summary(points: list[Point]) -> str:
    total = sum(point.value for point in points)
    text = ngettext(
        "%(total)s memory, from %(first)s to %(last)s.", "%(total)s memories, from %(first)s to %(last)s.", total
    )
    return text % {"total": number(total), "first": points[0].label, "last": points[-1].label}
