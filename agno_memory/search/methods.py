"""How a search finds and orders. A better ranking is one more function and one more entry here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.validators import check, validate_query

RetrievalMethod = Literal["last_n", "first_n", "keyword"]
Retrieval = Callable[[UserMemoryQuerySet, str | None], UserMemoryQuerySet]


def last_n(memories: UserMemoryQuerySet, query: str | None) -> UserMemoryQuerySet:
    """Return the memories, the newest first."""
    return memories.newest()


def first_n(memories: UserMemoryQuerySet, query: str | None) -> UserMemoryQuerySet:
    """Return the memories, the oldest first."""
    return memories.oldest()


def keyword(memories: UserMemoryQuerySet, query: str | None) -> UserMemoryQuerySet:
    """Return the memories in which every word of the query occurs, in any order and case, the newest first."""
    check("query", query, validate_query)
    for word in str(query).split():
        memories = memories.mentioning(word)
    return memories.newest()


RETRIEVAL_METHODS: Final[dict[str, Retrieval]] = {"last_n": last_n, "first_n": first_n, "keyword": keyword}
