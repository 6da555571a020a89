"""Counts of the newest memories, read in a limited number and counted in Python."""

from __future__ import annotations

import datetime
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from django.utils import timezone

from agno_memory.db.expressions import TextLength
from agno_memory.querysets import UserMemoryQuerySet

# The bounds of the groups by length, in characters: a memory of 50 to 99 characters is in the second group.
LENGTH_BOUNDS: Final = (50, 100, 200, 500, 1_000, 2_000, 5_000)


class Sample:
    """Counts of the newest memories by topic, owner, agent, day of the last write, and length.

    Runs at most two queries, which cost as much as reading the memories of the sample.

    Args:
        rows: the memories; a queryset without a slice.
        max_size: the maximum number of memories to read.

    Attributes:
        size: the number of memories that were read.
        is_complete: whether these are all of the memories.
    """

    def __init__(self, rows: UserMemoryQuerySet, max_size: int) -> None:
        # The first memory that is too many becomes a condition. With a slice, MongoDB would sort without an index,
        # because the rows have a computed column.
        excluded = list(rows.newest().only("memory_id", "last_updated")[max_size : max_size + 1])
        newest = rows.after(excluded[0], "last_updated") if excluded else rows
        columns: Any = newest.order_by().values_list(
            "user_id", "topics", "agent_id", "last_updated", TextLength("memory")
        )
        self.is_complete = not excluded
        self.size = 0
        self.owners: Counter[str] = Counter()
        self.topics: Counter[str] = Counter()
        self.agents: Counter[str] = Counter()
        self.days: Counter[datetime.date] = Counter()
        self.lengths: Counter[int] = Counter()
        # Not iterator(): it needs a cursor on the server, which a pool of connections loses between two statements.
        for row in columns:
            self._add(*row)

    def _add(
        self, user_id: str, topics: list[str], agent_id: str | None, last_updated: datetime.datetime, length: int
    ) -> None:
        self.size += 1
        self.owners[user_id] += 1
        self.topics.update(topics)
        self.agents.update([agent_id] if agent_id else [])
        self.days[timezone.localdate(last_updated, timezone.get_default_timezone())] += 1
        self.lengths[length] += 1


class NamedCount(NamedTuple):
    """A topic, an owner or an agent, and the number of its memories."""

    name: str
    count: int  # type: ignore[assignment]  # hides tuple.count(), which is not needed here


def most_frequent(counts: Counter[str], limit: int) -> list[NamedCount]:
    """Return the largest counts, the largest first, ties by name."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [NamedCount(*item) for item in ordered[:limit]]


def by_length(counts: Iterable[tuple[int, int]]) -> list[int]:
    """Return the number of memories in each group of ``LENGTH_BOUNDS``.

    Args:
        counts: pairs of a length and the number of memories of that length.

    Returns:
        One number more than there are bounds: below the first bound, from it to the next, and so on.
    """
    groups = [0] * (len(LENGTH_BOUNDS) + 1)
    for length, count in counts:
        groups[bisect_right(LENGTH_BOUNDS, length)] += count
    return groups


def median(counts: Iterable[tuple[int, int]]) -> int | None:
    """Return the median length, the lower one of two; None without memories.

    Args:
        counts: pairs of a length and the number of memories of that length.
    """
    ordered = sorted(counts)
    remaining = (sum(count for _length, count in ordered) + 1) // 2
    for length, count in ordered:
        remaining -= count
        if remaining <= 0:
            return length
    return None
