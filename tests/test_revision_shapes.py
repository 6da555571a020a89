"""Every query of earlier versions with a cost that can grow uses an index, also for its order, on every database."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from typing import ClassVar

from django.db import connections
from django.test import TransactionTestCase

from agno_memory.acting import acting
from agno_memory.admin import trash
from agno_memory.admin.undo import UndoPages
from agno_memory.bulk import BulkMemory
from agno_memory.db.keyset import after
from agno_memory.db.stored_rows import KEY
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.restoring import BulkRestore
from agno_memory.revision_models import MemoryRevision
from agno_memory.revision_querysets import LAST_DELETED, RevisionQuerySet
from agno_memory.times import now, to_milliseconds
from tests.test_shapes import stages

Question = Callable[[RevisionQuerySet], RevisionQuerySet]

LATER = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)


def listed(rows: RevisionQuerySet) -> RevisionQuerySet:
    """Return a page of the deleted memories, as the admin reads it."""
    return rows.only(*trash.COLUMNS)[: trash.PAGE_SIZE + 1]


def undone(rows: RevisionQuerySet, *, reverse: bool = False) -> RevisionQuerySet:
    """Return the versions that a bulk action has ended, as its undo reads them."""
    moment = to_milliseconds(now() + datetime.timedelta(hours=1))
    write = {"from": moment, "to": moment, "by": "ann", "through": "admin, action 1"}
    ended = BulkRestore(UndoPages.narrow(rows, write)).versions
    return (ended.reverse() if reverse else ended)[:10]


# The index that serves each.
QUESTIONS: dict[str, tuple[Question, str]] = {
    "deleted": (lambda rows: listed(rows.deleted()), "agno_revision_deleted"),
    "deleted, after a position": (
        lambda rows: listed(rows.deleted().filter(after(LAST_DELETED, (LATER, "x")))),
        "agno_revision_deleted",
    ),
    "a person's deleted": (lambda rows: listed(rows.deleted().filter(user_id="user 5")), "agno_revision_user_deleted"),
    "an action's": (undone, "agno_revision_until"),
    "an action's last": (lambda rows: undone(rows, reverse=True), "agno_revision_until"),
    "a memory's": (
        lambda rows: rows.of_memory("user 5", KEY.digest("user 5", "m5")).newest()[:10],
        "agno_revision_memory",
    ),
}


def populate(database: str) -> RevisionQuerySet:
    """Fill a store with enough versions that the planner prefers an index if it can use one."""
    Memory(db=database).clear()
    for user in range(30):
        memories = [UserMemory(memory_id=f"m{number}", memory=f"number {number}") for number in range(40)]
        Memory(db=database).add_user_memories(memories, f"user {user}")
    rows = UserMemory.objects.using(database)
    for number in range(2):
        with acting(through=f"admin, action {number}"):
            BulkMemory(rows.all()).add_topic(f"topic {number}")
    BulkMemory(rows.filter(memory_id="m1")).delete()
    return MemoryRevision.objects.using(database).all()


class ShapeCase(TransactionTestCase):
    database: ClassVar[str]
    databases = "__all__"

    def plans(self) -> Iterator[tuple[str, str, str]]:
        rows = populate(self.database)
        if self.database == "postgres":
            with connections[self.database].cursor() as cursor:
                cursor.execute("ANALYZE agno_memory_memoryrevision")
        for name, (question, index) in QUESTIONS.items():
            yield name, question(rows).explain(), index


class SqliteShapeTests(ShapeCase):
    database = "default"

    def test_shapes(self) -> None:
        for name, plan, index in self.plans():
            with self.subTest(name):
                self.assertRegex(plan, rf"(SCAN|SEARCH) agno_memory_memoryrevision USING INDEX {index}\b")


class PostgresShapeTests(ShapeCase):
    database = "postgres"

    def test_shapes(self) -> None:
        for name, plan, index in self.plans():
            with self.subTest(name):
                self.assertRegex(plan, rf"Index Scan (Backward )?(using|on) {index}\b")
                self.assertNotIn("Seq Scan", plan)


class MongoShapeTests(ShapeCase):
    database = "mongodb"

    def test_shapes(self) -> None:
        for name, plan, index in self.plans():
            with self.subTest(name):
                explained = json.loads(plan)
                self.assertNotIn("stages", explained, plan)
                self.assertIn(("IXSCAN", index), list(stages(explained["queryPlanner"]["winningPlan"])))
