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
    """The keys of a source's rows so far, with their content. They are on disk, because there may be millions."""

    def __init__(self) -> None:
        # For an empty name, SQLite creates a temporary database: in memory while it is small, deleted when closed.
        self._connection = sqlite3.connect("")
        self._connection.execute("CREATE TABLE seen (key PRIMARY KEY, digest) WITHOUT ROWID")

    def add(self, key: str, content: object) -> Match:
        """Compare a row with the first one with its key, and keep it if it is NEW."""
        digest = hashlib.sha256(repr(content).encode(errors="surrogatepass")).digest()[:16]
        earlier = self._connection.execute("SELECT digest FROM seen WHERE key = ?", [key]).fetchone()
        if earlier is None:
            self._connection.execute("INSERT INTO seen VALUES (?, ?)", [key, digest])
            return Match.NEW
        return Match.SAME if earlier[0] == digest else Match.OTHER_CONTENT

    def __contains__(self, key: str) -> bool:
        return self._connection.execute("SELECT 1 FROM seen WHERE key = ?", [key]).fetchone() is not None

    def close(self) -> None:
        """Delete the temporary database."""
        self._connection.close()


def compare_with_stored(memory: UserMemory, stored: UserMemory) -> Match:
    """Compare a memory with the stored one of its owner and id; the result is never NEW."""
    # A stored memory with a later version is the same one, edited after its import.
    # EXPIRE_AFTER may have set a time that the source does not give.
    names = [name for name in CONTENT_FIELDS if name != "expires_at" or getattr(memory, name) is not None]
    if stored.version == 1 and content_of(stored, names) != content_of(memory, names):
        return Match.OTHER_CONTENT
    return Match.SAME


def content_of(memory: UserMemory, names: Iterable[str] = CONTENT_FIELDS) -> list[Any]:
    """Return the values by which memories are compared."""
    return [getattr(memory, name) for name in names]
