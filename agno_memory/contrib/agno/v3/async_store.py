"""``AsyncDjangoDb``: ``DjangoDb`` for programs that run their agents by ``arun()``. Its methods are made from those."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import Any, Final, TypeVar

from agno.db.base import AsyncBaseDb

from agno_memory.contrib.agno.threads import in_pool
from agno_memory.contrib.agno.v3.store import DjangoDb

Store = TypeVar("Store")

# The number of threads of a store. Threads that decode rows take turns with the event loop, so more of them delay it.
THREADS: Final = 4


def with_methods_of(store: type[Any]) -> Callable[[type[Store]], type[Store]]:
    """Return a decorator that adds each public method of a store which the class does not define, as agno calls it.

    Args:
        store: the class with the methods. Instances of the decorated class have one as ``_store``.
    """

    def decorate(decorated: type[Store]) -> type[Store]:
        for name, method in inspect.getmembers(store, inspect.isfunction):
            if not name.startswith("_") and name not in vars(decorated):
                is_awaited = not _is_called_without_await(name)
                setattr(decorated, name, _awaited(name, method) if is_awaited else _passed_on(name, method))
        return abc.update_abstractmethods(decorated)

    return decorate


def _is_called_without_await(name: str) -> bool:
    """Return whether agno's base has a method that is not async: then agno does not await it."""
    method = getattr(AsyncBaseDb, name, None)
    return inspect.isfunction(method) and not inspect.iscoroutinefunction(method)


def _awaited(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    async def twin(self: AsyncDjangoDb, *args: Any, **kwargs: Any) -> Any:
        return await in_pool(self._pool, getattr(self._store, name), *args, **kwargs)

    return twin


def _passed_on(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def twin(self: AsyncDjangoDb, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._store, name)(*args, **kwargs)

    return twin


@with_methods_of(DjangoDb)
class AsyncDjangoDb(AsyncBaseDb):
    """What agno keeps, in the site's database, for agents that are run by ``arun()``: the event loop does not wait.

    Every method of ``DjangoDb`` is awaited here, and runs in a thread of the store. ``run()`` of an agent needs
    ``DjangoDb``; ``docs/agno.md`` compares the two. Both have the same rows.

    Args:
        db: as of ``DjangoDb``, and so ``id`` and ``recall``.
        id: by which AgentOS distinguishes databases.
        recall: the number of memories in a prompt.
        threads: the maximum number of calls at a time; each has a connection to the database.

    Raises:
        ValueError: ``recall`` or ``threads`` is not a whole number from 1.
    """

    def __init__(
        self, db: str | None = None, *, id: str | None = None, recall: int | None = None, threads: int = THREADS
    ) -> None:
        if threads < 1:
            raise ValueError(f"threads is a whole number from 1, not {threads!r}.")
        self._store = DjangoDb(db, id=id, recall=recall)
        super().__init__(id=self._store.id)
        self.threads = threads
        self._pool = self._new_pool()

    def _new_pool(self) -> ThreadPoolExecutor:
        # Its threads start when they are needed, and end with it.
        return ThreadPoolExecutor(self.threads, thread_name_prefix="agno_memory_async")

    @property
    def db(self) -> str | None:
        """The alias, or None for the router's choice."""
        return self._store.db

    @property
    def recall(self) -> int | None:
        """The number of memories in a prompt."""
        return self._store.recall

    def __repr__(self) -> str:
        return f"{type(self).__name__}(db={self.db!r}, id={self.id!r})"

    def to_dict(self) -> dict[str, Any]:
        """Return the arguments of the store, for ``from_dict``."""
        return {**self._store.to_dict(), "type": "async_django", "threads": self.threads}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> AsyncDjangoDb:
        """Return the store that ``to_dict`` describes."""
        options = {name: data.get(name) for name in ("id", "recall")}
        return cls(data.get("db"), **options, threads=data.get("threads", THREADS))

    async def close(self) -> None:
        """Let the threads end. A later call starts new ones."""
        pool, self._pool = self._pool, self._new_pool()
        pool.shutdown(wait=False)
