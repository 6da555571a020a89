"""Calls of the ORM from any thread: from an event loop, and from agno's worker threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial, wraps
from inspect import isawaitable
from threading import current_thread, main_thread
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from agno_memory.acting import AGENT, acting
from agno_memory.contrib.agno.errors import errors_with_status
from agno_memory.contrib.agno.kept_connections import KEPT

Params = ParamSpec("Params")
Result = TypeVar("Result")
Store = TypeVar("Store")

# agno calls a store without awaiting it, also on the event loop, where Django's ORM raises SynchronousOnlyOperation.
_executor = ThreadPoolExecutor(max_workers=8, thread_name_prefix="agno_memory")
# The pool of an async store, while it calls a method on the event loop; see ``looks_at_caller``.
_pool: ContextVar[ThreadPoolExecutor | None] = ContextVar("agno_memory_pool", default=None)


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
            with worker_connections(), errors_with_status(), acting(through=AGENT):
                return method(self, *args, **kwargs)

        if not _is_loop_running():
            return work()
        run, pool = copy_context().run, _pool.get()
        if pool is None:
            return _executor.submit(run, work).result()
        return cast("Result", asyncio.get_running_loop().run_in_executor(pool, run, work))

    return call


def looks_at_caller(
    method: Callable[Concatenate[Store, Params], Result],
) -> Callable[Concatenate[Store, Params], Result]:
    """Mark a method that looks at its callers on the call stack, or sets a variable of their context.

    An async store calls it on the event loop, because the thread of a pool has neither. The method must return the
    result of the method ``from_anywhere`` that does the work: the async store awaits that.
    """
    method.looks_at_caller = True  # type: ignore[attr-defined]
    return method


async def in_pool(
    pool: ThreadPoolExecutor, method: Callable[Params, Result], *args: Params.args, **kwargs: Params.kwargs
) -> Result:
    """Return the result of a store's method that runs in a thread of a pool, with a copy of the caller's context."""
    if not hasattr(method, "looks_at_caller"):
        work = partial(copy_context().run, partial(method, *args, **kwargs))
        return await asyncio.get_running_loop().run_in_executor(pool, work)
    token = _pool.set(pool)
    try:
        result: Any = method(*args, **kwargs)
    finally:
        _pool.reset(token)
    return cast("Result", await result if isawaitable(result) else result)


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
