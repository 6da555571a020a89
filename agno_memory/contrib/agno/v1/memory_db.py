"""``DjangoMemoryDb``: the memories of agents built with agno 1.8 (``agno.memory.v2``)."""

from __future__ import annotations

from typing import Any

from agno.memory.v2.db.base import MemoryDb
from agno.memory.v2.db.schema import MemoryRow

from agno_memory.contrib.agno import owners
from agno_memory.contrib.agno.agent_memory import AgentMemory, check_recall
from agno_memory.contrib.agno.run_messages import message_of_call
from agno_memory.contrib.agno.threads import from_anywhere
from agno_memory.contrib.agno.tool_calls import Origin, current_user, origin_of_call
from agno_memory.contrib.agno.v1.rows import memory_from_agno, memory_to_agno
from agno_memory.db import handles
from agno_memory.exceptions import MemoryNotFound


class DjangoMemoryDb(MemoryDb):
    """Memories in the site's database, for ``agno.memory.v2.memory.Memory(db=DjangoMemoryDb())``.

    Args:
        db: an alias of ``DATABASES``, or a handle such as ``SqliteMemoryDb``; None follows the router.
        recall: the number of memories in a prompt of an agent, a team or a memory manager: those that matter for the
            message of the run, then the newest. All memories of the user by default, and always for other callers.

    Raises:
        ValueError: ``recall`` is not a whole number from 1.
    """

    def __init__(self, db: str | handles.MemoryDb | None = None, *, recall: int | None = None) -> None:
        check_recall(recall)
        self.recall = recall
        self._memory = AgentMemory(db)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(db={self._memory.db!r})"

    # The table

    def create(self) -> None:
        """Do nothing: migrations, or a handle's first use, create the table."""

    def table_exists(self) -> bool:
        """Return True."""
        return True

    def drop_table(self) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("The table belongs to the site: manage.py migrate agno_memory zero drops it.")

    # Reading

    @from_anywhere
    def memory_exists(self, memory: MemoryRow) -> bool:
        """Return whether this user has a memory of this id; any user, if the row names none.

        Raises:
            AmbiguousMemory: the row names no user, and several users have this id.
        """
        return self._memory.rows(owners.reader(memory.user_id)).with_id(memory.id) is not None

    def read_memories(
        self, user_id: str | None = None, limit: int | None = None, sort: str | None = None
    ) -> list[MemoryRow]:
        """Return memories, the latest added first; for a prompt of a store with ``recall``, those that matter.

        Args:
            user_id: the owner; every user by default.
            limit: most memories to return; all of them by default.
            sort: ``"asc"`` returns the earliest added first.
        """
        current_user.set(user_id)
        if self.recall and user_id is not None and (message := message_of_call()) is not None:
            return self._recall(user_id, message, self.recall)
        return self._read(user_id, limit, "created_at" if sort == "asc" else "-created_at")

    @from_anywhere
    def _recall(self, user_id: str, message: str, count: int) -> list[MemoryRow]:
        return [memory_to_agno(memory) for memory in self._memory.recall(user_id, message, count)]

    @from_anywhere
    def _read(self, user_id: str | None, limit: int | None, order: Any) -> list[MemoryRow]:
        return [memory_to_agno(memory) for memory in self._memory.rows(owners.reader(user_id)).sorted_by(order)[:limit]]

    # Writing

    @from_anywhere
    def upsert_memory(self, memory: MemoryRow) -> MemoryRow:
        """Replace the user's memory of this id, or add it. A field that agno does not set keeps its value.

        Raises:
            ValidationError: bad input; nothing was written.
        """
        return memory_to_agno(self._memory.upsert(memory_from_agno(memory), memory.user_id))

    def delete_memory(self, memory_id: str) -> None:
        """Delete a memory: of any user if the program calls, otherwise of the agent's user.

        As in agno's stores, a program may delete a memory that does not exist. A tool that does is told.

        Raises:
            MemoryNotFound: agno calls, and the memory does not exist or belongs to another user; nothing was deleted.
            AmbiguousMemory: no user is named, and several users have this id; nothing was deleted.
            ValueError: agno calls, and its user is unknown; nothing was deleted.
        """
        origin, user_id = origin_of_call(), current_user.get()
        if origin is Origin.PROGRAM:
            user_id = None
        elif user_id is None and origin is not Origin.MEMORY:
            raise ValueError(
                "delete_memory() does not name a user, and read_memories(user_id) was not called before. Nothing was "
                "deleted. Call delete_user_memory(memory_id, user_id) of agno's Memory."
            )
        if not self._delete(memory_id, user_id) and origin is not Origin.PROGRAM:
            raise MemoryNotFound(memory_id)

    @from_anywhere
    def _delete(self, memory_id: str, user_id: str | None) -> bool:
        """Delete a memory of a user, or of any user, and return whether there was one."""
        memory = self._memory.rows_to_write(owners.reader(user_id)).with_id(memory_id)
        if memory is None:
            return False
        self._memory.delete_user_memory(memory, memory.user_id)
        return True

    def clear(self) -> bool:
        """Delete memories: those of every user, or those of the agent's user if a tool calls.

        ``Agent.new_session()`` calls this method too, to begin another session: then nothing is deleted.

        Returns:
            Whether memories were to be deleted.

        Raises:
            ValueError: the caller or its user is unknown; nothing was deleted.
        """
        origin, user_id = origin_of_call(), current_user.get()
        if origin is Origin.NEW_SESSION:
            return False
        if origin in (Origin.PROGRAM, Origin.MEMORY):
            self._clear()
        elif origin is Origin.TOOL and user_id is not None:
            self._clear_user(user_id)
        else:
            raise ValueError(
                "clear() does not name a user, and would delete the memories of every user. Nothing was deleted. "
                "To empty the store, call clear() of agno's Memory, or agno_memory.memory.Memory().clear()."
            )
        return True

    @from_anywhere
    def _clear(self) -> None:
        self._memory.clear()

    @from_anywhere
    def _clear_user(self, user_id: str) -> None:
        self._memory.clear_user_memories(user_id)
