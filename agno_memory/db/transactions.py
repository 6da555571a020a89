"""Several writes as one transaction, on every database that has transactions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, Final, TypeVar

from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from agno_memory.db import mongodb
from agno_memory.db.connections import connection_to
from agno_memory.db.errors import with_django_errors

Result = TypeVar("Result")

# A transaction that lost against another one is repeated for this many seconds, as long as a web request can wait.
# (MongoDB keeps the transaction of a killed process for a minute: then the error is raised.)
RETRY_SECONDS: Final = 10.0
# The same inside patient(). MongoDB looks every 30 seconds for transactions that are older than a minute.
PATIENT_SECONDS: Final = 120.0
# Seconds between two attempts: while the other transaction is probably at work, and after the notice of patient().
PAUSE_SECONDS: Final = 0.05
LONG_PAUSE_SECONDS: Final = 0.5
# Seconds of waiting before the notice of patient().
NOTICE_SECONDS: Final = 1.0

NOTHING: Final = nullcontext()
# The notice of patient(), inside its block.
_notice: ContextVar[Callable[[str], object] | None] = ContextVar("notice", default=None)


@contextmanager
def patient(notice: Callable[[str], object]) -> Iterator[None]:
    """Let writes wait until the transaction of a killed process ends, instead of raising an error after ten seconds.

    For commands, which can wait longer than a web request. It concerns ``all_or_nothing()`` in this thread or task.

    Args:
        notice: called with the alias of the database when a write begins to wait.
    """
    token = _notice.set(notice)
    try:
        yield
    finally:
        _notice.reset(token)


def has_transactions(connection: BaseDatabaseWrapper) -> bool:
    """Return whether several writes can be one, through Django's ``atomic()`` or the backend's own transactions."""
    return connection.features.supports_transactions or mongodb.has_transactions(connection)


def all_or_nothing(alias: str, work: Callable[[], Result]) -> Result:
    """Do several writes as one transaction, and repeat it while it collides with another one.

    Without transactions (a stand-alone MongoDB), the work is just done. Inside a transaction of the caller, the work is
    part of that one and is not repeated: only the caller can repeat the whole.

    Args:
        alias: the alias of the database.
        work: the writes. It may be called several times.

    Returns:
        The result of ``work``.
    """
    connection = connection_to(alias)

    def attempt() -> Result:
        with _atomic(connection):
            return work()

    wait = _Wait(alias, 0 if is_in_transaction(connection) else None)
    # Not retries.retry(), which counts attempts: here the time is limited, and each attempt may take long.
    while True:
        try:
            return with_django_errors(connection, attempt)
        except DatabaseError as error:
            if not wait.allows_another(error):
                raise


class _Wait:
    """The time in which a transaction is repeated.

    Args:
        alias: of the database.
        seconds: to repeat it; None for the limit of the caller, ``patient()`` or not.
    """

    def __init__(self, alias: str, seconds: float | None) -> None:
        self._alias = alias
        self._seconds = seconds
        self._started = time.monotonic()
        self._has_noticed = False

    def allows_another(self, error: DatabaseError) -> bool:
        """Pause, and return True; or return False if the error has another cause or the time is over."""
        # A lost connection inside a transaction is transient too, but no transaction that ends by itself.
        notice = None if mongodb.is_connection_failure(error) else _notice.get()
        limit = PATIENT_SECONDS if notice else RETRY_SECONDS
        waited = time.monotonic() - self._started
        if not mongodb.is_transient(error) or waited > (limit if self._seconds is None else self._seconds):
            return False
        if notice and not self._has_noticed and waited >= NOTICE_SECONDS:
            notice(self._alias)
            self._has_noticed = True
        time.sleep(LONG_PAUSE_SECONDS if self._has_noticed else PAUSE_SECONDS)
        return True


def marked(connection: BaseDatabaseWrapper) -> AbstractContextManager[Any]:
    """Return a context in which an error marks a transaction of the caller as broken, as Django's own writes do."""
    # Outside of transactions Django's context does nothing, in a tenth of a call.
    return transaction.mark_for_rollback_on_error(connection.alias) if connection.in_atomic_block else NOTHING


def savepoint(alias: str) -> AbstractContextManager[Any]:
    """Return a context in which a statement can fail without breaking a transaction of the caller."""
    return transaction.atomic(using=alias) if connection_to(alias).in_atomic_block else NOTHING


def is_in_transaction(connection: BaseDatabaseWrapper) -> bool:
    """Return whether the caller is in a transaction: Django's, or on MongoDB one of the backend's own."""
    # Where Django's atomic() does nothing, being inside one has no meaning.
    has_djangos = connection.features.supports_transactions
    return connection.in_atomic_block if has_djangos else mongodb.is_in_transaction(connection)


def _atomic(connection: BaseDatabaseWrapper) -> AbstractContextManager[Any]:
    if connection.features.supports_transactions:
        # The outermost block takes no savepoint: on SQLite without autocommit, its release would commit.
        return transaction.atomic(using=connection.alias, savepoint=connection.in_atomic_block)
    return mongodb.atomic(connection) if mongodb.has_transactions(connection) else NOTHING
