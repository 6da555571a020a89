"""The copier of a table: it copies all rows to another database, and compares both by digests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Final

from django.db import IntegrityError
from django.db.models import Model, QuerySet

from agno_memory.db.damaged import Damaged, damaged_fields
from agno_memory.db.keyset import in_order
from agno_memory.db.transactions import all_or_nothing
from agno_memory.derived_fields import DerivedTextField
from agno_memory.retries import retry
from agno_memory.transfer.rows import INSERT, line_of, prepared, values_of

# The rows of agents that are in memory at once: one may have megabytes.
ROWS_AT_ONCE: Final = 50
# Of a batch that loses against other writers of the target.
ATTEMPTS: Final = 3


@dataclass(slots=True)
class CopyTotals:
    """The numbers of rows by their result."""

    copied: int = 0
    updated: int = 0
    unchanged: int = 0
    # Rows that differ in the target and are not older there, that belong to another person, or that cannot be read as
    # they are stored: "<id> of <owner>".
    conflicts: list[str] = field(default_factory=list)

    @property
    def read(self) -> int:
        """The number of rows that were read from the source."""
        return self.copied + self.updated + self.unchanged + len(self.conflicts)

    def add(self, other: CopyTotals) -> None:
        """Add the numbers of a batch."""
        self.copied += other.copied
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.conflicts += other.conflicts


@dataclass(frozen=True, slots=True)
class Digest:
    """A number of rows and their SHA-256, in the order in which a copier reads them."""

    count: int
    sha256: str


class RowChanged(Exception):
    """Another writer was faster in the target."""


class Copier:
    """Copies the rows of one table from one database to another, with all fields unchanged. The source is only read.

    Args:
        source: alias to read from.
        target: alias to write to. Its other rows stay.
    """

    # Of the rows, in the plural.
    name: ClassVar[str]
    model: ClassVar[type[Model]]
    # The field that names a row for people.
    title: ClassVar[str]
    # The fields that are not compared.
    incomparable: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, source: str, target: str) -> None:
        self.totals = CopyTotals()
        self.aliases = source, target
        self.source = self._rows_on(source)

    def _rows_on(self, alias: str) -> QuerySet[Any]:
        return self.model._default_manager.using(alias)

    def count(self) -> int:
        """Return the number of rows in the source."""
        return self.source.count()

    def run(self) -> Iterator[int]:
        """Copy in batches, and yield the number of rows read so far after each batch.

        A row that the target does not have is copied. An older version of the same row is updated. Any other row with
        the same key is a conflict and stays, and so is one of another person.
        """
        for batch in self.batches():
            # Another process may write some of the rows between comparison and write.
            self.totals.add(retry(partial(self._copy, batch), (IntegrityError, RowChanged), attempts=ATTEMPTS))
            yield self.totals.read

    def verify(self) -> Iterator[tuple[Digest, Digest]]:
        """Read both sides in batches, and yield the digests so far: of the source, and of its copies in the target."""
        source_hash, target_hash, source_count, target_count = hashlib.sha256(), hashlib.sha256(), 0, 0
        for batch in self.batches():
            stored = self.stored(batch)
            for row in batch:
                source_hash.update(self.line_of(row))
                source_count += 1
                if row.pk in stored:
                    target_hash.update(self.line_of(stored[row.pk]))
                    target_count += 1
            yield Digest(source_count, source_hash.hexdigest()), Digest(target_count, target_hash.hexdigest())

    # What the tables differ in

    def batches(self) -> Iterator[list[Any]]:
        """Yield all rows of the source, in an order that no write changes."""
        rows = self.source.order_by(*in_order(_key_of(self.model).name))
        page = list(rows.filter(pk__gt="")[:ROWS_AT_ONCE])
        while page:
            yield page
            page = list(rows.filter(pk__gt=page[-1].pk)[:ROWS_AT_ONCE]) if len(page) == ROWS_AT_ONCE else []
        # Those of other programs, with keys that are not texts: databases compare them with others of their type alone.
        # Not iterator(): it needs a cursor on the server, which a pool of connections loses between two statements.
        others, number = rows.exclude(pk__gt=""), 0
        while page := list(others[number : number + ROWS_AT_ONCE]):
            yield page
            number += len(page)

    def stored(self, batch: list[Any]) -> dict[str, Any]:
        """Return the target's rows with these keys, by their keys."""
        # The drivers of other databases take no key of another type, and have no such rows.
        return self._rows_on(self.aliases[1]).in_bulk([row.pk for row in batch if not isinstance(row.pk, Damaged)])

    def age(self, row: Any) -> Any:
        """Return the number or the time by which a row is newer than another one with its key."""
        return row.version

    def barred(self, batch: list[Any]) -> set[Any]:
        """Return the keys of rows that belong to something of another person in the target."""
        return set()

    def is_whole(self, row: Any) -> bool:
        """Return whether a row can be copied as it is: not one of another program with values that cannot be read."""
        needed = (
            field for field in row._meta.concrete_fields if not (field.null or isinstance(field, DerivedTextField))
        )
        return not damaged_fields(row) and all(getattr(row, field.attname) is not None for field in needed)

    def write(self, new: list[Any], newer: list[tuple[Any, Any]]) -> None:
        """Write rows.

        Args:
            new: those that the target does not have.
            newer: those that it has, each with the one that it replaces.

        Raises:
            IntegrityError, RowChanged: the target has changed since it was compared.
        """
        target = self.aliases[1]
        if new:
            INSERT.run_many(self.model, target, [prepared(row) for row in new])
        key = _key_of(self.model).attname
        for row, older in newer:
            values = {name: value for name, value in values_of(row).items() if name != key}
            unchanged = self._rows_on(target).filter(pk=row.pk, **self.guard(older))
            if not unchanged.update(**values):
                raise RowChanged

    def guard(self, older: Any) -> dict[str, Any]:
        """Return the condition that a row of the target has not changed since it was compared."""
        return {"version": older.version}

    def line_of(self, row: Any) -> bytes:
        """Return the values of a row, for its comparison and for the digest."""
        return line_of(row, self.incomparable) + b"\n"

    def title_of(self, row: Any) -> str:
        """Return the name of a row for people: ``m-1 of maya``."""
        owner = getattr(row, "user_id", None)
        return f"{getattr(row, self.title)} of {owner or 'all users'}"

    # What they have in common

    def _copy(self, batch: list[Any]) -> CopyTotals:
        stored, barred, totals = self.stored(batch), self.barred(batch), CopyTotals()
        new, newer = [], []
        for row in batch:
            older = stored.get(row.pk)
            if row.pk in barred or not self.is_whole(row) or (older is not None and _is_of_another(older, row)):
                totals.conflicts.append(self.title_of(row))
            elif older is None:
                new.append(row)
            elif self.line_of(older) == self.line_of(row):
                totals.unchanged += 1
            elif self.age(older) < self.age(row):
                newer.append((row, older))
            else:
                totals.conflicts.append(self.title_of(row))
        if new or newer:
            all_or_nothing(self.aliases[1], lambda: self.write(new, newer))
        totals.copied, totals.updated = len(new), len(newer)
        return totals


def _key_of(model: type[Model]) -> Any:
    return model._meta.pk


def _is_of_another(older: Any, row: Any) -> bool:
    """Return whether a row of the target belongs to another person; one without a person may get one."""
    owner = getattr(older, "user_id", None)
    return owner is not None and owner != row.user_id
