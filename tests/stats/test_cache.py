"""Snapshots in the cache. They are cached the same for any database, so SQLite stands for all; commands run on each."""

from __future__ import annotations

import dataclasses
import datetime
from io import StringIO
from typing import Any
from unittest import mock

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connections
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from agno_memory.admin import autocomplete
from agno_memory.models import UserMemory
from agno_memory.stats import cache as stats_cache
from agno_memory.stats import snapshot
from agno_memory.stats.cache import CachedFact, SnapshotCache, forget_cached
from agno_memory.stats.snapshot import Snapshot, count_all, quick
from agno_memory.test import at
from tests.admin import add, add_many
from tests.databases import commits, each_database
from tests.stats.data import MINUTE, NOW

pytestmark = commits


@pytest.fixture
def alias() -> str:
    """The database of the tests that do not name one."""
    return "default"


def memories(taken: Snapshot | None) -> int | None:
    assert taken is not None
    return taken.memory_count


def test_a_cached_snapshot_costs_no_query(site: str) -> None:
    add()
    rows = UserMemory.objects.all()
    first = SnapshotCache(rows).get()
    assert first is not None
    add()
    with CaptureQueriesContext(connections[site]) as queries:
        assert SnapshotCache(rows).get() == first
    assert len(queries) == 0


def test_a_small_store_is_counted_again_when_the_snapshot_is_stale(site: str) -> None:
    with at(NOW):
        assert memories(SnapshotCache(UserMemory.objects.all()).get()) == 0
        add()
    with at(NOW + MINUTE):
        assert memories(SnapshotCache(UserMemory.objects.all()).get()) == 0
    with at(NOW + 2 * MINUTE):
        assert memories(SnapshotCache(UserMemory.objects.all()).get()) == 1


def test_a_large_store_is_counted_on_refresh_only(site: str) -> None:
    add_many(3)
    rows = UserMemory.objects.all()
    with mock.patch.object(snapshot, "SAMPLE_SIZE", 2), at(NOW):
        sample = SnapshotCache(rows).get()
        assert sample is not None
        assert sample.sample_size == 2
        complete = SnapshotCache(rows).refresh()
        assert (memories(complete), complete and complete.sample_size) == (3, None)
        assert SnapshotCache(rows).get() == complete
    with mock.patch.object(snapshot, "SAMPLE_SIZE", 2), at(NOW + datetime.timedelta(days=6)):
        late = SnapshotCache(rows).get()
        assert late == complete
        assert late is not None
        assert late.is_stale


def test_a_store_that_has_grown_keeps_its_snapshot(site: str) -> None:
    add()
    rows = UserMemory.objects.all()
    with mock.patch.object(snapshot, "SAMPLE_SIZE", 2):
        with at(NOW):
            small = SnapshotCache(rows).get()
        add_many(5)
        with at(NOW + 5 * MINUTE):
            assert SnapshotCache(rows).get() == small


def test_a_snapshot_that_took_long_is_stale_later(site: str) -> None:
    with at(NOW):
        taken = dataclasses.replace(quick(UserMemory.objects.none()), seconds=6.0)
    for minutes, is_stale in ((9, False), (11, True)):
        with at(NOW + minutes * MINUTE):
            assert taken.is_stale is is_stale


def test_one_request_counts_at_a_time(site: str) -> None:
    rows = UserMemory.objects.all()
    counts = []

    def count_during_another(rows: Any) -> Snapshot:
        counts.append(rows)
        assert SnapshotCache(rows).refresh() is None
        assert SnapshotCache(rows).get() is None
        return count_all(rows)

    with mock.patch.object(stats_cache, "count_all", count_during_another):
        assert SnapshotCache(rows).refresh() is not None
    assert len(counts) == 1
    assert SnapshotCache(rows).get() is not None


def test_a_failed_count_releases_the_lock(site: str) -> None:
    snapshots = SnapshotCache(UserMemory.objects.all())
    with mock.patch.object(stats_cache, "count_all", side_effect=RuntimeError), pytest.raises(RuntimeError):
        snapshots.refresh()
    assert snapshots.refresh() is not None


