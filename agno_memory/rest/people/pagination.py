"""Pages of people by their ids."""

from __future__ import annotations

from agno_memory.db.aggregates import OwnerCount
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.rest.pagination import ForwardPagination, Position


class OwnerPagination(ForwardPagination):
    """Pages of owners by their ids."""

    page_size_query_description = "Owners on a page."
    order = "user_id"

    def rows(self, queryset: UserMemoryQuerySet, limit: int, key: tuple[int, str] | None) -> list[OwnerCount]:
        return queryset.owners(after=key[1] if key else "", limit=limit)

    def key(self, position: Position) -> tuple[int, str]:
        return position

    def position_of(self, row: OwnerCount) -> Position:
        # Ids are unique here, so no number comes before them.
        return 0, row.user_id
