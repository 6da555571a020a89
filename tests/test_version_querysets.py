"""Earlier versions meet the conditions of a queryset, also of those that Django combines, reverses or reads async."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import NotSupportedError
from django.db.models import Exists, F, OuterRef, Q

from agno_memory.bulk import BulkMemory
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.test import at
from agno_memory.times import now
from tests.databases import commits, each_database

pytestmark = [commits, each_database]

SECOND = datetime.timedelta(seconds=1)


@pytest.fixture
def start(alias: str, transactional_db: None) -> datetime.datetime:
    """The time of the first of four memories of Maya, one a second, of which the first and the third are deleted."""
    memory, first = Memory(alias), now() - 100 * SECOND
    memory.clear()
    for number in range(4):
        with at(first + number * SECOND):
            memory.add_user_memory(UserMemory(memory_id=f"m{number}", memory=str(number), topics=["home"]), "maya")
    memory.delete_user_memories(["m0", "m2"], "maya")
    return first


def texts(rows: UserMemoryQuerySet) -> list[str]:
    return [memory.memory for memory in rows]


def test_no_rows_have_no_versions(alias: str, start: datetime.datetime) -> None:
    rows = UserMemory.objects.using(alias)
    assert rows.all().versions().count() == 2
    assert rows.none().versions().count() == 0
    assert list(rows.none().as_of(start + 10 * SECOND)) == []
    assert list(rows.as_of(start + 10 * SECOND).none()) == []


def test_combined_querysets_have_the_versions_of_both_conditions(alias: str, start: datetime.datetime) -> None:
    rows, moment = UserMemory.objects.using(alias).all(), start + 10 * SECOND
    maya, ann, first = rows.filter(user_id="maya"), rows.filter(user_id="ann"), rows.filter(memory_id="m0")
    for narrow in (rows & ann, ann & rows, maya & ann, rows.none() & maya, maya & rows.none()):
        assert narrow.versions().count() == 0
        assert list(narrow.as_of(moment)) == []
    for wide in (rows | ann, ann | rows, ann | maya, rows.none() | maya, maya & rows):
        assert wide.versions().count() == 2
        assert texts(wide.as_of(moment)) == ["3", "2", "1", "0"]
    assert texts((maya & first).as_of(moment)) == ["0"]
    assert texts((maya ^ first).as_of(moment)) == ["3", "2", "1"]
    assert texts((maya & rows.exclude(memory_id="m0")).as_of(moment)) == ["3", "2", "1"]
    assert texts((rows.current() & maya.without_deleted()).as_of(moment)) == ["3", "1"]
    # A queryset that was combined keeps its own conditions.
    assert texts(maya.as_of(moment)) == ["3", "2", "1", "0"]


def test_combined_querysets_leave_out_what_has_expired_as_their_memories_do(
    alias: str, start: datetime.datetime
) -> None:
    memory, moment = Memory(alias), start + 10 * SECOND
    with at(moment):
        added = memory.add_user_memory(UserMemory(memory="over", expires_at=moment + 20 * SECOND), "maya")
    with at(moment + SECOND):
        memory.delete_user_memory(added.memory_id, "maya")
    rows = UserMemory.objects.using(alias).filter(memory="over")
    current = rows.current()
    for known in (rows, rows | current, rows & rows):
        assert texts(known.as_of(moment)) == ["over"]
    for unknown in (current, rows & current, current & rows, current | current):
        assert texts(unknown.as_of(moment)) == []


def test_conditions_that_cannot_follow_are_refused(alias: str, start: datetime.datetime) -> None:
    rows, moment = UserMemory.objects.using(alias).all(), start + 10 * SECOND
    both: Any = rows.filter(user_id="ann").union(rows.filter(user_id="zoe"))
    extra: Any = rows.extra(where=["1 = 0"])
    for narrow in (both, extra):
        with pytest.raises(NotSupportedError):
            narrow.versions()
    with pytest.raises(NotSupportedError):
        rows & rows.as_of(moment)


def test_an_order_can_be_reversed(alias: str, start: datetime.datetime) -> None:
    rows = Memory(alias).rows_at(start + 10 * SECOND, "maya")
    assert texts(rows.newest().reverse()) == ["0", "1", "2", "3"]
    assert texts(rows.newest().reverse()[1:3]) == ["1", "2"]
    assert [rows.newest().last().memory, rows.oldest().last().memory] == ["0", "3"]  # type: ignore[union-attr]


def test_values_counts_and_slices_are_of_the_moment(alias: str, start: datetime.datetime) -> None:
    rows = Memory(alias).rows_at(start + 10 * SECOND, "maya").newest()
    assert list(rows.values_list("memory", flat=True)) == ["3", "2", "1", "0"]
    assert list(rows.values_list("memory", "memory_id")[:2]) == [("3", "m3"), ("2", "m2")]
    for refused in (rows.values("memory"), rows.values_list(), rows.values_list("memory", named=True)):
        with pytest.raises(NotSupportedError, match="values"):
            list(refused)
    assert (rows.count(), rows[:3].count(), rows[3:9].count()) == (4, 3, 1)
    assert rows.filter(memory="0").exists()
    assert not rows.filter(memory="4").exists()
    # One millisecond has an order too, through both tables.
    for order, is_descending in ((["-user_id", "agent_id"], True), (["user_id"], False)):
        keys = [each.key for each in rows.order_by(*order)]
        assert keys == sorted(keys, reverse=is_descending)


def test_the_first_moment_of_the_history_is_known(alias: str, start: datetime.datetime) -> None:
    with at(start + datetime.timedelta(days=30)):
        assert texts(Memory(alias).rows_at(start, "maya")) == ["0"]


def test_async_reading_is_of_the_moment(alias: str, start: datetime.datetime) -> None:
    rows = Memory(alias).rows_at(start + 10 * SECOND, "maya")

    async def read(of: UserMemoryQuerySet) -> list[str]:
        return [memory.memory async for memory in of.aiterator()]

    assert async_to_sync(read)(rows.newest()) == ["3", "2", "1", "0"]
    assert async_to_sync(read)(UserMemory.objects.using(alias).newest()) == ["3", "1"]


def test_what_reads_one_table_is_refused(alias: str, start: datetime.datetime) -> None:
    rows = Memory(alias).rows_at(start + 10 * SECOND, "maya")
    with pytest.raises(NotSupportedError):
        rows.topic_counts()
    with pytest.raises(NotSupportedError):
        rows.owners(limit=1)
    with pytest.raises(NotSupportedError):
        UserMemory.objects.using(alias).filter(key__in=rows.values("key"))
    with pytest.raises(TypeError):
        BulkMemory(rows)


def test_conditions_on_the_key_by_an_expression_are_refused(alias: str, start: datetime.datetime) -> None:
    """A revision has the memory's key under another name, so it would meet them by its own."""
    rows = UserMemory.objects.using(alias).all()
    others = UserMemory.objects.using(alias)
    for narrow in (
        rows.filter(memory_id=F("pk")),
        rows.exclude(memory_id=F("key")),
        rows.filter(Exists(others.filter(key=OuterRef("pk")))),
        rows.filter(~Exists(others.filter(Q(memory="x") | Q(key=OuterRef("key"))))),
    ):
        for read in (narrow.versions, lambda narrow=narrow: list(narrow.as_of(now()))):
            with pytest.raises(NotSupportedError, match="user_id and memory_id"):
                read()
    assert rows.filter(last_updated__gte=F("created_at")).versions().count() == 2
    theirs = others.filter(user_id=OuterRef("user_id"), memory_id="m1")
    assert rows.filter(Exists(theirs)).versions().count() == 2
