"""Memories that have expired: in no list from that millisecond on, until ``prune_memories`` removes them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from django.db.models import DateTimeField, Q, Value

from agno_memory.times import EPOCH, now

# The lookup of memories that have expired at a moment; the moment in compiled statements has this name.
EXPIRES_AFTER: Final = "expires_at__lte"

_is_fixed: ContextVar[bool] = ContextVar("agno_memory_fixed_moment", default=False)


@contextmanager
def fixed_moment() -> Iterator[None]:
    """Let ``CurrentMoment`` have one value inside the block, so that the text of a query can identify it."""
    token = _is_fixed.set(True)
    try:
        yield
    finally:
        _is_fixed.reset(token)


class CurrentMoment(Value):
    """The time at which a query runs: a queryset may be kept for longer."""

    def __init__(self) -> None:
        super().__init__(None, output_field=DateTimeField())

    @property
    def value(self) -> datetime.datetime:
        return EPOCH if _is_fixed.get() else now()

    @value.setter
    def value(self, value: object) -> None:
        """Ignore the value that the base sets."""


def unexpired(moment: Any) -> Q:
    """Return the condition for memories that have not expired at a moment: a datetime, or an expression for one."""
    # Not "later than": a document of another program may have something else than a time there.
    return ~Q(**{EXPIRES_AFTER: moment})


def has_expired(expires_at: object, moment: datetime.datetime) -> bool:
    """Return whether the driver's value for ``expires_at``, in UTC, does not meet ``unexpired(moment)``."""
    return isinstance(expires_at, datetime.datetime) and expires_at.replace(tzinfo=datetime.UTC) <= moment
