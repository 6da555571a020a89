from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import NotSupportedError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet

from agno_memory.db import mongodb
from agno_memory.db.connections import connection_to
from agno_memory.db.dispatch import vendor_method
from agno_memory.db.lookups import postgresql_topics


class TopicCount(NamedTuple):
    """A topic and the number of memories that have it."""

    topic: str
    count: int  # type: ignore[assignment]  # hides tuple.count(), which is not needed here


class TopicCounts:
    """The number of a queryset's memories for each topic: the most frequent topic first, ties by code point.

    Args:
        rows: the memories; a slice is allowed, a union is not.
        limit: the maximum number of topics; None is all of them.
    """

    def __init__(self, rows: QuerySet[Any], limit: int | None) -> None:
        if rows.query.combinator:
            raise NotSupportedError("Topics of a union cannot be counted. Combine the conditions in one filter().")
        # A count needs no order, except that of a slice, and no DISTINCT, because every row has its own key.
        self.rows = rows.all() if rows.query.is_sliced else rows.order_by()
        self.rows.query.distinct = False
        self.limit = limit

    def run(self) -> list[TopicCount]:
        """Return the counts."""
        if self.limit == 0:
            return []
        connection = connection_to(self.rows.db)
        try:
            return [TopicCount(*row) for row in vendor_method(self, connection)(connection)]
        except EmptyResultSet:
            return []

    def as_sql(self, connection: BaseDatabaseWrapper) -> Iterable[tuple[str, int]]:
        """Count in Python, one list of topics at a time: no SQL for it works on every database."""
        counts = Counter(topic for topics in self.rows.values_list("topics", flat=True).iterator() for topic in topics)
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: self.limit]

    def as_sqlite(self, connection: BaseDatabaseWrapper) -> list[tuple[str, int]]:
        source = "json_each(memories.topics) AS topic"
        is_topic = "topic.type = 'text' AND json_type(memories.topics) <> 'object'"
        return self._select(connection, "topic.value", f"{source} WHERE {is_topic}", "topic.value")

    def as_postgresql(self, connection: BaseDatabaseWrapper) -> list[tuple[str, int]]:
        source = f"jsonb_array_elements({postgresql_topics('memories.topics')}) AS element"
        topics = f"SELECT element #>> '{{}}' AS topic FROM {source} WHERE jsonb_typeof(element) = 'string'"  # noqa: S608
        return self._select(connection, "topic", f"LATERAL ({topics}) AS topics", 'topic COLLATE "C"')

    def _select(self, connection: BaseDatabaseWrapper, topic: str, source: str, order: str) -> list[tuple[str, int]]:
        compiler = self.rows.values("topics").query.get_compiler(connection=connection)
        inner, params = compiler.as_sql()
        # Only names of this class and compiled SQL are formatted into the text, never a value.
        sql = f"SELECT {topic}, COUNT(*) FROM ({inner}) AS memories, {source} "  # noqa: S608
        sql += f"GROUP BY {topic} ORDER BY COUNT(*) DESC, {order}"
        if self.limit is not None:
            sql += f" LIMIT {self.limit:d}"
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            rows: list[tuple[str, int]] = cursor.fetchall()
        return rows

    def as_mongodb(self, connection: BaseDatabaseWrapper) -> Iterator[tuple[str, int]]:
        stages = [
            {"$unwind": "$topics"},
            # A row of another program may have any values.
            {"$match": {"$expr": {"$eq": [{"$type": "$topics"}, "string"]}}},
            {"$group": {"_id": "$topics", "count": {"$sum": 1}}},
            {"$sort": {"count": -1, "_id": 1}},
            *([] if self.limit is None else [{"$limit": self.limit}]),
        ]
        for document in mongodb.aggregate(self.rows, connection, lambda base: [*base, *stages]):
            yield document["_id"], document["count"]
