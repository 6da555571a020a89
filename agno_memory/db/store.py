"""The statements of the verbs of ``Memory``, on the memories of one database.

The arguments have been checked before (``cleaning.py``). Each statement names the owner, so it cannot reach the rows of
anyone else. ``Memory`` raises the errors, except ``MemoryExists``: only the database knows which ids are taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, cast

from django.db import DatabaseError, IntegrityError

from agno_memory.batches import batched
from agno_memory.cleaning import field_named
from agno_memory.conf import conf
from agno_memory.db import MemoryDb
from agno_memory.db.connections import connection_to
from agno_memory.db.errors import clashing_keys, inserted_before
from agno_memory.db.keyset import Order
from agno_memory.db.rows import with_read_fields
from agno_memory.db.statements import (
    Condition,
    Delete,
    DeleteAll,
    Insert,
    Select,
    SelectMany,
    SetValues,
    Update,
    Upsert,
)
from agno_memory.db.table import Table
from agno_memory.db.transactions import all_or_nothing, has_transactions, savepoint
from agno_memory.exceptions import MemoryExists
from agno_memory.models import UserMemory
from agno_memory.querysets import Position, UserMemoryQuerySet, sort_key
from agno_memory.retries import retry
from agno_memory.signals import by_owner
from agno_memory.times import now

KEY: Any = UserMemory._meta.pk
SEARCH_TEXT: Any = field_named("search_text")
SEARCH_TERMS: Any = field_named("search_terms")
WRITTEN = (*UserMemory.content_fields, SEARCH_TEXT.name, SEARCH_TERMS.name)

INSERT = Insert()
SELECT = Select("key", "user_id")
DELETE = Delete("key", "user_id")
DELETE_VERSION = Delete("key", "user_id", "version")
DELETE_VECTORS = DeleteAll("user_id", "memory_key")
REPLACE = Update("key", "user_id", fields=WRITTEN)
REPLACE_VERSION = Update("key", "user_id", "version", fields=WRITTEN)
TERMS = SetValues("key", "user_id", "version", fields=[SEARCH_TERMS.name])


# A statement is compiled for each number of topics and words up to this one.
MAX_COMPILED_LENGTH = 8


@lru_cache(maxsize=256)
def select_many(*conditions: Condition, order: Order, after_position: bool) -> SelectMany:
    """Return the statement for the lists of one shape."""
    return SelectMany(*conditions, order=order, after_position=after_position)


@cache
def upsert(*names: str) -> Upsert:
    """Return the statement that sets these content fields of an owner's memory."""
    followers = [field.name for field in (SEARCH_TEXT, SEARCH_TERMS) if set(field.sources) & set(names)]
    return Upsert("key", "user_id", fields=[*names, *followers])


