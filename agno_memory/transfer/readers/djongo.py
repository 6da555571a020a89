"""djongo: the fields of a Django model, with topics and metadata as JSON in a text."""

from __future__ import annotations

from typing import Any, Final

from agno_memory.transfer.readers.base import Reader, get_text, parse_json
from agno_memory.transfer.records import parse_moment
from agno_memory.transfer.sources import Row

# Not names.CONTENT_FIELDS: collections that djongo wrote get no new fields.
TEXT_FIELDS: Final = ("memory_id", "user_id", "memory", "input", "feedback", "agent_id", "team_id", "session_id")
# All fields that are read, and MongoDB's own key.
READ: Final = frozenset((*TEXT_FIELDS, "_id", "topics", "metadata", "created_at", "last_updated"))


class Djongo(Reader):
    """Reads a collection that djongo wrote, with the model's key beside MongoDB's ``_id``.

    Fields that only the site's model has are kept in the metadata.
    """

    name = "djongo"
    description = "djongo: a collection of a model with memory_id, memory, topics, user_id and last_updated"

    @classmethod
    def matches(cls, row: Row) -> bool:
        return {"_id", "memory_id", "memory", "last_updated"} <= row.keys()

    def fields(self, row: Row) -> dict[str, Any]:
        updated = parse_moment(row.get("last_updated"))
        return {
            **{name: get_text(row, name) for name in TEXT_FIELDS},
            "topics": parse_json(row.get("topics")),
            "metadata": self.with_other_fields(parse_json(row.get("metadata")), row, READ),
            "created_at": parse_moment(row.get("created_at")) or updated,
            "last_updated": updated,
        }
