"""Tests that take minutes: run by ``make test-long``."""

from __future__ import annotations

import tracemalloc

import pytest

from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from tests.databases import commits, each_database

pytestmark = [commits, pytest.mark.long]

MANY = 100_000


def peak_of(rows: UserMemoryQuerySet) -> int:
    """Return how much memory Python needs at most while rows pass, in bytes."""
    tracemalloc.start()
    try:
        for _ in rows.iterator():
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@each_database
def test_a_hundred_thousand_at_once(alias: str) -> None:
    memory = Memory(alias)
    given = (UserMemory(memory=f"number {number}", topics=["many", f"t{number % 7}"]) for number in range(MANY))
    added = memory.add_user_memories(given, "maya")
    rows = UserMemory.objects.using(alias).for_user("maya")
    assert rows.count() == len(added) == MANY
    assert rows.topic_counts(limit=1) == [("many", MANY)]
    # Twice the rows, and no more memory than chunks of different size explain (MongoDB's are of 16 MB).
    assert peak_of(rows.newest()) < 1.5 * peak_of(rows.newest()[: MANY // 2])
    assert len(memory.delete_user_memories([one.memory_id for one in added[: MANY // 2]], "maya")) == MANY // 2
    assert memory.clear_user_memories("maya") == MANY // 2
