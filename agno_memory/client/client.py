"""``MemoryClient``: the verbs, sent by httpx. What to send and when to try again is decided elsewhere."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import wraps
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Concatenate, Final, NoReturn, ParamSpec, Self, TypeVar
from weakref import WeakKeyDictionary

import httpx

from agno_memory import __version__
from agno_memory.client.calls import UserId
from agno_memory.client.credentials import Auth, checked_address, credentials
from agno_memory.client.errors import ServiceUnavailable
from agno_memory.client.models import UserMemory, memory_from
from agno_memory.client.payloads import filters
from agno_memory.client.protocol import Answer, Lines, Pairs, Request
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


class MemoryClient:
    """What is remembered about people, asked over HTTP: the verbs of ``agno_memory.memory.Memory``.

    Every verb acts for one user: the ``user_id`` of the call, or the client's, or else the owner of the credentials.
    Someone else's memory behaves exactly as one that does not exist. Every verb has an async twin with an ``a`` in
    front of its name. Use the client ``with`` (``async with`` for the twins), or call ``close()`` (``await aclose()``).
    Threads may share a client, and asyncio's event loops too: each loop gets connections of its own.

    Args:
        base_url: where ``agno_memory.rest`` is mounted, ``https://example.com/api/``.
        token: for the ``Authorization`` header, which is ``Token <token>``.
        scheme: what stands before the token there: ``"Bearer"`` for a JWT.
        auth: instead of a token: a name with a password, or any ``httpx.Auth``.
        user_id: whom calls are for that name nobody, if the credentials allow that.
        timeout: seconds to wait for a connection, and for each piece of an answer.
        retries: how often to try again what can be tried again: throttled calls, and when the service is away (502,
            503, 504, no connection, no answer) calls that may be made twice. The waits grow from half a second to 30,
            or are what the service asks for; where it asks for more than a minute, the error comes at once.
        page_size: memories to ask for at once.
        bulk_size: memories, or ids, to send at once at most: no more than the service takes.
        options: for ``httpx.Client`` and ``httpx.AsyncClient``: ``verify``, ``proxy``, ``headers``, ``transport`` ...

    Raises:
        ValueError: an address, credentials or a number that cannot be used.
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
        self.base_url = checked_address(base_url)
        self._verbs = Verbs(user_id, retries, page_size, bulk_size)
        self._options: dict[str, Any] = {
            **options,
            "headers": {**HEADERS, **options.get("headers", {})},
            "auth": credentials(token, scheme, auth),
            "timeout": timeout,
            # A session that a server begins is nobody's here.
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
    clear_user_memories = _sync(Verbs.clear_user_memories)
    topic_counts = _sync(Verbs.topic_counts)
    stats = _sync(Verbs.stats)

    aadd_user_memory = _async(Verbs.add_user_memory)
    aadd_user_memories = _async(Verbs.add_user_memories)
    aget_user_memory = _async(Verbs.get_user_memory)
    aget_user_memories = _async(Verbs.get_user_memories)
    asearch_user_memories = _async(Verbs.search_user_memories)
    areplace_user_memory = _async(Verbs.replace_user_memory)
    aupsert_user_memory = _async(Verbs.upsert_user_memory)
    adelete_user_memory = _async(Verbs.delete_user_memory)
    adelete_user_memories = _async(Verbs.delete_user_memories)
    aclear_user_memories = _async(Verbs.clear_user_memories)
    atopic_counts = _async(Verbs.topic_counts)
    astats = _async(Verbs.stats)

    def iter_user_memories(
        self,
        user_id: UserId = None,
        *,
        topics: Sequence[str] | None = None,
        any_topics: Sequence[str] | None = None,
        agent_id: str | None = None,
        team_id: str | None = None,
        session_id: str | None = None,
    ) -> Iterator[UserMemory]:
        """Yield a user's memories, the oldest first, as the service reads them: however many, none is kept here.

        Args:
            As for ``get_user_memories()``.

        Raises:
            ValidationError: bad input.
            RemoteError: the call came to nothing. It is not tried again once a memory has come.
        """
        wanted = filters(topics, any_topics, agent_id=agent_id, team_id=team_id, session_id=session_id)
        return self._stream(user_id, wanted)

    def aiter_user_memories(
        self,
        user_id: UserId = None,
        *,
        topics: Sequence[str] | None = None,
        any_topics: Sequence[str] | None = None,
        agent_id: str | None = None,
        team_id: str | None = None,
        session_id: str | None = None,
    ) -> AsyncIterator[UserMemory]:
        """Yield as ``iter_user_memories()`` does, for ``async for``."""
        wanted = filters(topics, any_topics, agent_id=agent_id, team_id=team_id, session_id=session_id)
        return self._astream(user_id, wanted)

    def clear(self) -> NoReturn:
        """Refuse: to empty the store, for everybody, is no business of somebody who comes by HTTP."""
        raise NotImplementedError(
            "clear() would empty the store for everybody, so it is not to be had over HTTP. "
            "clear_user_memories() forgets everything about one person."
        )

    async def aclear(self) -> NoReturn:
        """Refuse, as ``clear()`` does."""
        self.clear()

    # Connections

    def close(self) -> None:
        """Close the connections of the verbs that are not async."""
        if self._http is not None:
            self._http.close()

    async def aclose(self) -> None:
        """Close the connections of this event loop, and those of the verbs that are not async."""
        self.close()
        with self._lock:
            found = self._async_http.get(asyncio.get_running_loop())
        if found is not None:
            await found.aclose()

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

    def _connections(self) -> httpx.Client:
        with self._lock:
            if self._http is None:
                self._http = httpx.Client(**self._options)
            return self._http

    def _connections_of_this_loop(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        with self._lock:
            found = self._async_http.get(loop)
            if found is None:
                self._async_http[loop] = found = httpx.AsyncClient(**self._options)
            return found

    # Doing what an exchange asks for

    def _run(self, exchange: Exchange[Result]) -> Result:
        outcome: Outcome = None
        while True:
            try:
                step = exchange.send(outcome)
            except StopIteration as done:
                result: Result = done.value
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
            except StopIteration as done:
                result: Result = done.value
                return result
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                outcome = None
            else:
                outcome = await self._asend(step)

    def _send(self, request: Request) -> Answer | httpx.HTTPError:
        http = self._connections()
        try:
            response = http.send(self._built(http, request), stream=request.stream, follow_redirects=False)
            if response.status_code != httpx.codes.OK:
                response.read()
        except httpx.HTTPError as error:
            return error
        return _answer(request, response)

    async def _asend(self, request: Request) -> Answer | httpx.HTTPError:
        http = self._connections_of_this_loop()
        try:
            response = await http.send(self._built(http, request), stream=request.stream, follow_redirects=False)
            if response.status_code != httpx.codes.OK:
                await response.aread()
        except httpx.HTTPError as error:
            return error
        return _answer(request, response)

    def _built(self, http: httpx.Client | httpx.AsyncClient, request: Request) -> httpx.Request:
        headers = dict(request.headers)
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        return http.build_request(request.method, self.base_url + request.path, content=request.body, headers=headers)

    def _stream(self, user_id: UserId, wanted: Pairs | None) -> Iterator[UserMemory]:
        if wanted is None:
            return
        answer = self._run(self._verbs.export(user_id, wanted))
        assert answer.response is not None
        lines = Lines()
        with closing(answer.response) as response, _reading(answer, lines):
            for piece in response.iter_bytes():
                yield from (_memory(answer, line) for line in lines.feed(piece))

    async def _astream(self, user_id: UserId, wanted: Pairs | None) -> AsyncIterator[UserMemory]:
        if wanted is None:
            return
        answer = await self._arun(self._verbs.export(user_id, wanted))
        response = answer.response
        assert response is not None
        lines = Lines()
        try:
            with _reading(answer, lines):
                async for piece in response.aiter_bytes():
                    for line in lines.feed(piece):
                        yield _memory(answer, line)
        finally:
            await response.aclose()


def _answer(request: Request, response: httpx.Response) -> Answer:
    if request.stream and response.status_code == httpx.codes.OK:
        return Answer(request, response.status_code, response.headers, response=response)
    return Answer(request, response.status_code, response.headers, response.content)


@contextmanager
def _reading(answer: Answer, lines: Lines) -> Iterator[None]:
    """Read the body of an answer; one that breaks off is an error, never a shorter list."""
    reason = "cut in a line"
    cause = None
    try:
        yield
    except httpx.HTTPError as error:
        reason, cause = type(error).__name__, error
    if cause or lines.is_cut:
        message = f"{answer.request}: the answer broke off ({reason})."
        raise ServiceUnavailable(message, answer.status, may_have_happened=False) from cause


def _memory(answer: Answer, line: bytes) -> UserMemory:
    try:
        return memory_from(json.loads(line))
    except (LookupError, TypeError, ValueError):
        raise answer.unexpected("a line that is no memory") from None