def test_a_dummy_cache_still_gives_a_snapshot(site: str) -> None:
    add()
    dummy = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    with override_settings(CACHES=dummy):
        assert memories(SnapshotCache(UserMemory.objects.all()).get()) == 1
        assert memories(SnapshotCache(UserMemory.objects.all()).refresh()) == 1


@each_database
def test_rows_of_another_condition_have_another_key(site: str) -> None:
    every = UserMemory.objects.using(site)
    parts = [
        every.all(),
        every.none(),
        every.for_user("maya"),
        every.for_user("noah"),
        every.exclude(user_id="maya"),
        every.filter(key__in=every.for_user("maya").values("key")),
        every.filter(key__in=every.for_user("noah").values("key")),
        every.about("tea"),
        every.filter(metadata={"plan": "pro" * 20}),
        every.filter(metadata={"plan": "pro" * 19 + "PRO"}),
    ]
    keys = {CachedFact("a", rows).key for rows in parts}
    assert len(keys) == len(parts)
    assert {CachedFact("a", rows.newest()).key for rows in parts} == keys
    assert CachedFact("b", every.all()).key not in keys


@each_database
def test_another_place_has_another_key(site: str) -> None:
    rows = UserMemory.objects.using(site)
    key = CachedFact("a", rows.all()).key
    for name in ("HOST", "NAME", "PORT", "USER"):
        with mock.patch.dict(connections[site].settings_dict, {name: "elsewhere"}):
            assert CachedFact("a", rows.all()).key != key, name
    assert CachedFact("a", rows.all()).key == key


@pytest.mark.parametrize("alias", ["postgres"])
def test_another_schema_has_another_key(site: str) -> None:
    rows = UserMemory.objects.using(site)
    key = CachedFact("a", rows.all()).key
    with connections[site].cursor() as cursor:
        cursor.execute("CREATE SCHEMA tenant")
        try:
            cursor.execute("SET search_path = tenant, public")
            assert CachedFact("a", rows.all()).key != key
        finally:
            cursor.execute("SET search_path = DEFAULT")
            cursor.execute("DROP SCHEMA tenant")
    assert CachedFact("a", rows.all()).key == key


def test_forget_cached_deletes_every_entry(site: str) -> None:
    add("x", "maya", topics=["secret of maya"])
    rows = UserMemory.objects.all()
    facts = [SnapshotCache(rows), SnapshotCache(rows.for_user("maya"))]
    for fact in facts:
        fact.refresh()
    autocomplete.topics(rows)
    assert len(cache._cache) == 5  # type: ignore[attr-defined]
    UserMemory.objects.all().erase()
    forget_cached()
    assert [fact.fact.get() for fact in facts] == [None, None]
    assert len(cache._cache) == 1  # type: ignore[attr-defined]
    assert memories(SnapshotCache(rows).get()) == 0
    assert autocomplete.topics(rows).counts == []


def test_a_count_that_began_before_forget_cached_is_not_cached(site: str) -> None:
    add("x", "maya")
    snapshots = SnapshotCache(UserMemory.objects.all())

    def count_and_erase(rows: Any) -> Snapshot:
        counted = count_all(rows)
        UserMemory.objects.all().erase()
        forget_cached()
        return counted

    with mock.patch.object(stats_cache, "count_all", count_and_erase):
        snapshots.refresh()
    assert snapshots.fact.get() is None
    assert memories(SnapshotCache(UserMemory.objects.all()).get()) == 0


@each_database
def test_the_command_fills_the_cache_of_the_dashboard(site: str) -> None:
    add_many(3)
    out = StringIO()
    with mock.patch.object(snapshot, "SAMPLE_SIZE", 2):
        call_command("memory_overview", stdout=out)
        assert out.getvalue().startswith("3 memories of 1 people, counted in ")
        assert memories(SnapshotCache(UserMemory.objects.current()).get()) == 3
    cache.add(SnapshotCache(UserMemory.objects.current()).lock_key, 1)
    call_command("memory_overview", stdout=out)
    assert out.getvalue().endswith("Another process is counting the memories at this moment.\n")
