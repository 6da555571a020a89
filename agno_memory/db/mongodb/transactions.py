"""Transactions of MongoDB's backend, which are not those of Django."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.utils import debug_transaction

from agno_memory.db.mongodb.collections import compilers_collection
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


def session_of(connection: Any) -> Any:
    """Return the session of a connection, or None outside of transactions. Its transaction reads from the primary.

    The caller may have begun it, with the connection's read preference.
    """
    session = connection.session
    if session is not None:
        _read_from_primary(session)
    return session


def _read_from_primary(session: Any) -> None:
    from pymongo import ReadPreference

    # The driver has no other way to change a transaction that has begun.
    transaction = getattr(session, "_transaction", None)
    if transaction is not None and transaction.opts and transaction.opts.read_preference != ReadPreference.PRIMARY:
        begun = transaction.opts
        transaction.opts = type(begun)(
            begun.read_concern, begun.write_concern, ReadPreference.PRIMARY, begun.max_commit_time_ms
        )


def in_transactions(compiler: type[Any]) -> dict[str, Any]:
    """Return the attributes that a class of the backend's compilers needs in a transaction; none for other backends.

    Its queries take the session from the connection, see ``session_of()``, and the collection from the compiler.
    """
    if not hasattr(compiler, "collection"):
        return {}

    def collection(self: Any) -> Any:
        session_of(self.connection)
        return compilers_collection(self)

    return {"collection": property(collection)}


def _end_stale_session(connection: Any) -> None:
    """End the session that a failed commit leaves open: inside it, no later block would be a transaction."""
    if connection.session and not connection.in_atomic_block_mongo:
        connection.session.end_session()
        connection.session = None
