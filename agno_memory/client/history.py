"""The verbs on earlier versions and on duplicates: the requests of each, and the meaning of the responses."""

from __future__ import annotations

from collections.abc import Iterable

from agno_memory.client.calls import UserId, check_found
from agno_memory.client.models import MemoryVersion, UserMemory, parse_groups, parse_memory, parse_version
from agno_memory.client.payloads import Identifier, Version, as_id, as_list, check_limit, if_match_header
from agno_memory.client.protocol import Request, build_path, json_bytes, path_segment
from agno_memory.client.reads import Reads
from agno_memory.client.retries import Exchange
from agno_memory.exceptions import MemoryChanged, MemoryNotFound, VersionNotFound


class History(Reads):
    """Base of ``Verbs``: earlier versions, deleted memories and memories that say the same."""

    def get_user_memory_history(
        self, memory_id: Identifier, user_id: UserId = None, *, limit: int | None = None
    ) -> Exchange[list[MemoryVersion]]:
        """Return the versions of a memory that are kept, the newest first. They are read in pages.

        The version that holds now has ``valid_until=None`` and no action.

        Args:
            memory_id: the id of the memory. The history of a deleted one requires the permission ``view_deleted``.
            user_id: the owner.
            limit: maximum of versions to return; all of them by default.

        Raises:
            ValidationError: bad input.
            MemoryNotFound: this user does not have such a memory.
            RemoteError: a call failed.
        """
        check_limit(limit)
        own_id = as_id("memory_id", memory_id)
        segments = ("memories", path_segment("memory_id", own_id), "history")
        if limit == 0:
            return []
        query = self.owner_parameters(user_id)
        return (yield from self.list_pages(query, limit, segments, parse_version, own_id))

    def restore_user_memory(
        self,
        memory_id: Identifier,
        user_id: UserId = None,
        version: int | None = None,
        *,
        at_version: Version = None,
        reason: str = "",
    ) -> Exchange[UserMemory]:
        """Restore an earlier version of a memory as a new version, or a deleted memory.

        The request is not sent again when its response is lost, because the version before would be another one then.

        Args:
            memory_id: the id of the memory. A deleted one requires the permission ``view_deleted``.
            user_id: the owner.
            version: the version to restore; by default the one before, and of a deleted memory the last one.
            at_version: restore only if the memory is at this version now; as ``version`` of ``replace_user_memory()``.
            reason: kept in the history, at most 1,000 characters.

        Returns:
            The memory as it is now.

        Raises:
            ValidationError: bad input; nothing was written.
            VersionNotFound: this user does not have such a memory, or the version is not kept. It is a
                ``MemoryNotFound``.
            MemoryChanged: the memory is not at ``at_version``; nothing was written.
            RemoteError: the call failed, or its effect is unknown (``ServiceUnavailable.may_have_happened``).
        """
        own_id = as_id("memory_id", memory_id)
        segments = ["memories", path_segment("memory_id", own_id), "restore"]
        body = json_bytes({"version": version, "reason": reason})
        condition = if_match_header(at_version, "at_version")
        response = yield from self.send(self.write_request("POST", segments, user_id, body, condition), 200, 404, 412)
        if response.status == 404:
            raise VersionNotFound(own_id, version)
        check_found(response, own_id, at_version)
        return response.parse(parse_memory)

    def merge_user_memories(
        self, memory_ids: Iterable[Identifier], user_id: UserId = None, memory: str | None = None
    ) -> Exchange[UserMemory]:
        """Merge memories into the newest of them, in one request.

        It gets the topics of all and the earliest ``created_at``. The others are deleted.

        Args:
            memory_ids: the ids of at least two memories.
            user_id: the owner.
            memory: the text; by default that of the newest.

        Returns:
            The memory as it is now.

        Raises:
            ValidationError: bad input; nothing was written.
            MemoryNotFound: this user does not have one of them; nothing was written.
            MemoryChanged: another call wrote one of them in between.
            RemoteError: the call failed, or its effect is unknown (``ServiceUnavailable.may_have_happened``).
        """
        ids = [as_id("memory_ids", each, "memory_id") for each in as_list("memory_ids", memory_ids)]
        body = json_bytes({"memory_ids": ids, "memory": memory})
        request = self.write_request("POST", ["memories", "merge"], user_id, body)
        response = yield from self.send(request, 200, 404, 409)
        if response.status == 404:
            raise MemoryNotFound((yield from self._first_missing(ids, user_id)))
        if response.status == 409:
            raise MemoryChanged(ids[0], 1)
        return response.parse(parse_memory)

    def duplicates(self, user_id: UserId = None, limit: int | None = None) -> Exchange[list[list[UserMemory]]]:
        """Return groups of a user's memories that say the same, the most similar first.

        Args:
            user_id: the owner.
            limit: maximum of groups to return; by default the service's own, which is 10.

        Raises:
            ValidationError: bad input, or more memories than the service compares.
            RemoteError: the call failed.
        """
        check_limit(limit)
        if limit == 0:
            return []
        query = [*self.owner_parameters(user_id), *([] if limit is None else [("limit", str(limit))])]
        response = yield from self.send(Request("GET", build_path("memories", "duplicates", query=query)), 200)
        return response.parse(parse_groups)

    def _first_missing(self, ids: list[str], user_id: UserId) -> Exchange[str]:
        """Return the first id that the user does not have; the service does not name it."""
        for memory_id in ids:
            if (yield from self.get_user_memory(memory_id, user_id)) is None:
                return memory_id
        return ids[0]
