"""Keyset pagination: orders that an index serves, and the rows after a position in one of them.

A position is the sort key of a row: a moment (or a number) and an id. The row need not exist any more, and a page costs
the same wherever it begins.
"""

from __future__ import annotations

from typing import Any, Final, Literal, cast

from django.db.models import F, Q
from django.db.models.expressions import OrderBy, Ref

Order = Literal["-last_updated", "last_updated", "-created_at", "created_at"]
# The orders that an index serves, each with the id that breaks its ties.
ORDERS: Final[dict[Order, tuple[str, str]]] = {
    "-last_updated": ("-last_updated", "-memory_id"),
    "last_updated": ("last_updated", "memory_id"),
    "-created_at": ("-created_at", "-memory_id"),
    "created_at": ("created_at", "memory_id"),
}


class Column(F):
    """A column to order by, in a form that an index can serve on every database.

    Ordered by a plain column, MongoDB's backend puts an ``$addFields`` stage before ``$sort``, which keeps the server
    from reading an index and makes it sort every match. A reference compiles to a bare ``$sort``. It works only where
    whole rows are read: elsewhere the column may not be among the columns that are left to sort by.
    """

    def resolve_expression(self, query: Any = None, *args: Any, **kwargs: Any) -> Any:
        column: Any = super().resolve_expression(query, *args, **kwargs)
        reads_whole_rows = query.default_cols and not (query.annotations or query.combinator or query.distinct)
        return Ref(column.target.column, column) if reads_whole_rows else column


def in_order(*names: str) -> list[OrderBy]:
    """Return the ordering by these fields, each with an optional ``-``."""
    return [OrderBy(Column(name.removeprefix("-")), descending=name.startswith("-")) for name in names]


def after(columns: tuple[str, str], position: tuple[Any, Any]) -> Q:
    """Return the condition for the rows after a position.

    Args:
        columns: the fields of the order, the sort key and the id that breaks its ties, both with ``-`` or both without.
        position: a value of each.
    """
    first, second = (name.removeprefix("-") for name in columns)
    beyond = "lt" if columns[0].startswith("-") else "gt"
    key, identifier = position
    # The first condition is the range of an index that the second one, with its OR, would hide.
    return Q((f"{first}__{beyond}e", key)) & (Q((f"{first}__{beyond}", key)) | Q((f"{second}__{beyond}", identifier)))


def reverse(order: Order) -> Order:
    """Return the opposite order."""
    return cast("Order", order.removeprefix("-") if order.startswith("-") else f"-{order}")


def position_token(number: int, identifier: str) -> str:
    """Return a position as text: a number (``times.to_milliseconds()`` of a moment) and an id, any text."""
    return f"{number}.{identifier}"


def parse_position(token: str) -> tuple[int, str]:
    """Return the number and the id of ``position_token()``.

    Raises:
        ValueError: not such a token.
    """
    number, separator, identifier = token.partition(".")
    if not separator or "\x00" in identifier:
        raise ValueError("not a position")
    return int(number), identifier
