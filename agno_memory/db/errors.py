"""Errors of database drivers: raised as Django's, and read for their meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from django.db import InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from agno_memory.db import mongodb
from agno_memory.db.dispatch import vendor_method

Result = TypeVar("Result")


class _Translated:
    """Call a function and raise errors of the driver as Django's; one method per database."""

    def call_sql(self, call: Callable[[], Result]) -> Result:
        # The backends that Django ships translate errors by themselves.
        return call()

    def call_mongodb(self, call: Callable[[], Result]) -> Result:
        return mongodb.with_django_errors(call)


TRANSLATED: Final = _Translated()


def with_django_errors(connection: BaseDatabaseWrapper, call: Callable[[], Result]) -> Result:
    """Call a function that uses a connection, and raise errors of the driver as Django's."""
    result: Result = vendor_method(TRANSLATED, connection, "call")(call)
    return result


def is_unavailable(error: Exception) -> bool:
    """Return whether a database cannot be reached or is too busy, so that a later attempt may succeed."""
    if isinstance(error, OperationalError | InterfaceError):
        # SQLite raises this class for a missing table as well, where a later attempt fails the same way.
        return getattr(error.__cause__, "sqlite_errorname", None) != "SQLITE_ERROR"
    # MongoDB's backend raises a plain DatabaseError for it.
    return mongodb.is_connection_failure(error)


def clashing_keys(error: Exception) -> list[Any]:
    """Return the keys that were taken, as far as the error has them: MongoDB's has, other databases' have not."""
    return mongodb.clashing_keys(error)


def inserted_before(error: Exception) -> int:
    """Return the number of rows of a batch that stay written although a later one failed, without a transaction."""
    return mongodb.inserted_before(error)
