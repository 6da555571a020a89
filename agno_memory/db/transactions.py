"""Several writes as one transaction, on every database that has transactions."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
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
# Seconds between two attempts.
PAUSE_SECONDS: Final = 0.05


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

    deadline = time.monotonic() + (0 if _is_in_transaction(connection) else RETRY_SECONDS)
    # Not retries.retry(), which counts attempts: here the time is limited, and each attempt may take long.
    while True:
        try:
            return with_django_errors(connection, attempt)
        except DatabaseError as error:
            if not mongodb.is_transient(error) or time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)


def savepoint(alias: str) -> AbstractContextManager[Any]:
    """Return a context in which a statement can fail without breaking a transaction of the caller."""
    return transaction.atomic(using=alias) if connection_to(alias).in_atomic_block else nullcontext()


def _is_in_transaction(connection: BaseDatabaseWrapper) -> bool:
    # Where Django's atomic() does nothing, being inside one has no meaning.
    has_djangos = connection.features.supports_transactions
    return connection.in_atomic_block if has_djangos else mongodb.is_in_transaction(connection)


def _atomic(connection: BaseDatabaseWrapper) -> AbstractContextManager[Any]:
    if connection.features.supports_transactions:
        # The outermost block takes no savepoint: on SQLite without autocommit, its release would commit.
        return transaction.atomic(using=connection.alias, savepoint=connection.in_atomic_block)
    return mongodb.atomic(connection) if mongodb.has_transactions(connection) else nullcontext()
