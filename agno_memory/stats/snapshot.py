"""The picture of a store: how much is remembered, about whom, and what. Counted by the database, kept in the cache."""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Count
from django.db.models.functions import Length
from django.utils import timezone

from agno_memory.db.aggregates import SizeEstimate, SpanCounts
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.stats.sampling import Sample, Share, by_length, median, most_frequent

# How many memories, the newest, are counted at once where nothing is known yet. A store without more is counted whole.
SAMPLE: Final = 10_000
DAYS: Final = 90
# How many topics, owners and agents are named.
NAMED: Final = 15

# A picture is old after a minute, or after a hundred times what it took: so counting takes a hundredth of all time.
FRESH: Final = 60.0
PATIENCE: Final = 100.0
# Up to how many memories a browser has everything counted unasked: a web server waits so long. Beyond, cron does it.
UNASKED: Final = 5_000_000


@dataclass(frozen=True)
class Snapshot:
    """What was counted, and when.

    Args:
        moment: when it was counted.
        took: seconds.
        sample: how many memories it looked at, the newest; None is all of them.
        memories: how many there are; of a sample an estimate, or None where nothing is known.
        owners: likewise, of how many people.
        last_day: today, in the site's time zone.
        days: how many memories were written last on each of ``DAYS`` days until today; None of a sample.
        topics, people, agents: the most frequent.
        lengths: how many memories are in each group of ``tallies.LENGTHS``.
        median: length of the memory in the middle.
    """

    moment: datetime.datetime
    took: float
    sample: int | None
    memories: int | None
    owners: int | None
    last_day: datetime.date
    days: list[int] | None
    topics: list[Share] = field(default_factory=list)
    people: list[Share] = field(default_factory=list)
    agents: list[Share] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    median: int | None = None

    @property
    def age(self) -> datetime.timedelta:
        return timezone.now() - self.moment

    @property
    def is_old(self) -> bool:
        return self.age.total_seconds() > max(FRESH, PATIENCE * self.took)

    @property
    def is_wanting(self) -> bool:
        """Whether a browser that shows it should have everything counted unasked."""
        return bool(self.sample or self.is_old) and (self.memories or 0) <= UNASKED

    @property
    def is_new(self) -> bool:
        """Whether it was counted within the last minute."""
        return self.age.total_seconds() < 60

    @property
    def is_small(self) -> bool:
        """Whether it is counted as quickly as a draft."""
        return self.sample is None and (self.memories or 0) <= SAMPLE


def quick(rows: UserMemoryQuerySet) -> Snapshot:
    """Return a picture at once, whatever the size of the store: of a large one, a sample and estimates."""
    begin = time.monotonic()
    tally = Sample(rows, SAMPLE)
    size = (tally.total, len(tally.people)) if tally.is_whole else SizeEstimate(rows).run()
    days = last_days()
    return Snapshot(
        moment=timezone.now(),
        sample=None if tally.is_whole else tally.total,
        memories=size[0],
        owners=size[1],
        last_day=days[-1],
        days=[tally.days[day] for day in days] if tally.is_whole else None,
        topics=most_frequent(tally.topics, NAMED),
        people=most_frequent(tally.people, NAMED),
        agents=most_frequent(tally.agents, NAMED),
        lengths=by_length(tally.lengths.items()),
        median=median(tally.lengths.items()),
        took=time.monotonic() - begin,
    )


def count_all(rows: UserMemoryQuerySet) -> Snapshot:
    """Return the whole picture. The questions read indexes and all of the table: seconds at a million rows."""
    begin = time.monotonic()
    rows = rows.order_by()
    days = last_days()
    lengths = list(rows.values_list(Length("memory")).annotate(count=Count("*")))
    return Snapshot(
        moment=timezone.now(),
        sample=None,
        memories=sum(count for _length, count in lengths),
        owners=rows.values("user_id").distinct().count(),
        last_day=days[-1],
        days=SpanCounts(rows, "last_updated", midnights(days)).run(),
        topics=[Share(*count) for count in rows.topic_counts(NAMED)],
        people=_most_frequent(rows, "user_id"),
        agents=_most_frequent(rows.filter(agent_id__isnull=False), "agent_id"),
        lengths=by_length(lengths),
        median=median(lengths),
        took=time.monotonic() - begin,
    )


def _most_frequent(rows: UserMemoryQuerySet, name: str) -> list[Share]:
    counts: Any = rows.values(name).annotate(count=Count("*")).order_by("-count", name)
    return [Share(*count) for count in counts.values_list(name, "count")[:NAMED]]


def last_days() -> list[datetime.date]:
    """Return the days of the picture, in the site's time zone; the last one is today."""
    today = timezone.localdate(timezone=timezone.get_default_timezone())
    return [today - datetime.timedelta(days=DAYS - number) for number in range(1, DAYS + 1)]


def midnights(days: list[datetime.date]) -> list[datetime.datetime]:
    """Return when these consecutive days begin in the site's time zone, and when the last one ends."""
    zone = timezone.get_default_timezone()
    ends = [*days, days[-1] + datetime.timedelta(days=1)]
    return [timezone.make_aware(datetime.datetime.combine(day, datetime.time()), zone) for day in ends]
