"""The picture of a store: what it says, how long it is kept, and who has it counted."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator
from io import StringIO
from typing import Any
from unittest import mock

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connections
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agno_memory.models import UserMemory
from agno_memory.stats import snapshot
from agno_memory.stats.cache import SnapshotCache, cache_key
from agno_memory.stats.sampling import LENGTHS, Sample, by_length, median
from agno_memory.stats.snapshot import Snapshot, count_all, quick
from agno_memory.test import at
from tests.admin import add, add_many
from tests.databases import commits, each_database

pytestmark = commits

NOW = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)


def timeless(picture: Snapshot) -> Snapshot:
    return dataclasses.replace(picture, moment=NOW, took=0)


def ago(**since: float) -> Any:
    return at(NOW - datetime.timedelta(**since))


@pytest.fixture
def store(site: str) -> Iterator[str]:
    """Memories of several owners, agents, topics, days and lengths, and the present."""
    with ago(days=200):
        add("x" * 50, "maya", topics=["long ago"])
    with ago(days=89):
        add("x" * 49, "maya", topics=["tea", "caf\u00e9"], agent_id="bot")
    with ago(days=90):
        add("\U0001f600" * 100, "noah", topics=["tea"], agent_id="bot")
    for number in range(3):
        with ago(hours=number):
            add("e\u0301" * 100, "\u7528\u6237", topics=["tea", "a.b"], agent_id="a/b")
    with at(NOW):
        yield site


@each_database
def test_a_picture(alias: str, store: str) -> None:
    picture = quick(UserMemory.objects.all())
    assert picture.sample is None
    assert (picture.memories, picture.owners) == (6, 3)
    assert picture.topics == [("tea", 5), ("a.b", 3), ("caf\u00e9", 1), ("long ago", 1)]
    assert picture.people == [("\u7528\u6237", 3), ("maya", 2), ("noah", 1)]
    assert picture.agents == [("a/b", 3), ("bot", 2)]
    assert picture.days is not None
    assert (len(picture.days), picture.days[0], picture.days[-1], sum(picture.days)) == (90, 1, 3, 4)
    assert picture.last_day == NOW.date()
    # In characters, whatever a database keeps them in.
    assert picture.lengths == [1, 1, 1, 3, 0, 0, 0, 0]
    assert picture.median == 100


@each_database
def test_the_whole_picture_is_the_same_counted_by_the_database(alias: str, store: str) -> None:
    rows = UserMemory.objects.all()
    assert timeless(count_all(rows)) == timeless(quick(rows))
    assert timeless(count_all(rows.for_user("maya"))) == timeless(quick(rows.for_user("maya")))
    assert timeless(count_all(rows.for_user("nobody"))) == timeless(quick(rows.for_user("nobody")))


@each_database
def test_days_begin_where_the_site_is(alias: str, site: str) -> None:
    with override_settings(TIME_ZONE="Asia/Tokyo"):
        moment = datetime.datetime(2026, 11, 24, 15, tzinfo=datetime.UTC)
        with at(moment):
            add()
        with at(moment - datetime.timedelta(milliseconds=1)):
            add()
        # Whoever looks, from wherever: it is everybody's picture.
        with at(NOW), timezone.override("America/Los_Angeles"):
            for picture in (quick(UserMemory.objects.all()), count_all(UserMemory.objects.all())):
                assert picture.days is not None
                assert picture.days[-2:] == [1, 1]


@each_database
def test_of_a_large_store_the_first_look_is_a_sample(alias: str, store: str) -> None:
    rows = UserMemory.objects.all()
    with mock.patch.object(snapshot, "SAMPLE", 3):
        picture = quick(rows)
    assert picture.sample == 3
    assert picture.people == [("\u7528\u6237", 3)]
    assert picture.days is None
    # What the database says of itself, or nothing; never the sample's.
    assert picture.owners != 1
    with mock.patch.object(snapshot, "SAMPLE", 1):
        part = quick(rows.for_user("maya"))
    assert (part.sample, part.memories, part.owners) == (1, None, None)


@each_database
def test_a_tally_takes_the_newest_and_no_more(alias: str, store: str) -> None:
    with CaptureQueriesContext(connections[alias]) as queries:
        tally = Sample(UserMemory.objects.all(), 4)
    assert len(queries) == 2
    assert (tally.total, tally.is_whole, dict(tally.people)) == (4, False, {"\u7528\u6237": 3, "maya": 1})
    assert Sample(UserMemory.objects.all(), 6).is_whole


@pytest.mark.parametrize("alias", ["default"])
class TestCache:
    """How pictures are kept; the same whatever database they are of."""

    def test_a_picture_is_counted_once(self, site: str) -> None:
        add()
        rows = UserMemory.objects.all()
        first = SnapshotCache(rows).look()
        assert first is not None
        add()
        with CaptureQueriesContext(connections[site]) as queries:
            assert SnapshotCache(rows).look() == first
        assert len(queries) == 0

    def test_a_small_store_is_counted_again_when_the_picture_is_old(self, site: str) -> None:
        with at(NOW):
            assert memories(SnapshotCache(UserMemory.objects.all()).look()) == 0
            add()
        with at(NOW + MINUTE):
            assert memories(SnapshotCache(UserMemory.objects.all()).look()) == 0
        with at(NOW + 2 * MINUTE):
            assert memories(SnapshotCache(UserMemory.objects.all()).look()) == 1

    def test_a_large_store_is_counted_when_that_is_asked_for(self, site: str) -> None:
        add_many(3)
        rows = UserMemory.objects.all()
        with mock.patch.object(snapshot, "SAMPLE", 2), at(NOW):
            draft = SnapshotCache(rows).look()
            assert draft is not None
            assert draft.sample == 2
            whole = SnapshotCache(rows).refresh()
            assert (memories(whole), whole and whole.sample) == (3, None)
            assert SnapshotCache(rows).look() == whole
        with mock.patch.object(snapshot, "SAMPLE", 2), at(NOW + datetime.timedelta(days=6)):
            late = SnapshotCache(rows).look()
            assert late == whole
            assert late is not None
            assert late.is_old

    def test_a_store_that_has_grown_keeps_its_picture(self, site: str) -> None:
        add()
        rows = UserMemory.objects.all()
        with mock.patch.object(snapshot, "SAMPLE", 2):
            with at(NOW):
                small = SnapshotCache(rows).look()
            add_many(5)
            with at(NOW + 5 * MINUTE):
                assert SnapshotCache(rows).look() == small

    def test_a_picture_that_took_long_is_old_later(self, site: str) -> None:
        with at(NOW):
            picture = dataclasses.replace(quick(UserMemory.objects.none()), took=6.0)
        for minutes, is_old in ((9, False), (11, True)):
            with at(NOW + minutes * MINUTE):
                assert picture.is_old is is_old

    def test_one_counts_at_a_time(self, site: str) -> None:
        rows = UserMemory.objects.all()
        counting = SnapshotCache(rows)

        def meanwhile(rows: Any) -> Snapshot:
            assert SnapshotCache(rows).refresh() is None
            assert SnapshotCache(rows).look() is None
            return count_all(rows)

        with mock.patch.object(snapshot, "count_all", meanwhile):
            assert counting.refresh() is not None
        assert SnapshotCache(rows).look() is not None

    def test_whoever_fails_leaves_the_turn_to_others(self, site: str) -> None:
        counting = SnapshotCache(UserMemory.objects.all())
        with mock.patch.object(snapshot, "count_all", side_effect=RuntimeError), pytest.raises(RuntimeError):
            counting.refresh()
        assert counting.refresh() is not None

    def test_a_cache_that_keeps_nothing_still_shows_something(self, site: str) -> None:
        add()
        nothing = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
        with override_settings(CACHES=nothing):
            assert memories(SnapshotCache(UserMemory.objects.all()).look()) == 1
            assert memories(SnapshotCache(UserMemory.objects.all()).refresh()) == 1

    def test_what_is_narrowed_is_shown_to_the_one_it_was_narrowed_for(self, site: str) -> None:
        every, part = UserMemory.objects.all(), UserMemory.objects.for_user("maya")
        assert cache_key("a", every, "ana") == cache_key("a", every, "ben")
        keys = {cache_key("a", part, viewer) for viewer in ("ana", "ben", None)} | {cache_key("a", every)}
        assert len(keys) == 4
        assert cache_key("a", every) != cache_key("b", every)

    def test_the_command_counts_for_the_dashboard(self, site: str) -> None:
        add_many(3)
        out = StringIO()
        with mock.patch.object(snapshot, "SAMPLE", 2):
            call_command("memory_overview", stdout=out)
            assert out.getvalue().startswith("3 memories of 1 people, counted in ")
            assert memories(SnapshotCache(UserMemory.objects.all(), "anybody").look()) == 3
        cache.add(f"{SnapshotCache(UserMemory.objects.all()).key}.turn", 1)
        call_command("memory_overview", stdout=out)
        assert out.getvalue().endswith("Another process is counting the memories at this moment.\n")


def memories(picture: Snapshot | None) -> int | None:
    assert picture is not None
    return picture.memories


def test_groups_of_lengths() -> None:
    bounds = [0, *LENGTHS]
    assert by_length([(bound, 1) for bound in bounds]) == [1] * len(bounds)
    assert by_length([(bound - 1, 2) for bound in LENGTHS]) == [2] * len(LENGTHS) + [0]
    assert by_length([]) == [0] * len(bounds)


def test_the_length_in_the_middle() -> None:
    assert median([]) is None
    assert median([(7, 1)]) == 7
    assert median([(9, 1), (7, 1)]) == 7
    assert median([(9, 2), (7, 1)]) == 9
    assert median([(1, 5), (100, 4)]) == 1
