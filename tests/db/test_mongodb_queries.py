"""Calls of MongoDB's driver that meet each other. (The tests of statements and transactions cover the others.)"""

from __future__ import annotations

import pytest
from django.db import connections

from agno_memory.db import mongodb
from agno_memory.memory import Memory
from agno_memory.revision_models import MemoryRevision
from tests.databases import commits, errors, race


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
