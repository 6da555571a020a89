"""``MemoryClient``: the verbs, sent by httpx. ``verbs`` makes the requests, and ``retries`` repeats them."""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from functools import wraps
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Concatenate, Final, NoReturn, ParamSpec, Self, TypeVar
from weakref import WeakKeyDictionary

import httpx

from agno_memory import __version__
from agno_memory.client.calls import UserId
from agno_memory.client.credentials import Auth, credentials, validated_base_url
from agno_memory.client.errors import ServiceUnavailable
from agno_memory.client.models import UserMemory, parse_memory
from agno_memory.client.protocol import LineBuffer, Request, Response
from agno_memory.client.retries import Exchange, Outcome, Pause
from agno_memory.client.verbs import Verbs

HEADERS: Final = {"Accept": "application/json", "User-Agent": f"agno-memory/{__version__}"}

Params = ParamSpec("Params")
Result = TypeVar("Result")


def _sync(
    verb: Callable[Concatenate[Verbs, Params], Exchange[Result]],
) -> Callable[Concatenate[MemoryClient, Params], Result]:
    @wraps(verb)
    def method(self: MemoryClient, /, *args: Params.args, **kwargs: Params.kwargs) -> Result:
        return self._run(verb(self._verbs, *args, **kwargs))

    method.__qualname__ = f"MemoryClient.{verb.__name__}"
    return method


def _async(
    verb: Callable[Concatenate[Verbs, Params], Exchange[Result]],
) -> Callable[Concatenate[MemoryClient, Params], Coroutine[Any, Any, Result]]:
    @wraps(verb)
    async def twin(self: MemoryClient, /, *args: Params.args, **kwargs: Params.kwargs) -> Result:
        return await self._arun(verb(self._verbs, *args, **kwargs))

    twin.__name__ = f"a{verb.__name__}"
    twin.__qualname__ = f"MemoryClient.a{verb.__name__}"
    return twin


def _iter(
    verb: Callable[Concatenate[Verbs, Params], Request | None],
) -> Callable[Concatenate[MemoryClient, Params], Iterator[UserMemory]]:
    @wraps(verb)
    def method(self: MemoryClient, /, *args: Params.args, **kwargs: Params.kwargs) -> Iterator[UserMemory]:
        return self._stream(verb(self._verbs, *args, **kwargs))

    method.__signature__ = _signature(verb, Iterator[UserMemory])  # type: ignore[attr-defined]
    method.__qualname__ = f"MemoryClient.{verb.__name__}"
    return method


def _aiter(
    verb: Callable[Concatenate[Verbs, Params], Request | None],
) -> Callable[Concatenate[MemoryClient, Params], AsyncIterator[UserMemory]]:
    @wraps(verb)
    def twin(self: MemoryClient, /, *args: Params.args, **kwargs: Params.kwargs) -> AsyncIterator[UserMemory]:
        return self._astream(verb(self._verbs, *args, **kwargs))

    twin.__signature__ = _signature(verb, AsyncIterator[UserMemory])  # type: ignore[attr-defined]
    twin.__name__ = f"a{verb.__name__}"
    twin.__qualname__ = f"MemoryClient.a{verb.__name__}"
    return twin


def _signature(verb: Callable[..., Any], returns: object) -> inspect.Signature:
    return inspect.signature(verb).replace(return_annotation=returns)


