"""Snapshots: the numbers and the most frequent values of a store at one time, counted by the database."""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Count
from django.utils import timezone

from agno_memory.db.aggregates import SizeEstimate, SpanCounts
from agno_memory.db.expressions import TextLength
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.stats.sampling import NamedCount, Sample, by_length, median, most_frequent
from agno_memory.times import midnight

# The size of a sample. A store with at most this many memories is counted completely, without a sample.
SAMPLE_SIZE: Final = 10_000
# The number of days in a snapshot.
DAYS: Final = 90
# The number of topics, owners and agents in a snapshot.
TOP: Final = 15

# A snapshot is stale after a minute, or after a hundred times the seconds that it took: so counting takes at most a
# hundredth of all time.
FRESH_SECONDS: Final = 60.0
STALE_FACTOR: Final = 100.0
# The dashboard refreshes a stale snapshot of at most this many memories by itself, because a web server waits that long
# for the count. Larger stores are counted by cron.
AUTOMATIC_REFRESH_LIMIT: Final = 5_000_000


@dataclass(frozen=True)
class Snapshot:
    """Statistics about some memories, and the time when they were counted.

    Args:
        counted_at: the time of the count.
        seconds: the duration of the count.
        sample_size: the number of memories that were read, the newest; None if all were counted.
        memory_count: the number of memories; for a sample an estimate, or None if there is none.
        owner_count: the number of owners; for a sample an estimate, or None if there is none.
        last_day: the last one of ``daily_counts``: the day of the count, in the site's time zone.
        daily_counts: the number of memories by the day of their last write, for ``DAYS`` days; None for a sample.
        top_topics, top_owners, top_agents: the most frequent ones.
        length_counts: the number of memories in each group of ``sampling.LENGTH_BOUNDS``.
        median_length: in characters; None without memories.
    """

    counted_at: datetime.datetime
    seconds: float
    sample_size: int | None
    memory_count: int | None
    owner_count: int | None
    last_day: datetime.date
    daily_counts: list[int] | None
    top_topics: list[NamedCount] = field(default_factory=list)
    top_owners: list[NamedCount] = field(default_factory=list)
    top_agents: list[NamedCount] = field(default_factory=list)
    length_counts: list[int] = field(default_factory=list)
    median_length: int | None = None

    @property
    def age(self) -> datetime.timedelta:
        """The time since the count."""
        return timezone.now() - self.counted_at

    @property
    def is_stale(self) -> bool:
        """Whether it should be counted again."""
        return self.age.total_seconds() > max(FRESH_SECONDS, STALE_FACTOR * self.seconds)

    @property
    def should_refresh(self) -> bool:
        """Whether the page should trigger a full count by itself."""
        return bool(self.sample_size or self.is_stale) and (self.memory_count or 0) <= AUTOMATIC_REFRESH_LIMIT

    @property
    def is_recent(self) -> bool:
        """Whether it was counted within the last minute."""
        return self.age.total_seconds() < 60

    @property
    def is_small(self) -> bool:
        """Whether a full count is as quick as a sample."""
        return self.sample_size is None and (self.memory_count or 0) <= SAMPLE_SIZE


def quick(rows: UserMemoryQuerySet) -> Snapshot:
    """Return a snapshot without delay, for a store of any size: from a sample and estimates if it is large."""
    start = time.monotonic()
    sample = Sample(rows, SAMPLE_SIZE)
    size = (sample.size, len(sample.owners)) if sample.is_complete else rows.read(SizeEstimate(rows).run)
    days = last_days()
    return Snapshot(
        counted_at=timezone.now(),
        sample_size=None if sample.is_complete else sample.size,
        memory_count=size[0],
        owner_count=size[1],
        last_day=days[-1],
        daily_counts=[sample.days[day] for day in days] if sample.is_complete else None,
        top_topics=most_frequent(sample.topics, TOP),
        top_owners=most_frequent(sample.owners, TOP),
        top_agents=most_frequent(sample.agents, TOP),
        length_counts=by_length(sample.lengths.items()),
        median_length=median(sample.lengths.items()),
        seconds=time.monotonic() - start,
    )


def count_all(rows: UserMemoryQuerySet) -> Snapshot:
    """Return a complete snapshot. Its queries read indexes and the whole table: seconds for a million rows."""
    start = time.monotonic()
    rows = rows.order_by()
    days = last_days()
    lengths = list(rows.values_list(TextLength("memory")).annotate(count=Count("*")))
    return Snapshot(
        counted_at=timezone.now(),
        sample_size=None,
        memory_count=sum(count for _length, count in lengths),
        owner_count=rows.values("user_id").distinct().count(),
        last_day=days[-1],
        daily_counts=rows.read(SpanCounts(rows, "last_updated", midnights(days)).run),
        top_topics=[NamedCount(*count) for count in rows.topic_counts(TOP)],
        top_owners=_most_frequent(rows, "user_id"),
        top_agents=_most_frequent(rows.filter(agent_id__isnull=False), "agent_id"),
        length_counts=by_length(lengths),
        median_length=median(lengths),
        seconds=time.monotonic() - start,
    )


def _most_frequent(rows: UserMemoryQuerySet, name: str) -> list[NamedCount]:
    counts: Any = rows.values(name).annotate(count=Count("*")).order_by("-count", name)
    return [NamedCount(*count) for count in counts.values_list(name, "count")[:TOP]]


def last_days() -> list[datetime.date]:
    """Return the days of a snapshot in the site's time zone, ending today."""
    today = timezone.localdate(timezone=timezone.get_default_timezone())
    return [today - datetime.timedelta(days=DAYS - number) for number in range(1, DAYS + 1)]


def midnights(days: list[datetime.date]) -> list[datetime.datetime]:
    """Return the start of each of consecutive days in the site's time zone, and the end of the last one."""
    ends = [*days, days[-1] + datetime.timedelta(days=1)]
    return [midnight(day, timezone.get_default_timezone()) for day in ends]
