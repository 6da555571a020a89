"""Calls of MongoDB's driver that meet each other. (The tests of statements and transactions cover the others.)"""

from __future__ import annotations

import datetime
from typing import Any
from unittest import mock

import pytest
from django.db import connections

from agno_memory.db import mongodb
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.revision_models import MemoryRevision
from tests.databases import commits, errors, race
from tests.statements import recorded


@commits
@pytest.mark.parametrize("alias", ["standalone"])
def test_calls_that_put_the_same_new_documents(alias: str) -> None:
    memory = Memory(alias)

    def put(_thread: int, number: int) -> None:
        documents = [{"_id": f"key-{number}-{each}", "user_id": "maya", "version": each} for each in range(5)]
        mongodb.put_documents(MemoryRevision, connections[alias], documents)

    for outcomes in race(20, put):
        assert errors(outcomes) == []
    assert MemoryRevision.objects.using(alias).filter(user_id="maya").count() == 100
    memory.clear_user_memories("maya")


@commits
@pytest.mark.parametrize("alias", ["standalone", "mongodb"])
@pytest.mark.parametrize("is_known", [True, False])
def test_only_the_write_of_a_memory_waits_for_the_journal(alias: str, is_known: bool) -> None:
    """Its version was written to the same server before, so it is saved too. Several servers make no such promise."""
    memory = Memory(alias)
    memory.add_user_memory(UserMemory(memory_id="m", memory="one"), "maya")
    server = mongodb.writing_server(connections[alias]) if is_known else None
    with mock.patch.object(mongodb, "writing_server", return_value=server), recorded(alias) as sent:
        memory.replace_user_memory("m", UserMemory(memory="two"), "maya")
        memory.delete_user_memory("m", "maya")
    connection: Any = connections[alias]
    # Without one, the server has its own.
    usual = connection.database.write_concern.document or None
    unsaved = {"w": 1, "j": False} if is_known else usual
    concerns = [(next(iter(command)), command.get("writeConcern")) for command in sent if "find" not in command]
    assert concerns == [("insert", unsaved), ("findAndModify", usual), ("insert", unsaved), ("delete", usual)]


@commits
@pytest.mark.parametrize("alias", ["standalone"])
def test_conditions_on_one_column_are_all_asked(alias: str) -> None:
    """Those on different columns are merged into one."""
    memory = Memory(alias)
    days = [datetime.datetime(2026, 1, day, tzinfo=datetime.UTC) for day in (1, 2, 3)]
    first, second, third = [memory.add_user_memory(UserMemory(memory="x", created_at=day), "maya") for day in days]
    memory.add_user_memory(UserMemory(memory="x", created_at=days[1]), "noah")
    own = UserMemory.objects.using(alias).filter(user_id="maya")

    def found(rows: Any) -> set[str]:
        query_filter = mongodb.filter_of(rows.query.get_compiler(alias))
        return {key for (key,) in mongodb.find(UserMemory, connections[alias], query_filter, ["_id"])}

    assert found(own.filter(created_at=days[1])) == {second.key}
    assert found(own.filter(created_at__gte=days[2]).filter(created_at__gte=days[1])) == {third.key}
    assert found(own.filter(created_at__lt=days[2]).filter(created_at__lt=days[1])) == {first.key}
    assert found(own.exclude(created_at=days[0]).exclude(created_at=days[2])) == {second.key}
