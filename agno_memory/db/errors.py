"""Errors of database drivers: raised as Django's, and read for their meaning."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from typing import Any, Final, TypeVar

from django.db import DatabaseError, DataError, InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from agno_memory.db import mongodb
from agno_memory.db.dispatch import vendor_method

Result = TypeVar("Result")

# The part of an error's text that may quote a row or a value: PostgreSQL's lines after the first one, and the text that
# SQLite cannot decode.
CONTENT: Final = re.compile(r"\n(DETAIL|CONTEXT|LINE|HINT|QUERY).*| with text .*", re.DOTALL)
# The value in the first line of PostgreSQL's error of a conversion.
QUOTED: Final = re.compile(r': ".*', re.DOTALL)
# Codes of errors; see _code().
TEMPORARY: Final = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_PROTOCOL")
READ_ONLY: Final = ("SQLITE_READONLY", "25006")
FULL: Final = ("SQLITE_FULL", "53100", "14031")


class _Translated:
    """Call a function and raise errors of the driver as Django's; one method per database."""

    def call_sql(self, call: Callable[[], Result]) -> Result:
        # The backends that Django ships translate errors by themselves.
        try:
            return call()
        except DatabaseError as error:
            _remove_content(error)
            raise

    def call_mongodb(self, call: Callable[[], Result]) -> Result:
        return mongodb.with_django_errors(call)


TRANSLATED: Final = _Translated()


def with_django_errors(connection: BaseDatabaseWrapper, call: Callable[[], Result]) -> Result:
    """Call a function that uses a connection, and raise errors of the driver as Django's."""
    result: Result = vendor_method(TRANSLATED, connection, "call")(call)
    return result


def _remove_content(error: DatabaseError) -> None:
    """Remove the text of memories from an error and its cause: both are written to logs."""
    # PostgreSQL's first line, by its driver: the server translates the words before the other lines.
    first_line = getattr(getattr(error.__cause__, "diag", None), "message_primary", None)
    for each in (error, error.__cause__):
        if each is not None and each.args and isinstance(each.args[0], str):
            text = first_line or CONTENT.sub("", each.args[0])
            each.args = (QUOTED.sub("", text) if isinstance(error, DataError) else text, *each.args[1:])


def is_unavailable(error: Exception) -> bool:
    """Return whether a database cannot be reached or is too busy, so that a later attempt may succeed."""
    if isinstance(error, OperationalError | InterfaceError) and not (is_read_only(error) or is_full(error)):
        cause = error.__cause__
        # SQLite raises this class for a missing table and a damaged text as well, where later attempts fail likewise.
        return not isinstance(cause, sqlite3.Error) or _code(error).startswith(TEMPORARY)
    # An error of the driver itself, outside Django's methods.
    return mongodb.is_connection_failure(error)


def is_read_only(error: Exception) -> bool:
    """Return whether a database refused a write because it takes none: a read-only file, disk, server or replica."""
    return isinstance(error, DatabaseError) and _code(error).startswith(READ_ONLY)


def is_full(error: Exception) -> bool:
    """Return whether a database refused a write because its disk is full."""
    return isinstance(error, DatabaseError) and _code(error) in FULL


def _code(error: Exception) -> str:
    """Return the code of a driver's error: SQLite's name, PostgreSQL's SQLSTATE or MongoDB's number; "" without one."""
    codes = (getattr(error.__cause__, name, None) for name in ("sqlite_errorname", "sqlstate", "pgcode", "code"))
    return str(next((code for code in codes if code is not None), ""))


def clashing_keys(error: Exception) -> list[Any]:
    """Return the keys that were taken, as far as the error has them: MongoDB's has, other databases' have not."""
    return mongodb.clashing_keys(error)


def inserted_before(error: Exception) -> int:
    """Return the number of rows of a batch that stay written although a later one failed, without a transaction."""
    return mongodb.inserted_before(error)
