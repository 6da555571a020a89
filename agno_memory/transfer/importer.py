"""Moving in: checks, compares and writes what a reader finds, batch by batch, and counts what came of it.

A run can be repeated: what is here already is left alone. So a run that was stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from django.core.exceptions import ValidationError

from agno_memory.cleaning import cleaned_memory
from agno_memory.conf import conf
from agno_memory.db.store import Store
from agno_memory.exceptions import MemoryExists
from agno_memory.models import UserMemory
from agno_memory.signals import announce, memory_added
from agno_memory.times import whole_milliseconds
from agno_memory.transfer.records import Record, Rejected
from agno_memory.validators import owner_id

# How often a batch is compared anew when somebody else writes the same ids meanwhile.
ATTEMPTS: Final = 5


@dataclass(slots=True)
class Totals:
    """What came of it: ``read`` is the sum of the others."""

    imported: int = 0
    unchanged: int = 0
    rejected: int = 0

    @property
    def read(self) -> int:
        """How many things the source held."""
        return self.imported + self.unchanged + self.rejected


class Importer:
    """Moves what a reader finds into a store.

    Args:
        store: where to.
        reject: called with what was rejected.
        owner: of memories that have none; ``None`` for ``DEFAULT_USER_ID``.
        dry_run: do everything but write.
    """

    def __init__(
        self, store: Store, reject: Callable[[Rejected], object], *, owner: object = None, dry_run: bool = False
    ) -> None:
        self.totals = Totals()
        self._store = store
        self._reject_to = reject
        self._owner = owner_id(owner)
        self._dry_run = dry_run

    def run(self, records: Iterable[Record | Rejected]) -> Iterator[Totals]:
        """Move everything, and yield the totals after every batch."""
        with closing(_Seen()) as seen:
            left = iter(records)
            while batch := list(islice(left, conf.BATCH_SIZE)):
                self._move(self._checked(batch), seen)
                yield self.totals

    def _reject(self, found: Record | Rejected, reason: str) -> None:
        self.totals.rejected += 1
        self._reject_to(Rejected(found.where, reason, found.raw))

    def _checked(self, batch: list[Record | Rejected]) -> list[tuple[Record, UserMemory]]:
        good = []
        for found in batch:
            if isinstance(found, Rejected):
                self._reject(found, found.reason)
                continue
            try:
                good.append((found, self._candidate(found)))
            except ValidationError as error:
                reasons = [f"{name}: {' '.join(messages)}" for name, messages in error.message_dict.items()]
                self._reject(found, "; ".join(reasons))
        return good

    def _candidate(self, found: Record) -> UserMemory:
        values = dict(found.fields)
        if not values.get("memory_id"):
            # The same every time, so that a second run knows it.
            told = json.dumps(found.raw, default=str, sort_keys=True)
            values["memory_id"] = hashlib.sha256(told.encode(errors="surrogatepass")).hexdigest()[:32]
        owner = owner_id(values.pop("user_id", None) or self._owner)
        created, updated = values.pop("created_at", None), values.pop("last_updated", None)
        candidate = cleaned_memory(self._store.model, UserMemory(**values), owner)
        if created or updated:
            # Where one is not known, the other comes closest.
            candidate.created_at = whole_milliseconds(created or updated)
            candidate.last_updated = whole_milliseconds(updated or created)
        return candidate

    def _move(self, checked: list[tuple[Record, UserMemory]], seen: _Seen) -> None:
        candidates: dict[str, tuple[Record, UserMemory]] = {}
        for found, candidate in checked:
            verdict = seen.verdict(candidate)
            if verdict is None:
                candidates[candidate.memory_id] = found, candidate
            elif verdict:
                self._reject(found, verdict)
            else:
                self.totals.unchanged += 1
        for _attempt in range(ATTEMPTS):
            candidates = self._compared(candidates)
            try:
                self._write([candidate for _found, candidate in candidates.values()])
            except MemoryExists as error:
                # Somebody has added one of them since they were compared.
                refused = error
            else:
                return
        raise refused

    def _write(self, new: list[UserMemory]) -> None:
        if new and not self._dry_run:
            self._store.move_in(new)
            self._announce(new)
        self.totals.imported += len(new)

    def _compared(self, candidates: dict[str, tuple[Record, UserMemory]]) -> dict[str, tuple[Record, UserMemory]]:
        """Count what is here already, and return what is not."""
        here = self._store.rows_to_write().in_bulk(list(candidates))
        for memory_id, present in here.items():
            found, candidate = candidates[memory_id]
            reason = _difference(present, candidate)
            if reason:
                self._reject(found, reason)
            else:
                self.totals.unchanged += 1
        return {memory_id: found for memory_id, found in candidates.items() if memory_id not in here}

    def _announce(self, new: list[UserMemory]) -> None:
        owners: dict[str, list[str]] = {}
        for memory in new:
            owners.setdefault(memory.user_id, []).append(memory.memory_id)
        for owner, memory_ids in owners.items():
            announce(memory_added, UserMemory, owner, memory_ids, using=self._store.write_alias)


class _Seen:
    """The ids that the source had so far, with what they were: on disk, because there may be millions."""

    def __init__(self) -> None:
        # A name without a file: SQLite keeps it in memory while it is small, and deletes it in the end.
        self._connection = sqlite3.connect("")
        self._connection.execute("CREATE TABLE seen (memory_id PRIMARY KEY, owner, content) WITHOUT ROWID")

    def verdict(self, candidate: UserMemory) -> str | None:
        """Return None for an id that is new, nothing for the same memory again, and otherwise why it is none."""
        content = hashlib.sha256(repr(_content(candidate)).encode()).digest()[:16]
        row = (candidate.memory_id, candidate.user_id, content)
        known = self._connection.execute("SELECT owner, content FROM seen WHERE memory_id = ?", row[:1]).fetchone()
        if known is None:
            self._connection.execute("INSERT INTO seen VALUES (?, ?, ?)", row)
            return None
        if known[0] != candidate.user_id:
            return "the same id came before under another owner"
        return "" if known[1] == content else "the same id came before with another content"

    def close(self) -> None:
        self._connection.close()


def _content(memory: UserMemory) -> list[Any]:
    return [getattr(memory, name) for name in UserMemory.content_fields]


def _difference(present: UserMemory, candidate: UserMemory) -> str:
    """Return why a memory that is here is not the one that comes, or nothing."""
    if present.user_id != candidate.user_id:
        return "the id is taken here by another owner's memory"
    # Written since it came in, it is the same memory, put right.
    if present.version == 1 and _content(present) != _content(candidate):
        return "the id is taken here by a memory with another content, which is not written over"
    return ""
