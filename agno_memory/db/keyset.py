"""Keyset pagination: orders that an index serves, and the rows after a position in one of them.

A position is the sort key of a row: a time (or a number) and an id. The row may be gone, and every page costs the same,
the first one as well as the thousandth.
"""

from __future__ import annotations

from collections.abc import Sequence
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


def after(columns: Sequence[str], position: Sequence[Any]) -> Q:
    """Return the condition for the rows after a position.

    Args:
        columns: the fields of the order, the sort key and those that break its ties, all with ``-`` or all without.
        position: a value of each.
    """
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
