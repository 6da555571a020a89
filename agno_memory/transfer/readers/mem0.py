"""mem0: the output of ``get_all()``, saved as JSON."""

from __future__ import annotations

from typing import Any, Final

from agno_memory.transfer.readers.base import Reader, get_text
from agno_memory.transfer.records import parse_last_day, parse_moment
from agno_memory.transfer.sources import Row

# The fields that have a place in a memory.
READ: Final = frozenset(
    (
        "id",
        "user_id",
        "memory",
        "categories",
        "metadata",
        "agent_id",
        "run_id",
        "created_at",
        "updated_at",
        "expiration_date",
    )
)
# Computed by mem0: a digest of the text, and the rank in a search.
LEFT_OUT: Final = frozenset(("hash", "score"))
# The fields that mem0 adds in some releases, and on its platform.
OTHERS: Final = frozenset(
    (
        "actor_id",
        "app_id",
        "attributed_to",
        "deleted_at",
        "event",
        "immutable",
        "input",
        "internal_metadata",
        "keywords",
        "name",
        "organization",
        "owner",
        "role",
        "structured_attributes",
        "timestamp",
        "type",
    )
)


class Mem0(Reader):
    """Reads ``{"results": [...]}``, the list alone (older releases, and the platform), or an object per line.

    Fields without a place in a memory, such as ``actor_id``, are kept in the metadata. ``expiration_date`` is the last
    day, in UTC, on which mem0 lists the memory.
    """

    name = "mem0"
    description = "mem0: the output of get_all() as JSON"

    @classmethod
    def matches(cls, row: Row) -> bool:
        if not {"id", "memory"} <= row.keys():
            return False
        # Without one of mem0's own fields, no other field may be there.
        return bool({"hash", "created_at", "metadata"} & row.keys()) or row.keys() <= READ | LEFT_OUT | OTHERS

    def fields(self, row: Row) -> dict[str, Any]:
        created, updated = parse_moment(row.get("created_at")), parse_moment(row.get("updated_at"))
        return {
            "memory_id": get_text(row, "id"),
            "user_id": get_text(row, "user_id"),
            "memory": get_text(row, "memory"),
            "topics": row.get("categories"),
            "metadata": self.with_other_fields(row.get("metadata"), row, READ | LEFT_OUT),
            "agent_id": get_text(row, "agent_id"),
            "session_id": get_text(row, "run_id"),
            "expires_at": parse_last_day(row.get("expiration_date")),
            "created_at": created or updated,
            "last_updated": updated or created,
        }
