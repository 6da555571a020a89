"""What one reading of a bounded number of memories tells: the newest, counted here."""

from __future__ import annotations

import datetime
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from django.db.models.functions import Length
from django.utils import timezone

from agno_memory.querysets import UserMemoryQuerySet

# Lengths of texts, in characters, from which on a memory counts to the next group.
LENGTHS: Final = (50, 100, 200, 500, 1_000, 2_000, 5_000)


class Sample:
    """Topics, owners, agents, days and lengths of memories, the newest of them.

    At most two questions, which cost as much as the memories that are counted.

    Args:
        rows: the memories, no slice.
        most: how many of them to read.
    """

    def __init__(self, rows: UserMemoryQuerySet, most: int) -> None:
        # A condition, no slice: MongoDB would sort computed rows without an index.
        edge = list(rows.newest().only("memory_id", "last_updated")[most : most + 1])
        newest = rows.after(edge[0], "last_updated") if edge else rows
        columns: Any = newest.order_by().values_list("user_id", "topics", "agent_id", "last_updated", Length("memory"))
        self.is_whole = not edge
        self.total = 0
        self.people: Counter[str] = Counter()
        self.topics: Counter[str] = Counter()
        self.agents: Counter[str] = Counter()
        self.days: Counter[datetime.date] = Counter()
        self.lengths: Counter[int] = Counter()
        for row in columns.iterator():
            self._add(*row)

    def _add(
        self, user_id: str, topics: list[str], agent_id: str | None, last_updated: datetime.datetime, length: int
    ) -> None:
        self.total += 1
        self.people[user_id] += 1
        self.topics.update(topics)
        self.agents.update([agent_id] if agent_id else [])
        self.days[timezone.localdate(last_updated, timezone.get_default_timezone())] += 1
        self.lengths[length] += 1


class Share(NamedTuple):
    """A topic, an owner or an agent, and how many memories it has."""

    name: str
    count: int  # type: ignore[assignment]  # hides tuple.count(), which nobody needs here


def most_frequent(counts: Counter[str], limit: int) -> list[Share]:
    """Return the most frequent first, ties by name."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Share(*item) for item in ordered[:limit]]


def by_length(lengths: Iterable[tuple[int, int]]) -> list[int]:
    """Return how many memories are in each group of ``LENGTHS``: below the first, from it to the next, and so on."""
    groups = [0] * (len(LENGTHS) + 1)
    for length, count in lengths:
        groups[bisect_right(LENGTHS, length)] += count
    return groups


def median(lengths: Iterable[tuple[int, int]]) -> int | None:
    """Return the length of the memory in the middle, the lower one of two; None of none."""
    ordered = sorted(lengths)
    left = (sum(count for _length, count in ordered) + 1) // 2
    for length, count in ordered:
        left -= count
        if left <= 0:
            return length
    return None
