"""The verbs: the requests of each, and the meaning of the responses.

A verb is a generator that yields requests and receives their responses (``retries.Exchange``). ``MemoryClient`` makes a
sync and an async method of it.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypedDict, Unpack

from agno_memory.batches import batched
from agno_memory.client.calls import Calls, UserId, check_found, note_on_error, parse_added, with_keywords_of
from agno_memory.client.models import (
    Erasure,
    Stats,
    TopicCount,
    UserMemory,
    parse_erasure,
    parse_found,
    parse_matches,
    parse_memory,
    parse_stats,
    parse_topic_counts,
)
from agno_memory.client.payloads import (
    Identifier,
    as_id,
    as_list,
    as_text,
    check_limit,
    content,
    filter_parameters,
    if_match_header,
    new_memories,
    new_memory,
    search_options,
)
from agno_memory.client.protocol import (
    Request,
    Response,
    batched_by_size,
    build_path,
    invalid,
    json_bytes,
    path_segment,
)
from agno_memory.client.retries import Exchange
from agno_memory.exceptions import MemoryExists

RetrievalMethod = Literal["ranked", "last_n", "first_n", "keyword"]
RANKED: Final = "ranked"
ORDERINGS: Final = {"last_n": "-last_updated", "first_n": "last_updated", "keyword": "-last_updated"}

# Attempts of an upsert when the memory is added and deleted between its two requests.
UPSERT_ATTEMPTS: Final = 3
# Bytes of one bulk request, below Django's default limit (DATA_UPLOAD_MAX_MEMORY_SIZE, 2.5 MiB).
MAX_BULK_BYTES: Final = 2_000_000


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


class Verbs(Calls):
    """The verbs of ``agno_memory.memory.Memory`` as requests to ``agno_memory.rest``."""

    # Writing one memory

    def add_user_memory(self, memory: object, user_id: UserId = None) -> Exchange[UserMemory]:
        """Add a memory of a user.

        The request is not sent again when its response is lost, because the second attempt would be refused if the
        first one had added the memory. Calling the verb again with the same memory is safe: the memory has its id
        already, so it is added, or ``MemoryExists`` shows that it was added before.

        Args:
            memory: ``UserMemory(memory="...", topics=[...])``, a dictionary, or an object with these attributes, such
                as the Django model. It is not changed.
            user_id: the owner; by default the client's ``user_id``, or else the owner of the credentials.

        Returns:
            The memory as it is stored.

        Raises:
            ValidationError: bad input; nothing was written.
            MemoryExists: the user has a memory with this id.
            RemoteError: the call failed.
        """
        memory_id, fields = new_memory(memory)
        body = json_bytes({"memory_id": memory_id, **fields})
        response = yield from self.send(self.write_request("POST", ["memories"], user_id, body), 201, 409)
        if response.status == 409:
            raise MemoryExists([memory_id])
        return response.parse(parse_memory)

    def replace_user_memory(
        self, memory_id: Identifier, memory: object, user_id: UserId = None, *, version: int | None = None
    ) -> Exchange[UserMemory]:
        """Replace the content of a memory: text, topics and all other fields that callers set.

        Args:
            memory_id: the id of the memory to replace: a text, an int, a UUID, or the memory itself. The id of
                ``memory`` is ignored.
            memory: the new content, as for ``add_user_memory()``.
            user_id: the owner.
            version: replace this version only.

        Returns:
            The memory as it is stored now.

        Raises:
            ValidationError: bad input; nothing was written.
            MemoryNotFound: this user does not have such a memory.
            MemoryChanged: the memory does not have, or no longer has, ``version``.
            RemoteError: the call failed, or its effect is unknown (``ServiceUnavailable.may_have_happened``).
        """
        own_id = as_id("memory_id", memory_id)
        segments = ["memories", path_segment("memory_id", own_id)]
        body, condition = json_bytes(content(memory)), if_match_header(version)
        request = self.write_request("PUT", segments, user_id, body, condition)
        response = yield from self.send(request, 200, 404, 412)
        check_found(response, own_id, version)
        return response.parse(parse_memory)

    def upsert_user_memory(self, memory: object, user_id: UserId = None) -> Exchange[UserMemory]:
        """Replace the user's memory that has the same id, or add a memory if the user has none with it.

        Returns:
            The memory as it is stored now.

        Raises:
            ValidationError: bad input; nothing was written.
            MemoryExists: other calls add and delete this memory at the same time; nothing was written.
            RemoteError: the call failed.
        """
        memory_id, fields = new_memory(memory)
        segments, body = ["memories", path_segment("memory_id", memory_id)], json_bytes(fields)
        replace_request = self.write_request("PUT", segments, user_id, body)
        add_request = self.write_request("PUT", segments, user_id, body, {"If-None-Match": "*"})
        for _attempt in range(UPSERT_ATTEMPTS):
            response = yield from self.send(replace_request, 200, 404)
            if response.status == 404:
                # 412 here: another call, or a lost attempt of this one, added it in between.
                response = yield from self.send(add_request, 201, 412)
            if response.status != 412:
                return response.parse(parse_memory)
        raise MemoryExists([memory_id])

    def delete_user_memory(
        self, memory_id: Identifier, user_id: UserId = None, *, version: int | None = None
    ) -> Exchange[None]:
        """Delete one memory.

        If a response was lost and the next attempt finds no memory, the memory counts as deleted.

        Args:
            memory_id: the id of the memory.
            user_id: the owner.
            version: delete this version only.

        Raises:
            ValidationError: bad input.
            MemoryNotFound: this user does not have such a memory.
            MemoryChanged: the memory does not have, or no longer has, ``version``.
            RemoteError: the call failed.
        """
        own_id = as_id("memory_id", memory_id)
        segments = ["memories", path_segment("memory_id", own_id)]
        request = self.write_request("DELETE", segments, user_id, headers=if_match_header(version))
        response = yield from self.send(request, 204, 404, 412)
        if not (response.status == 404 and response.follows_lost_response):
            check_found(response, own_id, version)

    # Writing many

    def add_user_memories(self, memories: Iterable[object], user_id: UserId = None) -> Exchange[list[UserMemory]]:
        """Add many memories of a user.

        They are sent in requests of ``bulk_size`` memories and 2 MB at most. **Each request is all or nothing**: when a
        later one is refused, the memories of earlier ones stay, and a note on the error has their number. A request is
        not sent again when its response is lost.

        Returns:
            The memories as they are stored, in the order of the argument.

        Raises:
            ValidationError: bad input, by position in the argument (``"3.topics"``).
            MemoryExists: ids of memories that the user has, all of those in one request.
            RemoteError: a call failed.
        """
        payloads = new_memories(memories)
        ids = [memory_id for memory_id, _ in payloads]
        bodies = [json_bytes({"memory_id": memory_id, **fields}) for memory_id, fields in payloads]
        added: list[UserMemory] = []
        for batch in batched_by_size(bodies, self.bulk_size, MAX_BULK_BYTES):
            request = self.write_request("POST", ["memories", "bulk"], user_id, b"[" + b",".join(batch) + b"]")
            with note_on_error(added, "added"):
                response = yield from self.send(request, 201, 400, 409)
                added += parse_added(response, ids[len(added) : len(added) + len(batch)], len(added))
        return added

    def delete_user_memories(self, memory_ids: Iterable[Identifier], user_id: UserId = None) -> Exchange[list[str]]:
        """Delete many memories. Ids that the user does not have are ignored.

        They are sent in requests of ``bulk_size`` ids. **Each request is all or nothing.** A request is not sent again
        when its response is lost, because the ids that this call deleted would be unknown; calling the verb again is
        safe.

        Returns:
            The ids of the memories that this call deleted, in the order of the argument.

        Raises:
            ValidationError: bad input.
            RemoteError: a call failed.
        """
        requested_ids = [as_id("memory_ids", each, "memory_id") for each in as_list("memory_ids", memory_ids)]
        deleted: list[str] = []
        for batch in batched(dict.fromkeys(requested_ids), self.bulk_size):
            request = self.write_request("POST", ["memories", "delete"], user_id, json_bytes({"memory_ids": batch}))
            with note_on_error(deleted, "deleted"):
                response = yield from self.send(request, 200)
                deleted += response.parse(lambda payload: [str(each) for each in payload["deleted"]])
        return deleted

    def clear_user_memories(self, user_id: UserId = None) -> Exchange[int]:
        """Delete all memories of a user and return their number.

        If a response was lost and the request sent again, the memories that the first attempt deleted are not counted.
        """
        response = yield from self._delete_of_user(user_id, "memories")
        return response.parse(lambda payload: int(payload["deleted"]))

    def erase_user(self, user_id: UserId = None) -> Exchange[Erasure]:
        """Erase everything about a user, also the sessions, and return the counts before it and after it.

        If a response was lost and the request sent again, the objects that the first attempt erased are not counted.

        Raises:
            ValidationError: bad input.
            RemoteError: the call failed.
        """
        response = yield from self._delete_of_user(user_id)
        return response.parse(parse_erasure)

    def _delete_of_user(self, user_id: UserId, *parts: str) -> Exchange[Response]:
        """Delete a user's resource, with the user's id as the confirmation that the service requires."""
        owner = self.owner_id(user_id)
        if owner is None:
            owner = (yield from self.stats()).user_id
            segment = "me"
        else:
            segment = path_segment("user_id", owner)
        path = build_path("users", segment, *parts, query=[("confirm", owner)])
        return (yield from self.send(Request("DELETE", path), 200))

    # Reading

    def get_user_memory(self, memory_id: Identifier, user_id: UserId = None) -> Exchange[UserMemory | None]:
        """Return one memory of a user, or None.

        Raises:
            ValidationError: bad input.
            RemoteError: the call failed.
        """
        segment = path_segment("memory_id", as_id("memory_id", memory_id))
        path = build_path("memories", segment, query=self.owner_parameters(user_id))
        response = yield from self.send(Request("GET", path), 200, 404)
        return None if response.status == 404 else response.parse(parse_memory)

    @with_keywords_of(Filters)
    def get_user_memories(
        self, user_id: UserId = None, *, limit: int | None = None, **filters: Unpack[Filters]
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

        Raises:
            ValidationError: bad input.
            RemoteError: a call failed.
        """
        query = filter_parameters(filters)
        check_limit(limit)
        if query is None or limit == 0:
            return []
        return (yield from self.list_memories([*self.owner_parameters(user_id), *query], limit))

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
        path = build_path("memories", "export", query=[*self.owner_parameters(user_id), *query])
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
        parameters = [*self.owner_parameters(user_id), *narrowed]
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
