"""The copier: copies all memories to another database, and compares both by digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from agno_memory.batches import batched
from agno_memory.conf import conf
from agno_memory.db.store import Store
from agno_memory.db.transactions import all_or_nothing
from agno_memory.formats import as_dict
from agno_memory.models import UserMemory


@dataclass(slots=True)
class CopyTotals:
    """The numbers of memories by their result."""

    copied: int = 0
    updated: int = 0
    unchanged: int = 0
    # Memories that differ in the target and are not older there: "<id> of <owner>".
    conflicts: list[str] = field(default_factory=list)

    @property
    def read(self) -> int:
        """The number of memories that were read from the source."""
        return self.copied + self.updated + self.unchanged + len(self.conflicts)


@dataclass(frozen=True, slots=True)
class Digest:
    """A number of memories and their SHA-256, in the order of ``UserMemoryQuerySet.walk()``."""

    count: int
    sha256: str


class Copier:
    """Copies all memories from one database to another, with all fields unchanged. The source is only read.

    Args:
        source: alias to read from.
        target: alias to write to. Its other memories stay.
    """

    def __init__(self, source: str, target: str) -> None:
        self.totals = CopyTotals()
        self._source = UserMemory.objects.using(source)
        self._store = Store(target)

    def count(self) -> int:
        """Return the number of memories in the source."""
        return self._source.count()

    def run(self) -> Iterator[int]:
        """Copy in batches of ``BATCH_SIZE``, and yield the number of memories read so far after each batch.

        A memory that the target does not have is copied. An older version of the same memory is updated. Any other
        memory of the same owner and id is a conflict and stays.
        """
        for batch in self._batches():
            self._copy(batch)
            yield self.totals.read

    def verify(self) -> Iterator[tuple[Digest, Digest]]:
        """Read both sides in batches, and yield the digests so far: of the source, and of its copies in the target."""
        source_hash, target_hash, source_count, target_count = hashlib.sha256(), hashlib.sha256(), 0, 0
        for batch in self._batches():
            stored = self._stored(batch)
            for memory in batch:
                source_hash.update(_line_of(memory))
                source_count += 1
                if memory.key in stored:
                    target_hash.update(_line_of(stored[memory.key]))
                    target_count += 1
            yield Digest(source_count, source_hash.hexdigest()), Digest(target_count, target_hash.hexdigest())

    def _batches(self) -> Iterator[list[UserMemory]]:
        # By created_at, which no write moves.
        return batched(self._source.all().walk(), conf.BATCH_SIZE)

    def _stored(self, batch: list[UserMemory]) -> dict[str, UserMemory]:
        """Return the target's memories of these owners and ids, by their keys."""
        return self._store.rows_to_write().in_bulk([memory.key for memory in batch])

    def _copy(self, batch: list[UserMemory]) -> None:
        stored_by_key = self._stored(batch)
        new, newer = [], []
        for memory in batch:
            stored = stored_by_key.get(memory.key)
            if stored is None:
                new.append(memory)
            elif as_dict(stored) == as_dict(memory):
                self.totals.unchanged += 1
            elif stored.version < memory.version:
                newer.append(memory)
            else:
                self.totals.conflicts.append(f"{memory.memory_id} of {memory.user_id}")
        if new or newer:
            self._write(new, newer)
        self.totals.copied += len(new)
        self.totals.updated += len(newer)

    def _write(self, new: list[UserMemory], newer: list[UserMemory]) -> None:
        def write() -> None:
            # The target's older versions are deleted, then inserted like the new memories, with their versions.
            self._store.rows_to_write().filter(key__in=[memory.key for memory in newer]).erase(history=False)
            self._store.move_in(new + newer, keep_version=True)

        all_or_nothing(self._store.write_alias, write)


def _line_of(memory: UserMemory) -> bytes:
    return json.dumps(as_dict(memory), ensure_ascii=False, sort_keys=True).encode() + b"\n"
