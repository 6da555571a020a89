"""The verbs: the requests of each, and the meaning of the responses.

A verb is a generator that yields requests and receives their responses (``retries.Exchange``). ``MemoryClient`` makes a
sync and an async method of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from agno_memory.batches import batched
from agno_memory.client.calls import UserId, check_duplicate, check_found, note_on_error, parse_added
from agno_memory.client.history import History
from agno_memory.client.models import (
    Erasure,
    UserMemory,
    parse_erasure,
    parse_memory,
)
from agno_memory.client.payloads import (
    Identifier,
    Version,
    as_id,
    as_list,
    content,
    if_match_header,
    new_memories,
    new_memory,
)
from agno_memory.client.protocol import (
    Request,
    Response,
    batched_by_size,
    build_path,
    json_bytes,
    path_segment,
)
from agno_memory.client.retries import Exchange
from agno_memory.exceptions import MemoryExists

# Attempts of an upsert when the memory is added and deleted between its two requests.
UPSERT_ATTEMPTS: Final = 3
# Bytes of one bulk request, below Django's default limit (DATA_UPLOAD_MAX_MEMORY_SIZE, 2.5 MiB).
MAX_BULK_BYTES: Final = 2_000_000


class Verbs(History):
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
            DuplicateMemory: the user has a memory with the same text, and the service refuses a second one.
            RemoteError: the call failed.
        """
        memory_id, fields = new_memory(memory)
        body = json_bytes({"memory_id": memory_id, **fields})
        request = self.write_request("POST", ["memories"], user_id, body)
        # 200: the service returns the memory that has the same text.
        response = yield from self.send(request, 200, 201, 409)
        if response.status == 409:
            check_duplicate(response)
            raise MemoryExists([memory_id])
        return response.parse(parse_memory)

    def replace_user_memory(
        self, memory_id: Identifier, memory: object, user_id: UserId = None, *, version: Version = None
    ) -> Exchange[UserMemory]:
        """Replace the content of a memory: text, topics and all other fields that callers set.

        Args:
            memory_id: the id of the memory to replace: a text, an int, a UUID, or the memory itself. The id of
                ``memory`` is ignored.
            memory: the new content, as for ``add_user_memory()``.
            user_id: the owner.
            version: replace only this version: its number, or the memory as it was read, which excludes a later memory
                with the same id.

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
            DuplicateMemory: as of ``add_user_memory()``.
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
                response = yield from self.send(add_request, 200, 201, 409, 412)
            if response.status == 409:
                check_duplicate(response)
                raise response.unexpected("a conflict about another id")
            if response.status != 412:
                return response.parse(parse_memory)
        raise MemoryExists([memory_id])

    def delete_user_memory(
        self,
        memory_id: Identifier,
        user_id: UserId = None,
        *,
        version: Version = None,
        permanently: bool = False,
    ) -> Exchange[None]:
        """Delete one memory. The service keeps it for some time, so that it can be restored.

        If a response was lost and the next attempt finds no memory, the memory counts as deleted.

        Args:
            memory_id: the id of the memory.
            user_id: the owner.
            version: delete this version only; as of ``replace_user_memory()``.
            permanently: keep no version of it.

        Raises:
            ValidationError: bad input.
            MemoryNotFound: this user does not have such a memory.
            MemoryChanged: the memory does not have, or no longer has, ``version``.
            RemoteError: the call failed.
        """
        own_id = as_id("memory_id", memory_id)
        segments = ["memories", path_segment("memory_id", own_id)]
        query = [*self.owner_parameters(user_id), *([("permanently", "true")] if permanently else [])]
        request = Request("DELETE", build_path(*segments, query=query), headers=if_match_header(version))
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

    def delete_user_memories(
        self, memory_ids: Iterable[Identifier], user_id: UserId = None, *, permanently: bool = False
    ) -> Exchange[list[str]]:
        """Delete many memories. Ids that the user does not have are ignored.

        They are sent in requests of ``bulk_size`` ids. **Each request is all or nothing.** A request is not sent again
        when its response is lost, because the ids that this call deleted would be unknown; calling the verb again is
        safe.

        Args:
            memory_ids: the ids of the memories.
            user_id: the owner.
            permanently: keep no version of them.

        Returns:
            The ids of the memories that this call deleted, in the order of the argument.

        Raises:
            ValidationError: bad input.
            RemoteError: a call failed.
        """
        requested_ids = [as_id("memory_ids", each, "memory_id") for each in as_list("memory_ids", memory_ids)]
        deleted: list[str] = []
        for batch in batched(dict.fromkeys(requested_ids), self.bulk_size):
            body = {"memory_ids": batch, **({"permanently": True} if permanently else {})}
            request = self.write_request("POST", ["memories", "delete"], user_id, json_bytes(body))
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
