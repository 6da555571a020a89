"""Pages of sessions and of their runs."""

from __future__ import annotations

import datetime
from typing import Any, Final

from agno_memory.db.damaged import Damaged
from agno_memory.db.keyset import DAMAGED
from agno_memory.models import AgentRun, AgentSession
from agno_memory.names import MAX_COUNT
from agno_memory.rest.pagination import KeysetPagination, Position, bad_cursor
from agno_memory.times import from_milliseconds, to_milliseconds
from agno_memory.validators import is_count

# Sorts before all keys.
FIRST: Final = " "


class SessionPagination(KeysetPagination):
    """Pages of sessions, newest first."""

    page_size_query_description = "Sessions on a page."
    order = "-updated_at"
    columns = ("-updated_at", "-session_id")

    def rows(self, queryset: Any, limit: int, key: tuple[Any, str] | None) -> list[Any]:
        if key is not None and key[0] == DAMAGED:
            row = queryset.filter(pk=key[1]).first()
            if row is None:
                raise bad_cursor()
            key = row.updated_at, row.session_id
        return super().rows(queryset, limit, key)

    def key(self, position: Position) -> tuple[datetime.datetime | int, str]:
        number, identifier = position
        return number if number == DAMAGED else from_milliseconds(number), identifier

    def position_of(self, row: AgentSession) -> Position:
        if isinstance(row.updated_at, Damaged):
            return DAMAGED, row.pk
        return to_milliseconds(row.updated_at), row.session_id


class RunPagination(KeysetPagination):
    """Pages of runs, in the order in which they were made."""

    page_size_query_description = "Runs on a page."
    order = "run_index"
    columns = ("run_index", "key")

    def key(self, position: Position) -> Position:
        if not is_count(position[0]):
            raise ValueError("not an index of a run")
        return position

    def position_of(self, row: AgentRun) -> Position:
        if isinstance(row.run_index, Damaged):
            # Databases sort the missing positions of other programs before all numbers, and their texts after them.
            return (0, FIRST) if row.run_index.stored is None else (MAX_COUNT, row.key)
        return row.run_index, row.key
