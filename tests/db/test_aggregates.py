"""Aggregates that the ORM cannot express."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError, connections
from django.test.utils import CaptureQueriesContext

from agno_memory.db.aggregates import Size, SizeEstimate, SpanCounts
from agno_memory.models import UserMemory
from agno_memory.test import at
from tests.admin import add
from tests.databases import commits, each_database

pytestmark = [commits, each_database]

BERLIN = ZoneInfo("Europe/Berlin")
# Three days, the second of which has 25 hours.
BOUNDS = [datetime.datetime(2026, 10, day, tzinfo=BERLIN) for day in (24, 25, 26, 27)]
MILLISECOND = datetime.timedelta(milliseconds=1)


def add_at(moment: datetime.datetime, **content: Any) -> UserMemory:
    with at(moment):
        return add(**content)


def test_a_span_has_its_beginning_and_not_its_end(site: str) -> None:
    for bound in BOUNDS:
        add_at(bound - MILLISECOND)
        add_at(bound)
        add_at(bound, user_id="noah")
    for field in ("last_updated", "created_at"):
        assert SpanCounts(UserMemory.objects.all(), field, BOUNDS).run() == [3, 3, 3]
        assert SpanCounts(UserMemory.objects.for_user("noah"), field, BOUNDS).run() == [1, 1, 1]
    utc = [moment.astimezone(datetime.UTC) for moment in BOUNDS]
    assert SpanCounts(UserMemory.objects.newest(), "created_at", utc).run() == [3, 3, 3]


def test_a_day_has_its_own_hours(site: str) -> None:
    for hour in range(25):
        add_at(BOUNDS[1].astimezone(datetime.UTC) + datetime.timedelta(hours=hour))
    assert SpanCounts(UserMemory.objects.all(), "created_at", BOUNDS).run() == [0, 25, 0]


def test_a_write_moves_what_is_counted_by_the_last_write(site: str) -> None:
    memory = add_at(BOUNDS[0])
    with at(BOUNDS[2]):
        UserMemory.objects.filter(pk=memory.pk).update(memory="Likes coffee")
    assert SpanCounts(UserMemory.objects.all(), "created_at", BOUNDS).run() == [1, 0, 0]
    assert SpanCounts(UserMemory.objects.all(), "last_updated", BOUNDS).run() == [0, 0, 1]


def test_spans_without_memories(site: str) -> None:
    assert SpanCounts(UserMemory.objects.all(), "created_at", BOUNDS).run() == [0, 0, 0]
    assert SpanCounts(UserMemory.objects.none(), "created_at", BOUNDS).run() == [0, 0, 0]
    assert SpanCounts(UserMemory.objects.all(), "created_at", BOUNDS[:2]).run() == [0]
    assert SpanCounts(UserMemory.objects.all(), "created_at", BOUNDS[:1]).run() == []
    assert SpanCounts(UserMemory.objects.about("tea"), "created_at", []).run() == []


def test_all_spans_are_one_statement(site: str) -> None:
    bounds = [BOUNDS[0] + datetime.timedelta(days=day) for day in range(91)]
    with CaptureQueriesContext(connections[site]) as queries:
        assert len(SpanCounts(UserMemory.objects.about("tea").for_user("maya"), "created_at", bounds).run()) == 90
    assert len(queries) == 1


def test_spans_of_a_person_are_read_from_an_index_alone(site: str) -> None:
    spans = SpanCounts(UserMemory.objects.for_user("maya"), "created_at", BOUNDS)
    with CaptureQueriesContext(connections[site]) as queries:
        spans.run()
    if connections[site].vendor == "sqlite":
        with connections[site].cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {queries[0]['sql']}")
            plan = str(cursor.fetchall())
        assert (
            plan.count("USING COVERING INDEX agno_memory_user_created (user_id=? AND created_at>? AND created_at<?)")
            == 3
        )
    # For a condition that needs the document, such as $exists, MongoDB would fetch it.
    assert "$exists" not in str(queries[0]["sql"])


def test_a_size_is_known_without_counting(site: str) -> None:
    for number in range(60):
        add(user_id=f"user {number % 3}")
    with analyzed(site):
        memories, owners = SizeEstimate(UserMemory.objects.all()).run()
    assert memories == 60
    # MongoDB has no statistics for it.
    assert owners == (3 if connections[site].vendor in ("sqlite", "postgresql") else None)


def test_the_size_of_a_part_is_unknown(site: str) -> None:
    add()
    assert SizeEstimate(UserMemory.objects.for_user("maya")).run() == Size()
    assert SizeEstimate(UserMemory.objects.newest()[:10]).run() == Size()


def test_another_database_has_no_estimate(site: str) -> None:
    add()
    with mock.patch.object(connections[site], "vendor", "another"):
        assert SizeEstimate(UserMemory.objects.all()).run() == Size()


def test_errors_of_the_database_are_djangos(site: str) -> None:
    with mock.patch.object(UserMemory._meta, "db_table", "missing"):
        if connections[site].vendor == "mongodb":
            # There, a collection that is missing is an empty one.
            assert SizeEstimate(UserMemory.objects.all()).run() == Size(0)
            return
        with pytest.raises(DatabaseError):
            SizeEstimate(UserMemory.objects.all()).run()


@contextmanager
def analyzed(alias: str) -> Iterator[None]:
    """Update the statistics of the database, and drop those of SQLite afterwards: they would change its plans."""
    vendor = connections[alias].vendor
    if vendor != "mongodb":
        with connections[alias].cursor() as cursor:
            cursor.execute("ANALYZE agno_memory_usermemory")
    yield
    if vendor == "sqlite":
        with connections[alias].cursor() as cursor:
            cursor.execute("DROP TABLE sqlite_stat1")
