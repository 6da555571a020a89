"""Errors of database drivers: how they become Django's, and what they mean."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

Result = TypeVar("Result")


def with_django_errors(connection: BaseDatabaseWrapper, call: Callable[[], Result]) -> Result:
    """Call, and let no error of a driver through that is none of Django's.

    Django's own backends see to it by themselves. MongoDB's does in its queries alone, by a decorator that is used here
    for what is no query: looking for a table, asking for features, ending a transaction.
    """
    backend = sys.modules.get(f"{connection.settings_dict['ENGINE']}.query")
    wrap = getattr(backend, "wrap_database_errors", None)
    if wrap is None:
        return call()
    try:
        result: Result = wrap(call)()
    except sys.modules["pymongo.errors"].PyMongoError as error:
        # It lets errors of bulk writes through, but for taken keys.
        messages = [each.get("errmsg", "") for each in _write_errors(error)]
        raise DatabaseError("; ".join(messages)) from error
    return result


def is_unavailable(error: Exception) -> bool:
    """Tell whether an error says that a database cannot be reached or is too busy, so that waiting may help."""
    if isinstance(error, OperationalError | InterfaceError):
        # SQLite has this class for a table that is not there as well, which no waiting brings.
        return getattr(error.__cause__, "sqlite_errorname", None) != "SQLITE_ERROR"
    # MongoDB's driver has a class of its own for it, which its backend turns into a plain DatabaseError.
    failure = getattr(sys.modules.get("pymongo.errors"), "ConnectionFailure", None)
    return failure is not None and (isinstance(error, failure) or isinstance(error.__cause__, failure))


def clashing_keys(error: Exception) -> list[Any]:
    """Return the keys that MongoDB says were taken; other databases put it into words."""
    return [key for each in _write_errors(error) for key in each.get("keyValue", {}).values()]


def inserted_before(error: Exception) -> int:
    """Return how many rows of a batch were written before the one that failed, where there are no transactions."""
    return int(_details(error).get("nInserted", 0))


def _write_errors(error: Exception) -> list[dict[str, Any]]:
    details = _details(error)
    return list(details.get("writeErrors", [details]))


def _details(error: BaseException | None) -> dict[str, Any]:
    """Return what MongoDB says of an error, be it the driver's or the one of Django's that it became."""
    found = getattr(error, "details", None) or getattr(getattr(error, "__cause__", None), "details", None)
    return dict(found or {})