class Store(Table[UserMemoryQuerySet]):
    """The memories of one database.

    Args:
        db: as of ``Memory``.
        model: of the rows, if the alias of a handle is given instead of the handle.
    """

    def __init__(self, db: str | MemoryDb | None, model: type[UserMemory] = UserMemory) -> None:
        super().__init__(model, db)

    # Reading

    def get(self, memory_id: str, owner: str) -> UserMemory | None:
        """Return an owner's memory, or None."""
        values = {"key": KEY.digest(owner, memory_id), "user_id": owner}
        return cast("UserMemory | None", self.read(lambda alias: SELECT.run(self.model, alias, values)))

    def select(
        self,
        lookups: dict[str, Any],
        limit: int | None,
        order: Order = "-last_updated",
        position: Position | None = None,
    ) -> list[UserMemory]:
        """Return memories in an order, the first or those after a position.

        Args:
            lookups: arguments of ``QuerySet.filter()``, with values in the form in which they are compared:
                those of ``querysets.conditions()`` and ``mentions()``.
            limit: the maximum number of memories; None for all.
            order: of the memories.
            position: the last memory before them, or its time and id.
        """
        conditions = [
            Condition(lookup, len(value) if isinstance(value, list) else None) for lookup, value in lookups.items()
        ]
        # An empty list is not compiled either: it selects all rows or none, without a value to compare. Nor is
        # metadata, of which each key makes another statement.
        if "metadata__has" in lookups or any(
            length is not None and not 0 < length <= MAX_COMPILED_LENGTH for _lookup, length in conditions
        ):
            rows = with_read_fields(self.rows().filter(**lookups))
            return rows.page(limit, position, order)
        values = dict(lookups)
        if position is not None:
            values[order.removeprefix("-")], values["memory_id"] = sort_key(position, order)[:2]
        statement = select_many(*conditions, order=order, after_position=position is not None)
        read = self.read(lambda alias: statement.first(limit, self.model, alias, values))
        return cast("list[UserMemory]", read)

    # Writing one

    def add(self, candidate: UserMemory) -> UserMemory:
        """Add a memory; raises MemoryExists."""
        alias = self.write_alias
        self._stamp(candidate)

        def insert() -> None:
            try:
                with savepoint(alias):
                    INSERT.run(self.model, alias, self._values_of(candidate))
            except IntegrityError as error:
                self._refuse_taken([candidate], error)
                # The id was taken and is free again. An error of another constraint travels after the last attempt.
                raise

        retry(insert, IntegrityError)
        return _saved(candidate, alias)

    def replace(self, candidate: UserMemory, version: int | None = None) -> UserMemory | None:
        """Replace the content of the owner's memory with the candidate's id and return it; None if nothing matches.

        Args:
            candidate: the id, the owner and the new content.
            version: replace only this version.
        """
        for field in (SEARCH_TEXT, SEARCH_TERMS):
            field.pre_save(candidate, add=False)
        values = {name: getattr(candidate, name) for name in WRITTEN}
        values |= {
            "key": candidate.key,
            "user_id": candidate.user_id,
            "version": version,
            "last_updated": now(),
        }
        statement = REPLACE if version is None else REPLACE_VERSION
        return cast("UserMemory | None", statement.run(self.model, self.write_alias, values))

    def upsert(self, candidate: UserMemory, names: Iterable[str]) -> tuple[UserMemory, bool]:
        """Replace some fields of the owner's memory with the candidate's id, or add the candidate.

        Args:
            candidate: the id, the owner and the content.
            names: of the content fields to replace.

        Returns:
            The memory, and whether it was added.
        """
        alias, names = self.write_alias, tuple(names)
        statement = upsert(*names)
        # The words follow the text and the topics, and this call may have only one of them.
        is_partial = 0 < len(set(SEARCH_TERMS.sources) & set(names)) < len(SEARCH_TERMS.sources)

        def write() -> tuple[UserMemory, bool]:
            self._stamp(candidate)
            values = self._values_of(candidate)
            if is_partial:
                values[SEARCH_TERMS.attname] = SEARCH_TERMS.NOT_COMPUTED
            try:
                written = cast("UserMemory | None", statement.run(self.model, alias, values))
            except IntegrityError as error:
                self._refuse_taken([candidate], error)
                raise
            if written is None:
                return self.add(candidate), True
            if is_partial:
                self._store_terms(written)
            # A write of a memory that exists makes its version 2 or higher.
            return written, written.version == 1

        # The memory was added in between and may be deleted again: replace or add once more.
        return retry(write, (MemoryExists, IntegrityError), unless=lambda error: not self._can_read(candidate))

    def _store_terms(self, written: UserMemory) -> None:
        """Store the words of a memory that was written in part. A memory that was written since keeps its own."""
        values = {"key": written.key, "user_id": written.user_id, "version": written.version}
        TERMS.run(self.model, self.write_alias, {**values, SEARCH_TERMS.attname: SEARCH_TERMS.of(written)})

    def delete(self, memory_id: str, owner: str, version: int | None = None) -> bool:
        """Delete an owner's memory with this id, only at this version if any, and return whether it existed."""
        key, alias = KEY.digest(owner, memory_id), self.write_alias
        values = {"key": key, "user_id": owner, "version": version}
        statement = DELETE if version is None else DELETE_VERSION

        if conf.EMBEDDER is None:
            # Without a model there are no vectors. Those of a model that was removed are reported by a check.
            return bool(statement.run(self.model, alias, values))

        def delete_with_vectors() -> bool:
            is_deleted = bool(statement.run(self.model, alias, values))
            if is_deleted:
                DELETE_VECTORS.run(self.model.vectors(alias).model, alias, {"user_id": owner, "memory_key": key})
            return is_deleted

        return all_or_nothing(alias, delete_with_vectors)

    # Writing many

    def add_many(self, added: list[UserMemory], owner: str) -> None:
        """Add memories of one owner; all or nothing if the database has transactions. Raises MemoryExists."""
        alias = self.write_alias
        whole = has_transactions(connection_to(alias))
        if not whole:
            self._refuse_taken(added)
        for candidate in added:
            self._stamp(candidate)
        written: list[str] = []
        try:
            all_or_nothing(alias, lambda: self._insert_batches(added, alias, written))
        except IntegrityError as error:
            if not whole:
                # An id was taken after the check: delete the rows that this call has written.
                _with_ids(self.rows_to_write().filter(user_id=owner, version=1), owner, written).erase()
            self._refuse_taken(added, error)
            raise
        for candidate in added:
            _saved(candidate, alias)

    def move_in(self, moved: list[UserMemory], *, keep_version: bool = False) -> None:
        """Add memories of any owners, with their own times where they have some.

        All or nothing if the database has transactions.

        Args:
            moved: checked and owned.
            keep_version: keep also their versions.

        Raises:
            MemoryExists: ids that are taken.
        """
        alias = self.write_alias
        kept = ("created_at", "last_updated", "version") if keep_version else ("created_at", "last_updated")
        for memory in moved:
            brought = {name: getattr(memory, name) for name in kept if getattr(memory, name) is not None}
            self._stamp(memory)
            for name, value in brought.items():
                setattr(memory, name, value)
        rows = [self._values_of(memory) for memory in moved]
        if not rows:
            return
        try:
            all_or_nothing(alias, lambda: INSERT.run_many(self.model, alias, rows))
        except IntegrityError as error:
            self._refuse_taken(moved, error)
            raise

    def delete_many(self, memory_ids: list[str], owner: str) -> list[str]:
        """Delete the owner's memories with these ids, and return the deleted ids in their order."""
        owned = self.rows_to_write().for_user(owner)

        def delete_batches() -> set[str]:
            deleted: set[str] = set()
            for batch in batched(memory_ids, conf.BATCH_SIZE):
                deleted.update(owned.erase_returning(owner, _keys_of(owner, batch), "memory_id"))
            return deleted

        gone = all_or_nothing(owned.db, delete_batches) if memory_ids else set()
        return [memory_id for memory_id in memory_ids if memory_id in gone]

    def _insert_batches(self, added: list[UserMemory], alias: str, written: list[str]) -> None:
        """Add rows, and list the ids of the rows that were added in ``written``, also after an error."""
        written.clear()
        # Always in the same order: otherwise two transactions that write the same keys wait for each other.
        for batch in batched(sorted(added, key=attrgetter("memory_id")), conf.BATCH_SIZE):
            ids = [candidate.memory_id for candidate in batch]
            try:
                INSERT.run_many(self.model, alias, [self._values_of(candidate) for candidate in batch])
            except IntegrityError as error:
                written += ids[: inserted_before(error)]
                raise
            written += ids

    def _stamp(self, candidate: UserMemory) -> None:
        """Let the fields set the values that a new row starts with."""
        for field in self.model._meta.concrete_fields:
            field.pre_save(candidate, add=True)

    def _values_of(self, candidate: UserMemory) -> dict[str, Any]:
        return {field.attname: getattr(candidate, field.attname) for field in self.model._meta.concrete_fields}

    def _can_read(self, candidate: UserMemory) -> bool:
        """Return whether the caller's transaction still takes statements; a failed write may have broken it."""
        try:
            self.get(candidate.memory_id, candidate.user_id)
        except DatabaseError:
            return False
        return True

    def _refuse_taken(self, candidates: Iterable[UserMemory], error: Exception | None = None) -> None:
        """Raise MemoryExists if the owners of these memories use some of their ids already."""
        ids = {candidate.key: candidate.memory_id for candidate in candidates}
        try:
            taken = self._taken_keys(candidates)
        except DatabaseError:
            if error is None:
                raise
            # The failed write broke the transaction: only its error can still name the keys.
            taken = set(clashing_keys(error))
        if taken:
            raise MemoryExists([memory_id for key, memory_id in ids.items() if key in taken]) from error

    def _taken_keys(self, candidates: Iterable[UserMemory]) -> set[str]:
        """Return those of the candidates' keys that exist, asked owner by owner."""
        taken: set[str] = set()
        for owner, keys in by_owner((candidate.user_id, candidate.key) for candidate in candidates).items():
            owned = self.rows_to_write().filter(user_id=owner)
            for batch in batched(keys, conf.BATCH_SIZE):
                taken.update(owned.filter(key__in=batch).values_list("key", flat=True))
        return taken


def _with_ids(rows: UserMemoryQuerySet, owner: str, memory_ids: Iterable[str]) -> UserMemoryQuerySet:
    """Narrow an owner's rows to these ids, by the primary key."""
    return rows.filter(key__in=_keys_of(owner, memory_ids))


def _keys_of(owner: str, memory_ids: Iterable[str]) -> list[str]:
    return [KEY.digest(owner, memory_id) for memory_id in memory_ids]


def _saved(candidate: UserMemory, alias: str) -> UserMemory:
    """Mark a memory as saved in a database."""
    candidate._state.adding = False
    candidate._state.db = alias
    return candidate
