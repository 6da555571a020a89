"""All or nothing, on every database that can."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from typing import Any, TypeVar

from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from agno_memory.db.errors import with_django_errors

Result = TypeVar("Result")

# A transaction that lost against another one is worth repeating. For how long, and after what pause, in seconds: a web
# request can wait so long. (What a killed process has begun, MongoDB keeps for a minute: then the error travels.)
PATIENCE = 10.0
PAUSE = 0.05


def has_transactions(connection: BaseDatabaseWrapper) -> bool:
    """Tell whether several writes can be one, through Django's ``atomic`` or through the backend's own."""
    return connection.features.supports_transactions or _has_own_transactions(connection)


def all_or_nothing(alias: str, work: Callable[[], Result]) -> Result:
    """Do several writes as one, and repeat them for a while when they collide with another transaction.

    Without transactions (a stand-alone MongoDB), the work is simply done. In a transaction of the caller's, it is part
    of that, and only the caller can repeat it.
    """
    connection = connections[alias]

    def attempt() -> Result:
        with _atomic(connection):
            return work()

    give_up = time.monotonic() + (0 if _in_transaction(connection) else PATIENCE)
    while True:
        try:
            return with_django_errors(connection, attempt)
        except DatabaseError as error:
            if not _is_transient(error) or time.monotonic() > give_up:
                raise
            time.sleep(PAUSE)


def savepoint(alias: str) -> AbstractContextManager[Any]:
    """Let a statement fail without spoiling the transaction that the caller may be in."""
    return transaction.atomic(using=alias) if connections[alias].in_atomic_block else nullcontext()


def _has_own_transactions(connection: Any) -> bool:
    # MongoDB's backend keeps Django's atomic() a no-op, and says by this flag whether its own would work.
    if not hasattr(connection, "start_transaction_mongo"):
        return False
    return bool(with_django_errors(connection, lambda: connection.features._supports_transactions))


def _in_transaction(connection: BaseDatabaseWrapper) -> bool:
    if connection.features.supports_transactions:
        return connection.in_atomic_block
    # Where Django's atomic() does nothing, being in one says nothing.
    return getattr(connection, "in_atomic_block_mongo", False)


def _atomic(connection: BaseDatabaseWrapper) -> AbstractContextManager[Any]:
    if connection.features.supports_transactions:
        # The outermost needs none: on SQLite with autocommit off, its release would commit.
        return transaction.atomic(using=connection.alias, savepoint=connection.in_atomic_block)
    return _own_atomic(connection) if _has_own_transactions(connection) else nullcontext()


@contextmanager
def _own_atomic(connection: Any) -> Iterator[None]:
    own = import_module(f"{connection.settings_dict['ENGINE']}.transaction")
    _end_stale_session(connection)
    # Django's atomic(), as of ATOMIC_REQUESTS, does nothing here, but in one the backend commits and then raises.
    marked, connection.in_atomic_block = connection.in_atomic_block, False
    try:
        with own.atomic(using=connection.alias):
            yield
    finally:
        connection.in_atomic_block = marked
        _end_stale_session(connection)


def _end_stale_session(connection: Any) -> None:
    """End what a commit that failed leaves behind, a session in which nothing would be a transaction any more."""
    if connection.session and not connection.in_atomic_block_mongo:
        connection.session.end_session()
        connection.session = None


def _is_transient(error: DatabaseError) -> bool:
    has_label = getattr(error.__cause__, "has_error_label", None)
    return bool(has_label and has_label("TransientTransactionError"))
