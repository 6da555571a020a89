"""``ManyRows``: the part of ``Store`` that adds and deletes many memories at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

from django.db import IntegrityError

from agno_memory.batches import batched
from agno_memory.conf import conf
from agno_memory.db.connections import connection_to
from agno_memory.db.errors import inserted_before
from agno_memory.db.inserts import Insert
from agno_memory.db.rows import with_read_fields
from agno_memory.db.stored_rows import TEXT_KEY, StoredRows, keys_of, saved
from agno_memory.db.transactions import all_or_nothing, has_transactions
from agno_memory.exceptions import DuplicateMemory
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.retries import retry
from agno_memory.times import now

INSERT: Final = Insert()


class ManyRows(StoredRows):
    """Additions and deletions of many memories; a base of ``Store``."""

    def add_many(self, added: list[UserMemory], owner: str) -> list[UserMemory]:
        """Add memories of one owner; all or nothing if the database has transactions.

        Returns:
            The memories, in their order. With ``ON_DUPLICATE`` ``"return"``, a text that the owner has already is not
            added, and the memory that is there takes its place.

        Raises:
            MemoryExists: ids that are taken.
            DuplicateMemory: a text that the owner has already, with ``ON_DUPLICATE`` ``"refuse"``.
        """
        for candidate in added:
            self.stamp(candidate)

        def attempt() -> list[UserMemory]:
            known = self.known_texts(added, owner)
            if known and conf.ON_DUPLICATE == "refuse":
                raise DuplicateMemory(next(iter(known.values())).memory_id)
            new = [candidate for candidate in added if known.get(candidate.text_key, candidate) is candidate]
            self._add_new(new, owner)
            return [known.get(candidate.text_key, candidate) for candidate in added]

        # Memories that have expired were removed, or a text was added in between.
        return retry(attempt, IntegrityError, attempts=3)

    def _add_new(self, added: list[UserMemory], owner: str) -> None:
        alias = self.write_alias
        whole = has_transactions(connection_to(alias))
        if not whole:
            self.refuse_taken(added)
        written: list[str] = []
        try:
            all_or_nothing(alias, lambda: self._insert_batches(added, alias, written))
        except IntegrityError as error:
            if not whole:
                # An id was taken after the check: delete the rows that this call has written.
                _with_ids(self.rows_to_write().filter(user_id=owner, version=1), owner, written).erase(history=False)
            self.refuse_taken(added, error)
            raise
        for candidate in added:
            saved(candidate, alias)

    def move_in(self, moved: Sequence[UserMemory], *, keep_version: bool = False) -> None:
        """Add memories of any owners, with their own times where they have some.

        All or nothing if the database has transactions. A text that its owner has already is added all the same.

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
            self.stamp(memory)
            for name, value in brought.items():
                setattr(memory, name, value)

        def attempt() -> None:
            rows = [self.values_of(memory) for memory in moved]
            try:
                all_or_nothing(alias, lambda: INSERT.run_many(self.model, alias, rows))
            except IntegrityError as error:
                self.refuse_taken(moved, error)
                # Another call added a text since.
                for memory in moved:
                    setattr(memory, TEXT_KEY.attname, None)
                raise

        if moved:
            # Before the addition: a text that the database refuses would end a transaction of MongoDB.
            self._release_texts(moved)
            retry(attempt, IntegrityError, attempts=3)

    def _release_texts(self, moved: Sequence[UserMemory]) -> None:
        """Let memories have no ``text_key`` if their owner has the text, or another one of them."""
        for owner, owned in groupby(sorted(moved, key=attrgetter("user_id")), attrgetter("user_id")):
            candidates = list(owned)
            known = self.known_texts(candidates, owner)
            for memory in candidates:
                if known.get(memory.text_key, memory) is not memory:
                    setattr(memory, TEXT_KEY.attname, None)

    def delete_many(self, memory_ids: list[str], owner: str, *, permanently: bool) -> list[str]:
        """Delete the owner's memories with these ids, and return the deleted ids in their order.

        Args:
            memory_ids: of the memories.
            owner: of the memories.
            permanently: whether to keep no version of them.
        """
        owned = self.rows_to_write().for_user(owner)

        def delete_batches() -> set[str]:
            deleted: set[str] = set()
            for batch in batched(memory_ids, conf.BATCH_SIZE):
                keys = keys_of(owner, batch)
                if permanently:
                    deleted.update(owned.erase_returning(owner, keys, "memory_id"))
                    revisions = self.model.revisions(owned.db).filter(user_id=owner, memory_key__in=keys)
                    deleted.update(revisions.deleted().values_list("memory_id", flat=True))
                    revisions.erase()
                else:
                    # One moment: a version is kept of those that are deleted, and of no others.
                    deleted.update(owned.current(now()).delete_kept(owner, keys, "memory_id"))
            return deleted

        gone = all_or_nothing(owned.db, delete_batches) if memory_ids else set()
        return [memory_id for memory_id in memory_ids if memory_id in gone]

    def existing(self, memory_ids: list[str], owner: str) -> list[UserMemory]:
        """Return the owner's memories with these ids, the newest first, from the database to write to."""
        rows = with_read_fields(self.rows_to_write().for_user(owner).current())
        found = [
            memory
            for batch in batched(keys_of(owner, memory_ids), conf.BATCH_SIZE)
            for memory in rows.filter(key__in=batch)
        ]
        return sorted(found, key=lambda memory: (memory.last_updated, memory.memory_id), reverse=True)

    def delete_merged(self, merged: list[UserMemory], into: str) -> list[str]:
        """Delete memories of one owner that were merged into another one, at their versions.

        Returns:
            The deleted ids: not those of memories that another call wrote since.
        """
        owner = merged[0].user_id
        owned = self.rows_to_write().for_user(owner)
        by_version: dict[int, list[str]] = {}
        for memory in merged:
            by_version.setdefault(memory.version, []).append(memory.key)
        return [
            memory_id
            for version, keys in by_version.items()
            for batch in batched(keys, conf.BATCH_SIZE)
            for memory_id in owned.filter(version=version).delete_kept(
                owner, batch, "memory_id", action="merged", merged_into=into
            )
        ]

    def _insert_batches(self, added: list[UserMemory], alias: str, written: list[str]) -> None:
        """Add rows, and list the ids of the rows that were added in ``written``, also after an error."""
        written.clear()
        # Always in the same order: otherwise two transactions that write the same keys wait for each other.
        for batch in batched(sorted(added, key=attrgetter("memory_id")), conf.BATCH_SIZE):
            ids = [candidate.memory_id for candidate in batch]
            try:
                INSERT.run_many(self.model, alias, [self.values_of(candidate) for candidate in batch])
            except IntegrityError as error:
                written += ids[: inserted_before(error)]
                raise
            written += ids


def _with_ids(rows: UserMemoryQuerySet, owner: str, memory_ids: Iterable[str]) -> UserMemoryQuerySet:
    """Narrow an owner's rows to these ids, by the primary key."""
    return rows.filter(key__in=keys_of(owner, memory_ids))
