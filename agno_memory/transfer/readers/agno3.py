"""agno 2 and 3: a column for each field, times in seconds since 1970, JSON in the columns of text and topics."""

from __future__ import annotations

from typing import Any

from agno_memory.transfer.readers.base import Reader, decoded, text_of
from agno_memory.transfer.records import NotAMemory, moment
from agno_memory.transfer.sources import Row


class Agno3(Reader):
    """Reads the table ``agno_memories`` of agno's SqliteDb, PostgresDb and MongoDb."""

    name = "agno3"
    about = "agno 2 and 3: SQLite, PostgreSQL, MongoDB"

    @classmethod
    def knows(cls, row: Row) -> bool:
        return {"memory_id", "memory", "topics", "updated_at"} <= row.keys()

    def fields(self, row: Row) -> dict[str, Any]:
        created, updated = moment(row.get("created_at")), moment(row.get("updated_at"))
        return {
            "memory_id": text_of(row, "memory_id"),
            "user_id": text_of(row, "user_id"),
            "memory": said(decoded(row["memory"]) if self.source.json_is_text else row["memory"]),
            "topics": decoded(row.get("topics")),
            "input": text_of(row, "input"),
            "feedback": text_of(row, "feedback"),
            "agent_id": text_of(row, "agent_id"),
            "team_id": text_of(row, "team_id"),
            "created_at": created or updated,
            "last_updated": updated or created,
        }


def said(value: object) -> str:
    """Return the text of a memory: a text, or what agno 2 moved over from agno 1, which has it inside.

    Raises:
        NotAMemory: there is none.
    """
    if isinstance(value, dict):
        value = value.get("memory")
    if not isinstance(value, str):
        raise NotAMemory("the memory is no text")
    return value
