"""The importers: they check the records of a reader, compare them with the stored rows, and write the new ones.

A run can be repeated: stored rows are left unchanged. So a run that was interrupted continues when it is repeated.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model

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
    content_of,
)
from agno_memory.transfer.lenience import lenient_fields
from agno_memory.transfer.records import Record, Rejected, reason_of
from agno_memory.validators import check, past_moment

Item = TypeVar("Item", bound=Model)
# New rows with the records that they were made of, by key.
Candidates = dict[str, tuple[Record, Item]]


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


class Importer(Generic[Item]):
    """Base class: writes the records of a reader into a store, as rows of one table.

    Args:
        reject: called with each rejected row.
        dry_run: do everything except writing.
    """

    # Why a row is rejected whose content differs: from an earlier one in the source, and from a stored one.
    repeated_in_source = REPEATED_IN_SOURCE
    already_stored = ALREADY_STORED

    def __init__(self, reject: Callable[[Rejected], object], *, dry_run: bool = False) -> None:
        self.totals = ImportTotals()
        self._on_reject = reject
        self._dry_run = dry_run

    @property
    def batch_size(self) -> int:
        """The number of rows that are in memory at once."""
        return conf.BATCH_SIZE

    def run(self, records: Iterable[Record | Rejected]) -> Iterator[ImportTotals]:
        """Import all records in batches, and yield the totals after each batch."""
        with closing(SeenIds()) as seen:
            for batch in batched(records, self.batch_size):
                self._import(self._skip_repeated(self._checked(batch), seen))
                yield self.totals

    # What the tables differ in

    def made(self, record: Record) -> Item:
        """Return the checked row of a record; raises ValidationError."""
        raise NotImplementedError("An importer makes the rows of its table.")

    def content_of(self, row: Item) -> object:
        """Return the values by which rows of the source are compared."""
        raise NotImplementedError("An importer compares the rows of its table.")

    def stored(self, rows: dict[str, Item]) -> dict[str, Any]:
        """Return the stored rows with the keys of these."""
        raise NotImplementedError("An importer knows its table.")

    def match(self, row: Item, stored: Any) -> Match:
        """Compare a row with the stored one with its key; the result is never NEW."""
        raise NotImplementedError("An importer compares the rows of its table.")

    def refusals(self, rows: dict[str, Item]) -> dict[str, str]:
        """Return why rows cannot be written although their keys are free, by their keys."""
        return {}

    def write(self, rows: list[Item]) -> None:
        """Add rows; raises one of ``clashes`` if another process has added one."""
        raise NotImplementedError("An importer writes to its table.")

    clashes: ClassVar[type[Exception]] = MemoryExists

    # What they have in common

    def _checked(self, batch: list[Record | Rejected]) -> list[tuple[Record, Item]]:
        """Return the valid rows of a batch, leave out those that have expired, and reject the rest."""
        checked, moment = [], now()
        for record in batch:
            if isinstance(record, Rejected):
                self._reject(record, record.reason)
                continue
            try:
                row = self.made(record)
            except ValidationError as error:
                self._reject(record, reason_of(error))
                continue
            if isinstance(row, UserMemory) and row.has_expired(moment):
                self.totals.expired += 1
            else:
                checked.append((record, row))
        return checked

    def _skip_repeated(self, checked: list[tuple[Record, Item]], seen: SeenIds) -> Candidates[Item]:
        """Return the rows with new keys, by key, and count those that the source had before."""
        candidates: Candidates[Item] = {}
        for record, row in checked:
            match = seen.add(str(row.pk), self.content_of(row))
            if match is Match.NEW:
                candidates[row.pk] = record, row
            else:
                self._count(record, match, self.repeated_in_source)
        return candidates

    def _import(self, candidates: Candidates[Item]) -> None:
        def attempt() -> None:
            self._skip_stored(candidates)
            rows = [row for _record, row in candidates.values()]
            if rows and not self._dry_run:
                self.write(rows)

        # Another process may add one of the ids between comparison and write.
        retry(attempt, on=self.clashes)
        self.totals.imported += len(candidates)

    def _skip_stored(self, candidates: Candidates[Item]) -> None:
        """Remove the candidates that the store has or does not take, and count them."""
        rows = {key: row for key, (_record, row) in candidates.items()}
        for key, reason in self.refusals(rows).items():
            self._reject(candidates.pop(key)[0], reason)
        for key, stored in self.stored({key: row for key, (_record, row) in candidates.items()}).items():
            record, row = candidates.pop(key)
            self._count(record, self.match(row, stored), self.already_stored)

    def _count(self, record: Record, match: Match, reason: str) -> None:
        """Count a record that is not new as unchanged, or as rejected for this reason."""
        if match is Match.SAME:
            self.totals.unchanged += 1
        else:
            self._reject(record, reason)

    def _reject(self, record: Record | Rejected, reason: str) -> None:
        self.totals.rejected += 1
        self._on_reject(Rejected(record.where, reason, record.raw))


class MemoryImporter(Importer[UserMemory]):
    """Imports memories.

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
        super().__init__(reject, dry_run=dry_run)
        self._store = store
        self._owner = owner_id(owner)
        self._lenient = lenient

    def made(self, record: Record) -> UserMemory:
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

    def content_of(self, row: UserMemory) -> object:
        return content_of(row)

    def stored(self, rows: dict[str, UserMemory]) -> dict[str, Any]:
        return self._store.rows_to_write().in_bulk(list(rows))

    def match(self, row: UserMemory, stored: Any) -> Match:
        return compare_with_stored(row, stored)

    def write(self, rows: list[UserMemory]) -> None:
        self._store.move_in(rows)
        announce_batch(memory_added, rows, using=self._store.write_alias)


def _validate_past(value: object) -> None:
    past_moment(value)


def _derived_id(record: Record) -> str:
    """Return an id for a record without one: a digest of its row, so that a second run finds the memory again."""
    row = json.dumps(record.raw, default=str, sort_keys=True)
    return hashlib.sha256(row.encode(errors="surrogatepass")).hexdigest()[:32]
