"""The statements of the verbs of ``Memory``, on the memories of one database.

The arguments have been checked before (``cleaning.py``). Each statement names the owner, so it cannot reach the rows of
anyone else. ``Memory`` raises the errors, except those of taken ids and texts: only the database knows them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext, suppress
from typing import Any, Final, cast

from django.db import DatabaseError, IntegrityError

from agno_memory.cleaning import field_named
from agno_memory.conf import conf
from agno_memory.db.expiry import EXPIRES_AFTER
from agno_memory.db.many_rows import INSERT
from agno_memory.db.memory_statements import (
    BY_KEY,
    DERIVED,
    SEARCH_TERMS,
    Version,
    delete_statement,
    guard,
    replace_statement,
    upsert_statement,
)
from agno_memory.db.revisions import ending
from agno_memory.db.statements import DeleteAll, SetValues, Update
from agno_memory.db.stored_lists import StoredLists
from agno_memory.db.stored_rows import KEY, TEXT_KEY, saved
from agno_memory.db.transactions import all_or_nothing, savepoint
from agno_memory.exceptions import DuplicateMemory, MemoryExists
from agno_memory.models import UserMemory
from agno_memory.retries import retry
from agno_memory.revision_models import MemoryRevision

# The fields that a replacement computes from others.
FOLLOWING: Final = (field_named("expires_at"), *DERIVED)

DELETE_VECTORS = DeleteAll("user_id", "memory_key")
DELETE_REVISIONS = DeleteAll("user_id", "memory_key")
TERMS = SetValues(*BY_KEY, "version", fields=[SEARCH_TERMS.name])
TEXT = SetValues(*BY_KEY, "version", fields=[TEXT_KEY.name])


class Store(StoredLists):
    """The memories of one database.

    Args:
        db: as of ``Memory``.
        model: of the rows, if the alias of a handle is given instead of the handle.
    """

    # Writing one

    def add(self, candidate: UserMemory) -> tuple[UserMemory, bool]:
        """Add a memory.

        Returns:
            The memory, and whether it was added: with ``ON_DUPLICATE`` ``"return"`` it may be another one with the same
            text.

        Raises:
            MemoryExists: the owner uses the id.
            DuplicateMemory: the owner has the text, with ``ON_DUPLICATE`` ``"refuse"``.
        """
        alias = self.write_alias
        self.stamp(candidate)

        def insert() -> tuple[UserMemory, bool]:
            try:
                with savepoint(alias):
                    INSERT.run(self.model, alias, self.values_of(candidate))
            except IntegrityError as error:
                self.refuse_taken([candidate], error)
                for known in self.known_texts([candidate], candidate.user_id).values():
                    return self._known(known), False
                # The id was taken and is free again. An error of another constraint travels after the last attempt.
                raise
            return saved(candidate, alias), True

        return retry(insert, IntegrityError)

    def bring_back(self, candidate: UserMemory, last: MemoryRevision, noted: dict[str, Any]) -> UserMemory:
        """Add a deleted memory again, with the version and the times that it has.

        Args:
            candidate: the memory.
            last: its last version before.
            noted: how it came back.

        Raises:
            MemoryExists: it is there again.
        """
        alias = self.write_alias

        def write() -> None:
            self.move_in([candidate], keep_version=True)
            own = self.model.revisions(alias).filter(user_id=last.user_id, key=last.key)
            own.update(is_deleted=False, restored=noted)

        all_or_nothing(alias, write)
        return saved(candidate, alias)

    @staticmethod
    def _known(known: UserMemory) -> UserMemory:
        """Return a memory that is there, or raise DuplicateMemory if the settings ask for it."""
        if conf.ON_DUPLICATE == "refuse":
            raise DuplicateMemory(known.memory_id)
        return known

    def replace(
        self,
        candidate: UserMemory,
        version: Version = None,
        action: str = "replaced",
        names: Iterable[str] = UserMemory.content_fields,
        *,
        claims_text: bool = True,
        unexpired: bool = True,
    ) -> UserMemory | None:
        """Replace fields of the owner's memory with the candidate's id and return it; None if nothing matches.

        Args:
            candidate: the id, the owner and the new content.
            version: replace only this version; a memory excludes another one that has its id and number since.
            action: of the version before, one of ``MemoryRevision.Action``.
            names: of the fields to replace.
            claims_text: whether to set the ``text_key``; otherwise ``claim_text()`` does it later.
            unexpired: whether a memory that has expired stays as it is.
        """
        names = tuple(names)
        for field in FOLLOWING:
            field.pre_save(candidate, add=False)
        guards, keeps = tuple(guard(version)), bool(conf.HISTORY_DAYS)
        statement = replace_statement(*names, guards=guards, keeps=keeps, unexpired=unexpired)
        values = self._replacing(candidate, version, action)
        if not claims_text:
            values[TEXT_KEY.attname] = None
        return self._run_replace(statement, candidate, values)

    def _replacing(self, candidate: UserMemory, version: Version, action: str) -> dict[str, Any]:
        """Return the values of a statement that replaces a memory."""
        end = ending(action)
        return {
            **self.values_of(candidate),
            **(end.values() if conf.HISTORY_DAYS else {}),
            **guard(version),
            "last_updated": end.moment,
            EXPIRES_AFTER: end.moment,
        }

    def _run_replace(self, statement: Update, candidate: UserMemory, values: dict[str, Any]) -> UserMemory | None:
        alias = self.write_alias
        try:
            with savepoint(alias) if values[TEXT_KEY.attname] else nullcontext():
                return cast("UserMemory | None", statement.run(self.model, alias, values))
        except IntegrityError:
            if not values[TEXT_KEY.attname]:
                raise
            # Another memory has the text: two texts may become the same.
            return cast("UserMemory | None", statement.run(self.model, alias, {**values, TEXT_KEY.attname: None}))

    def upsert(self, candidate: UserMemory, names: Iterable[str]) -> tuple[UserMemory, bool]:
        """Replace some fields of the owner's memory with the candidate's id, or add the candidate.

        Args:
            candidate: the id, the owner and the content.
            names: of the content fields to replace.

        Returns:
            The memory, and whether it was added.
        """
        names = tuple(names)
        # The words follow the text and the topics, and this call may have only one of them.
        is_partial = 0 < len(set(SEARCH_TERMS.sources) & set(names)) < len(SEARCH_TERMS.sources)
        keeps = bool(conf.HISTORY_DAYS)
        statement = replace_statement(*names, guards=(), keeps=True) if keeps else upsert_statement(*names)

        def write() -> tuple[UserMemory, bool]:
            self.stamp(candidate)
            values = self._replacing(candidate, candidate.version, "replaced")
            if is_partial:
                values[SEARCH_TERMS.attname] = SEARCH_TERMS.NOT_COMPUTED
            try:
                written = self._run_replace(statement, candidate, values)
            except IntegrityError as error:
                self.refuse_taken([candidate], error)
                raise
            if written is None:
                return self.add(candidate)
            if is_partial:
                self._store_terms(written)
            # Without history one statement does both. A write of a memory that exists makes its version 2 or higher.
            return written, not keeps and written.version == 1

        # The memory was added in between and may be deleted again: replace or add once more.
        return retry(write, (MemoryExists, IntegrityError), unless=lambda error: not self._can_read(candidate))

    def _store_terms(self, written: UserMemory) -> None:
        """Store the words of a memory that was written in part. A memory that was written since keeps its own."""
        values = {"key": written.key, "user_id": written.user_id, "version": written.version}
        TERMS.run(self.model, self.write_alias, {**values, SEARCH_TERMS.attname: SEARCH_TERMS.of(written)})

    def claim_text(self, written: UserMemory) -> None:
        """Give a memory that was written without its ``text_key`` that one, unless another memory has it."""
        text_key = TEXT_KEY.of(written)
        if text_key is None or self.known_texts([written], written.user_id):
            return
        values = {"key": written.key, "user_id": written.user_id, "version": written.version}
        # Another call may add the text in between.
        with suppress(IntegrityError), savepoint(self.write_alias):
            TEXT.run(self.model, self.write_alias, {**values, TEXT_KEY.attname: text_key})

    def delete(self, memory_id: str, owner: str, version: Version = None) -> bool:
        """Delete an owner's memory with this id, only at this version if any, and return whether it existed."""
        end = ending("deleted")
        keeps = bool(conf.HISTORY_DAYS)
        values = {
            **(end.values() if keeps else {}),
            "key": KEY.digest(owner, memory_id),
            "user_id": owner,
            **guard(version),
            EXPIRES_AFTER: end.moment,
        }
        statement = delete_statement(guards=tuple(guard(version)), keeps=keeps)
        return self._delete(lambda: bool(statement.run(self.model, self.write_alias, values)), values)

    def delete_permanently(self, memory_id: str, owner: str, version: Version = None) -> bool:
        """Delete an owner's memory and its earlier versions, and return whether there was one, deleted ones included.

        Args:
            memory_id: of the memory.
            owner: of the memory.
            version: delete only this version of a memory that is there.
        """
        alias = self.write_alias
        values = {
            "key": KEY.digest(owner, memory_id),
            "user_id": owner,
            **guard(version),
        }
        # Of a memory that has expired, pruning would keep a version.
        statement = delete_statement(guards=tuple(guard(version)), keeps=False, unexpired=False)

        def delete() -> bool:
            is_deleted = bool(statement.run(self.model, alias, values))
            if is_deleted or version is None:
                revisions = self.model.revisions(alias).model
                of_memory = {"user_id": owner, "memory_key": values["key"]}
                is_deleted = bool(DELETE_REVISIONS.run(revisions, alias, of_memory)) or is_deleted
            return is_deleted

        return all_or_nothing(alias, lambda: self._delete(delete, values))

    def expire(self, memory_id: str, owner: str) -> bool:
        """Delete an owner's memory with this id if it has expired, and return whether it had. Its version is kept."""
        return bool(self.rows_to_write().expire(owner, [KEY.digest(owner, memory_id)]))

    def _delete(self, delete: Callable[[], bool], values: dict[str, Any]) -> bool:
        """Delete a memory by a function, and its vectors."""
        if conf.EMBEDDER is None:
            # Without a model there are no vectors. Those of a model that was removed are reported by a check.
            return delete()
        alias = self.write_alias

        def delete_with_vectors() -> bool:
            is_deleted = delete()
            if is_deleted:
                of_memory = {"user_id": values["user_id"], "memory_key": values["key"]}
                DELETE_VECTORS.run(self.model.vectors(alias).model, alias, of_memory)
            return is_deleted

        return all_or_nothing(alias, delete_with_vectors)

    def _can_read(self, candidate: UserMemory) -> bool:
        """Return whether the caller's transaction still takes statements; a failed write may have broken it."""
        try:
            self.get(candidate.memory_id, candidate.user_id)
        except DatabaseError:
            return False
        return True
