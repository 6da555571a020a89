"""Transactions of MongoDB's backend, which are not those of Django."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.utils import debug_transaction

from agno_memory.db.mongodb.errors import with_django_errors


def has_transactions(connection: Any) -> bool:
    """Return whether a connection has transactions of the backend's own; Django's ``atomic()`` does nothing there.

    A stand-alone server has none, and neither has any other backend.
    """
    if not hasattr(connection, "start_transaction_mongo"):
        return False
    return bool(with_django_errors(lambda: connection.features._supports_transactions))


def is_in_transaction(connection: Any) -> bool:
    """Return whether the caller has begun a transaction of the backend's own."""
    return getattr(connection, "in_atomic_block_mongo", False)


@contextmanager
def atomic(connection: Any) -> Iterator[None]:
    """Run a block in a transaction of the backend's own."""
    from django_mongodb_backend.transaction import atomic as backend_atomic

    _end_stale_session(connection)
    # Inside Django's atomic() (ATOMIC_REQUESTS), which does nothing here, the backend would commit and then raise.
    marked, connection.in_atomic_block = connection.in_atomic_block, False
    try:
        if connection.session is None:
            _start_on_primary(connection)
        with backend_atomic(using=connection.alias):
            yield
    finally:
        connection.in_atomic_block = marked
        _end_stale_session(connection)


def _start_on_primary(connection: Any) -> None:
    """Start a transaction that reads from the primary; the backend then starts none.

    The server refuses any other read preference in a transaction, and the connection may have one.
    """
    from pymongo import ReadPreference

    connection.ensure_connection()
    connection.session = connection.connection.start_session()
    with debug_transaction(connection, "session.start_transaction()"):
        connection.session.start_transaction(read_preference=ReadPreference.PRIMARY)


def _end_stale_session(connection: Any) -> None:
    """End the session that a failed commit leaves open: inside it, no later block would be a transaction."""
    if connection.session and not connection.in_atomic_block_mongo:
        connection.session.end_session()
        connection.session = None
