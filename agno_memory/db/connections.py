"""The connection of a thread to a database: the only place that takes one to run a statement."""

from __future__ import annotations

from typing import Final

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from agno_memory.db.dispatch import vendor_method
from agno_memory.db.errors import with_django_errors


def connection_to(alias: str) -> BaseDatabaseWrapper:
    """Return this thread's connection to a database. A connection that was lost is dropped, so it connects again.

    Django does so only between two requests. Commands, agents and other threads without requests would keep a lost
    connection for ever. Inside a transaction the connection stays: its earlier statements are lost with it, so the
    transaction must fail.

    Args:
        alias: of the database.
    """
    connection = connections[alias]
    # Django sets it at each error that may have ended the connection. Without one, this check costs next to nothing.
    if connection.errors_occurred and not _is_in_transaction(connection):
        vendor_method(LOST, connection, "drop")(connection)
    return connection


def connected_to(alias: str) -> BaseDatabaseWrapper:
    """Return the connection of ``connection_to()``, opened: with Django's errors, unlike the backend of MongoDB.

    Django opens it at the beginning of a transaction, outside of any statement.

    Raises:
        OperationalError: the database cannot be reached.
    """
    connection = connection_to(alias)
    if connection.connection is None:
        with_django_errors(connection, connection.ensure_connection)
    return connection


def _is_in_transaction(connection: BaseDatabaseWrapper) -> bool:
    # Without autocommit, the caller ends the transactions.
    return connection.in_atomic_block or not connection.autocommit


def is_usable(connection: BaseDatabaseWrapper) -> bool:
    """Ask the server whether an open connection still works."""
    return bool(vendor_method(LOST, connection, "is_usable")(connection))


class _Lost:
    """Drop a connection if it is lost; one method per database."""

    def is_usable_sql(self, connection: BaseDatabaseWrapper) -> bool:
        return connection.is_usable()

    def is_usable_mongodb(self, connection: BaseDatabaseWrapper) -> bool:
        # As in drop_mongodb().
        return True

    def drop_sql(self, connection: BaseDatabaseWrapper) -> None:
        if connection.is_usable():
            connection.errors_occurred = False
        else:
            connection.close()

    def drop_mongodb(self, connection: BaseDatabaseWrapper) -> None:
        # The driver connects again by itself, and asking the server would wait for it once more.
        connection.errors_occurred = False


LOST: Final = _Lost()
