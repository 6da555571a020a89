"""The methods of a search: each selects and orders memories. To add one, add a function and an entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.validators import check, validate_query

RetrievalMethod = Literal["last_n", "first_n", "keyword"]
# Takes memories and the text of the query.
RetrievalFunction = Callable[[UserMemoryQuerySet, str | None], UserMemoryQuerySet]


def last_n(memories: UserMemoryQuerySet, query: str | None) -> UserMemoryQuerySet:
    """Return the memories, the newest first."""
    return memories.newest()


def first_n(memories: UserMemoryQuerySet, query: str | None) -> UserMemoryQuerySet:
    """Return the memories, the oldest first."""
    return memories.oldest()


def keyword(memories: UserMemoryQuerySet, query: str | None) -> UserMemoryQuerySet:
    """Return the memories with every word of the query, in any order and case, the newest first.

    Raises:
        ValidationError: no query, or one that is blank, longer than 1,000 characters, or not storable.
    """
    check("query", query, validate_query)
    for word in str(query).split():
        memories = memories.mentioning(word)
    return memories.newest()


RETRIEVAL_METHODS: Final[dict[str, RetrievalFunction]] = {"last_n": last_n, "first_n": first_n, "keyword": keyword}
