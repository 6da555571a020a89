from __future__ import annotations

import datetime
from typing import Any, NamedTuple

from django.db.models import Count, Max, QuerySet

from agno_memory.db.connections import connection_to
from agno_memory.db.dispatch import vendor_method
from agno_memory.db.keyset import in_order


class OwnerCount(NamedTuple):
    """An owner, the number of their memories, and the time of the last write to one of them."""

    user_id: str
    count: int  # type: ignore[assignment]  # hides tuple.count(), which is not needed here
    last_updated: datetime.datetime


class OwnerCounts:
    """A page of a queryset's owners with their counts, by ``user_id``. It costs as much as the rows of these owners.

    Args:
        rows: the memories.
        after: only owners with ids after this one.
        limit: the maximum number of owners.
    """

    def __init__(self, rows: QuerySet[Any], after: str, limit: int) -> None:
        self.rows = rows.order_by()
        self.after = after
        self.limit = limit

    def run(self) -> list[OwnerCount]:
        """Return the owners in order."""
        return [OwnerCount(*row) for row in vendor_method(self, connection_to(self.rows.db))()]

    def as_sql(self) -> Any:
        """Group the rows in the order of the index; the database stops at the limit."""
        return self._counts(self.rows.filter(user_id__gt=self.after))[: self.limit]

    def as_mongodb(self) -> Any:
        """Find the owners one by one, then count: MongoDB groups all matching rows before it applies a limit."""
        owners: list[str] = []
        while len(owners) < self.limit:
            rows = self.rows.filter(user_id__gt=owners[-1] if owners else self.after)
            following = rows.order_by(*in_order("user_id")).first()
            if following is None:
                break
            owners.append(following.user_id)
        return self._counts(self.rows.filter(user_id__in=owners))

    def _counts(self, rows: QuerySet[Any]) -> Any:
        counted = rows.values("user_id").annotate(count=Count("*"), last=Max("last_updated"))
        return counted.order_by("user_id").values_list("user_id", "count", "last")
