"""Database connections of worker threads, kept open between two calls of a store.

Why this is needed: agno calls its stores from threads that end after a run, and on an event loop, where the store has
threads of its own. No other code closes the connections of such a thread, and to open one for each call takes longer
than the call. So a connection is kept open for the next call, on any of these threads.

Nothing is kept in a test run: the runner drops the database at its end, which fails while a connection is open.
"""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Thread
from typing import Final, NamedTuple

from django.core import mail
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from agno_memory.db.capabilities import has_pool
from agno_memory.db.connections import is_usable

# The maximum number of connections to a database that are open without a call that uses them.
MAX_KEPT: Final = 16
# Seconds after which such a connection is closed.
IDLE_SECONDS: Final = 5.0
# Seconds after which the server is asked whether such a connection still works, before it is used.
TRUSTED_SECONDS: Final = 1.0


class Kept(NamedTuple):
    """A connection that no thread uses.

    Args:
        connection: open, outside of transactions.
        since: the time of its last use, of ``time.monotonic()``.
    """

    connection: BaseDatabaseWrapper
    since: float


class KeptConnections:
    """The open connections that no thread uses, by the alias of their database; the last used one is the last."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._kept: dict[str, list[Kept]] = {}
        self._lock = Lock()
        self._is_closing = False

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Let the block use kept connections, and keep those that it opens.

        A connection object that this thread has already is used: one that is open belongs to a request or a transaction
        of the caller and stays open; one that is closed may have settings of the caller, such as a tenant's schema,
        and is closed again.
        """
        was_open = {each.alias: each.connection is not None for each in connections.all(initialized_only=True)}
        for alias in self._kept.keys() - was_open.keys():
            if (connection := self._take(alias)) is not None:
                connections[alias] = connection
        try:
            yield
        finally:
            for connection in connections.all(initialized_only=True):
                if connection.alias not in was_open:
                    del connections[connection.alias]
                    self._keep(connection)
                elif not was_open[connection.alias]:
                    connection.close()

    def close_all(self) -> None:
        """Close all connections that are kept."""
        self._close(self._without(float("inf")))

    def forget(self) -> None:
        """Leave all connections to the process that this one was forked from."""
        # Referenced for ever: to destroy one would close that of the other process.
        self._of_parent = self._kept
        self._reset()

    def _take(self, alias: str) -> BaseDatabaseWrapper | None:
        """Return a connection that works, or None."""
        while True:
            with self._lock:
                if not self._kept[alias]:
                    return None
                connection, since = self._kept[alias].pop()
            if time.monotonic() - since < TRUSTED_SECONDS or is_usable(connection):
                return connection
            connection.close()

    def _keep(self, connection: BaseDatabaseWrapper) -> None:
        """Keep an open connection, or close it."""
        if connection.connection is None:
            return
        if connection.errors_occurred:
            # If the server is gone, the others are lost as well.
            self._close([connection, *self._without(float("inf"), connection.alias)])
            return
        is_free = connection.autocommit and not connection.in_atomic_block
        if not is_free or has_pool(connection) or is_test_run():
            connection.close()
            return
        if not connection.allow_thread_sharing:
            connection.inc_thread_sharing()
        with self._lock:
            kept = self._kept.setdefault(connection.alias, [])
            is_kept = len(kept) < MAX_KEPT
            if is_kept:
                kept.append(Kept(connection, time.monotonic()))
            starts = is_kept and not self._is_closing
            self._is_closing |= starts
        if not is_kept:
            connection.close()
        if starts:
            Thread(target=self._close_idle, name="agno_memory_idle", daemon=True).start()

    def _close_idle(self) -> None:
        """Close connections as they become idle, until none is kept."""
        while True:
            time.sleep(IDLE_SECONDS / 2)
            self._close(self._without(time.monotonic() - IDLE_SECONDS))
            with self._lock:
                if not any(self._kept.values()):
                    self._is_closing = False
                    return

    def _without(self, limit: float, alias: str | None = None) -> list[BaseDatabaseWrapper]:
        """Remove the connections, of all databases or of one, that no call has used since a time, and return them."""
        removed: list[BaseDatabaseWrapper] = []
        with self._lock:
            for each in self._kept if alias is None else [alias]:
                kept = self._kept.get(each, [])
                removed += [connection for connection, since in kept if since <= limit]
                self._kept[each] = [one for one in kept if one.since > limit]
        return removed

    def _close(self, removed: list[BaseDatabaseWrapper]) -> None:
        for connection in removed:
            connection.close()


def is_test_run() -> bool:
    """Return whether Django's test environment is set up: only then ``mail`` has an outbox."""
    return hasattr(mail, "outbox")


KEPT: Final = KeptConnections()
os.register_at_fork(after_in_child=KEPT.forget)
atexit.register(KEPT.close_all)
