"""What the dashboard makes of a picture: tiles, charts and tables."""

from __future__ import annotations

import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agno_memory.admin.charts import Bar, Point, bars, columns, number
from agno_memory.admin.urls import quoted
from agno_memory.stats.sampling import LENGTH_BOUNDS, NamedCount
from agno_memory.stats.snapshot import Snapshot


class Tile(NamedTuple):
    """A number with a name."""

    name: str
    value: str
    note: str = ""


def tiles(picture: Snapshot) -> list[Tile]:
    """Return the numbers on top."""
    is_sample = picture.sample_size is not None
    estimate = _("estimate") if is_sample else ""
    found = [_tile(_("Memories"), picture.memory_count, estimate), _tile(_("Owners"), picture.owner_count, estimate)]
    if picture.memory_count and picture.owner_count:
        found.append(_tile(_("Memories per owner"), round(picture.memory_count / picture.owner_count), _("on average")))
    note = _("characters; half are shorter")
    found.append(_tile(_("Usual length"), picture.median_length, note))
    return found


def _tile(name: str, value: int | None, note: str) -> Tile:
    return Tile(name, "\N{EM DASH}", _("not known yet")) if value is None else Tile(name, number(value), note)


def panels(picture: Snapshot, site: str) -> dict[str, SafeString | None]:
    """Return the charts and tables by name; None is not counted yet."""
    changelist = reverse("admin:agno_memory_usermemory_changelist", current_app=site)
    whole = picture.memory_count if picture.sample_size is None else picture.sample_size

    def listed(shares: list[NamedCount], parameter: str) -> list[Bar]:
        return [Bar(name, count, f"{changelist}?{urlencode({parameter: name})}") for name, count in shares]

    def person(owner: str) -> str:
        return reverse("admin:agno_memory_usermemory_person", args=[quoted(owner)], current_app=site)

    memories = _("Memories")
    people = [Bar(name, count, person(name)) for name, count in picture.top_owners]
    return {
        "days": _days(picture.daily_counts, picture.last_day) if picture.daily_counts else None,
        "topics": bars(_("Most frequent topics"), listed(picture.top_topics, "topic"), (_("Topic"), memories), whole),
        "people": bars(_("Owners with the most memories"), people, (_("Owner"), memories), whole),
        "agents": bars(
            _("Agents with the most memories"), listed(picture.top_agents, "agent"), (_("Agent"), memories), whole
        ),
        "lengths": bars(
            _("Length of the memories"), _lengths(picture.length_counts), (_("Characters"), memories), whole
        ),
    }


def _lengths(counts: list[int]) -> list[Bar]:
    names = [_("below %(number)s") % {"number": number(LENGTH_BOUNDS[0])}]
    for start, end in pairwise(LENGTH_BOUNDS):
        names.append(f"{number(start)}\N{EN DASH}{number(end - 1)}")
    names.append(_("from %(number)s") % {"number": number(LENGTH_BOUNDS[-1])})
    return [Bar(name, count) for name, count in zip(names, counts, strict=True)]


def _days(counts: list[int], last: datetime.date) -> SafeString:
    days = [last - datetime.timedelta(days=len(counts) - index) for index in range(1, len(counts) + 1)]
    points = [
        Point(date_format(day, "DATE_FORMAT"), count, *_tick(day)) for day, count in zip(days, counts, strict=True)
    ]
    title = _("Memories by the day of their last write")
    return columns("am-days", title, _summary(points), points, (_("Day"), _("Memories")))


def _tick(day: datetime.date) -> tuple[str, bool]:
    """Return what is below a day: the first and the middle one of a month have a date, of which the second may go."""
    return (date_format(day, "MONTH_DAY_FORMAT"), day.day != 1) if day.day in (1, 15) else ("", False)


def _summary(points: list[Point]) -> str:
    most: Any = max(points, key=lambda point: point.value)
    total = sum(point.value for point in points)
    text = ngettext(
        "%(total)s memory in %(days)d days; the most on %(day)s: %(most)s.",
        "%(total)s memories in %(days)d days; the most on %(day)s: %(most)s.",
        total,
    )
    return text % {"total": number(total), "days": len(points), "day": most.label, "most": number(most.value)}
