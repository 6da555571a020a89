"""The methods of a search: each selects and orders memories. To add one, add a function and an entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

from agno_memory.conditions import mentions
from agno_memory.db.keyset import Order
from agno_memory.validators import check, validate_query

RetrievalMethod = Literal["ranked", "last_n", "first_n", "keyword"]
# Not a selection and an order, but a score for each memory: search/recall.py.
RANKED: Final = "ranked"


class Selection(NamedTuple):
    """The memories that a search finds.

    Args:
        lookups: arguments of ``QuerySet.filter()``.
        order: of the memories.
    """

    lookups: dict[str, Any]
    order: Order


# Takes the text of the query.
RetrievalFunction = Callable[[str | None], Selection]


def last_n(query: str | None) -> Selection:
    """Select all memories, the newest first."""
    return Selection({}, "-last_updated")


def first_n(query: str | None) -> Selection:
    """Select all memories, the oldest first."""
    return Selection({}, "last_updated")


def keyword(query: str | None) -> Selection:
    """Select the memories with every word of the query, in any order and case, the newest first.

    Raises:
        ValidationError: no query, or one that is blank, longer than 1,000 characters, or not storable.
    """
    check("query", query, validate_query)
    return Selection(mentions(*str(query).split()), "-last_updated")


RETRIEVAL_METHODS: Final[dict[str, RetrievalFunction]] = {"last_n": last_n, "first_n": first_n, "keyword": keyword}
