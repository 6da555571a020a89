"""Parts that the verbs share: the user of a call, pages, and checks of responses."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from functools import wraps
from inspect import Parameter
from types import MappingProxyType
from typing import Any, Final, ParamSpec, TypeVar, get_type_hints
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from agno_memory.client.errors import ServiceUnavailable
from agno_memory.client.models import UserMemory, parse_memory
from agno_memory.client.payloads import Version, as_text, id_text, version_number
from agno_memory.client.protocol import QueryParameters, Request, Response, build_path, invalid, validation_messages
from agno_memory.client.retries import MAY_HAVE_HAPPENED, Exchange, send_with_retries
from agno_memory.exceptions import (
    AgnoMemoryError,
    DuplicateMemory,
    MemoryChanged,
    MemoryExists,
    MemoryNotFound,
    ValidationError,
)

Params = ParamSpec("Params")
Result = TypeVar("Result")
Item = TypeVar("Item")

UserId = str | int | UUID | None
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class Calls:
    """Calls on behalf of users.

    Args:
        user_id: the user of calls that do not name one; None is the owner of the credentials.
        retries: number of attempts after the first one.
        page_size: memories per page.
        bulk_size: maximum of memories or ids per request.

    Raises:
        ValueError: a number is too small.
    """

    def __init__(self, user_id: UserId, retries: int, page_size: int, bulk_size: int) -> None:
        minimums = (("retries", retries, 0), ("page_size", page_size, 1), ("bulk_size", bulk_size, 1))
        for name, number, minimum in minimums:
            if number < minimum:
                raise ValueError(f"{name} must be a whole number from {minimum}, not {number!r}.")
        self.user_id = user_id
        self.retries = retries
        self.page_size = page_size
        self.bulk_size = bulk_size

    def send(self, request: Request, *expected: int) -> Exchange[Response]:
        """Send a request and return its response.

        Args:
            request: the request.
            expected: the statuses that the verb handles. A response with an error among them must have a JSON body, as
                those of the service have.

        Raises:
            ValidationError, RemoteError: the response has another status, or does not come from the service.
        """
        response = yield from send_with_retries(request, self.retries)
        if response.status not in expected:
            raise response.to_error()
        if response.status >= 400:
            response.json()
        return response

    def list_memories(
        self, query: QueryParameters, limit: int | None, ordering: str = "-last_updated"
    ) -> Exchange[list[UserMemory]]:
        """Return the memories of a list.

        Without a limit they are read by ``-created_at`` and sorted afterwards: that order does not change during
        writes, so none is missed between two pages.

        Args:
            query: the filters.
            limit: maximum of memories to return, or None for all.
            ordering: ``"-last_updated"`` (last written first) or ``"last_updated"``.
        """
        if limit is not None:
            query = [*query, ("ordering", ordering)]
            return (yield from self.list_pages(query, limit, ["memories"], parse_memory))
        query = [*query, ("ordering", "-created_at")]
        memories = yield from self.list_pages(query, None, ["memories"], parse_memory)
        return sorted(memories, key=_last_write, reverse=ordering.startswith("-"))

    def list_pages(
        self,
        query: QueryParameters,
        limit: int | None,
        segments: Sequence[str],
        parse: Callable[[Any], Item],
        memory_id: str | None = None,
    ) -> Exchange[list[Item]]:
        """Return the results of consecutive pages, in the service's order.

        Args:
            query: the filters and the ordering.
            limit: maximum of results to return, or None for all.
            segments: the path of the list.
            parse: returns a result from the service's JSON.
            memory_id: of the memory that the list belongs to.

        Raises:
            MemoryNotFound: status 404; the list belongs to a memory that does not exist.
        """
        expected = (200,) if memory_id is None else (200, 404)
        results: list[Item] = []
        size = self.page_size if limit is None else min(self.page_size, limit)
        query = [*query, ("page_size", str(size))]
        while True:
            response = yield from self.send(Request("GET", build_path(*segments, query=query)), *expected)
            if memory_id is not None:
                check_found(response, memory_id, None)
            page, next_query = response.parse(lambda payload: _parse_page(payload, parse))
            results += page
            if next_query is None or (limit is not None and len(results) >= limit):
                return results[:limit]
            if next_query == query:
                raise response.unexpected("a next page that is the same page")
            query = next_query

    def write_request(
        self,
        method: str,
        segments: list[str],
        user_id: UserId,
        body: bytes | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Request:
        """Return a request that writes memories of a user."""
        return Request(method, build_path(*segments, query=self.owner_parameters(user_id)), body, headers)

    def owner_parameters(self, user_id: UserId) -> QueryParameters:
        """Return the parameter that names the user of a call; none for the owner of the credentials."""
        owner = self.owner_id(user_id)
        return [] if owner is None else [("user_id", owner)]

    def owner_id(self, user_id: UserId) -> str | None:
        """Return the id of the user of a call, or None for the owner of the credentials.

        Raises:
            ValidationError: not a text, a whole number or a UUID, or blank.
        """
        user = self.user_id if user_id is None else user_id
        if user is None:
            return None
        text = id_text("user_id", user)
        if not isinstance(text, str):
            raise invalid("user_id", f"A user id is a text, a whole number or a UUID, not {type(user).__name__}.")
        return as_text("user_id", text)


def check_found(response: Response, memory_id: str, version: Version) -> None:
    """Raise the error of a call on one memory that does not exist, or that has another version.

    Raises:
        MemoryNotFound: status 404.
        MemoryChanged: status 412.
        ServiceUnavailable: status 412 after a lost response; an earlier attempt of this call may have changed the
            memory.
    """
    if response.status == 404:
        raise MemoryNotFound(memory_id)
    if response.status != 412:
        return
    if version is None:
        raise response.unexpected("a failed condition for a request without a condition")
    if response.follows_lost_response:
        raise ServiceUnavailable(
            f"{response.request}: a response was lost, and the next attempt found the memory changed. "
            f"{MAY_HAVE_HAPPENED}",
            response.status,
        )
    raise MemoryChanged(memory_id, version_number(version))


def check_duplicate(response: Response) -> None:
    """Raise DuplicateMemory if a response 409 is about a text that the user has, and not about an id."""
    match response.json():
        case {"detail": str(), "memory_id": str(memory_id)}:
            raise DuplicateMemory(memory_id)


def parse_added(response: Response, ids: Sequence[str], offset: int) -> list[UserMemory]:
    """Return the memories that one bulk request added, or raise the error of its response.

    Args:
        response: the response of the request.
        ids: the ids of the memories in the request.
        offset: position of the first of them among all memories of the call.
    """
    if response.status == 400:
        raise ValidationError(validation_messages(response.json(), offset))
    if response.status == 409:
        check_duplicate(response)
        positions = {name.partition(".")[0] for name in validation_messages(response.json())}
        taken = [memory_id for position, memory_id in enumerate(ids) if str(position) in positions]
        raise MemoryExists(taken or list(ids))
    return response.parse(lambda payload: [parse_memory(row) for row in payload])


@contextmanager
def note_on_error(completed: Sized, participle: str) -> Iterator[None]:
    """Add the number of memories that earlier requests changed to an error, as a note."""
    try:
        yield
    except (AgnoMemoryError, ValidationError) as error:
        if completed:
            error.add_note(f"Requests before this one succeeded: {len(completed)} memories were {participle}.")
        raise


def with_keywords_of(names: type) -> Callable[[Callable[Params, Result]], Callable[Params, Result]]:
    """Replace ``**keywords`` in a verb's signature by the names in a TypedDict, each None by default.

    ``help()`` shows them and another name is a TypeError, as if each verb listed them.
    """
    added = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in get_type_hints(names).items()
    ]

    def decorator(verb: Callable[Params, Result]) -> Callable[Params, Result]:
        signature = inspect.signature(verb)
        *others, _ = signature.parameters.values()
        positional = [each for each in others if each.kind is not Parameter.KEYWORD_ONLY]
        signature = signature.replace(parameters=[*positional, *added, *others[len(positional) :]])

        @wraps(verb)
        def method(*args: Params.args, **kwargs: Params.kwargs) -> Result:
            signature.bind(*args, **kwargs)
            return verb(*args, **kwargs)

        method.__signature__ = signature  # type: ignore[attr-defined]
        return method

    return decorator


def _last_write(memory: UserMemory) -> tuple[Any, str]:
    return memory.last_updated, memory.memory_id


def _parse_page(payload: Any, parse: Callable[[Any], Item]) -> tuple[list[Item], QueryParameters | None]:
    """Return the results of a page, and the query of the next page.

    The rest of the next page's URL is ignored, so that credentials are sent to ``base_url`` only.
    """
    next_url = payload["next"]
    query = None if next_url is None else parse_qsl(urlsplit(next_url).query, keep_blank_values=True)
    return [parse(row) for row in payload["results"]], query
