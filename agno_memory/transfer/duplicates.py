"""Comparison of memories that have the same id: repeated in the source, or stored already."""

from __future__ import annotations

import hashlib
import sqlite3
from enum import Enum, auto
from typing import Any, Final

from agno_memory.models import UserMemory
from agno_memory.names import CONTENT_FIELDS


class Match(Enum):
    """The result of comparing a memory with an earlier one of the same id."""

    NEW = auto()
    """There is no earlier one."""
    SAME = auto()
    """They are the same memory."""
    OTHER_OWNER = auto()
    """The earlier one belongs to another user."""
    OTHER_CONTENT = auto()
    """The earlier one belongs to the same user, but differs."""


# Why a memory is rejected: after an earlier one in the source, and after a stored one.
REPEATED_IN_SOURCE: Final = {
    Match.OTHER_OWNER: "the source has the same id earlier, with another owner",
    Match.OTHER_CONTENT: "the source has the same id earlier, with other content",
}
ALREADY_STORED: Final = {
    Match.OTHER_OWNER: "another owner's memory with this id is stored already",
    Match.OTHER_CONTENT: "a memory with this id but other content is stored already; it is not overwritten",
}


class SeenIds:
    """The ids of a source so far, with owner and content. They are on disk, because there may be millions."""

    def __init__(self) -> None:
        # For an empty name, SQLite creates a temporary database: in memory while it is small, deleted when closed.
        self._connection = sqlite3.connect("")
        self._connection.execute("CREATE TABLE seen (memory_id PRIMARY KEY, owner, digest) WITHOUT ROWID")

    def add(self, memory: UserMemory) -> Match:
        """Compare a memory with the first one of its id, and keep it if it is NEW."""
        digest = hashlib.sha256(repr(_content_of(memory)).encode()).digest()[:16]
        row = (memory.memory_id, memory.user_id, digest)
        earlier = self._connection.execute("SELECT owner, digest FROM seen WHERE memory_id = ?", row[:1]).fetchone()
        if earlier is None:
            self._connection.execute("INSERT INTO seen VALUES (?, ?, ?)", row)
            return Match.NEW
        if earlier[0] != memory.user_id:
            return Match.OTHER_OWNER
        return Match.SAME if earlier[1] == digest else Match.OTHER_CONTENT

    def close(self) -> None:
        """Delete the temporary database."""
        self._connection.close()


def compare_with_stored(memory: UserMemory, stored: UserMemory) -> Match:
    """Compare a memory with the stored one of its id; the result is never NEW."""
    if stored.user_id != memory.user_id:
        return Match.OTHER_OWNER
    # A stored memory with a later version is the same one, edited after its import.
    if stored.version == 1 and _content_of(stored) != _content_of(memory):
        return Match.OTHER_CONTENT
    return Match.SAME


def _content_of(memory: UserMemory) -> list[Any]:
    return [getattr(memory, name) for name in CONTENT_FIELDS]
