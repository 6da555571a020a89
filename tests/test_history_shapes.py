"""Every query of versions and of expired memories with a cost that can grow uses an index, on every database."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections, models

from agno_memory.admin import trash
from agno_memory.admin.undo import UndoPages
from agno_memory.db.keyset import after, in_order
from agno_memory.db.stored_rows import KEY
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.restoring import BulkRestore
from agno_memory.revision_models import MemoryRevision
from agno_memory.revision_querysets import BY_MEMORY, LAST_DELETED
from agno_memory.services import ANYONE
from agno_memory.times import now, to_milliseconds
from tests.databases import commits, each_database
from tests.test_session_shapes import READS_ALL, SORTS, winning

pytestmark = [commits]

Question = Callable[[Memory], "models.QuerySet[Any]"]
HOUR = datetime.timedelta(hours=1)
NOW = now()
THEN, OLD = NOW - 5 * HOUR, NOW - 40 * HOUR


def key(user: str, memory_id: str) -> str:
    made: str = KEY.digest(user, memory_id)
    return made


def undone(memory: Memory) -> Any:
    """Return the versions that a bulk action of staff has ended, as its undo reads them."""
    moment = to_milliseconds(THEN)
    write = {"from": moment, "to": moment, "by": "ann", "through": "admin, action 1"}
    return BulkRestore(UndoPages.narrow(memory.rows(ANYONE).revisions(), write)).versions


def _by_expiry(rows: Any) -> Any:
    return rows.order_by(*in_order("expires_at", "memory_id", "key"))


IN_ORDER: dict[str, Question] = {
    "an action's versions": lambda memory: undone(memory)[:10],
    "the last one of an action's versions": lambda memory: undone(memory).reverse()[:1],
    "everybody's deleted memories, after a position": lambda memory: (
        memory.rows(ANYONE).revisions().deleted().filter(after(LAST_DELETED, (THEN, "x"))).only(*trash.COLUMNS)[:10]
    ),
    "everybody's expired memories, among the deleted ones": lambda memory: memory.rows(ANYONE).expired_page()[:10],
    "everybody's expired memories, after a position": lambda memory: (
        memory.rows(ANYONE).expired_page((THEN, "x y")).defer("search_text")[:10]
    ),
    "the versions of a memory": lambda memory: (
        memory.rows("user 5").revisions().of_memory("user 5", key("user 5", "m5")).newest()[:10]
    ),
    "the versions of a memory before one": lambda memory: (
        memory.rows("user 5").revisions().of_memory("user 5", key("user 5", "m5")).before((THEN, 3)).newest()[:10]
    ),
    "a user's deleted memories": lambda memory: (
        memory.rows("user 5").revisions().filter(user_id="user 5").deleted()[:10]
    ),
    "everybody's deleted memories": lambda memory: memory.rows(ANYONE).revisions().deleted()[:10],
    "everybody's deleted memories that are shown": lambda memory: (
        memory.rows(ANYONE).versions().deleted().only(*trash.COLUMNS)[:10]
    ),
    "versions that are too old": lambda memory: memory.rows(ANYONE).revisions().too_old().only("key")[:10],
    "memories that have expired": lambda memory: _by_expiry(memory.rows_to_write(ANYONE).expired()).only(
        "user_id", "memory_id"
    )[:10],
    "memories that have expired, in the list of them": lambda memory: _by_expiry(
        memory.rows_to_write(ANYONE).shown_expired()
    )[:10],
}
# A planner may sort the rows of one user.
FOUND: dict[str, Question] = {
    "a user's expired memories": lambda memory: memory.rows("user 5").expired_page()[:10],
    "all versions of a user that are shown": lambda memory: memory.rows("user 5").versions().order_by(*BY_MEMORY)[:10],
    "all versions of a user": lambda memory: (
        memory.rows("user 5").revisions().filter(user_id="user 5").order_by(*BY_MEMORY)[:10]
    ),
    "a user's memories of a moment, changed since": lambda memory: (
        memory.rows("user 5").revisions().filter(user_id="user 5").at(THEN)
    ),
    "a user's memories of a moment, not changed since": lambda memory: memory.rows("user 5").filter(
        last_updated__lte=THEN
    ),
    "one memory of a moment": lambda memory: (
        memory.rows("user 5").revisions().filter(user_id="user 5", memory_key=key("user 5", "m5")).at(THEN)
    ),
}


@pytest.fixture
def memory(alias: str) -> Memory:
    """A store with enough rows that the planner prefers an index if it can use one."""
    memory = Memory(alias)
    for number in range(50):
        memory.add_user_memories([UserMemory(memory_id=f"m{each}", memory="x") for each in range(40)], f"user {number}")
    memory.add_user_memory(UserMemory(memory="x", expires_at=NOW + HOUR), "user 5")
    memory.add_user_memory(UserMemory(memory="x", expires_at=NOW - HOUR), "user 5")
    MemoryRevision.objects.using(alias).bulk_create(
        MemoryRevision(
            key=f"{number}-{each}-{version}",
            user_id=f"user {number}",
            memory_id=f"m{each}",
            memory_key=key(f"user {number}", f"m{each}"),
            memory="x",
            version=version,
            created_at=NOW - 50 * HOUR,
            last_updated=NOW - (50 - version) * HOUR - each * HOUR / 60,
            valid_until=NOW - (49 - version) * HOUR - each * HOUR / 60,
            action="deleted" if version == each == 39 else "replaced",
            is_deleted=version == each == 39,
        )
        for number in range(50)
        for each in range(40)
        for version in (1, 5, 39)
    )
    if connections[alias].vendor == "postgresql":
        with connections[alias].cursor() as cursor:
            cursor.execute("ANALYZE agno_memory_usermemory, agno_memory_memoryrevision")
    return memory


@each_database
def test_shapes(alias: str, memory: Memory, subtests: Any) -> None:
    vendor = connections[alias].vendor
    for name, question in (IN_ORDER | FOUND).items():
        with subtests.test(name):
            plan = question(memory).explain()
            plan = winning(plan) if vendor == "mongodb" else plan
            assert not re.search(READS_ALL[vendor], plan), plan
            # A $sort that the query engine did not take over.
            assert name in FOUND or not re.search(SORTS[vendor] + r'|"\$sort"', plan), plan


def test_the_order_of_deleted_memories_is_that_of_its_index() -> None:
    indexes = {index.name: index.fields for index in MemoryRevision._meta.indexes}
    assert indexes["agno_revision_deleted"] == list(LAST_DELETED)
    assert indexes["agno_revision_user_deleted"] == ["user_id", *LAST_DELETED]
