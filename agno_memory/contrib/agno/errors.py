"""The HTTP status that AgentOS answers with for an error of the service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

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
    """Set ``status_code`` on errors of the service.

    AgentOS answers with the ``status_code`` and the text of an exception. Without one it answers 500, without the text.
    """
    try:
        yield
    except tuple(STATUS) as error:
        error.status_code = next(  # type: ignore[attr-defined]
            status for kind, status in STATUS.items() if isinstance(error, kind)
        )
        raise
