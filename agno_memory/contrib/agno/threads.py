"""Calls of the ORM from any thread: from an event loop, and from agno's worker threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import wraps
from threading import current_thread, main_thread
from typing import Concatenate, ParamSpec, TypeVar

from agno_memory.contrib.agno.errors import errors_with_status
from agno_memory.contrib.agno.kept_connections import KEPT

Params = ParamSpec("Params")
Result = TypeVar("Result")
Store = TypeVar("Store")

# agno calls a store without awaiting it, also on the event loop, where Django's ORM raises SynchronousOnlyOperation.
_executor = ThreadPoolExecutor(max_workers=8, thread_name_prefix="agno_memory")


def from_anywhere(
    method: Callable[Concatenate[Store, Params], Result],
) -> Callable[Concatenate[Store, Params], Result]:
    """Make a method that uses the ORM callable from any thread, with or without a running event loop.

    Where a loop is running, the method runs in another thread with a copy of the caller's context. Its errors have the
    status that AgentOS answers with.
    """

    @wraps(method)
    def call(self: Store, /, *args: Params.args, **kwargs: Params.kwargs) -> Result:
        def work() -> Result:
            with worker_connections(), errors_with_status():
                return method(self, *args, **kwargs)

        if not _is_loop_running():
            return work()
        return _executor.submit(copy_context().run, work).result()

    return call


def _is_loop_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@contextmanager
def worker_connections() -> Iterator[None]:
    """Let a block in a worker thread use connections that are kept between calls.

    Those of the main thread are used as they are, and stay open: they end with the process.
    """
    if current_thread() is main_thread():
        yield
        return
    with KEPT.lent():
        yield
