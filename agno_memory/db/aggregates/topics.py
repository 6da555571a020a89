from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import NotSupportedError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet


class TopicCount(NamedTuple):
    """A topic and how many memories have it."""

    topic: str
    count: int  # type: ignore[assignment]  # hides tuple.count(), which nobody needs here


class TopicCounts:
    """How many of a queryset's memories each topic has: the most frequent first, ties by code point."""

    def __init__(self, rows: QuerySet[Any], limit: int | None) -> None:
        if rows.query.combinator:
            raise NotSupportedError("Topics of a union cannot be counted: combine the conditions in one filter().")
        # Order does not matter to a count, unless it decides what a slice holds. Nor does DISTINCT: rows have keys.
        self.rows = rows.all() if rows.query.is_sliced else rows.order_by()
        self.rows.query.distinct = False
        self.limit = limit

    def run(self) -> list[TopicCount]:
        if self.limit == 0:
            return []
        connection = connections[self.rows.db]
        method = getattr(self, f"as_{connection.vendor}", self.as_sql)
        try:
            return [TopicCount(*row) for row in method(connection)]
        except EmptyResultSet:
            return []

    def as_sql(self, connection: BaseDatabaseWrapper) -> Iterable[tuple[str, int]]:
        """Count here, one topic list at a time: there is no SQL for it that every database has."""
        counts = Counter(topic for topics in self.rows.values_list("topics", flat=True).iterator() for topic in topics)
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: self.limit]

    def as_sqlite(self, connection: BaseDatabaseWrapper) -> list[tuple[str, int]]:
        return self._select(connection, "topic.value", "json_each(memories.topics) AS topic", "topic.value")

    def as_postgresql(self, connection: BaseDatabaseWrapper) -> list[tuple[str, int]]:
        source = "jsonb_array_elements_text(memories.topics) AS topic"
        return self._select(connection, "topic", source, 'topic COLLATE "C"')

    def _select(self, connection: BaseDatabaseWrapper, topic: str, source: str, order: str) -> list[tuple[str, int]]:
        compiler = self.rows.values("topics").query.get_compiler(connection=connection)
        inner, params = compiler.as_sql()
        # Names of this class and compiled SQL are written into the text, never a value.
        sql = f"SELECT {topic}, COUNT(*) FROM ({inner}) AS memories, {source} "  # noqa: S608
        sql += f"GROUP BY {topic} ORDER BY COUNT(*) DESC, {order}"
        if self.limit is not None:
            sql += f" LIMIT {self.limit:d}"
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            rows: list[tuple[str, int]] = cursor.fetchall()
        return rows

    def as_mongodb(self, connection: BaseDatabaseWrapper) -> Iterator[tuple[str, int]]:
        compiler: Any = self.rows.query.get_compiler(connection=connection)
        compiler.pre_sql_setup()
        query = compiler.build_query()
        pipeline = [
            *query.get_pipeline(),
            {"$unwind": "$topics"},
            {"$group": {"_id": "$topics", "count": {"$sum": 1}}},
            {"$sort": {"count": -1, "_id": 1}},
            *([] if self.limit is None else [{"$limit": self.limit}]),
        ]
        # The backend runs it, so that errors and the log are Django's.
        query.get_pipeline = lambda: pipeline
        for document in query.get_cursor():
            yield document["_id"], document["count"]
