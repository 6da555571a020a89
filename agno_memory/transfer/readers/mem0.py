"""mem0: what its ``get_all()`` returns, saved as JSON."""

from __future__ import annotations

from typing import Any

from agno_memory.transfer.readers.base import Reader, text_of
from agno_memory.transfer.records import moment
from agno_memory.transfer.sources import Row


class Mem0(Reader):
    """Reads ``{"results": [...]}``, the bare list of older releases and of the platform, or an object a line."""

    name = "mem0"
    about = "mem0: the output of get_all() as JSON"

    @classmethod
    def knows(cls, row: Row) -> bool:
        return {"id", "memory"} <= row.keys() and bool({"hash", "created_at", "metadata"} & row.keys())

    def fields(self, row: Row) -> dict[str, Any]:
        created, updated = moment(row.get("created_at")), moment(row.get("updated_at"))
        return {
            "memory_id": text_of(row, "id"),
            "user_id": text_of(row, "user_id"),
            "memory": text_of(row, "memory"),
            "topics": row.get("categories"),
            "metadata": row.get("metadata"),
            "agent_id": text_of(row, "agent_id"),
            "session_id": text_of(row, "run_id"),
            "created_at": created or updated,
            "last_updated": updated or created,
        }
