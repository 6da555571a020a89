"""The rows of one place, and how they are written: the statements behind the verbs of ``Memory``.

What comes in is checked already (``candidates.py``). Who may do it is said by the owner in each statement; what a
refusal is called is ``Memory``'s to say, apart from ``MemoryExists``, which only the database knows about.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from operator import attrgetter
from typing import Any, Final, cast

from django.db import DatabaseError, IntegrityError, connections, router

from agno_memory.batches import batched
from agno_memory.cleaning import field_named
from agno_memory.conf import conf
from agno_memory.db import MemoryDb
from agno_memory.db.errors import clashing_keys, inserted_before
from agno_memory.db.statements import Delete, DeleteMany, Insert, Select, SelectMany, Update
from agno_memory.db.transactions import all_or_nothing, has_transactions, savepoint
from agno_memory.exceptions import MemoryExists
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet, existing_ids
from agno_memory.times import now

# How often a write of two statements tries again when the memory comes and goes between them.
ATTEMPTS: Final = 20

SEARCH_TEXT = field_named("search_text")
WRITTEN = (*UserMemory.content_fields, SEARCH_TEXT.name)

INSERT = Insert()
SELECT = Select("memory_id", "user_id")
DELETE = Delete("memory_id", "user_id")
DELETE_VERSION = Delete("memory_id", "user_id", "version")
DELETE_MANY = DeleteMany()
REPLACE = Update("memory_id", "user_id", fields=WRITTEN)
REPLACE_VERSION = Update("memory_id", "user_id", "version", fields=WRITTEN)


@cache
def select_newest(*conditions: str) -> SelectMany:
    """Return the statement for the newest memories in which these fields have given values."""
    return SelectMany(*conditions, order="-last_updated")


class Store:
    """The memories of one place.

    Args:
        db: as ``Memory``'s.
    """

    def __init__(self, db: str | MemoryDb | None) -> None:
        self.db = db
        self.model: type[UserMemory] = db.model if isinstance(db, MemoryDb) else UserMemory

    # Where

    @property
    def write_alias(self) -> str:
        """The database to write to."""
        return self._alias or router.db_for_write(self.model)

    @property
    def read_alias(self) -> str:
        """The database to read from."""
        return self._alias or router.db_for_read(self.model)

    @property
    def _alias(self) -> str | None:
        if not isinstance(self.db, MemoryDb):
            return self.db
        self.db.create()
        return self.db.alias

    def rows(self) -> UserMemoryQuerySet:
        """Return everything in the store, to read."""
        return self.model._default_manager.using(self.read_alias)

    def rows_to_write(self) -> UserMemoryQuerySet:
        """Return everything in the store, as it is where writes go."""
        return self.model._default_manager.using(self.write_alias)

    # Reading

    def get(self, memory_id: str, owner: str) -> UserMemory | None:
        """Return an owner's memory, or None."""
        values = {"memory_id": memory_id, "user_id": owner}
        return cast("UserMemory | None", SELECT.run(self.model, self.read_alias, values))

    def newest(self, keys: dict[str, str], limit: int | None) -> list[UserMemory]:
        """Return the newest memories in which these fields have these values."""
        found = select_newest(*keys).first(limit, self.model, self.read_alias, keys)
        return cast("list[UserMemory]", found)

    # Writing one

    def add(self, candidate: UserMemory) -> UserMemory:
        """Add a memory; raises MemoryExists."""
        alias = self.write_alias
        self._stamp(candidate)
        for _attempt in range(ATTEMPTS):
            try:
                with savepoint(alias):
                    INSERT.run(self.model, alias, self._values_of(candidate))
                return _saved(candidate, alias)
            except IntegrityError as error:
                refused = error
                self._refuse_taken([candidate.memory_id], error)
                # Taken, and free again: but if it is not the key that clashes, that never ends.
        raise refused

    def replace(self, candidate: UserMemory, version: int | None = None) -> UserMemory | None:
        """Put a candidate's content into its owner's memory of that id, at that version; None if there is none."""
        SEARCH_TEXT.pre_save(candidate, add=False)
        values = {name: getattr(candidate, name) for name in WRITTEN}
        values |= {
            "memory_id": candidate.memory_id,
            "user_id": candidate.user_id,
            "version": version,
            "last_updated": now(),
        }
        statement = REPLACE if version is None else REPLACE_VERSION
        return cast("UserMemory | None", statement.run(self.model, self.write_alias, values))

    def upsert(self, candidate: UserMemory) -> tuple[UserMemory, bool]:
        """Replace or add; return the memory and whether it was added. Raises MemoryExists for somebody else's id."""
        for attempt in range(ATTEMPTS):
            replaced = self.replace(candidate)
            if replaced is not None:
                return replaced, False
            try:
                return self.add(candidate), True
            except MemoryExists:
                # Unless it is somebody else's, it was added meanwhile, and may be gone again: back to replacing.
                if attempt + 1 == ATTEMPTS or self._is_foreign(candidate):
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    def delete(self, memory_id: str, owner: str, version: int | None = None) -> bool:
        """Delete an owner's memory of that id, at that version, and tell whether there was one."""
        values = {"memory_id": memory_id, "user_id": owner, "version": version}
        statement = DELETE if version is None else DELETE_VERSION
        return bool(statement.run(self.model, self.write_alias, values))

    # Writing many

    def add_many(self, added: list[UserMemory], owner: str) -> None:
        """Add one owner's memories, all or nothing as far as the database can; raises MemoryExists."""
        alias = self.write_alias
        ids = [candidate.memory_id for candidate in added]
        whole = has_transactions(connections[alias])
        if not whole:
            self._refuse_taken(ids)
        for candidate in added:
            self._stamp(candidate)
        written: list[str] = []
        try:
            all_or_nothing(alias, lambda: self._insert_batches(added, alias, written))
        except IntegrityError as error:
            if not whole:
                # Somebody took an id since it was looked for.
                self.rows_to_write().filter(memory_id__in=written, user_id=owner, version=1).erase()
            self._refuse_taken(ids, error)
            raise
        for candidate in added:
            _saved(candidate, alias)

    def move_in(self, moved: list[UserMemory], *, keep_version: bool = False) -> None:
        """Add memories of any owners with the times that they bring along, where they do.

        All or nothing as far as the database can; raises MemoryExists.
        """
        alias = self.write_alias
        kept = ("created_at", "last_updated", "version") if keep_version else ("created_at", "last_updated")
        for memory in moved:
            brought = {name: getattr(memory, name) for name in kept if getattr(memory, name) is not None}
            self._stamp(memory)
            for name, value in brought.items():
                setattr(memory, name, value)
        rows = [self._values_of(memory) for memory in moved]
        try:
            all_or_nothing(alias, lambda: INSERT.run_many(self.model, alias, rows))
        except IntegrityError as error:
            self._refuse_taken([memory.memory_id for memory in moved], error)
            raise

    def delete_many(self, memory_ids: list[str], owner: str) -> list[str]:
        """Delete those of the ids that the owner has, and return them in the order given."""
        owned = self.rows_to_write().for_user(owner)

        def delete_batches() -> set[str]:
            batches = batched(memory_ids, conf.BATCH_SIZE)
            return {key for batch in batches for key in DELETE_MANY.run(owned.filter(memory_id__in=batch))}

        gone = all_or_nothing(owned.db, delete_batches) if memory_ids else set()
        return [memory_id for memory_id in memory_ids if memory_id in gone]

    def _insert_batches(self, added: list[UserMemory], alias: str, written: list[str]) -> None:
        """Add rows and keep the list of their ids, as far as it comes."""
        written.clear()
        # In one order, whoever writes: two transactions that want the same keys must not wait for each other.
        for batch in batched(sorted(added, key=attrgetter("memory_id")), conf.BATCH_SIZE):
            ids = [candidate.memory_id for candidate in batch]
            try:
                INSERT.run_many(self.model, alias, [self._values_of(candidate) for candidate in batch])
            except IntegrityError as error:
                written += ids[: inserted_before(error)]
                raise
            written += ids

    def _stamp(self, candidate: UserMemory) -> None:
        """Let the fields set what a new row starts with."""
        for field in self.model._meta.concrete_fields:
            field.pre_save(candidate, add=True)

    def _values_of(self, candidate: UserMemory) -> dict[str, Any]:
        return {field.attname: getattr(candidate, field.attname) for field in self.model._meta.concrete_fields}

    def _is_foreign(self, candidate: UserMemory) -> bool:
        """Tell whether an id that is taken is another user's."""
        taken = self.rows_to_write().filter(memory_id=candidate.memory_id)
        try:
            return taken.exclude(user_id=candidate.user_id).exists()
        except DatabaseError:
            # The failed write took the transaction with it, so there is nothing to be tried again.
            return True

    def _refuse_taken(self, memory_ids: Sequence[str], error: Exception | None = None) -> None:
        """Raise MemoryExists if some of these ids are in use by anybody."""
        try:
            taken = existing_ids(self.rows_to_write(), memory_ids, conf.BATCH_SIZE)
        except DatabaseError:
            if error is None:
                raise
            # The failed write took the transaction with it, and only its error can be asked.
            taken = clashing_keys(error)
        if taken:
            raise MemoryExists(taken) from error


def _saved(candidate: UserMemory, alias: str) -> UserMemory:
    """Mark a memory as one that is in the database."""
    candidate._state.adding = False
    candidate._state.db = alias
    return candidate
