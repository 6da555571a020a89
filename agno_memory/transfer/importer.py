"""The importer: checks the records of a reader, compares them with the stored memories, and writes the new ones.

A run can be repeated: stored memories are left unchanged. So a run that was interrupted continues when it is repeated.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

from django.core.exceptions import ValidationError

from agno_memory.batches import batched
from agno_memory.cleaning import cleaned_memory
from agno_memory.conf import conf
from agno_memory.db.store import Store
from agno_memory.exceptions import MemoryExists
from agno_memory.identifiers import owner_id
from agno_memory.models import UserMemory
from agno_memory.retries import retry
from agno_memory.signals import announce_batch, memory_added
from agno_memory.times import now, whole_milliseconds
from agno_memory.transfer.duplicates import (
    ALREADY_STORED,
    REPEATED_IN_SOURCE,
    Match,
    SeenIds,
    compare_with_stored,
)
from agno_memory.transfer.lenience import lenient_fields
from agno_memory.transfer.records import Record, Rejected, reason_of
from agno_memory.validators import check, past_moment

# Checked memories with the records that they were made of.
Checked = tuple[Record, UserMemory]


@dataclass(slots=True)
class ImportTotals:
    """The numbers of rows by their result."""

    imported: int = 0
    unchanged: int = 0
    expired: int = 0
    rejected: int = 0

    @property
    def read(self) -> int:
        """The number of rows that were read: the sum of the others."""
        return self.imported + self.unchanged + self.expired + self.rejected


class Importer:
    """Writes the records of a reader into a store.

    Args:
        store: to write to.
        reject: called with each rejected row.
        owner: the owner of memories without one; ``None`` for ``DEFAULT_USER_ID``.
        dry_run: do everything except writing.
        lenient: remove characters that no database stores, and blank topics, instead of rejecting the row.

    Raises:
        ValidationError: the owner is invalid.
    """

    def __init__(
        self,
        store: Store,
        reject: Callable[[Rejected], object],
        *,
        owner: object = None,
        dry_run: bool = False,
        lenient: bool = False,
    ) -> None:
        self.totals = ImportTotals()
        self._store = store
        self._on_reject = reject
        self._owner = owner_id(owner)
        self._dry_run = dry_run
        self._lenient = lenient

    def run(self, records: Iterable[Record | Rejected]) -> Iterator[ImportTotals]:
        """Import all records in batches of ``BATCH_SIZE``, and yield the totals after each batch."""
        with closing(SeenIds()) as seen:
            for batch in batched(records, conf.BATCH_SIZE):
                self._import(self._skip_repeated(self._checked(batch), seen))
                yield self.totals

    def _checked(self, batch: list[Record | Rejected]) -> list[Checked]:
        """Return the valid memories of a batch, leave out those that have expired, and reject the rest."""
        checked, moment = [], now()
        for record in batch:
            if isinstance(record, Rejected):
                self._reject(record, record.reason)
                continue
            try:
                memory = self._memory_of(record)
            except ValidationError as error:
                self._reject(record, reason_of(error))
                continue
            if memory.has_expired(moment):
                self.totals.expired += 1
            else:
                checked.append((record, memory))
        return checked

    def _memory_of(self, record: Record) -> UserMemory:
        values = lenient_fields(record.fields) if self._lenient else dict(record.fields)
        if not values.get("memory_id"):
            values["memory_id"] = _derived_id(record)
        owner = owner_id(values.pop("user_id", None) or self._owner)
        created, updated = values.pop("created_at", None), values.pop("last_updated", None)
        # If the source has only one of the times, it is the best estimate of the other.
        memory = cleaned_memory(self._store.model, UserMemory(**values, created_at=created or updated), owner)
        if updated:
            check("last_updated", updated, _validate_past)
        memory.last_updated = whole_milliseconds(updated) if updated else memory.created_at
        return memory

    def _skip_repeated(self, checked: list[Checked], seen: SeenIds) -> dict[str, Checked]:
        """Return the memories with new owners and ids, by key, and count those that the source had before."""
        candidates: dict[str, Checked] = {}
        for record, memory in checked:
            match = seen.add(memory)
            if match is Match.NEW:
                candidates[memory.key] = record, memory
            else:
                self._count(record, match, REPEATED_IN_SOURCE)
        return candidates

    def _import(self, candidates: dict[str, Checked]) -> None:
        def attempt() -> None:
            self._skip_stored(candidates)
            self._write([memory for _record, memory in candidates.values()])

        # Another process may add one of the ids between comparison and write.
        retry(attempt, on=MemoryExists)

    def _skip_stored(self, candidates: dict[str, Checked]) -> None:
        """Remove the candidates with an owner and an id that the store has, and count them."""
        for key, stored in self._store.rows_to_write().in_bulk(list(candidates)).items():
            record, memory = candidates.pop(key)
            self._count(record, compare_with_stored(memory, stored), ALREADY_STORED)

    def _write(self, memories: list[UserMemory]) -> None:
        if memories and not self._dry_run:
            self._store.move_in(memories)
            announce_batch(memory_added, memories, using=self._store.write_alias)
        self.totals.imported += len(memories)

    def _count(self, record: Record, match: Match, reason: str) -> None:
        """Count a record that is not new as unchanged, or as rejected for this reason."""
        if match is Match.SAME:
            self.totals.unchanged += 1
        else:
            self._reject(record, reason)

    def _reject(self, record: Record | Rejected, reason: str) -> None:
        self.totals.rejected += 1
        self._on_reject(Rejected(record.where, reason, record.raw))


def _validate_past(value: object) -> None:
    past_moment(value)


def _derived_id(record: Record) -> str:
    """Return an id for a record without one: a digest of its row, so that a second run finds the memory again."""
    row = json.dumps(record.raw, default=str, sort_keys=True)
    return hashlib.sha256(row.encode(errors="surrogatepass")).hexdigest()[:32]
