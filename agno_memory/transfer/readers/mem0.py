"""mem0: the output of ``get_all()``, saved as JSON."""

from __future__ import annotations

from typing import Any

from agno_memory.transfer.readers.base import Reader, get_text
from agno_memory.transfer.records import parse_moment
from agno_memory.transfer.sources import Row


class Mem0(Reader):
    """Reads ``{"results": [...]}``, the list alone (older releases, and the platform), or an object per line."""

    name = "mem0"
    description = "mem0: the output of get_all() as JSON"

    @classmethod
    def matches(cls, row: Row) -> bool:
        return {"id", "memory"} <= row.keys() and bool({"hash", "created_at", "metadata"} & row.keys())

    def fields(self, row: Row) -> dict[str, Any]:
        created, updated = parse_moment(row.get("created_at")), parse_moment(row.get("updated_at"))
        return {
            "memory_id": get_text(row, "id"),
            "user_id": get_text(row, "user_id"),
            "memory": get_text(row, "memory"),
            "topics": row.get("categories"),
            "metadata": row.get("metadata"),
            "agent_id": get_text(row, "agent_id"),
            "session_id": get_text(row, "run_id"),
            "created_at": created or updated,
            "last_updated": updated or created,
        }
