"""Read replicas: which reads they answer, and which ones go to the database of the writes.

A replica lags. So a caller that has written reads the primary, the database of the writes: until the end of the
request, and for ``READ_YOUR_WRITES_SECONDS`` in the same session. Reads inside a transaction go to the primary too. The
rules hold for ``READ_DATABASES``, and for a router of the site that reads and writes on different aliases.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeVar

from django.db import DatabaseError, connections, router
from django.db.models import Model

from agno_memory.conf import conf
from agno_memory.db import mongodb
from agno_memory.db.connections import connected_to, connection_to
from agno_memory.db.transactions import is_in_transaction

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

# A hint for routers: the alias for writes is asked for a read.
FOR_READ: Final = "agno_memory_for_read"
# Seconds for which a replica that cannot be reached is not tried again.
DOWN_SECONDS: Final = 30


class Caller:
    """A request, as far as it reads and writes memories.

    Args:
        has_written_lately: returns whether earlier requests of the same caller wrote memories a short time ago. It is
            called at most once, at the first read.
    """

    def __init__(self, has_written_lately: Callable[[], bool]) -> None:
        self.has_written = False
        self._has_written_lately = has_written_lately
        self._lately: bool | None = None

    @property
    def needs_primary(self) -> bool:
        if not self.has_written and self._lately is None:
            self._lately = self._has_written_lately()
        return bool(self.has_written or self._lately)


_caller: ContextVar[Caller | None] = ContextVar("agno_memory_caller", default=None)
_is_forced: ContextVar[bool] = ContextVar("agno_memory_on_primary", default=False)
_thread = threading.local()
# The time of the last write of this process outside of requests, and until when each replica counts as down.
_process: dict[str, float] = {"wrote": float("-inf")}
_down: dict[str, float] = {}


# Callers


def begin(caller: Caller | None) -> None:
    """Set the request of this thread or task; None if it has ended."""
    _caller.set(caller)


def note_write() -> None:
    """Record that the caller writes memories, so that its reads go to the primary from now on."""
    caller = _caller.get()
    if caller is not None:
        caller.has_written = True
    else:
        # A write in another thread or task of an agent may be one that this reader knows of.
        _process["wrote"] = time.monotonic()


@contextmanager
def on_primary() -> Iterator[None]:
    """Send all reads of a block to the primary."""
    token = _is_forced.set(True)
    try:
        yield
    finally:
        _is_forced.reset(token)


def needs_primary(primary: str) -> bool:
    """Return whether reads go to the primary: the caller has written, or is in a transaction on it."""
    if _is_forced.get() or is_in_transaction(connections[primary]):
        return True
    caller = _caller.get()
    if caller is not None:
        return caller.needs_primary
    return time.monotonic() - _process["wrote"] < conf.READ_YOUR_WRITES_SECONDS


# Aliases


def read_alias(model: type[Model], **hints: Any) -> str:
    """Return the alias to read a model from: the router's choice, or the primary if the read depends on a write."""
    alias = router.db_for_read(model, **hints)
    primary = router.db_for_write(model, **hints, **{FOR_READ: True})
    if alias == primary or not (needs_primary(primary) or not is_reachable(alias)):
        return alias
    return primary


def write_alias(model: type[Model], **hints: Any) -> str:
    """Return the alias to write a model to, and record the write."""
    note_write()
    return router.db_for_write(model, **hints)


def choose() -> str | None:
    """Return one of ``READ_DATABASES`` that is reachable, the same one for all reads of a thread; None without any."""
    aliases = conf.READ_DATABASES
    if not aliases:
        return None
    if not hasattr(_thread, "offset"):
        # Another thread gets another one, so that all have work.
        _thread.offset = random.randrange(1_000_000)  # noqa: S311  not a secret
    start = _thread.offset % len(aliases)
    return next((alias for alias in [*aliases[start:], *aliases[:start]] if is_reachable(alias)), None)


def is_reachable(alias: str) -> bool:
    """Return whether a replica answers, and connect to it."""
    if time.monotonic() < _down.get(alias, 0):
        return False
    try:
        connected_to(alias)
    except DatabaseError as error:
        _mark_down(alias, error)
        return False
    return True


def reading(alias: Callable[[], str], read: Callable[[str], Result]) -> Result:
    """Read from the alias that the router chooses, and from the primary if the connection to a replica is lost.

    Args:
        alias: chooses the alias, that of the primary inside ``on_primary()``.
        read: reads from an alias.
    """
    chosen = alias()
    try:
        return read(chosen)
    except DatabaseError as error:
        with on_primary():
            primary = alias()
            if primary == chosen or not _is_lost(chosen, error):
                raise
            _mark_down(chosen, error)
            return read(primary)


def _is_lost(alias: str, error: DatabaseError) -> bool:
    # connection_to() drops a lost connection.
    return mongodb.is_connection_failure(error) or connection_to(alias).connection is None


def _mark_down(alias: str, error: DatabaseError) -> None:
    _down[alias] = time.monotonic() + DOWN_SECONDS
    logger.warning("The read replica %r is down; memories are read from the primary: %s", alias, error)
