"""The numbers of a snapshot, by a sample and by the database."""

from __future__ import annotations

import dataclasses
import datetime
from unittest import mock

from django.test import override_settings
from django.utils import timezone

from agno_memory.models import UserMemory
from agno_memory.stats import snapshot
from agno_memory.stats.snapshot import Snapshot, count_all, quick
from agno_memory.test import at
from tests.admin import add
from tests.databases import commits, each_database
from tests.stats.data import NOW

pytestmark = [commits, each_database]


def timeless(taken: Snapshot) -> Snapshot:
    return dataclasses.replace(taken, counted_at=NOW, seconds=0)


def test_a_quick_snapshot_of_a_small_store_is_complete(alias: str, store: str) -> None:
    taken = quick(UserMemory.objects.all())
    assert taken.sample_size is None
    assert (taken.memory_count, taken.owner_count) == (6, 3)
    assert taken.top_topics == [("tea", 5), ("a.b", 3), ("caf\u00e9", 1), ("long ago", 1)]
    assert taken.top_owners == [("\u7528\u6237", 3), ("maya", 2), ("noah", 1)]
    assert taken.top_agents == [("a/b", 3), ("bot", 2)]
    days = taken.daily_counts
    assert days is not None
    assert (len(days), days[0], days[-1], sum(days)) == (90, 1, 3, 4)
    assert taken.last_day == NOW.date()
    # In characters, for any encoding of the database.
    assert taken.length_counts == [1, 1, 1, 3, 0, 0, 0, 0]
    assert taken.median_length == 100


def test_the_database_counts_the_same(alias: str, store: str) -> None:
    rows = UserMemory.objects.all()
    assert timeless(count_all(rows)) == timeless(quick(rows))
    assert timeless(count_all(rows.for_user("maya"))) == timeless(quick(rows.for_user("maya")))
    assert timeless(count_all(rows.for_user("nobody"))) == timeless(quick(rows.for_user("nobody")))


def test_days_begin_at_midnight_of_the_site(alias: str, site: str) -> None:
    with override_settings(TIME_ZONE="Asia/Tokyo"):
        moment = datetime.datetime(2026, 11, 24, 15, tzinfo=datetime.UTC)
        with at(moment):
            add()
        with at(moment - datetime.timedelta(milliseconds=1)):
            add()
        # The time zone of the viewer does not matter: all viewers share the snapshot.
        with at(NOW), timezone.override("America/Los_Angeles"):
            for taken in (quick(UserMemory.objects.all()), count_all(UserMemory.objects.all())):
                assert taken.daily_counts is not None
                assert taken.daily_counts[-2:] == [1, 1]


def test_a_quick_snapshot_of_a_large_store_is_a_sample(alias: str, store: str) -> None:
    rows = UserMemory.objects.all()
    with mock.patch.object(snapshot, "SAMPLE_SIZE", 3):
        taken = quick(rows)
    assert taken.sample_size == 3
    assert taken.top_owners == [("\u7528\u6237", 3)]
    assert taken.daily_counts is None
    # The database's own estimate, or None; never the number of the sample.
    assert taken.owner_count != 1
    with mock.patch.object(snapshot, "SAMPLE_SIZE", 1):
        part = quick(rows.for_user("maya"))
    assert (part.sample_size, part.memory_count, part.owner_count) == (1, None, None)
