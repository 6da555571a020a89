"""The verbs that read: the requests of each, and the meaning of the responses; see ``verbs.py``."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypedDict, Unpack

from agno_memory.client.calls import Calls, UserId, with_keywords_of
from agno_memory.client.models import (
    Stats,
    TopicCount,
    UserMemory,
    parse_counts,
    parse_found,
    parse_matches,
    parse_memory,
    parse_stats,
    parse_topic_counts,
)
from agno_memory.client.payloads import (
    Identifier,
    as_id,
    as_text,
    check_limit,
    filter_parameters,
    moment_parameters,
    search_options,
)
from agno_memory.client.protocol import Request, build_path, invalid, path_segment
from agno_memory.client.retries import Exchange

RetrievalMethod = Literal["ranked", "last_n", "first_n", "keyword"]
RANKED: Final = "ranked"
ORDERINGS: Final = {"last_n": "-last_updated", "first_n": "last_updated", "keyword": "-last_updated"}


class Filters(TypedDict, total=False):
    """The keyword arguments of lists; their names in a URL are in ``names.FILTERS``. None sets no filter."""

    topics: Sequence[str] | None
    any_topics: Sequence[str] | None
    agent_id: Identifier | None
    team_id: Identifier | None
    session_id: Identifier | None
    metadata: Mapping[str, Any] | None


class SearchFilters(Filters, total=False):
    """The keyword arguments of searches."""

    created_after: datetime.datetime | None
    created_before: datetime.datetime | None
    updated_after: datetime.datetime | None
    updated_before: datetime.datetime | None


class Reads(Calls):
    """Base of ``Verbs``: the verbs that read."""

    def get_user_memory(
        self, memory_id: Identifier, user_id: UserId = None, *, as_of: datetime.datetime | None = None
    ) -> Exchange[UserMemory | None]:
        """Return one memory of a user, or None.

        Args:
            memory_id: the id of the memory.
            user_id: the owner.
            as_of: return it as it was at this moment. A memory that was deleted since requires the permission
                ``view_deleted``.

        Raises:
            ValidationError: bad input.
            RemoteError: the call failed.
        """
        segment = path_segment("memory_id", as_id("memory_id", memory_id))
        query = [*self.owner_parameters(user_id), *moment_parameters(as_of)]
        path = build_path("memories", segment, query=query)
        response = yield from self.send(Request("GET", path), 200, 404)
        return None if response.status == 404 else response.parse(parse_memory)

    @with_keywords_of(Filters)
    def get_user_memories(
        self,
        user_id: UserId = None,
        *,
        limit: int | None = None,
        as_of: datetime.datetime | None = None,
        **filters: Unpack[Filters],
    ) -> Exchange[list[UserMemory]]:
        """Return a user's memories, the last written first.

        They are read in pages. Without a limit, writes in the meantime do not hide a memory; with a limit above
        ``page_size``, a memory that is written between two pages may be missed.

        Args:
            user_id: the owner.
            topics: only memories that have all of these.
            any_topics: only memories that have at least one of these.
            agent_id: only memories of this agent; likewise ``team_id`` and ``session_id``.
            limit: maximum of memories to return; all of them by default.
            as_of: the memories as they were at this moment, as of ``get_user_memory()``.

        Raises:
            ValidationError: bad input.
            RemoteError: a call failed.
        """
        query = filter_parameters(filters)
        moment = moment_parameters(as_of)
        check_limit(limit)
        if query is None or limit == 0:
            return []
        return (yield from self.list_memories([*self.owner_parameters(user_id), *moment, *query], limit))

    @with_keywords_of(Filters)
    def iter_user_memories(self, user_id: UserId = None, **filters: Unpack[Filters]) -> Request | None:
        """Yield a user's memories, the oldest first, while the service reads them. They are not kept in memory.

        Args:
            As for ``get_user_memories()``.

        Raises:
            ValidationError: bad input.
            RemoteError: the call failed. It is not sent again after the first memory.
        """
        query = filter_parameters(filters)
        if query is None:
            return None
        parameters = [*self.owner_parameters(user_id), *query, ("history", "false")]
        path = build_path("memories", "export", query=parameters)
        return Request("GET", path, headers={"Accept": "application/x-ndjson"}, stream=True)

    def search_user_memories(
        self,
        query: str | None = None,
        limit: int | None = None,
        retrieval_method: RetrievalMethod | None = None,
        user_id: UserId = None,
        *,
        explain: bool = False,
        min_relative: float | None = None,
        precise: bool = False,
        as_of: datetime.datetime | None = None,
        **filters: Unpack[SearchFilters],
    ) -> Exchange[Any]:
        """Search a user's memories.

        Args:
            query: a question, or words to search for; ignored by ``"last_n"`` and ``"first_n"``.
            limit: maximum of memories to return; by default 10 with ``"ranked"``, and otherwise all matches.
            retrieval_method: ``"ranked"``, the memories that answer the query best; ``"keyword"``, those that contain
                every word of the query, in any order and case, the last written first; ``"last_n"``, the last written
                first; ``"first_n"``, the reverse. By default ``"ranked"`` with a query and ``"last_n"`` without.
            user_id: the owner.
            explain: with ``"ranked"``, return a ``Match`` for each memory, with its score and the parts of it.
            min_relative: with ``"ranked"``, return only memories with at least this part of the best score, 0 to 1.
            precise: with ``"ranked"``, return only memories with a topic that the query names in whole.
            as_of: search the memories as they were at this moment, as of ``get_user_memory()``.
            **filters: as for ``get_user_memories()``, and all others of ``names.FILTERS``.

        Raises:
            ValidationError: bad input, among it an unknown method.
            TypeError: an unknown filter.
            RemoteError: a call failed.
        """
        check_limit(limit)
        method = retrieval_method or ("last_n" if query is None else RANKED)
        if method not in (RANKED, *ORDERINGS):
            raise invalid("retrieval_method", f"Unknown method. Choose one of: {', '.join((RANKED, *ORDERINGS))}.")
        unknown = sorted(filters.keys() - SearchFilters.__annotations__.keys())
        if unknown:
            raise TypeError(f"{unknown[0]!r} is not a filter. Choose from: {', '.join(SearchFilters.__annotations__)}.")
        narrowed = filter_parameters(filters)
        if narrowed is None:
            return []
        parameters = [*self.owner_parameters(user_id), *moment_parameters(as_of), *narrowed]
        if method == RANKED:
            options = search_options(limit, explain=explain, min_relative=min_relative, precise=precise)
            path = build_path("memories", "search", query=[*parameters, ("q", as_text("query", query)), *options])
            response = yield from self.send(Request("GET", path), 200)
            return response.parse(parse_matches if explain else parse_found)
        words = [("q", as_text("query", query))] if method == "keyword" else []
        if limit == 0:
            return []
        return (yield from self.list_memories([*parameters, *words], limit, ORDERINGS[method]))

    def topic_counts(self, user_id: UserId = None, limit: int | None = None) -> Exchange[list[TopicCount]]:
        """Return the number of a user's memories per topic, the most frequent topic first, ties by topic.

        Args:
            user_id: the owner.
            limit: maximum of topics to return; by default the service's own, which is 100.
        """
        check_limit(limit)
        if limit == 0:
            return []
        query = [*self.owner_parameters(user_id), *([] if limit is None else [("limit", str(limit))])]
        response = yield from self.send(Request("GET", build_path("topics", query=query)), 200)
        return response.parse(parse_topic_counts)

    def stats(self, user_id: UserId = None) -> Exchange[Stats]:
        """Return a user's id, number of memories, time of the first addition, and time of the last write."""
        path = build_path("stats", query=self.owner_parameters(user_id))
        response = yield from self.send(Request("GET", path), 200)
        return response.parse(parse_stats)

    def count_user(self, user_id: UserId = None) -> Exchange[dict[str, int]]:
        """Return the numbers of objects about a user by their kind, as ``erase_user()`` reports them, before it.

        Raises:
            ValidationError: bad input.
            RemoteError: the call failed. For another user it needs the permissions of ``erase_user()``.
        """
        owner = self.owner_id(user_id)
        segment = "me" if owner is None else path_segment("user_id", owner)
        response = yield from self.send(Request("GET", build_path("users", segment)), 200)
        return response.parse(parse_counts)
