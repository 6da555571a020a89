"""agno 2 and 3: a column per field, times in seconds since 1970, text and topics in columns of JSON."""

from __future__ import annotations

from typing import Any

from agno_memory.transfer.readers.base import READ_OF_AGNO, Reader, get_text, parse_json
from agno_memory.transfer.records import InvalidRecord, parse_moment
from agno_memory.transfer.sources import Row


class Agno3(Reader):
    """Reads the table ``agno_memories`` of agno's SqliteDb, PostgresDb and MongoDb.

    Columns that agno has not, and keys beside the text in an object, are kept in the metadata.
    """

    name = "agno3"
    description = "agno 2 and 3: SQLite, PostgreSQL, MongoDB"

    @classmethod
    def matches(cls, row: Row) -> bool:
        return {"memory_id", "memory", "topics", "updated_at"} <= row.keys()

    def fields(self, row: Row) -> dict[str, Any]:
        created, updated = parse_moment(row.get("created_at")), parse_moment(row.get("updated_at"))
        memory = parse_json(row["memory"]) if self.source.stores_json_as_text else row["memory"]
        # The columns are newer than the object.
        columns = {name: value for name, value in row.items() if value is not None}
        row = {**memory, **columns} if isinstance(memory, dict) else row
        return {
            "memory_id": get_text(row, "memory_id"),
            "user_id": get_text(row, "user_id"),
            "memory": memory_text(memory),
            "topics": parse_json(row.get("topics")),
            "metadata": self.metadata_with_others(row, READ_OF_AGNO),
            "input": get_text(row, "input"),
            "feedback": get_text(row, "feedback"),
            "agent_id": get_text(row, "agent_id"),
            "team_id": get_text(row, "team_id"),
            "created_at": created or updated,
            "last_updated": updated or created,
        }


def memory_text(value: object) -> str:
    """Return the text of a memory.

    Args:
        value: the text, or the object that agno 2 wrote when it migrated a memory from agno 1; it contains the text.

    Raises:
        InvalidRecord: there is no text.
    """
    if isinstance(value, dict):
        value = value.get("memory")
    if not isinstance(value, str):
        raise InvalidRecord("the memory is not a text")
    return value
