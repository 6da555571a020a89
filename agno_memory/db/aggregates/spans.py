from __future__ import annotations

import datetime
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Count, QuerySet, Value

from agno_memory.db import mongodb
from agno_memory.db.connections import connection_to
from agno_memory.db.dispatch import vendor_method


class SpanCounts:
    """The number of a queryset's memories in each of consecutive time spans, counted by one statement.

    Each span is a range of an index, so days and months may begin at the midnights of any time zone, and rows outside
    the spans cost nothing.

    Args:
        rows: the memories; a queryset without a slice.
        field: ``"last_updated"`` or ``"created_at"``.
        bounds: times, ascending: the start of each span, and the end of the last one.
    """

    def __init__(self, rows: QuerySet[Any], field: str, bounds: Sequence[datetime.datetime]) -> None:
        self.rows = rows.order_by()
        self.field = field
        self.spans = list(pairwise(bounds))

    def run(self) -> list[int]:
        """Return a count for each span."""
        connection = connection_to(self.rows.db)
        try:
            counts: dict[int, int] = vendor_method(self, connection)(connection) if self.spans else {}
        except EmptyResultSet:
            counts = {}
        return [counts.get(number, 0) for number in range(len(self.spans))]

    def as_sql(self, connection: BaseDatabaseWrapper) -> dict[int, int]:
        first, *others = [
            self._within(span).annotate(span=Value(number)).values("span").annotate(count=Count("*"))
            for number, span in enumerate(self.spans)
        ]
        return dict(first.union(*others, all=True).values_list("span", "count"))

    def as_mongodb(self, connection: BaseDatabaseWrapper) -> dict[int, int]:
        """Count with a pipeline: in a union of aggregates, the backend drops the first part."""
        table = self.rows.model._meta.db_table

        def union_of_counts(base: list[Any]) -> list[Any]:
            first, *others = [[*base, *self._count_stages(number, connection)] for number in range(len(self.spans))]
            return [*first, *({"$unionWith": {"coll": table, "pipeline": part}} for part in others)]

        documents = mongodb.aggregate(self.rows, connection, union_of_counts)
        return {document["span"]: document["count"] for document in documents}

    def _count_stages(self, number: int, connection: BaseDatabaseWrapper) -> list[dict[str, Any]]:
        # The backend's "less than" adds a condition that the value exists, for which MongoDB fetches every document.
        start, end = (connection.ops.adapt_datetimefield_value(moment) for moment in self.spans[number])
        within = {"$match": {self.field: {"$gte": start, "$lt": end}}}
        return [within, {"$count": "count"}, {"$set": {"span": number}}]

    def _within(self, span: tuple[datetime.datetime, datetime.datetime]) -> QuerySet[Any]:
        start, end = span
        return self.rows.filter((f"{self.field}__gte", start), (f"{self.field}__lt", end))
