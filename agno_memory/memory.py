"""``Memory``: every write that has a rule, ownership, and errors. Sync and async."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import cache, wraps
from operator import attrgetter
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, cast

from asgiref.sync import sync_to_async
from django.db import DatabaseError, IntegrityError, connections, router
from django.dispatch import Signal
from django.utils.translation import gettext as _

from agno_memory.candidates import candidate_for, candidates, field_named
from agno_memory.conf import conf
from agno_memory.db import MemoryDb
from agno_memory.drivers import clashing_keys, inserted_before
from agno_memory.exceptions import MemoryChanged, MemoryExists, MemoryNotFound
from agno_memory.fields import now
from agno_memory.models import UserMemory
from agno_memory.querysets import NEWEST, UserMemoryQuerySet, existing_ids, in_batches
from agno_memory.retrieval import RETRIEVAL_METHODS, RetrievalMethod
from agno_memory.signals import memory_added, memory_deleted, memory_replaced
from agno_memory.statements import Delete, DeleteMany, Insert, Select, SelectMany, Update
from agno_memory.transactions import all_or_nothing, has_transactions, savepoint
from agno_memory.validators import (
    check,
    items,
    owner_id,
    refusal,
    validate_identifier,
    validate_limit,
    validate_version,
)

logger = logging.getLogger(__name__)

Params = ParamSpec("Params")
Result = TypeVar("Result")

# How often a verb of two statements tries again when the memory comes and goes between them.
ATTEMPTS: Final = 20

_search_text = field_named("search_text")
_written = (*UserMemory.content_fields, _search_text.name)
_insert = Insert()
_select = Select("memory_id", "user_id")
_delete = Delete("memory_id", "user_id")
_delete_many = DeleteMany()
_replace = Update("memory_id", "user_id", fields=_written)
_replace_version = Update("memory_id", "user_id", "version", fields=_written)


@cache
def _newest(*conditions: str) -> SelectMany:
    return SelectMany(*conditions, order=NEWEST)


def _async_twin(
    verb: Callable[Concatenate[Memory, Params], Result],
) -> Callable[Concatenate[Memory, Params], Coroutine[Any, Any, Result]]:
    @wraps(verb)
    async def twin(self: Memory, /, *args: Params.args, **kwargs: Params.kwargs) -> Result:
        return await sync_to_async(verb)(self, *args, **kwargs)

    twin.__name__ = f"a{verb.__name__}"
    twin.__qualname__ = f"Memory.a{verb.__name__}"
    return twin


class Memory:
    """What is remembered about people.

    Every verb acts for one user: a string, an int, a Django user, or ``None`` for the user named by
    ``DEFAULT_USER_ID``. Someone else's memory behaves exactly as one that does not exist. Every verb has an async twin
    with an ``a`` in front of its name.

    Args:
        db: where the memories are. ``None`` follows the router, a string is an alias of ``DATABASES``, and a
            ``SqliteMemoryDb``, ``PostgresMemoryDb`` or ``MongoMemoryDb`` brings its own connection and table.
    """

    def __init__(self, db: str | MemoryDb | None = None) -> None:
        self.db = db
        self._alias = db.alias if isinstance(db, MemoryDb) else db
        self._model: type[UserMemory] = db.model if isinstance(db, MemoryDb) else UserMemory

    def __repr__(self) -> str:
        return f"Memory(db={self.db!r})"

    # Writing one memory

    def add_user_memory(self, memory: UserMemory, user_id: object = None) -> UserMemory:
        """Remember something about a user.

        Args:
            memory: unsaved, ``UserMemory(memory="...", topics=[...])``. It is not changed.
            user_id: whom it is about.

        Returns:
            The saved memory, equal to what is read back.

        Raises:
            ValidationError: bad input; nothing was written.
            MemoryExists: the id is taken, whoever has it.
        """
        added = self._add(candidate_for(self._model, memory, owner_id(user_id)))
        self._send(memory_added, added.user_id, [added.memory_id])
        return added

    def replace_user_memory(
        self, memory_id: str, memory: UserMemory, user_id: object = None, *, version: int | None = None
    ) -> UserMemory:
        """Put another content in the place of a memory's: text, topics and all other fields that callers set.

        Args:
            memory_id: of the memory to replace. The id of ``memory`` is not looked at.
            memory: the new content. It is not changed.
            user_id: the owner.
            version: replace this version only.

        Returns:
            The memory as it is now, its ``version`` one higher.

        Raises:
            ValidationError: bad input; nothing was written.
            MemoryNotFound: this user has no such memory.
            MemoryChanged: it is not, or no longer, at ``version``.
        """
        check("version", version, validate_version)
        candidate = candidate_for(self._model, memory, owner_id(user_id), memory_id)
        replaced = self._replace(candidate, version)
        if replaced is None:
            owned = self._rows(write=True).filter(memory_id=memory_id, user_id=candidate.user_id)
            if version is not None and owned.exists():
                raise MemoryChanged(memory_id, version)
            raise MemoryNotFound(memory_id)
        self._send(memory_replaced, replaced.user_id, [memory_id])
        return replaced

    def upsert_user_memory(self, memory: UserMemory, user_id: object = None) -> UserMemory:
        """Replace the user's memory with the id of this one, or add it when they have none.

        Returns:
            The memory as it is now.

        Raises:
            ValidationError: bad input; nothing was written.
            MemoryExists: the id belongs to another user; nothing was written.
        """
        candidate = candidate_for(self._model, memory, owner_id(user_id))
        for attempt in range(ATTEMPTS):
            replaced = self._replace(candidate)
            if replaced is not None:
                self._send(memory_replaced, replaced.user_id, [replaced.memory_id])
                return replaced
            try:
                added = self._add(candidate)
            except MemoryExists:
                # Unless it is somebody else's, it was added meanwhile, and may be gone again: back to replacing.
                if attempt + 1 == ATTEMPTS or self._is_foreign(candidate):
                    raise
                continue
            self._send(memory_added, added.user_id, [added.memory_id])
            return added
        raise AssertionError("unreachable: the last attempt returns or raises")

    def delete_user_memory(self, memory_id: str, user_id: object = None) -> None:
        """Forget one memory.

        Raises:
            ValidationError: bad input.
            MemoryNotFound: this user has no such memory.
        """
        owner = owner_id(user_id)
        check("memory_id", memory_id, validate_identifier)
        values = {"memory_id": memory_id, "user_id": owner}
        if not _delete.run(self._model, self._write_alias(), values):
            raise MemoryNotFound(memory_id)
        self._send(memory_deleted, owner, [memory_id])

    # Writing many

    def add_user_memories(self, memories: Iterable[UserMemory], user_id: object = None) -> list[UserMemory]:
        """Remember many things about a user at once, in batches of ``BATCH_SIZE``.

        All or nothing where the database has transactions. Where it has none (a stand-alone MongoDB), everything that
        can be refused is refused before the first write.

        Returns:
            The saved memories, in the order given.

        Raises:
            ValidationError: bad input, by position (``"3.topics"``); nothing was written.
            MemoryExists: ids that are taken, all of them; nothing was written.
        """
        owner = owner_id(user_id)
        added = candidates(self._model, items("memories", memories), owner)
        alias = self._write_alias()
        memory_ids = [candidate.memory_id for candidate in added]
        whole = has_transactions(connections[alias])
        if not whole:
            self._refuse_taken(memory_ids)
        for candidate in added:
            self._stamp(candidate)
        written: list[str] = []
        try:
            all_or_nothing(alias, lambda: self._insert_batches(added, alias, written))
        except IntegrityError as error:
            if not whole:
                # Somebody took an id since it was looked for.
                self._rows(write=True).filter(memory_id__in=written, user_id=owner, version=1).erase()
            self._refuse_taken(memory_ids, error)
            raise
        for candidate in added:
            _saved(candidate, alias)
        if added:
            self._send(memory_added, owner, memory_ids)
        return added

    def delete_user_memories(self, memory_ids: Iterable[str], user_id: object = None) -> list[str]:
        """Forget many memories at once. Ids that the user does not have are passed over.

        Returns:
            The ids of the memories that this call deleted, in the order given. (On a stand-alone MongoDB, two calls
            that delete the same one at the same moment may both name it.)

        Raises:
            ValidationError: bad input; nothing was deleted.
        """
        owner = owner_id(user_id)
        wanted = list(dict.fromkeys(items("memory_ids", memory_ids)))
        for memory_id in wanted:
            check("memory_ids", memory_id, validate_identifier)
        owned = self._rows(write=True).for_user(owner)

        def delete_batches() -> set[str]:
            batches = in_batches(wanted, conf.BATCH_SIZE)
            return {key for batch in batches for key in _delete_many.run(owned.filter(memory_id__in=batch))}

        gone = all_or_nothing(owned.db, delete_batches) if wanted else set()
        deleted = [memory_id for memory_id in wanted if memory_id in gone]
        if deleted:
            self._send(memory_deleted, owner, deleted)
        return deleted

    def clear_user_memories(self, user_id: object = None) -> int:
        """Forget everything about one person and return how many memories that were."""
        owner = owner_id(user_id)
        count = self._rows(write=True).for_user(owner).erase()
        if count:
            self._send(memory_deleted, owner, None)
        return count

    def clear(self) -> int:
        """Empty the store: forget everything about **everybody**. Returns how many memories that were.

        The one verb that crosses owners; ``clear_user_memories`` forgets one person.
        """
        count = self._rows(write=True).all().erase()
        if count:
            self._send(memory_deleted, None, None)
        return count

    # Reading

    def get_user_memory(self, memory_id: str, user_id: object = None) -> UserMemory | None:
        """Return one memory of a user, or None.

        Raises:
            ValidationError: bad input.
        """
        owner = owner_id(user_id)
        check("memory_id", memory_id, validate_identifier)
        values = {"memory_id": memory_id, "user_id": owner}
        return cast("UserMemory | None", _select.run(self._model, self._read_alias(), values))

    def get_user_memories(
        self,
        user_id: object = None,
        *,
        topics: Sequence[str] | None = None,
        any_topics: Sequence[str] | None = None,
        agent_id: str | None = None,
        team_id: str | None = None,
        session_id: str | None = None,
        limit: int | None = None,
    ) -> list[UserMemory]:
        """Return a user's memories, the newest first.

        Args:
            user_id: the owner.
            topics: only memories that have all of these.
            any_topics: only memories that have at least one of these.
            agent_id: only memories of this agent; likewise ``team_id`` and ``session_id``.
            limit: most memories to return; all of them by default.

        Raises:
            ValidationError: bad input.
        """
        check("limit", limit, validate_limit)
        keys = {"user_id": owner_id(user_id)}
        for name, key in {"agent_id": agent_id, "team_id": team_id, "session_id": session_id}.items():
            if key is not None:
                check(name, key, validate_identifier)
                keys[name] = key
        if topics is None and any_topics is None:
            # Asked most, and always alike.
            found = _newest(*keys).first(limit, self._model, self._read_alias(), keys)
            return cast("list[UserMemory]", found)
        memories = self._rows().filter(**keys).newest()
        if topics is not None:
            memories = memories.about(*items("topics", topics))
        if any_topics is not None:
            memories = memories.about_any(*items("any_topics", any_topics))
        return list(memories[:limit])

    def search_user_memories(
        self,
        query: str | None = None,
        limit: int | None = None,
        retrieval_method: RetrievalMethod | None = None,
        user_id: object = None,
    ) -> list[UserMemory]:
        """Search a user's memories.

        Args:
            query: words to look for; needed by ``"keyword"``, ignored by the others.
            limit: most memories to return; all that match by default.
            retrieval_method: ``"last_n"``, the newest first; ``"first_n"``, the oldest first; ``"keyword"``, those in
                which every word of the query occurs, in any order and case, the newest first. By default ``"keyword"``
                with a query and ``"last_n"`` without.
            user_id: the owner.

        Raises:
            ValidationError: bad input, among it a method that does not exist.
        """
        check("limit", limit, validate_limit)
        method = retrieval_method or ("last_n" if query is None else "keyword")
        if method not in RETRIEVAL_METHODS:
            message = _("Unknown; choose one of: %(known)s.")
            raise refusal("retrieval_method", message, "invalid", known=", ".join(RETRIEVAL_METHODS))
        found = RETRIEVAL_METHODS[method](self._rows().for_user(user_id), query)
        return list(found[:limit])

    aadd_user_memory = _async_twin(add_user_memory)
    aadd_user_memories = _async_twin(add_user_memories)
    aget_user_memory = _async_twin(get_user_memory)
    aget_user_memories = _async_twin(get_user_memories)
    asearch_user_memories = _async_twin(search_user_memories)
    areplace_user_memory = _async_twin(replace_user_memory)
    aupsert_user_memory = _async_twin(upsert_user_memory)
    adelete_user_memory = _async_twin(delete_user_memory)
    adelete_user_memories = _async_twin(delete_user_memories)
    aclear_user_memories = _async_twin(clear_user_memories)
    aclear = _async_twin(clear)

    # Where

    def _write_alias(self) -> str:
        self._prepare()
        return self._alias or router.db_for_write(self._model)

    def _read_alias(self) -> str:
        self._prepare()
        return self._alias or router.db_for_read(self._model)

    def _prepare(self) -> None:
        if isinstance(self.db, MemoryDb):
            self.db.create()

    def _rows(self, *, write: bool = False) -> UserMemoryQuerySet:
        alias = self._write_alias() if write else self._read_alias()
        return self._model._default_manager.using(alias)

    # How

    def _add(self, candidate: UserMemory) -> UserMemory:
        alias = self._write_alias()
        self._stamp(candidate)
        for _attempt in range(ATTEMPTS):
            try:
                with savepoint(alias):
                    _insert.run(self._model, alias, self._values_of(candidate))
                return _saved(candidate, alias)
            except IntegrityError as error:
                refused = error
                self._refuse_taken([candidate.memory_id], error)
                # Taken, and free again: but if it is not the key that clashes, that never ends.
        raise refused

    def _insert_batches(self, added: list[UserMemory], alias: str, written: list[str]) -> None:
        """Add rows and keep the list of their ids, as far as it comes."""
        written.clear()
        # In one order, whoever writes: two transactions that want the same keys must not wait for each other.
        for batch in in_batches(sorted(added, key=attrgetter("memory_id")), conf.BATCH_SIZE):
            ids = [candidate.memory_id for candidate in batch]
            try:
                _insert.run_many(self._model, alias, [self._values_of(candidate) for candidate in batch])
            except IntegrityError as error:
                written += ids[: inserted_before(error)]
                raise
            written += ids

    def _stamp(self, candidate: UserMemory) -> None:
        """Let the fields set what a new row starts with."""
        for field in self._model._meta.concrete_fields:
            field.pre_save(candidate, add=True)

    def _values_of(self, candidate: UserMemory) -> dict[str, Any]:
        return {field.attname: getattr(candidate, field.attname) for field in self._model._meta.concrete_fields}

    def _replace(self, candidate: UserMemory, version: int | None = None) -> UserMemory | None:
        _search_text.pre_save(candidate, add=False)
        values = {name: getattr(candidate, name) for name in _written}
        values |= {
            "memory_id": candidate.memory_id,
            "user_id": candidate.user_id,
            "version": version,
            "last_updated": now(),
        }
        statement = _replace if version is None else _replace_version
        return cast("UserMemory | None", statement.run(self._model, self._write_alias(), values))

    def _is_foreign(self, candidate: UserMemory) -> bool:
        """Tell whether an id that is taken is another user's."""
        taken = self._rows(write=True).filter(memory_id=candidate.memory_id)
        try:
            return taken.exclude(user_id=candidate.user_id).exists()
        except DatabaseError:
            # The failed write took the transaction with it, so there is nothing to be tried again.
            return True

    def _refuse_taken(self, memory_ids: list[str], error: Exception | None = None) -> None:
        """Raise MemoryExists if some of these ids are in use by anybody."""
        try:
            taken = existing_ids(self._rows(write=True), memory_ids, conf.BATCH_SIZE)
        except DatabaseError:
            if error is None:
                raise
            # The failed write took the transaction with it, and only its error can be asked.
            taken = clashing_keys(error)
        if taken:
            raise MemoryExists(taken) from error

    def _send(self, signal: Signal, user_id: str | None, memory_ids: list[str] | None) -> None:
        if not signal.has_listeners(UserMemory):
            return
        alias = self._write_alias()
        try:
            # A receiver whose statement fails must not take the caller's transaction with it.
            with savepoint(alias):
                signal.send_robust(sender=UserMemory, user_id=user_id, memory_ids=memory_ids, using=alias)
        except DatabaseError:
            logger.exception("A receiver broke the transaction; what receivers wrote was rolled back to the savepoint.")


def _saved(candidate: UserMemory, alias: str) -> UserMemory:
    """Mark a memory as one that is in the database."""
    candidate._state.adding = False
    candidate._state.db = alias
    return candidate
