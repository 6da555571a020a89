"""``Recall``: the verbs of ``Memory`` that find memories by a question, sync and async."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any, Literal, overload

from agno_memory.as_of_querysets import moment_of_history
from agno_memory.conditions import conditions
from agno_memory.db import MemoryDb
from agno_memory.db.keyset import Order
from agno_memory.db.store import Store
from agno_memory.identifiers import owner_id
from agno_memory.models import UserMemory
from agno_memory.querysets import Position, UserMemoryQuerySet
from agno_memory.search.context import DEFAULT_BUDGET, MAX_CANDIDATES, Context, context_of
from agno_memory.search.methods import RetrievalMethod
from agno_memory.search.recall import Match, Search
from agno_memory.services import ANYONE, Service, UserScope, async_twin
from agno_memory.validators import check, validate_limit


class Recall(Service[UserMemoryQuerySet]):
    """Base of ``Memory``: lists by conditions, search, and context for prompts.

    Args:
        db: as of ``Memory``.
    """

    def __init__(self, db: str | MemoryDb | None = None) -> None:
        self._store = Store(db)
        super().__init__(self._store)

    def rows(self, user_id: object = None) -> UserMemoryQuerySet:
        """Return the memories of a user that have not expired; see the base."""
        return super().rows(user_id).current()

    def rows_at(self, moment: datetime.datetime, user_id: object = None) -> UserMemoryQuerySet:
        """Return the memories of a user as they were at a moment, as a queryset to read from, filter, order and slice.

        Args:
            moment: an aware datetime, at most ``HISTORY_DAYS`` ago.
            user_id: as of ``rows()``.

        Raises:
            ValidationError: a moment before the history, or a bad user.
        """
        return super().rows(user_id).as_of(moment)

    @overload
    def search_user_memories(
        self,
        query: str | None = None,
        limit: int | None = None,
        retrieval_method: RetrievalMethod | None = None,
        user_id: object = None,
        *,
        explain: Literal[False] = False,
        min_relative: float | None = None,
        precise: bool = False,
        as_of: datetime.datetime | None = None,
        **filters: Any,
    ) -> list[UserMemory]: ...

    @overload
    def search_user_memories(
        self,
        query: str | None = None,
        limit: int | None = None,
        retrieval_method: RetrievalMethod | None = None,
        user_id: object = None,
        *,
        explain: Literal[True],
        min_relative: float | None = None,
        precise: bool = False,
        as_of: datetime.datetime | None = None,
        **filters: Any,
    ) -> list[Match]: ...

    def search_user_memories(
        self,
        query: str | None = None,
        limit: int | None = None,
        retrieval_method: RetrievalMethod | None = None,
        user_id: object = None,
        *,
        explain: bool = False,
        min_relative: float | None = None,
        precise: bool = False,
        as_of: datetime.datetime | None = None,
        **filters: Any,
    ) -> list[UserMemory] | list[Match]:
        """Search the memories of a user.

        Args:
            query: a question, or words to search for; ignored by ``"last_n"`` and ``"first_n"``.
            limit: the maximum number of memories; all matches by default.
            retrieval_method: ``"ranked"``, the memories that answer the query best; ``"keyword"``, those with every
                word of the query, in any order and ignoring case, the newest first; ``"last_n"``, the newest first;
                ``"first_n"``, the oldest first. By default ``"ranked"`` with a query and ``"last_n"`` without one.
            user_id: the owner.
            explain: return a ``Match`` for each memory, with its score and the parts of it.
            min_relative: with ``"ranked"``, return only memories with at least this part of the best score, 0 to 1.
            precise: with ``"ranked"``, return only memories with a topic that the query names in whole.
            as_of: search the memories as they were at this moment, at most ``HISTORY_DAYS`` ago. A ranked search reads
                all of them, and uses no embedding model.
            **filters: those of ``get_user_memories()``, and all others of ``names.FILTERS``.

        Raises:
            ValidationError: bad input, such as an unknown method.
            TypeError: an unknown filter.
        """
        search = Search(query, retrieval_method, min_relative=min_relative, precise=precise)
        check("limit", limit, validate_limit)
        lookups = conditions(**filters)
        if as_of is not None:
            matches = self._search_at(search, as_of, user_id, lookups, limit)
            return matches if explain else [match.memory for match in matches]
        if search.selection is None:
            owner = None if isinstance(user_id, UserScope) else owner_id(user_id)
            rows = self.rows(user_id).filter(**lookups)
            matches = search.ranked(rows, limit, owner)
            return matches if explain else [match.memory for match in matches]
        selected = self.select(user_id, {**lookups, **search.selection.lookups}, limit, search.selection.order)
        return [search.unranked(memory) for memory in selected] if explain else selected

    def _search_at(
        self, search: Search, moment: datetime.datetime, user_id: object, lookups: dict[str, Any], limit: int | None
    ) -> list[Match]:
        """Search the memories of an earlier moment."""
        rows = self.rows_at(moment, user_id).filter(**lookups)
        if search.selection is None:
            return search.ranked_among(list(rows.newest()), limit)
        selected = rows.filter(**search.selection.lookups).page(limit, order=search.selection.order)
        return [search.unranked(memory) for memory in selected]

    def context(
        self,
        user_id: object = None,
        query: str | None = None,
        budget: int = DEFAULT_BUDGET,
        count: Callable[[str], int] = len,
    ) -> Context:
        """Return a block of text for a prompt: the memories that matter for a question, within a budget.

        Args:
            user_id: the owner.
            query: the question or message; without one, the newest memories.
            budget: the maximum size of the block, in characters or in the unit of ``count``.
            count: returns the size of a text, such as its number of tokens.

        Returns:
            The block, pinned memories first and then the best match, and the ids of its memories. Each is one numbered
            line that is marked as data; near duplicates are left out. Without memories the block is empty.

        Raises:
            ValidationError: bad input.
        """
        check("budget", budget, validate_limit)
        is_blank = query is None or not query.strip()
        pinned = list(self.rows(user_id).filter(pinned=True).newest()[:MAX_CANDIDATES])
        found = self.search_user_memories(None if is_blank else query, MAX_CANDIDATES, user_id=user_id)
        memories = {memory.key: memory for memory in (*pinned, *found)}
        return context_of(memories.values(), budget, count)

    def select(
        self,
        user_id: object,
        lookups: dict[str, Any],
        limit: int | None = None,
        order: Order = "-last_updated",
        position: Position | None = None,
    ) -> list[UserMemory]:
        """Return memories of a user by a statement that is compiled once for each shape; the other verbs read by it.

        Args:
            user_id: the owner, or ``ANYONE``.
            lookups: arguments of ``QuerySet.filter()``, from ``querysets.conditions()`` and ``mentions()``.
            limit: the maximum number of memories; all by default.
            order: as in ``page()``.
            position: as in ``page()``.
        """
        owner = {} if user_id is ANYONE else {"user_id": owner_id(user_id)}
        return self._store.select({**owner, **lookups}, limit, order, position)

    def select_at(
        self, user_id: object, lookups: dict[str, Any], limit: int | None, moment: datetime.datetime
    ) -> list[UserMemory]:
        """Return memories of a user as they were at a moment, the newest first; as ``select()``.

        Raises:
            ValidationError: a moment before the history, or a bad user.
        """
        owner = {} if user_id is ANYONE else {"user_id": owner_id(user_id)}
        return self._store.select_at({**owner, **lookups}, limit, moment_of_history(moment))

    # The type checker takes the first of the overloads.
    asearch_user_memories = async_twin(search_user_memories)  # type: ignore[arg-type]
    acontext = async_twin(context)
    aselect = async_twin(select)
