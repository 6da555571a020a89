"""Keyset pagination: orders that an index serves, and the rows after a position in one of them.

A position is the sort key of a row: a time (or a number) and an id. The row may be gone, and every page costs the same,
the first one as well as the thousandth.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, cast

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, Q
from django.db.models.expressions import OrderBy, Ref
from django.db.models.sql.compiler import SQLCompiler

from agno_memory.db.damaged import Damaged

Order = Literal["-last_updated", "last_updated", "-created_at", "created_at"]
# The orders that an index serves, each with the id that breaks its ties.
ORDERS: Final[dict[Order, tuple[str, str]]] = {
    "-last_updated": ("-last_updated", "-memory_id"),
    "last_updated": ("last_updated", "memory_id"),
    "-created_at": ("-created_at", "-memory_id"),
    "created_at": ("created_at", "memory_id"),
}


# The number of a page token in the place of a damaged time. The token has the key of the row then, which has the time.
DAMAGED: Final = -(1 << 62)


class Column(F):
    """A column to order by, compiled so that an index can serve the order on every database.

    For a plain column, MongoDB's backend puts an ``$addFields`` stage before ``$sort``, so the server sorts every match
    instead of reading an index. A reference compiles to a bare ``$sort``. It works only in queries for whole rows:
    others may drop the column before they sort.
    """

    def resolve_expression(self, query: Any = None, *args: Any, **kwargs: Any) -> Any:
        column: Any = super().resolve_expression(query, *args, **kwargs)
        reads_whole_rows = query.default_cols and not (query.annotations or query.combinator or query.distinct)
        return Ref(column.target.column, column) if reads_whole_rows else column


def in_order(*names: str) -> list[OrderBy]:
    """Return the ordering by these fields, each with an optional ``-``."""
    return [OrderBy(Column(name.removeprefix("-")), descending=name.startswith("-")) for name in names]


class AfterStored(Func):
    """Whether a row comes after a position with a damaged value: by the stored values, as the database sorts them.

    Args:
        columns: the fields of the order.
        position: a value of each.
    """

    output_field = BooleanField()

    def __init__(self, columns: Sequence[str], position: Sequence[Any], **extra: Any) -> None:
        super().__init__(*(name.removeprefix("-") for name in columns), **extra)
        self.is_descending = columns[0].startswith("-")
        self.position = list(position)

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, *args: Any, **context: Any) -> Any:
        columns = [compiler.compile(each)[0] for each in self.get_source_expressions()]
        places = ", ".join(["%s"] * len(columns))
        text = f"({', '.join(columns)}) {'<' if self.is_descending else '>'} ({places})"
        return text, tuple(self._stored(connection))

    def as_mql_expr(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        # The elements of arrays of all types have an order, in which a missing one is null.
        each: Any = self.get_source_expressions()
        columns = [column.as_mql(compiler, connection, as_expr=True) for column in each]
        position = [{"$literal": value} for value in self._stored(connection)]
        sides = [[self._sorted_as(operand) for operand in side] for side in (columns, position)]
        return {"$lt" if self.is_descending else "$gt": sides}

    def _sorted_as(self, operand: Any) -> dict[str, Any]:
        """Return the value by which MongoDB sorts an operand: of an array, that is its least or its greatest."""
        extreme = {"$max" if self.is_descending else "$min": operand}
        return {"$ifNull": [{"$cond": [{"$isArray": [operand]}, extreme, operand]}, None]}

    def _stored(self, connection: BaseDatabaseWrapper) -> list[Any]:
        columns: Any = zip(self.get_source_expressions(), self.position, strict=True)
        return [
            value.stored if isinstance(value, Damaged) else column.target.get_db_prep_value(value, connection)
            for column, value in columns
        ]


def after(columns: Sequence[str], position: Sequence[Any]) -> Q:
    """Return the condition for the rows after a position.

    Args:
        columns: the fields of the order, the sort key and those that break its ties, all with ``-`` or all without.
        position: a value of each.
    """
    if any(isinstance(value, Damaged) for value in position):
        return Q(AfterStored(columns, position))
    beyond = "lt" if columns[0].startswith("-") else "gt"
    (first, value), *ties = zip((name.removeprefix("-") for name in columns), position, strict=True)
    condition = Q()
    for name, tie in reversed(ties):
        condition = Q((f"{name}__{beyond}", tie)) | (Q((name, tie)) & condition if condition else Q())
    # The first condition is the range of an index that the second one, with its OR, would hide.
    return Q((f"{first}__{beyond}e", value)) & (Q((f"{first}__{beyond}", value)) | condition)


def reverse(order: Order) -> Order:
    """Return the opposite order."""
    return cast("Order", order.removeprefix("-") if order.startswith("-") else f"-{order}")


def position_token(number: int, identifier: str) -> str:
    """Return a position as a page token.

    Args:
        number: the sort key, for a time ``times.to_milliseconds()``.
        identifier: the id, any text.
    """
    return f"{number}.{identifier}"


def parse_position(token: str) -> tuple[int, str]:
    """Return the number and the id of a page token, the inverse of ``position_token()``.

    Raises:
        ValueError: the token is malformed.
    """
    number, separator, identifier = token.partition(".")
    if not separator or "\x00" in identifier:
        raise ValueError("not a position")
    return int(number), identifier
