from __future__ import annotations

import datetime
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import Count, Max, QuerySet

from agno_memory.db.keyset import in_order


class OwnerCount(NamedTuple):
    """An owner, how many memories are theirs, and when the last of them was written."""

    user_id: str
    count: int  # type: ignore[assignment]  # hides tuple.count(), which nobody needs here
    last_updated: datetime.datetime


class OwnerCounts:
    """A page of a queryset's owners with their counts, by ``user_id``: it costs as much as the rows of these owners."""

    def __init__(self, rows: QuerySet[Any], after: str, limit: int) -> None:
        self.rows = rows.order_by()
        self.after = after
        self.limit = limit

    def run(self) -> list[OwnerCount]:
        connection = connections[self.rows.db]
        method = getattr(self, f"as_{connection.vendor}", self.as_sql)
        return [OwnerCount(*row) for row in method()]

    def as_sql(self) -> Any:
        """Let the database group what it reads in the order of the index, and stop."""
        return self._counts(self.rows.filter(user_id__gt=self.after))[: self.limit]

    def as_mongodb(self) -> Any:
        """Look for one owner after the other first: MongoDB groups all that it finds before it stops."""
        found: list[str] = []
        while len(found) < self.limit:
            rows = self.rows.filter(user_id__gt=found[-1] if found else self.after)
            following = rows.order_by(*in_order("user_id")).first()
            if following is None:
                break
            found.append(following.user_id)
        return self._counts(self.rows.filter(user_id__in=found))

    def _counts(self, rows: QuerySet[Any]) -> Any:
        counted = rows.values("user_id").annotate(count=Count("*"), last=Max("last_updated"))
        return counted.order_by("user_id").values_list("user_id", "count", "last")
