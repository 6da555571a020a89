"""Samples, and the helpers that count them."""

from __future__ import annotations

from django.db import connections
from django.test.utils import CaptureQueriesContext

from agno_memory.models import UserMemory
from agno_memory.stats.sampling import LENGTH_BOUNDS, Sample, by_length, median
from tests.databases import commits, each_database

pytestmark = commits


@each_database
def test_a_sample_reads_the_newest_memories_only(alias: str, store: str) -> None:
    with CaptureQueriesContext(connections[alias]) as queries:
        sample = Sample(UserMemory.objects.all(), 4)
    assert len(queries) == 2
    assert (sample.size, sample.is_complete, dict(sample.owners)) == (4, False, {"\u7528\u6237": 3, "maya": 1})
    assert Sample(UserMemory.objects.all(), 6).is_complete


def test_groups_of_lengths() -> None:
    bounds = [0, *LENGTH_BOUNDS]
    assert by_length([(bound, 1) for bound in bounds]) == [1] * len(bounds)
    assert by_length([(bound - 1, 2) for bound in LENGTH_BOUNDS]) == [2] * len(LENGTH_BOUNDS) + [0]
    assert by_length([]) == [0] * len(bounds)


def test_the_median_length() -> None:
    assert median([]) is None
    assert median([(7, 1)]) == 7
    assert median([(9, 1), (7, 1)]) == 7
    assert median([(9, 2), (7, 1)]) == 9
    assert median([(1, 5), (100, 4)]) == 1
