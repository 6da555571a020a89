"""The HTTP status that AgentOS answers with for an error of the service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

from agno.exceptions import AgnoError
from django.db import DataError

from agno_memory.exceptions import (
    AmbiguousMemory,
    MemoryExists,
    MemoryNotFound,
    RecordChanged,
    RecordExists,
    RecordNotFound,
    SessionExists,
    SessionNotFound,
    ValidationError,
)

STATUS: Final[dict[type[Exception], int]] = {
    ValidationError: 422,
    ValueError: 422,
    # A value that the database does not take, such as a NUL character in a filter.
    DataError: 422,
    MemoryNotFound: 404,
    SessionNotFound: 404,
    AmbiguousMemory: 409,
    MemoryExists: 409,
    SessionExists: 409,
    RecordNotFound: 404,
    RecordExists: 409,
    RecordChanged: 409,
}


@contextmanager
def errors_with_status() -> Iterator[None]:
    """Set ``status_code`` on errors of the service, and make them errors of agno too.

    AgentOS answers with the ``status_code`` and the text of an exception. Without one it answers 500, without the text.
    Some of its pages, as those of traces and learnings, do so for agno's own errors alone.
    """
    try:
        yield
    except tuple(STATUS) as error:
        status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
        _make_agnos(error, status)
        raise


def _make_agnos(error: Any, status: int) -> None:
    error.status_code = status
    kind: Any = type(error)
    # Python refuses another class for an instance of a built-in one: pages have answers of their own for ValueError.
    if kind is ValueError or isinstance(error, AgnoError):
        return
    if kind.__str__ is Exception.__str__:
        error.message = str(error)
    error.type = error.error_id = "agno_error"
    error.__class__ = _agnos(kind)


@cache
def _agnos(kind: Any) -> type[Exception]:
    """Return the class of an error as one that is a class of agno's errors too; its name stays."""
    return type(kind.__name__, (kind, AgnoError), {"__module__": kind.__module__, "__qualname__": kind.__qualname__})
