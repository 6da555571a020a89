"""Every query of memories with a cost that can grow uses an index, also for its order, on every database."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, cast

from django.db import connections
from django.test import TransactionTestCase

from agno_memory.db import memory_statements, stored_lists
from agno_memory.db.expiry import EXPIRES_AFTER
from agno_memory.db.statements import OneRow
from agno_memory.db.stored_rows import KEY
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.times import now

Question = Callable[[UserMemoryQuerySet], UserMemoryQuerySet]
KEYS = {"key": KEY.digest("user 5", "m5"), "user_id": "user 5", "version": 1, EXPIRES_AFTER: now()}
REPLACE, REPLACE_VERSION = (
    memory_statements.replace_statement(*UserMemory.content_fields, guards=guards, keeps=True)
    for guards in ((), ("version",))
)


def of_statement(statement: OneRow[Any]) -> Question:
    """Return the rows of a statement as a query."""
    return lambda rows: cast("UserMemoryQuerySet", statement.rows(rows.model, rows.db, KEYS.__getitem__))


ONE_MEMORY: dict[str, Question] = {
    "get, delete": of_statement(stored_lists.SELECT),
    "replace": of_statement(REPLACE),
    "replace a version": of_statement(REPLACE_VERSION),
}
LATER = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC), "m5", "key"
LISTS: dict[str, Question] = {
    "a user's, after a position": lambda rows: rows.for_user("user 5").newest().after(LATER)[:10],
    "a user's newest": lambda rows: rows.for_user("user 5").newest(),
    "a user's ten newest": lambda rows: rows.for_user("user 5").newest()[:10],
    "a user's oldest": lambda rows: rows.for_user("user 5").oldest()[:10],
    "a user's, about a topic": lambda rows: rows.for_user("user 5").about("rare").newest()[:10],
    "a user's, about two topics": lambda rows: rows.for_user("user 5").about("rare", "common").newest()[:10],
    "a user's, about any of two": lambda rows: rows.for_user("user 5").about_any("rare", "none").newest()[:10],
    "a user's, mentioning": lambda rows: rows.for_user("user 5").mentioning("number").newest()[:10],
    "a user's, mentioning two words": lambda rows: rows.for_user("user 5").mentioning("number", "5").newest()[:10],
    "a user's of an agent": lambda rows: rows.for_user("user 5").filter(agent_id="a").newest()[:10],
}
BY_CREATION: dict[str, Question] = {
    "a user's, by creation": lambda rows: rows.for_user("user 5").sorted_by("-created_at")[:10],
    "a user's, created after a position": (
        lambda rows: rows.for_user("user 5").sorted_by("-created_at").after(LATER, "-created_at")[:10]
    ),
}
EVERYBODYS_BY_CREATION: dict[str, Question] = {
    "everybody's, by creation": lambda rows: rows.sorted_by("-created_at")[:10],
    "everybody's, created after a position": (
        lambda rows: rows.sorted_by("-created_at").after(LATER, "-created_at")[:10]
    ),
}
BY_ID: dict[str, Question] = {
    "an id without an owner": lambda rows: rows.filter(memory_id="m5")[:2],
}
EVERYBODYS: dict[str, Question] = {
    "everybody's newest": lambda rows: rows.newest()[:10],
    "everybody's oldest": lambda rows: rows.oldest()[:10],
    "everybody's after a position": lambda rows: rows.newest().after(LATER)[:10],
}
BY_OTHER_INDEX = (
    (BY_ID, "agno_memory_memory_id"),
    (BY_CREATION, "agno_memory_user_created"),
    (EVERYBODYS_BY_CREATION, "agno_memory_created"),
)
BY_TOPIC: dict[str, Question] = {
    "everybody's about a rare topic": lambda rows: rows.about("rare"),
    "everybody's about any of two": lambda rows: rows.about_any("rare", "none"),
}


def populate(database: str) -> UserMemoryQuerySet:
    """Fill a store with enough rows that the planner prefers an index if it can use one."""
    memory = Memory(db=database)
    memory.clear()
    for user in range(50):
        memories = [
            UserMemory(
                memory_id=f"m{user}" if number == 0 else f"m{user}-{number}",
                memory=f"number {number}",
                topics=["common", *(["rare"] if number == user == 5 else [])],
                agent_id="rare" if number == 5 else "common",
            )
            for number in range(100)
        ]
        memory.add_user_memories(memories, f"user {user}")
    return UserMemory.objects.using(database).all()


class ShapeCase(TransactionTestCase):
    database: ClassVar[str]
    databases = "__all__"

    def plans(self, questions: dict[str, Question]) -> Iterator[tuple[str, str]]:
        for name, question in questions.items():
            yield name, question(self.rows).explain()

    rows: UserMemoryQuerySet


class SqliteShapeTests(ShapeCase):
    database = "default"

    def test_shapes(self) -> None:
        self.rows = populate(self.database)
        for name, plan in self.plans(ONE_MEMORY):
            with self.subTest(name):
                self.assertIn("USING INDEX sqlite_autoindex_agno_memory_usermemory_1 (_id=?)", plan)
        for name, plan in self.plans(LISTS):
            with self.subTest(name):
                self.assertIn("SEARCH agno_memory_usermemory USING INDEX agno_memory_user_newest (user_id=?", plan)
                self.assertNotIn("TEMP B-TREE", plan)
        for name, plan in self.plans(EVERYBODYS):
            with self.subTest(name):
                self.assertRegex(plan, "(SCAN|SEARCH) agno_memory_usermemory USING INDEX agno_memory_newest")
                self.assertNotIn("TEMP B-TREE", plan)
        for questions, index in BY_OTHER_INDEX:
            for name, plan in self.plans(questions):
                with self.subTest(name):
                    self.assertIn(f"USING INDEX {index}", plan)
                    self.assertNotIn("TEMP B-TREE", plan)


class PostgresShapeTests(ShapeCase):
    database = "postgres"

    def test_shapes(self) -> None:
        self.rows = populate(self.database)
        with connections[self.database].cursor() as cursor:
            cursor.execute("ANALYZE agno_memory_usermemory")
        for name, plan in self.plans(ONE_MEMORY):
            with self.subTest(name):
                self.assertIn("Index Scan using agno_memory_usermemory_pkey", plan)
        for name, plan in self.plans(LISTS):
            with self.subTest(name):
                self.assertRegex(plan, r"agno_memory_user_(newest|created)")
                # It would be read for everybody.
                self.assertNotIn("gin", plan)
                self.assertNotIn("Seq Scan", plan)
        for name, plan in self.plans(EVERYBODYS):
            with self.subTest(name):
                self.assertRegex(plan, r"Index Scan (Backward )?using agno_memory_newest")
                self.assertNotIn("Sort", plan)
        for questions, index in BY_OTHER_INDEX:
            for name, plan in self.plans(questions):
                with self.subTest(name):
                    self.assertRegex(plan, rf"Index Scan (Backward )?using {index}")
                    self.assertNotIn("Sort", plan)
        for name, plan in self.plans(BY_TOPIC):
            with self.subTest(name):
                self.assertRegex(plan, r"Bitmap Index Scan on agno_memory_topics_\w+_gin")


class MongoShapeTests(ShapeCase):
    database = "mongodb"

    def winning_plan(self, plan: str) -> list[tuple[str, str | None]]:
        """Return the stages that a query runs through, each with the index that it reads."""
        explained = json.loads(plan)
        # A stage that the query engine cannot take over, such as a $sort of computed fields, leaves "stages".
        self.assertNotIn("stages", explained, plan)
        return list(stages(explained["queryPlanner"]["winningPlan"]))

    def test_shapes(self) -> None:
        self.rows = populate(self.database)
        for name, plan in self.plans(ONE_MEMORY):
            with self.subTest(name):
                self.assertIn(("IXSCAN", "_id_"), self.winning_plan(plan))
        for name, plan in self.plans(LISTS):
            with self.subTest(name):
                found = self.winning_plan(plan)
                indexes = {index for stage, index in found if stage == "IXSCAN"}
                self.assertLessEqual(indexes, {"agno_memory_user_newest", "agno_memory_user_topics"})
                self.assertTrue(indexes)
                self.assertNotIn("SORT", dict(found))
        for name, plan in self.plans(EVERYBODYS):
            with self.subTest(name):
                found = self.winning_plan(plan)
                self.assertIn(("IXSCAN", "agno_memory_newest"), found)
                self.assertNotIn("SORT", dict(found))
        for questions, index in BY_OTHER_INDEX:
            for name, plan in self.plans(questions):
                with self.subTest(name):
                    found = self.winning_plan(plan)
                    self.assertIn(("IXSCAN", index), found)
                    self.assertNotIn("SORT", dict(found))
        for name, plan in self.plans(BY_TOPIC):
            with self.subTest(name):
                self.assertIn(("IXSCAN", "agno_memory_topics"), self.winning_plan(plan))


def stages(plan: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    yield plan["stage"], plan.get("indexName")
    for inner in (plan.get("inputStage"), *plan.get("inputStages", [])):
        if inner:
            yield from stages(inner)
