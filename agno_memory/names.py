"""Names and limits alone: no Django in it, so the client imports it too."""

from __future__ import annotations

from typing import Final

# What callers set on a memory, apart from its id and its owner. In the order of the documents.
CONTENT_FIELDS: Final = ("memory", "topics", "input", "metadata", "agent_id", "team_id", "session_id", "feedback")
# What every write sets by itself.
MACHINE_WRITTEN: Final = ("version", "created_at", "last_updated")
# Every field of a memory that callers see, in the order of the documents.
FIELDS: Final = ("memory_id", "user_id", *CONTENT_FIELDS, *MACHINE_WRITTEN)

MAX_IDENTIFIER_LENGTH: Final = 255
MAX_QUERY_LENGTH: Final = 1_000
# The largest version, and the largest limit: the largest whole number that a column of whole numbers holds everywhere.
MAX_COUNT: Final = 2**31 - 1
