"""agno 1.8: an id, an owner, and a dictionary with the rest.

In SQLite that dictionary is Python's own notation, which agno reads with ``eval()``. It is read as a literal here: what
is an expression is rejected and never run.
"""

from __future__ import annotations

import ast
from typing import Any

from agno_memory.transfer.readers.base import Reader, text_of
from agno_memory.transfer.records import NotAMemory, moment
from agno_memory.transfer.sources import Row


class Agno1(Reader):
    """Reads the tables of ``agno.memory.v2``'s SqliteMemoryDb, PostgresMemoryDb and MongoMemoryDb."""

    name = "agno1"
    about = "agno 1.8 (agno.memory.v2): SQLite, PostgreSQL, MongoDB"

    @classmethod
    def knows(cls, row: Row) -> bool:
        value = row.get("memory")
        is_packed = isinstance(value, dict) or (isinstance(value, str) and value.lstrip().startswith("{"))
        return is_packed and {"id", "user_id"} <= row.keys() and "memory_id" not in row

    def fields(self, row: Row) -> dict[str, Any]:
        packed = unpacked(row.get("memory"))
        created = moment(row.get("created_at"))
        return {
            "memory_id": text_of(row, "id") or text_of(packed, "memory_id"),
            "user_id": text_of(row, "user_id"),
            "memory": text_of(packed, "memory"),
            "topics": packed.get("topics"),
            "input": text_of(packed, "input"),
            "feedback": text_of(packed, "feedback"),
            "agent_id": text_of(packed, "agent_id"),
            "team_id": text_of(packed, "team_id"),
            "created_at": created,
            # The dictionary's own is the time of the host that wrote it, whatever its zone.
            "last_updated": moment(row.get("updated_at")) or created,
        }


def unpacked(value: object) -> dict[str, Any]:
    """Return the dictionary of a row.

    Raises:
        NotAMemory: it is none, or more than a literal.
    """
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            raise NotAMemory("the memory is no Python literal; an expression is not run") from None
    if not isinstance(value, dict):
        raise NotAMemory("the memory is no dictionary")
    return value
