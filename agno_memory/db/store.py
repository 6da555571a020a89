"""``Store``: reads and writes the memories of one database, for the verbs of ``Memory``.

The caller has checked and cleaned its arguments (``cleaning.py``). Every statement names the owner, so it finds nobody
else's rows. A row that is not found is None or False here, and ``Memory`` raises the error; ``MemoryExists`` is raised
here, because only the database knows about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from operator import attrgetter
from typing import Any, cast

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
from agno_memory.retries import retry
from agno_memory.times import now

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
    """Return the statement for the newest memories whose fields of these names have the values of the call."""
    return SelectMany(*conditions, order="-last_updated")


class Store:
    """The memories of one database.

    Args:
        db: an alias of ``DATABASES``, a handle, or None to follow the router.
    """

    def __init__(self, db: str | MemoryDb | None) -> None:
        self.db = db
        self.model: type[UserMemory] = db.model if isinstance(db, MemoryDb) else UserMemory

    # Where

    @property
    def write_alias(self) -> str:
        """The alias of the database to write to."""
        return self._alias or router.db_for_write(self.model)

    @property
    def read_alias(self) -> str:
        """The alias of the database to read from."""
        return self._alias or router.db_for_read(self.model)

    @property
    def _alias(self) -> str | None:
        if not isinstance(self.db, MemoryDb):
            return self.db
        self.db.create()
        return self.db.alias

    def rows(self) -> UserMemoryQuerySet:
        """Return all memories of the store, to read."""
        return self.model._default_manager.using(self.read_alias)

    def rows_to_write(self) -> UserMemoryQuerySet:
        """Return all memories of the store, on the database to write to."""
        return self.model._default_manager.using(self.write_alias)

    # Reading

    def get(self, memory_id: str, owner: str) -> UserMemory | None:
        """Return an owner's memory, or None."""
        values = {"memory_id": memory_id, "user_id": owner}
        return cast("UserMemory | None", SELECT.run(self.model, self.read_alias, values))

    def newest(self, keys: dict[str, str], limit: int | None) -> list[UserMemory]:
        """Return the newest memories whose fields have these values.

        Args:
            keys: values by the name of a field.
            limit: the maximum number of memories; None is all of them.
        """
        memories = select_newest(*keys).first(limit, self.model, self.read_alias, keys)
        return cast("list[UserMemory]", memories)

    # Writing one

    def add(self, candidate: UserMemory) -> UserMemory:
        """Add a memory and return it.

        Raises:
            MemoryExists: the id is taken.
        """
        alias = self.write_alias
        self._set_defaults(candidate)

        def insert() -> None:
            try:
                with savepoint(alias):
                    INSERT.run(self.model, alias, self._values_of(candidate))
            except IntegrityError as error:
                self._refuse_taken([candidate.memory_id], error)
                raise

        # The id was taken and is free again, unless something else than the key clashes: so the attempts are limited.
        retry(insert, on=IntegrityError)
        return _saved(candidate, alias)

    def replace(self, candidate: UserMemory, version: int | None = None) -> UserMemory | None:
        """Replace the content of the owner's memory of that id, and return the memory.

        Args:
            candidate: the new content, with the id and the owner.
            version: the version to replace; None is any.

        Returns:
            The memory as it is afterwards, or None if the owner has none of that id and version.
        """
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
        """Replace or add a memory, and return it with whether it was added.

        Raises:
            MemoryExists: the id is another user's.
        """

        def replace_or_add() -> tuple[UserMemory, bool]:
            replaced = self.replace(candidate)
            return (self.add(candidate), True) if replaced is None else (replaced, False)

        # The owner's memory may be added after the replacing, and deleted again before the next attempt.
        return retry(replace_or_add, on=MemoryExists, unless=lambda error: self._is_foreign(candidate))

    def delete(self, memory_id: str, owner: str, version: int | None = None) -> bool:
        """Delete the owner's memory of that id and version (None is any), and return whether there was one."""
        values = {"memory_id": memory_id, "user_id": owner, "version": version}
        statement = DELETE if version is None else DELETE_VERSION
        return bool(statement.run(self.model, self.write_alias, values))

    # Writing many

    def add_many(self, added: list[UserMemory], owner: str) -> None:
        """Add memories of one owner, all or nothing.

        Without transactions, the rows that were written before a taken id are deleted again.

        Raises:
            MemoryExists: some of the ids are taken.
        """
        alias = self.write_alias
        ids = [candidate.memory_id for candidate in added]
        is_atomic = has_transactions(connections[alias])
        if not is_atomic:
            self._refuse_taken(ids)
        for candidate in added:
            self._set_defaults(candidate)
        written: list[str] = []
        try:
            all_or_nothing(alias, lambda: self._insert_batches(added, alias, written))
        except IntegrityError as error:
            if not is_atomic:
                # An id was taken after the check.
                self.rows_to_write().filter(memory_id__in=written, user_id=owner, version=1).erase()
            self._refuse_taken(ids, error)
            raise
        for candidate in added:
            _saved(candidate, alias)

    def move_in(self, moved: list[UserMemory], *, keep_version: bool = False) -> None:
        """Add memories of any owners, which keep the times that are set; all or nothing if there are transactions.

        Args:
            moved: the memories.
            keep_version: whether they keep their versions too.

        Raises:
            MemoryExists: some of the ids are taken.
        """
        alias = self.write_alias
        kept = ("created_at", "last_updated", "version") if keep_version else ("created_at", "last_updated")
        for memory in moved:
            values = {name: getattr(memory, name) for name in kept if getattr(memory, name) is not None}
            self._set_defaults(memory)
            for name, value in values.items():
                setattr(memory, name, value)
        rows = [self._values_of(memory) for memory in moved]
        try:
            all_or_nothing(alias, lambda: INSERT.run_many(self.model, alias, rows))
        except IntegrityError as error:
            self._refuse_taken([memory.memory_id for memory in moved], error)
            raise

    def delete_many(self, memory_ids: list[str], owner: str) -> list[str]:
        """Delete the owner's memories of these ids, and return the ids that existed, in the order of the argument."""
        owned = self.rows_to_write().for_user(owner)

        def delete_batches() -> set[str]:
            batches = batched(memory_ids, conf.BATCH_SIZE)
            return {key for batch in batches for key in DELETE_MANY.run(owned.filter(memory_id__in=batch))}

        deleted = all_or_nothing(owned.db, delete_batches) if memory_ids else set()
        return [memory_id for memory_id in memory_ids if memory_id in deleted]

    def _insert_batches(self, added: list[UserMemory], alias: str, written: list[str]) -> None:
        """Add rows, and fill the list ``written`` with the ids of the rows that were added."""
        written.clear()
        # Always in the same order, so that two transactions with the same keys cannot wait for each other.
        for batch in batched(sorted(added, key=attrgetter("memory_id")), conf.BATCH_SIZE):
            ids = [candidate.memory_id for candidate in batch]
            try:
                INSERT.run_many(self.model, alias, [self._values_of(candidate) for candidate in batch])
            except IntegrityError as error:
                written += ids[: inserted_before(error)]
                raise
            written += ids

    def _set_defaults(self, candidate: UserMemory) -> None:
        """Let the fields set the values of a new row."""
        for field in self.model._meta.concrete_fields:
            field.pre_save(candidate, add=True)

    def _values_of(self, candidate: UserMemory) -> dict[str, Any]:
        return {field.attname: getattr(candidate, field.attname) for field in self.model._meta.concrete_fields}

    def _is_foreign(self, candidate: UserMemory) -> bool:
        """Return whether a taken id is another user's."""
        taken = self.rows_to_write().filter(memory_id=candidate.memory_id)
        try:
            return taken.exclude(user_id=candidate.user_id).exists()
        except DatabaseError:
            # The failed write has broken the transaction, so another attempt cannot succeed.
            return True

    def _refuse_taken(self, memory_ids: Sequence[str], error: Exception | None = None) -> None:
        """Raise MemoryExists if any user has a memory with one of these ids."""
        try:
            taken = existing_ids(self.rows_to_write(), memory_ids, conf.BATCH_SIZE)
        except DatabaseError:
            if error is None:
                raise
            # The failed write has broken the transaction, so the keys are read from its error.
            taken = clashing_keys(error)
        if taken:
            raise MemoryExists(taken) from error


def _saved(candidate: UserMemory, alias: str) -> UserMemory:
    """Mark a memory as saved in a database, and return it."""
    candidate._state.adding = False
    candidate._state.db = alias
    return candidate
