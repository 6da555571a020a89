"""All or nothing, on every database that can."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any, TypeVar

from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

Result = TypeVar("Result")

# A transaction that lost against another one is worth repeating; how long, and how often it asks again, in seconds.
PATIENCE = 30.0
PAUSE = 0.05


def has_transactions(connection: BaseDatabaseWrapper) -> bool:
    """Tell whether several writes can be one, through Django's ``atomic`` or through the backend's own."""
    return connection.features.supports_transactions or _has_own_transactions(connection)


def all_or_nothing(alias: str, work: Callable[[], Result]) -> Result:
    """Do several writes as one, and repeat them for a while when they collide with another transaction.

    Without transactions (a stand-alone MongoDB), the work is simply done.
    """
    connection = connections[alias]
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            with _atomic(connection):
                return work()
        except DatabaseError as error:
            if not _is_transient(error) or time.monotonic() > give_up:
                raise
            time.sleep(PAUSE)


def savepoint(alias: str) -> AbstractContextManager[Any]:
    """Let a statement fail without spoiling the transaction that the caller may be in."""
    return transaction.atomic(using=alias) if connections[alias].in_atomic_block else nullcontext()


def _has_own_transactions(connection: BaseDatabaseWrapper) -> bool:
    # MongoDB's backend keeps Django's atomic() a no-op and says by this flag whether its own would work.
    return getattr(connection.features, "_supports_transactions", False) is True and hasattr(
        connection, "start_transaction_mongo"
    )


def _atomic(connection: BaseDatabaseWrapper) -> AbstractContextManager[Any]:
    if connection.features.supports_transactions:
        return transaction.atomic(using=connection.alias)
    if _has_own_transactions(connection):
        own = import_module(f"{connection.settings_dict['ENGINE']}.transaction")
        context: AbstractContextManager[Any] = own.atomic(using=connection.alias)
        return context
    return nullcontext()


def _is_transient(error: DatabaseError) -> bool:
    has_label = getattr(error.__cause__, "has_error_label", None)
    return bool(has_label and has_label("TransientTransactionError"))
