"""``Memory``: the verbs on memories, sync and async. Each call acts for one user."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agno_memory.cleaning import cleaned_memories, cleaned_memory
from agno_memory.conditions import conditions
from agno_memory.db.keyset import Order
from agno_memory.db.memory_statements import Version, version_number
from agno_memory.db.stored_rows import KEY
from agno_memory.exceptions import MemoryChanged, MemoryNotFound
from agno_memory.identifiers import Identifier, identifier, owner_id
from agno_memory.merging import Merging
from agno_memory.models import UserMemory
from agno_memory.querysets import Position
from agno_memory.services import ANYONE, async_twin
from agno_memory.signals import memory_added, memory_deleted, memory_replaced
from agno_memory.validators import check, items, validate_limit


class Memory(Merging):
    """The memories of users.

    Every verb acts for one user: a string, an int, a Django user, or ``None`` for the user named by
    ``DEFAULT_USER_ID``. Another user's memory behaves exactly as one that does not exist. Every verb has an async twin
    with an ``a`` in front of its name.

    Args:
        db: the database. ``None`` follows the router, a string is an alias of ``DATABASES``, and a
            ``SqliteMemoryDb``, ``PostgresMemoryDb`` or ``MongoMemoryDb`` has a connection and a table of its own.
    """

    _sender = UserMemory

    # Writing one memory

    def add_user_memory(self, memory: UserMemory, user_id: object = None) -> UserMemory:
        """Add a memory about a user.

        Args:
            memory: unsaved, ``UserMemory(memory="...", topics=[...])``. It is not changed.
            user_id: the owner.

        Returns:
            The saved memory, equal to the one that is read back.

        Raises:
            ValidationError: bad input; nothing was written.
            MemoryExists: the user has a memory with this id; nothing was written.
        """
        added, is_new = self._store.add(cleaned_memory(self._store.model, memory, owner_id(user_id)))
        if is_new:
            self._send(memory_added, user_id=added.user_id, memory_ids=[added.memory_id])
        return added

    def replace_user_memory(
        self, memory_id: Identifier, memory: UserMemory, user_id: object = None, *, version: Version = None
    ) -> UserMemory:
        """Replace the content of a memory: the text, the topics and all other fields that callers set.

        Args:
            memory_id: the id of the memory to replace. The id of ``memory`` is ignored.
            memory: the new content. It is not changed.
            user_id: the owner.
            version: replace only this version: its number, or the memory as it was read, which excludes a later memory
                with the same id and number.

        Returns:
            The memory as it is now, its ``version`` one higher.

        Raises:
            ValidationError: bad input; nothing was written.
            MemoryNotFound: this user has no such memory.
            MemoryChanged: the memory is at another version.
        """
        number = version_number(version)
        own_id = identifier("memory_id", memory_id)
        candidate = cleaned_memory(self._store.model, memory, owner_id(user_id), own_id)
        replaced = self._store.replace(candidate, version)
        if replaced is None:
            raise self._refusal(own_id, candidate.user_id, number)
        self._send(memory_replaced, user_id=replaced.user_id, memory_ids=[own_id])
        return replaced

    def upsert_user_memory(self, memory: UserMemory, user_id: object = None) -> UserMemory:
        """Replace the user's memory that has the same id, or add a memory if the user has none with it.

        Args:
            memory: unsaved, with a ``memory_id``. It is not changed.
            user_id: the owner.

        Returns:
            The memory as it is now.

        Raises:
            ValidationError: bad input; nothing was written.
        """
        return self.upsert_fields(memory, user_id, UserMemory.content_fields)

    def upsert_fields(self, memory: UserMemory, user_id: object, names: Iterable[str]) -> UserMemory:
        """Replace some fields of the user's memory that has the same id, or add the memory.

        Args:
            memory: unsaved, with a ``memory_id``. It is not changed.
            user_id: the owner.
            names: the content fields to replace; the others keep their values.

        Returns:
            The memory as it is now.

        Raises:
            ValidationError: bad input; nothing was written.
        """
        candidate = cleaned_memory(self._store.model, memory, owner_id(user_id))
        written, is_new = self._store.upsert(candidate, names)
        signal = memory_added if is_new else memory_replaced
        self._send(signal, user_id=written.user_id, memory_ids=[written.memory_id])
        return written

    def delete_user_memory(
        self,
        memory_id: Identifier,
        user_id: object = None,
        *,
        version: Version = None,
        permanently: bool = False,
    ) -> None:
        """Delete a memory. For ``HISTORY_DAYS`` it can be restored.

        Args:
            memory_id: the id of the memory.
            user_id: the owner.
            version: delete only this version; as of ``replace_user_memory()``.
            permanently: keep no version of it, and remove those that are kept. Works for a deleted memory too.

        Raises:
            ValidationError: bad input; nothing was deleted.
            MemoryNotFound: this user has no such memory.
            MemoryChanged: the memory is at another version.
        """
        owner, own_id = owner_id(user_id), identifier("memory_id", memory_id)
        number = version_number(version)
        delete = self._store.delete_permanently if permanently else self._store.delete
        if not delete(own_id, owner, version):
            raise self._refusal(own_id, owner, number)
        self._send(memory_deleted, user_id=owner, memory_ids=[own_id])

    # Writing many

    def add_user_memories(self, memories: Iterable[UserMemory], user_id: object = None) -> list[UserMemory]:
        """Add many memories about a user at once, in batches of ``BATCH_SIZE``.

        All or nothing if the database has transactions. Without transactions (a stand-alone MongoDB), the input and the
        ids are checked before the first write.

        Args:
            memories: unsaved, as in ``add_user_memory()``. They are not changed.
            user_id: the owner.

        Returns:
            The saved memories, in the order of ``memories``.

        Raises:
            ValidationError: bad input, by position (``"3.topics"``); nothing was written.
            MemoryExists: all ids that are taken; nothing was written.
        """
        owner = owner_id(user_id)
        candidates = cleaned_memories(self._store.model, items("memories", memories), owner)
        added = self._store.add_many(candidates, owner)
        new = [memory.memory_id for memory, candidate in zip(added, candidates, strict=True) if memory is candidate]
        if new:
            self._send(memory_added, user_id=owner, memory_ids=new)
        return added

    def delete_user_memories(
        self, memory_ids: Iterable[Identifier], user_id: object = None, *, permanently: bool = False
    ) -> list[str]:
        """Delete many memories at once. Ids that the user does not have are ignored.

        Args:
            memory_ids: the ids of the memories.
            user_id: the owner.
            permanently: as of ``delete_user_memory()``.

        Returns:
            The ids of the memories that this call deleted, in the order of ``memory_ids``. (On a stand-alone MongoDB,
            two calls that delete the same memory at the same moment may both return its id.)

        Raises:
            ValidationError: bad input; nothing was deleted.
        """
        owner = owner_id(user_id)
        requested_ids = [identifier("memory_id", each, "memory_ids") for each in items("memory_ids", memory_ids)]
        deleted = self._store.delete_many(list(dict.fromkeys(requested_ids)), owner, permanently=permanently)
        if deleted:
            self._send(memory_deleted, user_id=owner, memory_ids=deleted)
        return deleted

    def clear_user_memories(self, user_id: object = None) -> int:
        """Delete all memories of one user for good, with their earlier versions, and return their number."""
        owner = owner_id(user_id)
        count = self.rows_to_write(owner).erase_of(owner)
        if count:
            self._send(memory_deleted, user_id=owner, memory_ids=None)
        return count

    def clear(self) -> int:
        """Empty the store: delete the memories of **all** users and return their number.

        No other verb crosses owners; ``clear_user_memories`` deletes the memories of one user.
        """
        count = self.rows_to_write(ANYONE).erase_of(None)
        if count:
            self._send(memory_deleted, user_id=None, memory_ids=None)
        return count

    # Reading

    def get_user_memory(
        self, memory_id: Identifier, user_id: object = None, *, as_of: datetime.datetime | None = None
    ) -> UserMemory | None:
        """Return a memory of a user, or None.

        Args:
            memory_id: the id of the memory.
            user_id: the owner.
            as_of: return it as it was at this moment, at most ``HISTORY_DAYS`` ago.

        Raises:
            ValidationError: bad input, or a moment before the history.
        """
        owner, own_id = owner_id(user_id), identifier("memory_id", memory_id)
        if as_of is None:
            return self._store.get(own_id, owner)
        return self.rows_at(as_of, owner).filter(key=KEY.digest(owner, own_id)).first()

    def get_user_memories(
        self,
        user_id: object = None,
        *,
        topics: Sequence[str] | None = None,
        any_topics: Sequence[str] | None = None,
        agent_id: Identifier | None = None,
        team_id: Identifier | None = None,
        session_id: Identifier | None = None,
        metadata: Mapping[str, Any] | None = None,
        limit: int | None = None,
        as_of: datetime.datetime | None = None,
    ) -> list[UserMemory]:
        """Return memories of a user, the newest first.

        Args:
            user_id: the owner.
            topics: only memories with all of these.
            any_topics: only memories with at least one of these.
            agent_id: only memories of this agent; likewise ``team_id`` and ``session_id``.
            metadata: only memories with all of these values under these keys, ``{"plan": "pro"}``. The values are text,
                numbers, true, false or null. All memories of the user are read.
            limit: the maximum number of memories; all by default.
            as_of: the memories as they were at this moment, at most ``HISTORY_DAYS`` ago: deleted ones included, later
                ones not.

        Raises:
            ValidationError: bad input, or a moment before the history.
        """
        check("limit", limit, validate_limit)
        lookups = conditions(
            topics=topics,
            any_topics=any_topics,
            agent_id=agent_id,
            team_id=team_id,
            session_id=session_id,
            metadata=metadata,
        )
        if as_of is not None:
            return self.select_at(user_id, lookups, limit, as_of)
        return self.select(user_id, lookups, limit)

    def page(
        self,
        user_id: object = None,
        *,
        size: int,
        position: Position | None = None,
        order: Order = "-last_updated",
    ) -> list[UserMemory]:
        """Return a page of the whole list of a user: the first memories in an order, or the first after a position.

        A page costs the same wherever it begins. To page through a part of the list, narrow ``rows(user_id)`` and call
        its ``page()``.

        Args:
            user_id: the owner.
            size: the maximum number of memories.
            position: the last memory of the page before, or its time and id; None for the first page. The memory need
                not exist any more.
            order: ``"-last_updated"``, ``"last_updated"``, ``"-created_at"`` or ``"created_at"``; ties by
                ``memory_id`` in the same direction.

        Raises:
            ValidationError: bad input.
        """
        check("size", size, validate_limit)
        return self.select(user_id, {}, size, order, position)

    aadd_user_memory = async_twin(add_user_memory)
    aadd_user_memories = async_twin(add_user_memories)
    aget_user_memory = async_twin(get_user_memory)
    aget_user_memories = async_twin(get_user_memories)
    apage = async_twin(page)
    areplace_user_memory = async_twin(replace_user_memory)
    aupsert_user_memory = async_twin(upsert_user_memory)
    aupsert_fields = async_twin(upsert_fields)
    adelete_user_memory = async_twin(delete_user_memory)
    adelete_user_memories = async_twin(delete_user_memories)
    aclear_user_memories = async_twin(clear_user_memories)
    aclear = async_twin(clear)

    def _refusal(self, memory_id: str, owner: str, version: int | None) -> MemoryChanged | MemoryNotFound:
        """Return the error for a write that matched no row: another version, or no such memory of this user."""
        if version is not None and self.rows_to_write(owner).current().filter(memory_id=memory_id).exists():
            return MemoryChanged(memory_id, version)
        return MemoryNotFound(memory_id)
