"""Comparison of memories that have the same owner and id: repeated in the source, or stored already."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from enum import Enum, auto
from typing import Any, Final

from agno_memory.models import UserMemory
from agno_memory.names import CONTENT_FIELDS


class Match(Enum):
    """The result of comparing a memory with an earlier one of the same owner and id."""

    NEW = auto()
    """There is no earlier one."""
    SAME = auto()
    """They are the same memory."""
    OTHER_CONTENT = auto()
    """They differ."""


# Why a memory is rejected whose content differs: from an earlier one in the source, and from a stored one.
REPEATED_IN_SOURCE: Final = "the source has the same id of this owner earlier, with other content"
ALREADY_STORED: Final = "this owner has a memory with this id but other content already; it is not overwritten"


class SeenIds:
    """The keys of a source's memories so far, with their content. They are on disk, because there may be millions."""

    def __init__(self) -> None:
        # For an empty name, SQLite creates a temporary database: in memory while it is small, deleted when closed.
        self._connection = sqlite3.connect("")
        self._connection.execute("CREATE TABLE seen (key PRIMARY KEY, digest) WITHOUT ROWID")

    def add(self, memory: UserMemory) -> Match:
        """Compare a memory with the first one of its owner and id, and keep it if it is NEW."""
        digest = hashlib.sha256(repr(_content_of(memory)).encode()).digest()[:16]
        earlier = self._connection.execute("SELECT digest FROM seen WHERE key = ?", [memory.key]).fetchone()
        if earlier is None:
            self._connection.execute("INSERT INTO seen VALUES (?, ?)", [memory.key, digest])
            return Match.NEW
        return Match.SAME if earlier[0] == digest else Match.OTHER_CONTENT

    def close(self) -> None:
        """Delete the temporary database."""
        self._connection.close()


def compare_with_stored(memory: UserMemory, stored: UserMemory) -> Match:
    """Compare a memory with the stored one of its owner and id; the result is never NEW."""
    # A stored memory with a later version is the same one, edited after its import.
    # EXPIRE_AFTER may have set a time that the source does not give.
    names = [name for name in CONTENT_FIELDS if name != "expires_at" or getattr(memory, name) is not None]
    if stored.version == 1 and _content_of(stored, names) != _content_of(memory, names):
        return Match.OTHER_CONTENT
    return Match.SAME


def _content_of(memory: UserMemory, names: Iterable[str] = CONTENT_FIELDS) -> list[Any]:
    return [getattr(memory, name) for name in names]
