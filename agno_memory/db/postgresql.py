"""The inside of PostgreSQL's driver, which is optional and so imported inside functions."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, TypeVar

from django.db import DataError
from django.db.backends.base.base import BaseDatabaseWrapper

Result = TypeVar("Result")

# The types of which the server has values that Python has not: infinity, and years before 1 and after 9999.
TIMES: Final = ("timestamptz", "timestamp", "date")


def load_times_in_c(cursor: Any, connection: BaseDatabaseWrapper) -> None:
    """Let a cursor load times by the driver's own loader.

    Django replaces it by a loader in Python, to set the time zone of the connection. In UTC both return the same
    values, and Python's takes as long for the times of a list as the rest of the list.

    Args:
        cursor: to be used for one list.
        connection: of the cursor.
    """
    loader = _loader()
    if loader is not None and connection.timezone is datetime.UTC:
        cursor.adapters.register_loader("timestamptz", loader)


@cache
def _loader() -> Any:
    """Return psycopg's loader; None for psycopg2, which loads times in C by itself."""
    from django.db.backends.postgresql.psycopg_any import is_psycopg3

    if not is_psycopg3:
        return None
    from psycopg import adapters
    from psycopg.pq import Format

    return adapters.get_loader(adapters.types["timestamptz"].oid, Format.TEXT)


def is_unread(error: DataError) -> bool:
    """Return whether the driver could not load a value, or not send one: the errors of the server have a code."""
    return getattr(error.__cause__, "sqlstate", "") is None


def read_rows(connection: Any, run: Callable[[], Result], *, is_chunked: bool) -> Result:
    """Return the result of a function that reads rows by a cursor of its own, with times that Python has not as texts.

    Args:
        connection: of the cursor.
        run: reads the rows. It runs again if the driver cannot load one.
        is_chunked: whether the result is read later.
    """
    if not is_chunked:
        try:
            return run()
        except DataError as error:
            if not is_unread(error):
                raise
    with _times_as_texts(connection):
        return run()


def fetched(cursor: Any, error: DataError) -> list[Sequence[Any]]:
    """Return the rows of a cursor that the driver could not load, with times that Python has not as texts.

    The statement does not run again: it may be a write that returns rows.

    Raises:
        DataError: another one.
    """
    if not is_unread(error):
        raise error
    own, result = cursor.cursor, cursor.pgresult
    loads = [_load_of(own, result.ftype(column), result.fformat(column)) for column in range(result.nfields)]
    return [
        tuple(load(result.get_value(row, column)) for column, load in enumerate(loads)) for row in range(result.ntuples)
    ]


def _load_of(cursor: Any, oid: int, value_format: Any) -> Callable[[Any], Any]:
    adapters = cursor.adapters
    found = adapters.get_loader(oid, value_format) or adapters.get_loader(0, value_format)
    loader = _lenient(found)(oid, cursor)
    return lambda data: None if data is None else loader.load(data)


@contextmanager
def _times_as_texts(connection: Any) -> Iterator[None]:
    """Let the cursors that a connection opens meanwhile load the times that Python has not as texts."""
    if _loader() is None:
        yield
        return
    from psycopg import adapters
    from psycopg.pq import Format

    connection.ensure_connection()
    own = connection.connection.adapters
    usual = {name: own.get_loader(adapters.types[name].oid, Format.TEXT) for name in TIMES}
    try:
        for name, loader in usual.items():
            own.register_loader(name, _lenient(loader))
        yield
    finally:
        for name, loader in usual.items():
            own.register_loader(name, loader)


@cache
def _lenient(loader: Any) -> Any:
    """Return a loader like another one that returns the text of a value which that one cannot load."""

    from psycopg import DataError as UnloadedError
    from psycopg.adapt import Loader

    # Those in C have no subclasses.
    class Lenient(Loader):
        format = loader.format
        # Django compares it with that of the connection.
        timezone = getattr(loader, "timezone", None)

        def __init__(self, oid: int, context: Any = None) -> None:
            super().__init__(oid, context)
            self._usual = loader(oid, context)

        def load(self, data: Any) -> Any:
            try:
                return self._usual.load(data)
            except UnloadedError:
                return bytes(data).decode()

    return Lenient
