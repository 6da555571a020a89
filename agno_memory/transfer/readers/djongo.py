"""djongo: this project's fields as a Django model had them, with topics as JSON in a text."""

from __future__ import annotations

from typing import Any

from agno_memory.transfer.readers.base import Reader, decoded, text_of
from agno_memory.transfer.records import moment
from agno_memory.transfer.sources import Row

TEXTS = ("memory_id", "user_id", "memory", "input", "feedback", "agent_id", "team_id", "session_id")


class Djongo(Reader):
    """Reads a collection as djongo left it: the model's key beside MongoDB's own ``_id``."""

    name = "djongo"
    about = "djongo: a collection of a model with memory_id, memory, topics, user_id and last_updated"

    @classmethod
    def knows(cls, row: Row) -> bool:
        return {"_id", "memory_id", "memory", "last_updated"} <= row.keys()

    def fields(self, row: Row) -> dict[str, Any]:
        updated = moment(row.get("last_updated"))
        return {
            **{name: text_of(row, name) for name in TEXTS},
            "topics": decoded(row.get("topics")),
            "metadata": decoded(row.get("metadata")),
            "created_at": moment(row.get("created_at")) or updated,
            "last_updated": updated,
        }
