"""The dashboard's tiles, charts and tables, made from a snapshot."""

from __future__ import annotations

import datetime
from itertools import pairwise
from typing import NamedTuple

from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agno_memory.admin.accounts import Account
from agno_memory.admin.charts import Bar, Point, bars, columns, number
from agno_memory.admin.urls import memory_page_url
from agno_memory.stats.sampling import LENGTH_BOUNDS, NamedCount
from agno_memory.stats.snapshot import Snapshot


class Tile(NamedTuple):
    """A number with a label and a note."""

    label: str
    value: str
    note: str = ""


def tiles(snapshot: Snapshot) -> list[Tile]:
    """Return the tiles at the top of the dashboard."""
    estimate = _("estimate") if snapshot.sample_size is not None else ""
    memories, people = snapshot.memory_count, snapshot.owner_count
    result = [_tile(_("Memories"), memories, estimate), _tile(_("People"), people, estimate)]
    if memories and people:
        result.append(_tile(_("Memories per person"), round(memories / people), _("on average")))
    result.append(_tile(_("Median length"), snapshot.median_length, _("characters; half of the memories are shorter")))
    return result


def _tile(label: str, value: int | None, note: str) -> Tile:
    return Tile(label, "\N{EM DASH}", _("not counted yet")) if value is None else Tile(label, number(value), note)


def charts(snapshot: Snapshot, site: str, accounts: dict[str, Account]) -> dict[str, SafeString | None]:
    """Return the charts and tables by name; None for the days of a sample, which are not counted.

    Args:
        snapshot: the numbers.
        site: name of the admin site.
        accounts: the accounts that the staff user may view, by user id.
    """
    changelist = memory_page_url("changelist", site=site)
    total = snapshot.memory_count if snapshot.sample_size is None else snapshot.sample_size

    def filter_links(shares: list[NamedCount], parameter: str) -> list[Bar]:
        return [Bar(name, count, f"{changelist}?{urlencode({parameter: name})}") for name, count in shares]

    memories = _("Memories")
    topics, agents = filter_links(snapshot.top_topics, "topic"), filter_links(snapshot.top_agents, "agent_id")
    names = {user_id: account.other_name for user_id, account in accounts.items()}
    people = [
        Bar(user_id, count, memory_page_url("person", user_id, site=site), names.get(user_id, ""))
        for user_id, count in snapshot.top_owners
        # A row of another program may have no person.
        if user_id
    ]
    return {
        "days": _days(snapshot.daily_counts, snapshot.last_day) if snapshot.daily_counts else None,
        "topics": bars(_("Most frequent topics"), topics, (_("Topic"), memories), total),
        "people": bars(_("People with the most memories"), people, (_("Person"), memories), total),
        "agents": bars(_("Agents with the most memories"), agents, (_("Agent"), memories), total),
        "lengths": bars(
            _("Length of the memories"), _lengths(snapshot.length_counts), (_("Characters"), memories), total
        ),
    }


def _lengths(counts: list[int]) -> list[Bar]:
    labels = [_("below %(number)s") % {"number": number(LENGTH_BOUNDS[0])}]
    for start, end in pairwise(LENGTH_BOUNDS):
        labels.append(f"{number(start)}\N{EN DASH}{number(end - 1)}")
    labels.append(_("from %(number)s") % {"number": number(LENGTH_BOUNDS[-1])})
    return [Bar(label, count) for label, count in zip(labels, counts, strict=True)]


def _days(counts: list[int], last: datetime.date) -> SafeString:
    days = [last - datetime.timedelta(days=len(counts) - index) for index in range(1, len(counts) + 1)]
    points = [
        Point(date_format(day, "DATE_FORMAT"), count, *_tick(day)) for day, count in zip(days, counts, strict=True)
    ]
    title = _("Memories by the day of their last update")
    return columns("am-days", title, _summary(points), points, (_("Day"), _("Memories")))


def _tick(day: datetime.date) -> tuple[str, bool]:
    """Return the tick of a day: the 1st and the 15th of a month have a date, and the 15th is a minor tick."""
    return (date_format(day, "MONTH_DAY_FORMAT"), day.day != 1) if day.day in (1, 15) else ("", False)


def _summary(points: list[Point]) -> str:
    peak = max(points, key=lambda point: point.value)
    total = sum(point.value for point in points)
    text = ngettext(
        "%(total)s memory in %(days)d days. The maximum is %(maximum)s on %(day)s.",
        "%(total)s memories in %(days)d days. The maximum is %(maximum)s on %(day)s.",
        total,
    )
    return text % {"total": number(total), "days": len(points), "day": peak.label, "maximum": number(peak.value)}
