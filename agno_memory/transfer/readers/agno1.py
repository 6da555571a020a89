"""agno 1.8: rows of an id, an owner, and a dictionary with the other fields.

In SQLite, the dictionary is written in Python's notation, which agno reads with ``eval()``. This reader parses it as a
literal: a row with an expression is rejected, and the expression is never run.
"""

from __future__ import annotations

import ast
from typing import Any, Final

from agno_memory.transfer.readers.base import READ_OF_AGNO, Reader, get_text
from agno_memory.transfer.records import InvalidRecord, parse_moment
from agno_memory.transfer.sources import Row

# The time in the dictionary is in the unknown time zone of its host.
READ: Final = READ_OF_AGNO | {"id"}


class Agno1(Reader):
    """Reads the tables of ``agno.memory.v2``'s SqliteMemoryDb, PostgresMemoryDb and MongoMemoryDb.

    Other columns, and other keys of the dictionary, are kept in the metadata.
    """

    name = "agno1"
    description = "agno 1.8 (agno.memory.v2): SQLite, PostgreSQL, MongoDB"

    @classmethod
    def matches(cls, row: Row) -> bool:
        value = row.get("memory")
        is_dictionary = isinstance(value, dict) or (isinstance(value, str) and value.lstrip().startswith("{"))
        return is_dictionary and {"id", "user_id"} <= row.keys() and "memory_id" not in row

    def fields(self, row: Row) -> dict[str, Any]:
        memory = parse_literal(row.get("memory"))
        created = parse_moment(row.get("created_at"))
        return {
            "memory_id": get_text(row, "id") or get_text(memory, "memory_id"),
            "user_id": get_text(row, "user_id"),
            "memory": get_text(memory, "memory"),
            "topics": memory.get("topics"),
            "input": get_text(memory, "input"),
            "feedback": get_text(memory, "feedback"),
            "agent_id": get_text(memory, "agent_id"),
            "team_id": get_text(memory, "team_id"),
            "metadata": self.metadata_with_others({**memory, **row}, READ),
            "created_at": created,
            "last_updated": parse_moment(row.get("updated_at")) or created,
        }


def parse_literal(value: object) -> dict[str, Any]:
    """Return the dictionary in a row.

    Args:
        value: a dictionary, or the text of one in Python's notation.

    Raises:
        InvalidRecord: it is not a dictionary, or not a literal.
    """
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            raise InvalidRecord("the memory is not a Python literal; expressions are not run") from None
    if not isinstance(value, dict):
        raise InvalidRecord("the memory is not a dictionary")
    return value
