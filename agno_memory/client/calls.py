"""How verbs ask: for whom, page by page, and what is no answer of the service."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from agno_memory.client.errors import ServiceUnavailable
from agno_memory.client.models import UserMemory, memory_from
from agno_memory.client.payloads import text
from agno_memory.client.protocol import Answer, Pairs, Request, address, refused
from agno_memory.client.retries import Exchange, persistently
from agno_memory.exceptions import MemoryChanged, MemoryNotFound

UserId = str | int | None
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class Asking:
    """Calls on behalf of users.

    Args:
        user_id: whom a call is for that names nobody; None is the one whose credentials are used.
        retries: how often to try again.
        page_size: memories to ask for at once.
        bulk_size: memories or ids to send at once, at most.
    """

    def __init__(self, user_id: UserId, retries: int, page_size: int, bulk_size: int) -> None:
        for name, number, least in (("retries", retries, 0), ("page_size", page_size, 1), ("bulk_size", bulk_size, 1)):
            if number < least:
                raise ValueError(f"{name} is a whole number from {least}, not {number!r}.")
        self.user_id = user_id
        self.retries = retries
        self.page_size = page_size
        self.bulk_size = bulk_size

    def ask(self, request: Request, *expected: int) -> Exchange[Answer]:
        """Make a call; what is not expected is an error, and so is a refusal that does not come from the service."""
        answer = yield from persistently(request, self.retries)
        if answer.status not in expected:
            raise answer.refusal()
        if answer.status >= 400:
            answer.told()
        return answer

    def newest(self, query: Pairs, limit: int | None, first: str = "-last_updated") -> Exchange[list[UserMemory]]:
        """Return the memories of a list, so many at most, the one that was written last first, or last.

        All of them are read in the order in which they were added: that does not change while somebody writes, so that
        none is missed between two pages.
        """
        if limit is not None:
            return (yield from self.pages([*query, ("ordering", first)], limit))
        found = yield from self.pages([*query, ("ordering", "-created_at")], None)
        return sorted(found, key=_written, reverse=first.startswith("-"))

    def pages(self, query: Pairs, limit: int | None) -> Exchange[list[UserMemory]]:
        """Return the memories of a list, so many at most, page after page."""
        found: list[UserMemory] = []
        size = self.page_size if limit is None else min(self.page_size, limit)
        query = [*query, ("page_size", str(size))]
        while True:
            answer = yield from self.ask(Request("GET", address("memories", query=query)), 200)
            memories, following = answer.read(_page)
            found += memories
            if following is None or (limit is not None and len(found) >= limit):
                return found[:limit]
            if following == query:
                raise answer.unexpected("a next page that is this one")
            query = following

    def write(
        self,
        method: str,
        parts: list[str],
        user_id: UserId,
        body: bytes | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Request:
        """Return a call that writes."""
        return Request(method, address(*parts, query=self.owner(user_id)), body, headers)

    def owner(self, user_id: UserId) -> Pairs:
        """Return the parameter that names the user of a call, if one has to be named."""
        named = self.named(user_id)
        return [] if named is None else [("user_id", named)]

    def named(self, user_id: UserId) -> str | None:
        """Return the id of the user that a call is for, or None for the owner of the credentials."""
        user = self.user_id if user_id is None else user_id
        if user is None:
            return None
        if isinstance(user, bool) or not isinstance(user, str | int):
            raise refused("user_id", f"A user is a text or a whole number, not {type(user).__name__}.")
        return text("user_id", str(user))


def check_there(answer: Answer, memory_id: str, version: int | None) -> None:
    """Raise what a call on one memory means that did not find it, or not at that version."""
    if answer.status == 404:
        raise MemoryNotFound(memory_id)
    if answer.status != 412:
        return
    if version is None:
        raise answer.unexpected("a condition that nobody made")
    if answer.lost:
        # By an earlier try of this very call, or by somebody else.
        raise ServiceUnavailable(
            f"{answer.request}: an answer was lost, and the next try found the memory changed. "
            "It may have been done: read before you write again.",
            answer.status,
        )
    raise MemoryChanged(memory_id, version)


def _written(memory: UserMemory) -> tuple[Any, str]:
    return memory.last_updated, memory.memory_id


def _page(told: Any) -> tuple[list[UserMemory], Pairs | None]:
    """Return the memories of a page, and the query of the next one. Its address stays ours: credentials go there."""
    following = told["next"]
    query = None if following is None else parse_qsl(urlsplit(following).query, keep_blank_values=True)
    return [memory_from(each) for each in told["results"]], query
