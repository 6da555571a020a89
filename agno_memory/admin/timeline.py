"""When one person's memories came: a chart whose columns are days, weeks, months or years, as it fits."""

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
from agno_memory.admin.periods import midnight
from agno_memory.db.aggregates import SpanCounts
from agno_memory.querysets import Stats, UserMemoryQuerySet

# Columns of a chart; more, and they become longer ones.
MOST = 48
# About how many of them have a label.
LABELS = 6

Day = datetime.date


class Unit(NamedTuple):
    """A kind of column.

    Args:
        first: returns the first day of the one that a day is in.
        following: returns the first day of the next one.
        label: returns its name, given its first day.
        heading: of the names.
    """

    first: Callable[[Day], Day]
    following: Callable[[Day], Day]
    label: Callable[[Day], str]
    heading: Callable[[], str]


def _monday(day: Day) -> Day:
    return day - datetime.timedelta(days=day.weekday())


def _next_month(day: Day) -> Day:
    return (day.replace(day=1) + datetime.timedelta(days=31)).replace(day=1)


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
        lambda: _("Week that begins on"),
    ),
    Unit(
        lambda day: day.replace(day=1),
        _next_month,
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
    """Return the shortest columns of which ``MOST`` are enough, and where they begin, with the end of the last one."""
    for unit in UNITS:
        days = [unit.first(first)]
        while days[-1] <= last and len(days) <= MOST + 1:
            days.append(unit.following(days[-1]))
        if len(days) <= MOST + 1 and days[-1] > last:
            return unit, days
    # Of longer than that, the last years.
    return unit, [Day(last.year + 1 - years, 1, 1) for years in range(MOST, -1, -1)]


def timeline(rows: UserMemoryQuerySet, stats: Stats) -> SafeString:
    """Return a chart of when memories were added; what is asked for is one index, between the first and the last.

    Args:
        rows: one person's.
        stats: theirs; there is at least one memory.
    """
    assert stats.first_created is not None
    assert stats.last_updated is not None
    # The last one was added when it was last written, or before.
    unit, days = division(localdate(stats.first_created), localdate(stats.last_updated))
    counts = SpanCounts(rows, "created_at", [midnight(day) for day in days]).run()
    points = _points([unit.label(day) for day in days[:-1]], counts)
    headings = unit.heading(), _("Memories")
    return columns("am-timeline", _("When the memories were added"), _summary(points), points, headings)


def _points(labels: list[str], counts: list[int]) -> list[Point]:
    """Return the columns; about ``LABELS`` of them say below what they are, every other one where there is room."""
    every = -(-len(counts) // LABELS)
    return [
        Point(label, count, label if index % every == every // 2 else "", is_minor=bool(index // every % 2))
        for index, (label, count) in enumerate(zip(labels, counts, strict=True))
    ]


def _summary(points: list[Point]) -> str:
    total = sum(point.value for point in points)
    text = ngettext(
        "%(total)s memory, from %(first)s to %(last)s.", "%(total)s memories, from %(first)s to %(last)s.", total
    )
    return text % {"total": number(total), "first": points[0].label, "last": points[-1].label}
