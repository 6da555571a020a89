"""Memories that have expired: in no list from that millisecond on, until ``prune_memories`` removes them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, cast

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateTimeField, Lookup, Q, Value
from django.db.models.lookups import IsNull, LessThanOrEqual
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.where import AND, WhereNode

from agno_memory.times import EPOCH, now

if TYPE_CHECKING:
    # Generic for the type checker alone.
    _Lookup = Lookup[Any]
else:
    _Lookup = Lookup

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


class UnexpiredAt(_Lookup):
    """A time of expiry that is not over at a moment, or none: ``NOT (expires_at <= moment)``.

    Not "later than": a document of another program may have something else than a time there.
    """

    lookup_name = "unexpired_at"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        text, params = compiler.compile(cast("Any", self._condition()))
        return text, tuple(params)

    def as_mql_path(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        # The backend negates three nested conditions, which take the server a sixth of a read by key.
        column, moment = cast("Any", self.lhs), cast("Any", self.rhs)
        if hasattr(moment, "as_mql"):
            value = moment.as_mql(compiler, connection)
        else:
            value = self._is_over().process_rhs(compiler, connection)[1][0]
        return {column.as_mql(compiler, connection): {"$not": {"$lte": value}}}

    def as_mql_expr(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        return cast("Any", self._condition()).as_mql(compiler, connection, as_expr=True)

    def _is_over(self) -> Any:
        return cast("Any", LessThanOrEqual)(self.lhs, self.rhs)

    def _condition(self) -> WhereNode:
        return WhereNode(cast("Any", [self._is_over(), IsNull(self.lhs, False)]), AND, negated=True)


def unexpired(moment: Any) -> Q:
    """Return the condition for memories that have not expired at a moment: a datetime, or an expression for one."""
    return Q(expires_at__unexpired_at=moment)


def has_expired(expires_at: object, moment: datetime.datetime) -> bool:
    """Return whether the driver's value for ``expires_at``, in UTC, does not meet ``unexpired(moment)``."""
    return isinstance(expires_at, datetime.datetime) and expires_at.replace(tzinfo=datetime.UTC) <= moment
