from __future__ import annotations

import datetime
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Count, QuerySet, Value


class SpanCounts:
    """How many of a queryset's memories have their time in each of consecutive spans.

    Each span is a range of an index, so days and months may begin where they do in any time zone, and what lies outside
    of them costs nothing. All are asked for in one statement.

    Args:
        rows: the memories, no slice.
        field: ``"last_updated"`` or ``"created_at"``.
        bounds: moments, ascending: where the spans begin, and where the last one ends.
    """

    def __init__(self, rows: QuerySet[Any], field: str, bounds: Sequence[datetime.datetime]) -> None:
        self.rows = rows.order_by()
        self.field = field
        self.spans = list(pairwise(bounds))

    def run(self) -> list[int]:
        """Return a count for each span."""
        connection = connections[self.rows.db]
        method = getattr(self, f"as_{connection.vendor}", self.as_sql)
        try:
            counts: dict[int, int] = method(connection) if self.spans else {}
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
        """Join bare counts of bare ranges: of a union with aggregates, the backend drops the first part."""
        compiler: Any = self.rows.query.get_compiler(connection=connection)
        compiler.pre_sql_setup()
        query = compiler.build_query()
        base = query.get_pipeline()
        first, *others = [[*base, *self._counting(number, connection)] for number in range(len(self.spans))]
        table = self.rows.model._meta.db_table
        pipeline = [*first, *({"$unionWith": {"coll": table, "pipeline": part}} for part in others)]
        # The backend runs it, so that errors and the log are Django's.
        query.get_pipeline = lambda: pipeline
        return {document["span"]: document["count"] for document in query.get_cursor()}

    def _counting(self, number: int, connection: BaseDatabaseWrapper) -> list[dict[str, Any]]:
        # Django's own "less than" also asks that there is a value, for which MongoDB fetches every document.
        start, end = (connection.ops.adapt_datetimefield_value(moment) for moment in self.spans[number])
        within = {"$match": {self.field: {"$gte": start, "$lt": end}}}
        return [within, {"$count": "count"}, {"$set": {"span": number}}]

    def _within(self, span: tuple[datetime.datetime, datetime.datetime]) -> QuerySet[Any]:
        start, end = span
        return self.rows.filter((f"{self.field}__gte", start), (f"{self.field}__lt", end))
