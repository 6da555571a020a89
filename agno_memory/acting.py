"""The author, the way and the reason of a write: kept with each earlier version of a memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, NamedTuple

from django.core.exceptions import ValidationError

from agno_memory.identifiers import owner_id
from agno_memory.validators import check, validate_note

# The ways of writes. A site may name others.
SERVICE: Final = "service"
REST: Final = "REST"
REQUEST: Final = "request"
ADMIN: Final = "admin"
AGENT: Final = "agent"
COMMAND: Final = "command"


class Author(NamedTuple):
    """The author of a write.

    Args:
        actor: the id of a user or an agent; None if it is unknown.
        through: the way of the write, such as ``"REST"``.
        reason: a text; may be empty.
    """

    actor: str | None = None
    through: str = SERVICE
    reason: str = ""


_NOBODY: Final = Author()
_authors: ContextVar[tuple[Callable[[], object], str, str] | None] = ContextVar("agno_memory_author", default=None)


@contextmanager
def acting(user: object = None, *, reason: str = "", through: str = "") -> Iterator[None]:
    """Record the author of all writes in a block, which the history of the memories shows.

    Args:
        user: a Django user, an id, or a function that returns one when a memory is written. An anonymous user is
            nobody. None leaves the user of an outer block.
        reason: at most 1,000 characters; "" leaves that of an outer block.
        through: the way of the writes, at most 50 characters; "" leaves that of an outer block.

    Raises:
        ValidationError: a text that is too long.
    """
    check("reason", reason, validate_note)
    outer = _authors.get() or (lambda: None, SERVICE, "")
    who: Callable[[], object] = outer[0] if user is None else (user if _is_function(user) else lambda: user)  # type: ignore[assignment]
    token = _authors.set((who, (through or outer[1])[:50], reason or outer[2]))
    try:
        yield
    finally:
        _authors.reset(token)


def current_author() -> Author:
    """Return the author of a write at this moment."""
    found = _authors.get()
    if found is None:
        return _NOBODY
    who, through, reason = found
    return Author(_actor(who()), through, reason)


def _is_function(user: object) -> bool:
    return callable(user) and not hasattr(user, "is_authenticated")


def _actor(user: Any) -> str | None:
    if user is None or getattr(user, "is_authenticated", True) is False:
        return None
    try:
        return owner_id(user)
    except ValidationError:
        # An account may have no value in USER_ID_FIELD.
        if hasattr(user, "is_authenticated"):
            return None
        raise
