"""The methods of ``DjangoDb`` for memories."""

from __future__ import annotations

import datetime
from typing import Any, Final

from agno.db.schemas.memory import UserMemory as AgnoMemory
from django.db.models import Count, Max

from agno_memory.agent_documents import optional_moment
from agno_memory.contrib.agno import owners
from agno_memory.contrib.agno.agent_memory import AgentMemory
from agno_memory.contrib.agno.run_messages import message_of_call
from agno_memory.contrib.agno.threads import from_anywhere, looks_at_caller
from agno_memory.contrib.agno.tool_calls import Origin, current_user, origin_of_call
from agno_memory.contrib.agno.v3.listing import Listing
from agno_memory.contrib.agno.v3.rows import memory_from_agno, memory_result
from agno_memory.db.transactions import all_or_nothing
from agno_memory.exceptions import AmbiguousMemory, MemoryNotFound
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.times import now, to_epoch

# A memory that is new to agno too is at most this old; one that is older comes from another store.
NEW: Final = datetime.timedelta(seconds=2)


class MemoriesMixin:
    """Memories of all users. Without a ``user_id``, agno means every user."""

    _memory: AgentMemory
    recall: int | None

    # Writing

    @from_anywhere
    def upsert_user_memory(self, memory: AgnoMemory, deserialize: bool | None = True) -> AgnoMemory | dict[str, Any]:
        """Replace the user's memory of this id, or add it. A field that agno does not set keeps its value.

        Args:
            memory: to write; an attribute that is None is not set. A new memory keeps its ``created_at``.
            deserialize: return agno's object, not a dictionary.

        Raises:
            ValidationError: bad input; nothing was written.
        """
        return memory_result(self._upsert_memory(memory), deserialize)

    @from_anywhere
    def upsert_memories(
        self, memories: list[AgnoMemory], deserialize: bool | None = True, preserve_updated_at: bool = False
    ) -> list[AgnoMemory | dict[str, Any]]:
        """Upsert many memories, all or nothing where the database has transactions.

        Args:
            memories: to write.
            deserialize: return agno's objects, not dictionaries.
            preserve_updated_at: write the times of the memories, instead of the current time.
        """

        def write() -> list[UserMemory]:
            return [self._upsert_memory(memory, keep_times=preserve_updated_at) for memory in memories]

        written = all_or_nothing(self._memory.write_alias, write)
        return [memory_result(memory, deserialize) for memory in written]

    def _upsert_memory(self, memory: AgnoMemory, *, keep_times: bool = False) -> UserMemory:
        begun = now()
        written = self._memory.upsert(memory_from_agno(memory), memory.user_id)
        created_at = optional_moment(memory.created_at) or written.created_at
        if keep_times:
            self._set_times(written, created_at, optional_moment(memory.updated_at) or created_at)
        elif written.created_at >= begun > created_at + NEW:
            self._set_times(written, created_at, created_at)
        return written

    def _set_times(self, memory: UserMemory, created_at: datetime.datetime, last_updated: datetime.datetime) -> None:
        memory.created_at, memory.last_updated = created_at, last_updated
        rows = self._memory.rows_to_write(memory.user_id).filter(memory_id=memory.memory_id)
        rows.set_times(created_at, last_updated)

    # Reading

    @from_anywhere
    def get_user_memory(
        self, memory_id: str, deserialize: bool | None = True, user_id: str | None = None
    ) -> AgnoMemory | dict[str, Any] | None:
        """Return one memory of a user, or of any user, or None.

        Raises:
            AmbiguousMemory: no user is named, and several users have this id.
        """
        if user_id is None:
            memory = self._memory_rows(None).with_id(memory_id)
        else:
            memory = self._memory.get_user_memory(memory_id, user_id)
        return None if memory is None else memory_result(memory, deserialize)

    @looks_at_caller
    def get_user_memories(
        self,
        user_id: str | None = None,
        agent_id: str | None = None,
        team_id: str | None = None,
        topics: list[str] | None = None,
        search_content: str | None = None,
        limit: int | None = None,
        page: int | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
        deserialize: bool | None = True,
    ) -> list[AgnoMemory] | tuple[list[dict[str, Any]], int]:
        """Return the memories that match all arguments, newest first by default.

        For a prompt of a store with ``recall``, return the memories that matter for the message.

        Args:
            user_id: the owner; every user by default.
            agent_id: only memories of this agent; likewise ``team_id``.
            topics: only memories that have all of these.
            search_content: only memories with a text that contains this one, ignoring case.
            limit: most memories to return.
            page: from 1; needs a limit.
            sort_by: the name of a memory's field.
            sort_order: ``"asc"``, otherwise descending.
            deserialize: return agno's objects; otherwise dictionaries, and the number of matches without the limit.

        Raises:
            ValueError: a page without a limit, or below 1.
            ValidationError: an agent or a team that is not an id.
        """
        current_user.set(user_id)
        filters = {"agent_id": agent_id, "team_id": team_id, "topics": topics or None}
        listing = Listing(limit, page, sort_by, sort_order)
        if self.recall and user_id is not None and (message := message_of_call()) is not None:
            return self._recall(user_id, message, self.recall)
        return self._list_memories(user_id, filters, search_content, listing, deserialize)

    @from_anywhere
    def _recall(self, user_id: str, message: str, count: int) -> list[Any]:
        return [memory_result(memory, True) for memory in self._memory.recall(user_id, message, count)]

    @from_anywhere
    def _list_memories(
        self,
        user_id: str | None,
        filters: dict[str, Any],
        search_content: str | None,
        listing: Listing,
        deserialize: bool | None,
    ) -> Any:
        listing.check()
        if deserialize and listing.page is None and listing.is_in_default_order(UserMemory):
            # As an agent reads: by a statement that is compiled once.
            memories = self._memory.newest(user_id, filters, search_content, listing.limit)
            return [memory_result(memory, deserialize) for memory in memories]
        rows = self._memory_rows(user_id).matching(**filters)
        if search_content:
            rows = rows.mentioning(search_content)
        page = listing.sliced(listing.ordered(rows, rows.newest()))
        results = [memory_result(memory, deserialize) for memory in page]
        return results if deserialize else (results, rows.count())

    @from_anywhere
    def get_all_memory_topics(self, user_id: str | None = None) -> list[str]:
        """Return the topics of the memories of a user, or of every user, the most frequent first."""
        return [counted.topic for counted in self._memory_rows(user_id).topic_counts()]

    @from_anywhere
    def get_user_memory_stats(
        self, limit: int | None = None, page: int | None = None, user_id: str | None = None
    ) -> tuple[list[dict[str, Any]], int]:
        """Return each user's number of memories and the time of their last write, and the number of users.

        Raises:
            ValueError: a page without a limit, or below 1.
        """
        listing = Listing(limit, page)
        listing.check()
        users: Any = (
            self._memory_rows(user_id)
            .values("user_id")
            .annotate(total_memories=Count("memory_id"), last_memory_updated_at=Max("last_updated"))
            .order_by("-last_memory_updated_at", "user_id")
        )
        rows = list(listing.sliced(users))
        for row in rows:
            row["last_memory_updated_at"] = to_epoch(row["last_memory_updated_at"])
        return rows, users.count()

    # Deleting

    @from_anywhere
    def delete_user_memory(self, memory_id: str, user_id: str | None = None) -> None:
        """Delete one memory of a user, or of any user.

        Raises:
            MemoryNotFound: the memory does not exist or belongs to another user.
            AmbiguousMemory: no user is named, and several users have this id; nothing was deleted.
        """
        if user_id is not None:
            self._memory.delete_user_memory(memory_id, user_id)
            return
        memory = self._memory.rows_to_write(owners.reader(None)).with_id(memory_id)
        if memory is None:
            raise MemoryNotFound(memory_id)
        self._memory.delete_user_memory(memory, memory.user_id)

    @from_anywhere
    def delete_user_memories(self, memory_ids: list[str], user_id: str | None = None) -> None:
        """Delete many memories of a user, or of any user. Ids that the user does not have are ignored, as in agno.

        Raises:
            AmbiguousMemory: no user is named, and several users have one of these ids; nothing was deleted.
        """
        if user_id is not None:
            self._memory.delete_user_memories(memory_ids, user_id)
            return
        ids_of = self._ids_by_owner(memory_ids)

        def delete() -> None:
            for owner, owned_ids in ids_of.items():
                self._memory.delete_user_memories(owned_ids, owner)

        all_or_nothing(self._memory.write_alias, delete)

    def _ids_by_owner(self, memory_ids: list[str]) -> dict[str, list[str]]:
        """Return those of the ids that exist, by the owner of the memory; raises AmbiguousMemory."""
        ids_of: dict[str, list[str]] = {}
        seen: set[str] = set()
        rows = self._memory.rows_to_write(owners.reader(None)).filter(memory_id__in=memory_ids)
        for memory_id, owner in rows.values_list("memory_id", "user_id"):
            if memory_id in seen:
                raise AmbiguousMemory(memory_id)
            seen.add(memory_id)
            ids_of.setdefault(owner, []).append(memory_id)
        return ids_of

    @looks_at_caller
    def clear_memories(self) -> None:
        """Delete the memories of the agent's user, if agno's tool ``clear_memory`` calls.

        agno does not pass a user; its own databases delete the memories of every user (its issue 9983).

        Raises:
            ValueError: another caller, or its user is unknown; nothing was deleted.
        """
        user_id = current_user.get()
        if user_id is None or origin_of_call() is not Origin.TOOL:
            raise ValueError(
                "clear_memories() does not name a user, and would delete the memories of every user. Nothing was "
                "deleted. Call clear_user_memories(user_id=...) of the memory manager, or "
                "agno_memory.memory.Memory().clear() to empty the store."
            )
        return self._clear_user(user_id)

    @from_anywhere
    def _clear_user(self, user_id: str) -> None:
        self._memory.clear_user_memories(user_id)

    def _memory_rows(self, user_id: str | None) -> UserMemoryQuerySet:
        return self._memory.rows(owners.reader(user_id))
