"""How agno's calls reach Django: from an event loop, from its worker threads, and back with errors it can show."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import wraps
from threading import current_thread, main_thread
from typing import Concatenate, ParamSpec, TypeVar

from django.db import connections

from agno_memory.exceptions import MemoryExists, MemoryNotFound, SessionExists, SessionNotFound, ValidationError

Params = ParamSpec("Params")
Result = TypeVar("Result")
Store = TypeVar("Store")

# AgentOS answers with the status that an exception carries, and with its text; 500 and no text by default.
STATUS: dict[type[Exception], int] = {
    ValidationError: 422,
    ValueError: 422,
    MemoryNotFound: 404,
    SessionNotFound: 404,
    MemoryExists: 409,
    SessionExists: 409,
}

# agno calls stores without awaiting them, on the event loop too, where Django's ORM refuses to work.
_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="agno_memory")


def from_anywhere(
    verb: Callable[Concatenate[Store, Params], Result],
) -> Callable[Concatenate[Store, Params], Result]:
    """Let a method that uses the ORM be called from any thread, with or without a running event loop."""

    @wraps(verb)
    def call(self: Store, /, *args: Params.args, **kwargs: Params.kwargs) -> Result:
        def work() -> Result:
            with closing_what_it_opens(), errors_with_status():
                return verb(self, *args, **kwargs)

        if not _has_loop():
            return work()
        return _threads.submit(copy_context().run, work).result()

    return call


def _has_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@contextmanager
def closing_what_it_opens() -> Iterator[None]:
    """Close the connections that were opened in a worker thread, which nobody else would.

    Those that were open stay as they are: they belong to a request, or to a transaction of the caller's. So do those of
    the main thread, which end with the process.
    """
    if current_thread() is main_thread():
        yield
        return
    before = {connection.alias for connection in connections.all(initialized_only=True) if connection.connection}
    try:
        yield
    finally:
        for connection in connections.all(initialized_only=True):
            if connection.connection and connection.alias not in before:
                connection.close()


@contextmanager
def errors_with_status() -> Iterator[None]:
    """Let errors of the service carry the status that AgentOS answers with."""
    try:
        yield
    except tuple(STATUS) as error:
        error.status_code = next(  # type: ignore[attr-defined]
            status for kind, status in STATUS.items() if isinstance(error, kind)
        )
        raise