class MemoryClient:
    """Memories of people over HTTP: the verbs of ``agno_memory.memory.Memory``.

    Every verb acts for one user: the ``user_id`` of the call, or the client's, or else the owner of the credentials.
    Another user's memory behaves exactly as one that does not exist. Every verb has an async twin, prefixed ``a``. Use
    the client in a ``with`` block (``async with`` for the twins), or call ``close()`` (``await aclose()``). Threads and
    asyncio's event loops may share a client: each loop has connections of its own.

    Args:
        base_url: the address at which ``agno_memory.rest`` is mounted, ``https://example.com/api/``.
        token: for the ``Authorization`` header, which is ``Token <token>``.
        scheme: the word before the token there: ``"Bearer"`` for a JWT.
        auth: instead of a token: a name with a password, or any ``httpx.Auth``.
        user_id: the user of calls that do not name one, if the credentials permit that.
        timeout: seconds to wait for a connection, and for each piece of a response.
        retries: number of attempts after the first one, where a retry is safe: for throttled calls, and, when the
            service is unavailable (502, 503, 504, no connection, no response), for idempotent calls. The waits grow
            from half a second to 30 seconds, or are the service's ``Retry-After``; if that is more than a minute, the
            error is raised at once.
        page_size: memories per page.
        bulk_size: maximum of memories, or ids, per request; at most the service's limit.
        options: for ``httpx.Client`` and ``httpx.AsyncClient``: ``verify``, ``proxy``, ``headers``, ``transport`` ...

    Raises:
        ValueError: an invalid address, invalid credentials or an invalid number.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        scheme: str = "Token",
        auth: Auth | None = None,
        user_id: UserId = None,
        timeout: float = 30,
        retries: int = 3,
        page_size: int = 100,
        bulk_size: int = 1000,
        **options: Any,
    ) -> None:
        self.base_url = validated_base_url(base_url)
        self._verbs = Verbs(user_id, retries, page_size, bulk_size)
        self._options: dict[str, Any] = {
            **options,
            "headers": {**HEADERS, **options.get("headers", {})},
            "auth": credentials(token, scheme, auth),
            "timeout": timeout,
            # Cookies are not kept: a server's session would bind later calls to it.
            "cookies": CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        }
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None
        self._async_http: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()

    def __repr__(self) -> str:
        return f"MemoryClient({self.base_url!r})"

    add_user_memory = _sync(Verbs.add_user_memory)
    add_user_memories = _sync(Verbs.add_user_memories)
    get_user_memory = _sync(Verbs.get_user_memory)
    get_user_memories = _sync(Verbs.get_user_memories)
    search_user_memories = _sync(Verbs.search_user_memories)
    replace_user_memory = _sync(Verbs.replace_user_memory)
    upsert_user_memory = _sync(Verbs.upsert_user_memory)
    delete_user_memory = _sync(Verbs.delete_user_memory)
    delete_user_memories = _sync(Verbs.delete_user_memories)
    get_user_memory_history = _sync(Verbs.get_user_memory_history)
    restore_user_memory = _sync(Verbs.restore_user_memory)
    merge_user_memories = _sync(Verbs.merge_user_memories)
    duplicates = _sync(Verbs.duplicates)
    clear_user_memories = _sync(Verbs.clear_user_memories)
    erase_user = _sync(Verbs.erase_user)
    topic_counts = _sync(Verbs.topic_counts)
    stats = _sync(Verbs.stats)
    count_user = _sync(Verbs.count_user)
    iter_user_memories = _iter(Verbs.iter_user_memories)

    aadd_user_memory = _async(Verbs.add_user_memory)
    aadd_user_memories = _async(Verbs.add_user_memories)
    aget_user_memory = _async(Verbs.get_user_memory)
    aget_user_memories = _async(Verbs.get_user_memories)
    asearch_user_memories = _async(Verbs.search_user_memories)
    areplace_user_memory = _async(Verbs.replace_user_memory)
    aupsert_user_memory = _async(Verbs.upsert_user_memory)
    adelete_user_memory = _async(Verbs.delete_user_memory)
    adelete_user_memories = _async(Verbs.delete_user_memories)
    aget_user_memory_history = _async(Verbs.get_user_memory_history)
    arestore_user_memory = _async(Verbs.restore_user_memory)
    amerge_user_memories = _async(Verbs.merge_user_memories)
    aduplicates = _async(Verbs.duplicates)
    aclear_user_memories = _async(Verbs.clear_user_memories)
    aerase_user = _async(Verbs.erase_user)
    atopic_counts = _async(Verbs.topic_counts)
    astats = _async(Verbs.stats)
    acount_user = _async(Verbs.count_user)
    aiter_user_memories = _aiter(Verbs.iter_user_memories)

    def clear(self) -> NoReturn:
        """Raise NotImplementedError: emptying the store for all users is not available over HTTP."""
        raise NotImplementedError(
            "clear() empties the store for everybody, so it is not available over HTTP. "
            "clear_user_memories() deletes all memories of one person."
        )

    async def aclear(self) -> NoReturn:
        """Raise NotImplementedError, as ``clear()`` does."""
        self.clear()

    # Connections

    def close(self) -> None:
        """Close the connections of the sync verbs."""
        if self._http is not None:
            self._http.close()

    async def aclose(self) -> None:
        """Close the connections of this event loop, and those of the sync verbs."""
        self.close()
        with self._lock:
            http = self._async_http.get(asyncio.get_running_loop())
        if http is not None:
            await http.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()

    def _sync_http(self) -> httpx.Client:
        with self._lock:
            if self._http is None:
                self._http = httpx.Client(**self._options)
            return self._http

    def _async_http_of_this_loop(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        with self._lock:
            http = self._async_http.get(loop)
            if http is None:
                self._async_http[loop] = http = httpx.AsyncClient(**self._options)
            return http

    # Carrying out the steps of a verb

    def _run(self, exchange: Exchange[Result]) -> Result:
        outcome: Outcome = None
        while True:
            try:
                step = exchange.send(outcome)
            except StopIteration as stop:
                result: Result = stop.value
                return result
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                outcome = None
            else:
                outcome = self._send(step)

    async def _arun(self, exchange: Exchange[Result]) -> Result:
        outcome: Outcome = None
        while True:
            try:
                step = exchange.send(outcome)
            except StopIteration as stop:
                result: Result = stop.value
                return result
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                outcome = None
            else:
                outcome = await self._asend(step)

    def _send(self, request: Request) -> Response | httpx.HTTPError:
        http = self._sync_http()
        try:
            response = http.send(self._build(http, request), stream=request.stream, follow_redirects=False)
            if response.status_code != httpx.codes.OK:
                response.read()
        except httpx.HTTPError as error:
            return error
        return _to_response(request, response)

    async def _asend(self, request: Request) -> Response | httpx.HTTPError:
        http = self._async_http_of_this_loop()
        try:
            response = await http.send(self._build(http, request), stream=request.stream, follow_redirects=False)
            if response.status_code != httpx.codes.OK:
                await response.aread()
        except httpx.HTTPError as error:
            return error
        return _to_response(request, response)

    def _build(self, http: httpx.Client | httpx.AsyncClient, request: Request) -> httpx.Request:
        headers = dict(request.headers)
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        return http.build_request(request.method, self.base_url + request.path, content=request.body, headers=headers)

    # Streams

    def _stream(self, request: Request | None) -> Iterator[UserMemory]:
        """Yield the memories of a stream; without a request, nothing."""
        if request is None:
            return
        response = self._run(self._verbs.send(request, 200))
        assert response.stream is not None
        buffer = LineBuffer()
        with closing(response.stream) as stream, _complete(response, buffer):
            for piece in stream.iter_bytes():
                yield from (_parse_line(response, line) for line in buffer.feed(piece))

    async def _astream(self, request: Request | None) -> AsyncIterator[UserMemory]:
        if request is None:
            return
        response = await self._arun(self._verbs.send(request, 200))
        stream = response.stream
        assert stream is not None
        buffer = LineBuffer()
        try:
            with _complete(response, buffer):
                async for piece in stream.aiter_bytes():
                    for line in buffer.feed(piece):
                        yield _parse_line(response, line)
        finally:
            await stream.aclose()


def _to_response(request: Request, response: httpx.Response) -> Response:
    if request.stream and response.status_code == httpx.codes.OK:
        return Response(request, response.status_code, response.headers, stream=response)
    return Response(request, response.status_code, response.headers, response.content)


@contextmanager
def _complete(response: Response, buffer: LineBuffer) -> Iterator[None]:
    """Raise ServiceUnavailable if the body ends early, so that it never looks like a shorter list."""
    reason = "in the middle of a line"
    cause = None
    try:
        yield
    except httpx.HTTPError as error:
        reason, cause = type(error).__name__, error
    if cause or buffer.is_truncated:
        message = f"{response.request}: the response broke off ({reason})."
        raise ServiceUnavailable(message, response.status, may_have_happened=False) from cause


def _parse_line(response: Response, line: bytes) -> UserMemory:
    try:
        return parse_memory(json.loads(line))
    except (LookupError, TypeError, ValueError):
        raise response.unexpected("a line that is not a memory") from None
