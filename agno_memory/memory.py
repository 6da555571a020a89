"""``Memory``: the verbs, for one user each. Who asks, what they may say, and what they are told. Sync and async."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.dispatch import Signal
from django.utils.translation import gettext as _

from agno_memory.cleaning import cleaned_memories, cleaned_memory
from agno_memory.db import MemoryDb
from agno_memory.db.store import Store
from agno_memory.exceptions import MemoryChanged, MemoryNotFound
from agno_memory.models import UserMemory
from agno_memory.search.methods import RETRIEVAL_METHODS, RetrievalMethod
from agno_memory.signals import announce, memory_added, memory_deleted, memory_replaced
from agno_memory.validators import (
    check,
    items,
    owner_id,
    refusal,
    validate_identifier,
    validate_limit,
    validate_version,
)

Params = ParamSpec("Params")
Result = TypeVar("Result")


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
        self._store = Store(db)

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
        added = self._store.add(cleaned_memory(self._store.model, memory, owner_id(user_id)))
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
        candidate = cleaned_memory(self._store.model, memory, owner_id(user_id), memory_id)
        replaced = self._store.replace(candidate, version)
        if replaced is None:
            raise self._refusal(memory_id, candidate.user_id, version)
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
        candidate = cleaned_memory(self._store.model, memory, owner_id(user_id))
        written, is_new = self._store.upsert(candidate)
        self._send(memory_added if is_new else memory_replaced, written.user_id, [written.memory_id])
        return written

    def delete_user_memory(self, memory_id: str, user_id: object = None, *, version: int | None = None) -> None:
        """Forget one memory.

        Args:
            memory_id: of the memory.
            user_id: the owner.
            version: forget this version only.

        Raises:
            ValidationError: bad input.
            MemoryNotFound: this user has no such memory.
            MemoryChanged: it is not, or no longer, at ``version``.
        """
        owner = owner_id(user_id)
        check("memory_id", memory_id, validate_identifier)
        check("version", version, validate_version)
        if not self._store.delete(memory_id, owner, version):
            raise self._refusal(memory_id, owner, version)
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
        added = cleaned_memories(self._store.model, items("memories", memories), owner)
        self._store.add_many(added, owner)
        if added:
            self._send(memory_added, owner, [memory.memory_id for memory in added])
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
        wanted = items("memory_ids", memory_ids)
        for memory_id in wanted:
            check("memory_ids", memory_id, validate_identifier)
        deleted = self._store.delete_many(list(dict.fromkeys(wanted)), owner)
        if deleted:
            self._send(memory_deleted, owner, deleted)
        return deleted

    def clear_user_memories(self, user_id: object = None) -> int:
        """Forget everything about one person and return how many memories that were."""
        owner = owner_id(user_id)
        count = self._store.rows_to_write().for_user(owner).erase()
        if count:
            self._send(memory_deleted, owner, None)
        return count

    def clear(self) -> int:
        """Empty the store: forget everything about **everybody**. Returns how many memories that were.

        The one verb that crosses owners; ``clear_user_memories`` forgets one person.
        """
        count = self._store.rows_to_write().all().erase()
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
        return self._store.get(memory_id, owner)

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
            return self._store.newest(keys, limit)
        memories = self._store.rows().filter(**keys).newest()
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
        found = RETRIEVAL_METHODS[method](self._store.rows().for_user(user_id), query)
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

    def _refusal(self, memory_id: str, owner: str, version: int | None) -> MemoryChanged | MemoryNotFound:
        """Return why a write found no row: the memory is at another version, or this user has none."""
        if version is not None and self._store.rows_to_write().filter(memory_id=memory_id, user_id=owner).exists():
            return MemoryChanged(memory_id, version)
        return MemoryNotFound(memory_id)

    def _send(self, signal: Signal, user_id: str | None, memory_ids: list[str] | None) -> None:
        announce(signal, UserMemory, user_id, memory_ids, using=self._store.write_alias)
