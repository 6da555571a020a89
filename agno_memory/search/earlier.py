"""Candidates among the memories of an earlier moment, which are read whole: no index knows their words."""

from __future__ import annotations

from collections.abc import Sequence

from agno_memory.db.aggregates.words import Masks
from agno_memory.models import UserMemory
from agno_memory.search.candidates import (
    STATISTICS_ROWS,
    Candidates,
    best_of,
    places_in_sessions,
    speaker_words,
    statistics_of,
    weights_of,
)
from agno_memory.search.query import repair, repairable, with_repairs
from agno_memory.search.ranking import Query, Row
from agno_memory.search.stored_words import Reader, marker, stored_words


def known_among(memories: Sequence[UserMemory], terms: Sequence[str]) -> set[str]:
    """Return those of some words that the newest memories have, as ``known_terms()`` does."""
    words = [stored_words(memory.memory, memory.topics) for memory in memories[:STATISTICS_ROWS]]
    return {term for term in terms if any(marker(term) in each for each in words)}


def find_among(memories: Sequence[UserMemory], query: Query) -> Candidates:
    """Return the memories that have words of a query, and their neighbours, as ``find_candidates()`` does.

    Args:
        memories: of one person, the newest first.
        query: the words to search for.
    """
    words = {memory.key: stored_words(memory.memory, memory.topics) for memory in memories}
    newest = list(words.values())[:STATISTICS_ROWS]
    unknown = [term for term in query.terms if repairable(term) and not any(marker(term) in each for each in newest)]
    found = {term: repair(term, newest) for term in unknown}
    repairs = {term: repaired for term, repaired in found.items() if repaired}
    if repairs:
        query = with_repairs(query, repairs)
    masks = [
        (key, sum(1 << number for number, term in enumerate(query.terms) if marker(term) in each))
        for key, each in words.items()
    ]
    newest_masks = masks[:STATISTICS_ROWS]
    statistics = statistics_of(Masks(len(newest_masks), newest_masks), query.terms)
    keys = set(best_of(masks, weights_of(statistics, query.terms)))
    in_order = sorted(memories, key=lambda memory: (memory.session_id or "", memory.created_at, memory.memory_id))
    places = places_in_sessions([(memory.key, memory.session_id) for memory in in_order if memory.session_id], keys)
    reader = Reader(query.terms)
    rows = [
        Row(
            memory.key,
            memory.memory_id,
            memory.last_updated,
            memory.session_id,
            places.get(memory.key, 0),
            reader.read(words[memory.key]),
            speaker_words(memory.metadata),
        )
        for memory in memories
        if memory.key in keys or memory.key in places
    ]
    return Candidates(query, rows, statistics, repairs)
