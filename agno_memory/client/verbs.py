"""The verbs, once: which calls each makes, and what its answers mean. Sync and async are the runner's business.

Every verb is a generator that yields what to send and is sent what came back (``retrying.Exchange``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from agno_memory.client.calls import Asking, UserId, check_there
from agno_memory.client.models import Stats, TopicCount, UserMemory, memory_from, stats_from, topic_counts_from
from agno_memory.client.payloads import check_limit, content_of, filters, if_match, new, new_ones, text, texts
from agno_memory.client.protocol import Answer, Pairs, Request, address, batches, encoded, problems, refused, segment
from agno_memory.client.retries import Exchange
from agno_memory.exceptions import MemoryExists, ValidationError

RetrievalMethod = Literal["last_n", "first_n", "keyword"]
ORDERINGS: Final = {"last_n": "-last_updated", "first_n": "last_updated", "keyword": "-last_updated"}

# How often an upsert tries again when the memory comes and goes between its two calls.
UPSERT_TRIES: Final = 3
# Bytes of one request on many memories, below what Django takes by default (DATA_UPLOAD_MAX_MEMORY_SIZE, 2.5 MiB).
BULK_BYTES: Final = 2_000_000


class Verbs(Asking):
    """The verbs of ``agno_memory.memory.Memory`` as calls of ``agno_memory.rest``."""

    # Writing one memory

    def add_user_memory(self, memory: object, user_id: UserId = None) -> Exchange[UserMemory]:
        """Remember something about a user.

        Not tried again when the answer is lost, because the second try would be refused if the first one had added it.
        Calling it again with the same memory is safe: it has its id, so it is added, or ``MemoryExists`` tells it was.

        Args:
            memory: ``UserMemory(memory="...", topics=[...])``, a dictionary, or an object with these attributes, such
                as the Django model. It is not changed.
            user_id: whom it is about; by default the client's ``user_id``, or else the owner of the credentials.

        Returns:
            The memory as it is stored.

        Raises:
            ValidationError: bad input; nothing was written.
            MemoryExists: the id is taken, whoever has it.
            RemoteError: the call came to nothing.
        """
        memory_id, content = new(memory)
        body = encoded({"memory_id": memory_id, **content})
        answer = yield from self.ask(self.write("POST", ["memories"], user_id, body), 201, 409)
        if answer.status == 409:
            raise MemoryExists([memory_id])
        return answer.read(memory_from)

    def replace_user_memory(
        self, memory_id: str, memory: object, user_id: UserId = None, *, version: int | None = None
    ) -> Exchange[UserMemory]:
        """Put another content in the place of a memory's: text, topics and all other fields that callers set.

        Args:
            memory_id: of the memory to replace. The id of ``memory`` is not looked at.
            memory: the new content, as for ``add_user_memory()``.
            user_id: the owner.
            version: replace this version only.

        Returns:
            The memory as it is now.

        Raises:
            ValidationError: bad input; nothing was written.
            MemoryNotFound: this user has no such memory.
            MemoryChanged: it is not, or no longer, at ``version``.
            RemoteError: the call came to nothing, or nobody knows (``ServiceUnavailable.may_have_happened``).
        """
        parts = ["memories", segment("memory_id", memory_id)]
        request = self.write("PUT", parts, user_id, encoded(content_of(memory)), if_match(version))
        answer = yield from self.ask(request, 200, 404, 412)
        check_there(answer, memory_id, version)
        return answer.read(memory_from)

    def upsert_user_memory(self, memory: object, user_id: UserId = None) -> Exchange[UserMemory]:
        """Replace the user's memory with the id of this one, or add it when they have none.

        Returns:
            The memory as it is now.

        Raises:
            ValidationError: bad input; nothing was written.
            MemoryExists: the id belongs to another user; nothing was written.
            RemoteError: the call came to nothing.
        """
        memory_id, content = new(memory)
        parts, body = ["memories", segment("memory_id", memory_id)], encoded(content)
        replacing = self.write("PUT", parts, user_id, body)
        adding = self.write("PUT", parts, user_id, body, {"If-None-Match": "*"})
        for _try in range(UPSERT_TRIES):
            answer = yield from self.ask(replacing, 200, 404)
            if answer.status == 404:
                # Taken now: added meanwhile, by somebody or by a try of this whose answer was lost; or somebody else's.
                answer = yield from self.ask(adding, 201, 412)
            if answer.status != 412:
                return answer.read(memory_from)
        raise MemoryExists([memory_id])

    def delete_user_memory(
        self, memory_id: str, user_id: UserId = None, *, version: int | None = None
    ) -> Exchange[None]:
        """Forget one memory.

        When an answer was lost and the next try finds no memory, it is gone, and that is all that was asked for.

        Args:
            memory_id: of the memory.
            user_id: the owner.
            version: forget this version only.

        Raises:
            ValidationError: bad input.
            MemoryNotFound: this user has no such memory.
            MemoryChanged: it is not, or no longer, at ``version``.
            RemoteError: the call came to nothing.
        """
        parts = ["memories", segment("memory_id", memory_id)]
        answer = yield from self.ask(self.write("DELETE", parts, user_id, headers=if_match(version)), 204, 404, 412)
        if not (answer.status == 404 and answer.lost):
            check_there(answer, memory_id, version)

    # Writing many

    def add_user_memories(self, memories: Iterable[object], user_id: UserId = None) -> Exchange[list[UserMemory]]:
        """Remember many things about a user at once.

        They go in requests of ``bulk_size`` memories and 2 MB at most. **Each request is all or nothing**: when a later
        one is refused, what earlier ones added stays, and a note on the error says how many those are. None is tried
        again when its answer is lost.

        Returns:
            The memories as they are stored, in the order given.

        Raises:
            ValidationError: bad input, by position among all that were given (``"3.topics"``).
            MemoryExists: ids that are taken, all of those in one request.
            RemoteError: a call came to nothing.
        """
        candidates = new_ones(memories)
        ids = [memory_id for memory_id, _ in candidates]
        bodies = [encoded({"memory_id": memory_id, **content}) for memory_id, content in candidates]
        added: list[UserMemory] = []
        for batch in batches(bodies, self.bulk_size, BULK_BYTES):
            request = self.write("POST", ["memories", "bulk"], user_id, b"[" + b",".join(batch) + b"]")
            try:
                answer = yield from self.ask(request, 201, 400, 409)
                added += _added(answer, ids[len(added) : len(added) + len(batch)], len(added))
            except Exception as error:
                _note(error, len(added), "added")
                raise
        return added

    def delete_user_memories(self, memory_ids: Iterable[str], user_id: UserId = None) -> Exchange[list[str]]:
        """Forget many memories at once. Ids that the user does not have are passed over.

        They go in requests of ``bulk_size`` ids. **Each request is all or nothing.** None is tried again when its
        answer is lost, because nobody would know which ids this call deleted; calling it again is safe.

        Returns:
            The ids of the memories that this call deleted, in the order given.

        Raises:
            ValidationError: bad input.
            RemoteError: a call came to nothing.
        """
        ids = list(dict.fromkeys(texts("memory_ids", memory_ids)))
        deleted: list[str] = []
        for start in range(0, len(ids), self.bulk_size):
            body = encoded({"memory_ids": ids[start : start + self.bulk_size]})
            try:
                answer = yield from self.ask(self.write("POST", ["memories", "delete"], user_id, body), 200)
                deleted += answer.read(lambda told: [str(each) for each in told["deleted"]])
            except Exception as error:
                _note(error, len(deleted), "deleted")
                raise
        return deleted

    def clear_user_memories(self, user_id: UserId = None) -> Exchange[int]:
        """Forget everything about one person and return how many memories that were.

        When an answer was lost and the call made again, those that the first one deleted are not counted.
        """
        named = self.named(user_id)
        if named is None:
            # Erasing asks for the id itself, so that nobody erases by mistake.
            named = (yield from self.stats()).user_id
            owner = "me"
        else:
            owner = segment("user_id", named)
        path = address("users", owner, "memories", query=[("confirm", named)])
        answer = yield from self.ask(Request("DELETE", path), 200)
        return answer.read(lambda told: int(told["deleted"]))

    # Reading

    def get_user_memory(self, memory_id: str, user_id: UserId = None) -> Exchange[UserMemory | None]:
        """Return one memory of a user, or None.

        Raises:
            ValidationError: bad input.
            RemoteError: the call came to nothing.
        """
        path = address("memories", segment("memory_id", memory_id), query=self.owner(user_id))
        answer = yield from self.ask(Request("GET", path), 200, 404)
        return None if answer.status == 404 else answer.read(memory_from)

    def get_user_memories(
        self,
        user_id: UserId = None,
        *,
        topics: Sequence[str] | None = None,
        any_topics: Sequence[str] | None = None,
        agent_id: str | None = None,
        team_id: str | None = None,
        session_id: str | None = None,
        limit: int | None = None,
    ) -> Exchange[list[UserMemory]]:
        """Return a user's memories, the newest first.

        They come in pages. All of them are all that there are, whatever is written meanwhile; with a limit above
        ``page_size``, one that is written between two pages may be missed.

        Args:
            user_id: the owner.
            topics: only memories that have all of these.
            any_topics: only memories that have at least one of these.
            agent_id: only memories of this agent; likewise ``team_id`` and ``session_id``.
            limit: most memories to return; all of them by default.

        Raises:
            ValidationError: bad input.
            RemoteError: a call came to nothing.
        """
        wanted = filters(topics, any_topics, agent_id=agent_id, team_id=team_id, session_id=session_id)
        check_limit(limit)
        if wanted is None or limit == 0:
            return []
        return (yield from self.newest([*self.owner(user_id), *wanted], limit))

    def search_user_memories(
        self,
        query: str | None = None,
        limit: int | None = None,
        retrieval_method: RetrievalMethod | None = None,
        user_id: UserId = None,
    ) -> Exchange[list[UserMemory]]:
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
            RemoteError: a call came to nothing.
        """
        check_limit(limit)
        method = retrieval_method or ("last_n" if query is None else "keyword")
        if method not in ORDERINGS:
            raise refused("retrieval_method", f"Unknown; choose one of: {', '.join(ORDERINGS)}.")
        wanted = [*self.owner(user_id), *([("q", text("query", query))] if method == "keyword" else [])]
        return [] if limit == 0 else (yield from self.newest(wanted, limit, ORDERINGS[method]))

    def topic_counts(self, user_id: UserId = None, limit: int | None = None) -> Exchange[list[TopicCount]]:
        """Return how many of a user's memories each topic has, the most frequent first, ties by topic.

        Args:
            user_id: the owner.
            limit: most topics to return; by default as many as the service tells unasked, which is 100.
        """
        check_limit(limit)
        if limit == 0:
            return []
        query = [*self.owner(user_id), *([] if limit is None else [("limit", str(limit))])]
        answer = yield from self.ask(Request("GET", address("topics", query=query)), 200)
        return answer.read(topic_counts_from)

    def stats(self, user_id: UserId = None) -> Exchange[Stats]:
        """Return how many memories a user has, when the first was added and the last written, and who the user is."""
        answer = yield from self.ask(Request("GET", address("stats", query=self.owner(user_id))), 200)
        return answer.read(stats_from)

    def export(self, user_id: UserId, wanted: Pairs) -> Exchange[Answer]:
        """Begin to read memories as a stream, one a line."""
        path = address("memories", "export", query=[*self.owner(user_id), *wanted])
        request = Request("GET", path, headers={"Accept": "application/x-ndjson"}, stream=True)
        return (yield from self.ask(request, 200))


def _added(answer: Answer, ids: Sequence[str], first: int) -> list[UserMemory]:
    """Return what one request of many added, or raise what it was refused for."""
    if answer.status == 400:
        raise ValidationError(problems(answer.told(), first))
    if answer.status == 409:
        taken = {name.partition(".")[0] for name in problems(answer.told())}
        raise MemoryExists([memory_id for place, memory_id in enumerate(ids) if str(place) in taken] or list(ids))
    return answer.read(lambda told: [memory_from(each) for each in told])


def _note(error: Exception, count: int, done: str) -> None:
    if count:
        error.add_note(f"Requests before this one succeeded: {count} memories were {done}.")
