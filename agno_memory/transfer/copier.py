"""Copying a store into another database, and making sure of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from agno_memory.conf import conf
from agno_memory.db.store import Store
from agno_memory.db.transactions import all_or_nothing
from agno_memory.formats import as_dict
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet


@dataclass(slots=True)
class Copied:
    """What came of a copy."""

    copied: int = 0
    updated: int = 0
    unchanged: int = 0
    # Ids that the other database has for something else.
    refused: list[str] = field(default_factory=list)

    @property
    def read(self) -> int:
        """How many memories the source has."""
        return self.copied + self.updated + self.unchanged + len(self.refused)


@dataclass(frozen=True, slots=True)
class Digest:
    """How many memories, and the SHA-256 of all of them, in the order of the walk."""

    count: int
    sha256: str


class Copy:
    """Copies every memory of one database to another, every field as it is. The source is only read.

    Args:
        source: alias to read from.
        target: alias to write to. What it has beside stays.
    """

    def __init__(self, source: str, target: str) -> None:
        self.totals = Copied()
        self._source = UserMemory.objects.using(source)
        self._store = Store(target)

    def count(self) -> int:
        """Return how many memories there are to copy."""
        return self._source.count()

    def run(self) -> Iterator[int]:
        """Copy what is not there yet, and yield how many were read after every batch."""
        for batch in _batches(self._source):
            self._copy(batch)
            yield self.totals.read

    def _copy(self, batch: list[UserMemory]) -> None:
        there = self._there(batch)
        new, newer = [], []
        for memory in batch:
            present = there.get(memory.memory_id)
            if present is None:
                new.append(memory)
            elif as_dict(present) == as_dict(memory):
                self.totals.unchanged += 1
            elif present.user_id == memory.user_id and present.version < memory.version:
                newer.append(memory)
            else:
                self.totals.refused.append(memory.memory_id)

        def write() -> None:
            # What is there of them is an older copy.
            self._store.rows_to_write().filter(memory_id__in=[memory.memory_id for memory in newer]).erase()
            self._store.move_in(new + newer, keep_version=True)

        if new or newer:
            all_or_nothing(self._store.write_alias, write)
        self.totals.copied += len(new)
        self.totals.updated += len(newer)

    def verify(self) -> Iterator[tuple[Digest, Digest]]:
        """Read both sides, and yield what was read so far of the source and what the target has of it."""
        ours, theirs, count, found = hashlib.sha256(), hashlib.sha256(), 0, 0
        for batch in _batches(self._source):
            there = self._there(batch)
            for memory in batch:
                ours.update(_text(memory))
                count += 1
                if memory.memory_id in there:
                    theirs.update(_text(there[memory.memory_id]))
                    found += 1
            yield Digest(count, ours.hexdigest()), Digest(found, theirs.hexdigest())

    def _there(self, batch: list[UserMemory]) -> dict[str, UserMemory]:
        return self._store.rows_to_write().in_bulk([memory.memory_id for memory in batch])


def _batches(rows: UserMemoryQuerySet) -> Iterator[list[UserMemory]]:
    """Yield memories in an order that no write moves, so many at a time."""
    batch: list[UserMemory] = []
    for memory in rows.all().walk():
        batch.append(memory)
        if len(batch) == conf.BATCH_SIZE:
            yield batch
            batch = []
    if batch:
        yield batch


def _text(memory: UserMemory) -> bytes:
    told: dict[str, Any] = as_dict(memory)
    return json.dumps(told, ensure_ascii=False, sort_keys=True).encode() + b"\n"
