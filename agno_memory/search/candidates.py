"""The rows to rank: the memories of a person that have rare words of a query, and their neighbours.

The database finds them by the stored words. The numbers that it returns are whole, so that each database finds the same
rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Final, NamedTuple

from agno_memory.conf import conf
from agno_memory.db.aggregates.words import Keys, Masks, RowsToRank, WordMasks
from agno_memory.db.connections import connection_to
from agno_memory.db.expressions import SumOfParts
from agno_memory.db.words_index import OwnedWords, WordsIndex, found_by_key
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.search.analyser import analyser, current_analyser
from agno_memory.search.query import beginning, repair, repairable, with_repairs
from agno_memory.search.ranking import Query, Row, Statistics
from agno_memory.search.stored_words import Reader, marker, stored_words

# The newest memories of a person, of which the numbers of words are counted: those of 100,000 would take too long.
STATISTICS_ROWS: Final = 2_000
# The rows that are ranked, besides their neighbours: more of them do not improve the first 20.
MAX_CANDIDATES: Final = 200
# The neighbours of a row in its session: the question before it, and the two rows after it.
ROWS_BEFORE: Final = 1
ROWS_AFTER: Final = 2
# The rows of the candidates' sessions that are read, to find the neighbours.
MAX_SESSION_ROWS: Final = 2_000
# Rare words fetch before frequent ones: first those that together occur this many times in the counted memories, 1 % of
# them, then up to 5 %, then all.
FETCHED_FIRST: Final = (20, 100)
# Rarities are compared as whole numbers, which every database adds to the same sums.
PRECISION: Final = 1_000


class Candidates(NamedTuple):
    """What a query finds.

    Args:
        query: with the repaired words.
        rows: the rows to rank.
        statistics: of the person's memories.
        repairs: by misspelt word, the word that took its place.
    """

    query: Query
    rows: list[Row]
    statistics: Statistics
    repairs: dict[str, str]

    def with_repairs(self, earlier: Mapping[str, str]) -> Candidates:
        """Return the same with repairs that the query had before."""
        return self._replace(repairs={**earlier, **self.repairs})


def find_candidates(
    memories: UserMemoryQuerySet, query: Query, extra_keys: Iterable[str] = (), owner: str | None = None
) -> Candidates:
    """Return the memories that have words of a query, and their neighbours.

    Args:
        memories: those of one person, narrowed by the filters of the search.
        query: the words to search for.
        extra_keys: of memories to rank although they have no word of the query: those that a model finds.
        owner: of the memories; without one, the index of words is not used.
    """
    masks = _masks(memories, query.terms)
    statistics = statistics_of(masks, query.terms)
    # Of more memories, an older one may have a word that none of these has.
    is_complete = masks.total < STATISTICS_ROWS
    unknown = [term for term in query.terms if not statistics.frequencies[term]] if is_complete else []
    repairs = _repairs(memories, unknown)
    if repairs:
        query = with_repairs(query, repairs)
        masks = _masks(memories, query.terms)
        statistics = statistics_of(masks, query.terms)
    if is_complete:
        # These are all memories of the person, so the common words too may fetch some.
        keys = best_of(masks.found, weights_of(statistics, query.terms))
    else:
        rare = [term for term in query.terms if not statistics.is_common(term)]
        keys = _best(memories, statistics, rare, owner) if rare else []
        # Each common word is in many of the newest memories.
        keys = keys or best_of(masks.found, weights_of(statistics, query.terms))
    return Candidates(query, _rows(memories, [*keys, *extra_keys], query), statistics, repairs)


def known_terms(memories: UserMemoryQuerySet, terms: Sequence[str]) -> set[str]:
    """Return those of some words that the newest memories have."""
    frequencies = statistics_of(_masks(memories, terms), terms).frequencies
    return {term for term in terms if frequencies[term]}


def _masks(memories: UserMemoryQuerySet, terms: Sequence[str]) -> Masks:
    """Return the newest memories with words of the query: bit n stands for the nth word.

    The words of a memory that stores none, or those of another analyser, are computed. So before ``reindex_memories``
    has run, a search is slower; it misses such memories only among those that are older than these.
    """
    bits = {marker(term): 1 << number for number, term in enumerate(terms)}
    is_current = 1 << len(terms)
    parts = {**bits, f"{current_analyser().name} ": is_current}
    total, found = WordMasks(memories.newest(), parts, STATISTICS_ROWS, usual=is_current).masks()
    computed = _computed(memories, [key for key, mask in found if not mask & is_current])
    of_words = {key: sum(bit for part, bit in bits.items() if part in words) for key, words in computed.items()}
    return Masks(total, [(key, of_words.get(key, mask & ~is_current)) for key, mask in found])


def statistics_of(masks: Masks, terms: Sequence[str]) -> Statistics:
    """Return the number of rows, and in how many of them each word is."""
    # Many memories have the same words.
    counts = Counter(mask for _key, mask in masks.found).items()
    frequencies = {
        term: sum(count for mask, count in counts if mask >> number & 1) for number, term in enumerate(terms)
    }
    return Statistics(masks.total, frequencies)


def weights_of(statistics: Statistics, terms: Sequence[str]) -> dict[str, int]:
    """Return the weights of the words that fetch candidates."""
    return {term: max(round(statistics.idf(term) * PRECISION), 1) for term in terms}


def best_of(found: Sequence[tuple[str, int]], weights: Mapping[str, int]) -> list[str]:
    """Return the keys of the memories with the largest sums of weights; of equal ones, the newest.

    Args:
        found: the memories, the newest first, each with its words: bit n for the nth word.
        weights: by word, in the order of the bits.
    """
    numbers = list(enumerate(weights.values()))
    distinct = {mask for _key, mask in found}
    sums = {mask: sum(weight for number, weight in numbers if mask >> number & 1) for mask in distinct}
    # The sort is stable, and the memories are ordered by time.
    best = sorted((pair for pair in found if pair[1]), key=lambda pair: -sums[pair[1]])
    return [key for key, _mask in best[:MAX_CANDIDATES]]


def _best(memories: UserMemoryQuerySet, statistics: Statistics, terms: Sequence[str], owner: str | None) -> list[str]:
    """Return the same for all memories, computed by the database.

    The rarest words fetch memories. The others only add to the sums, unless those have too few memories.
    """
    weights = {marker(term): weight for term, weight in weights_of(statistics, terms).items()}
    has_index = owner is not None and memories.read(
        lambda: WordsIndex.exists(connection_to(memories.db), memories.model)
    )
    keys: list[str] = []
    for fetching in _by_rarity(statistics, terms):
        rows = memories
        if owner is not None and has_index:
            rows = found_by_key(memories).filter(search_terms__has_any_word=OwnedWords(owner, fetching))
        parts = dict.fromkeys(map(marker, fetching), 1)
        weighted = rows.annotate(
            found=SumOfParts("search_terms", parts), weight=SumOfParts("search_terms", weights)
        ).filter(found__gt=0)
        best = weighted.order_by("-weight", "-last_updated", "-memory_id")
        keys = Keys(best[:MAX_CANDIDATES]).run()
        if len(keys) == MAX_CANDIDATES:
            break
    return keys


def _by_rarity(statistics: Statistics, terms: Sequence[str]) -> Iterator[list[str]]:
    """Yield the words that fetch memories, the rarest at first, then with more frequent ones, then all."""
    ordered = sorted(terms, key=lambda term: statistics.frequencies[term])
    yielded = 0
    for limit in FETCHED_FIRST:
        totals = accumulate(statistics.frequencies[term] for term in ordered)
        # At least one.
        number = max(sum(total <= limit for total in totals), 1)
        if yielded < number < len(ordered):
            yielded = number
            yield ordered[:number]
    yield ordered


def _repairs(memories: UserMemoryQuerySet, unknown: Iterable[str]) -> dict[str, str]:
    """Return the words that take the place of unknown ones, from the newest memories."""
    repairs: dict[str, str] = {}
    for term in filter(repairable, unknown):
        newest = memories.newest().filter(search_terms__contains=beginning(term))
        repaired = repair(term, newest.values_list("search_terms", flat=True)[:STATISTICS_ROWS])
        if repaired:
            repairs[term] = repaired
    return repairs


def _rows(memories: UserMemoryQuerySet, keys: Sequence[str], query: Query) -> list[Row]:
    """Return the rows with these keys, and their neighbours."""
    found = RowsToRank(memories, keys).run()
    sessions = {session for _key, _id, _moment, session, *_others in found if session is not None}
    positions = _positions(memories, sessions, set(keys)) if sessions else {}
    neighbours = positions.keys() - set(keys)
    if neighbours:
        found += RowsToRank(memories, neighbours).run()
    current = f"{current_analyser().name} "
    # A document of another program may lack the field.
    others = [key for key, *_others, stored, _metadata in found if not (stored or "").startswith(current)]
    computed = _computed(memories, others)
    reader = Reader(query.terms)
    return [
        Row(
            key,
            memory_id,
            moment,
            session,
            positions.get(key, 0),
            reader.read(computed.get(key) or stored or ""),
            speaker_words(metadata),
        )
        for key, memory_id, moment, session, stored, metadata in found
    ]


def _positions(memories: UserMemoryQuerySet, sessions: Collection[str], keys: Collection[str]) -> dict[str, int]:
    """Return the positions in their sessions of the rows with these keys, and of their neighbours, by key."""
    rows = memories.filter(session_id__in=sessions).order_by("session_id", "created_at", "memory_id")
    return places_in_sessions(list(rows.values_list("key", "session_id")[:MAX_SESSION_ROWS]), keys)


def places_in_sessions(in_order: Sequence[tuple[str, str | None]], keys: Collection[str]) -> dict[str, int]:
    """Return the positions of the rows with some keys, and of their neighbours, by key.

    Args:
        in_order: the keys of rows with their sessions, in the order of the sessions and of the time.
        keys: of the rows.
    """
    positions: dict[str, int] = {}
    for number, (key, session) in enumerate(in_order):
        if key in keys:
            for place in range(max(number - ROWS_BEFORE, 0), min(number + ROWS_AFTER + 1, len(in_order))):
                neighbour, of_session = in_order[place]
                if of_session == session:
                    positions[neighbour] = place
    return positions


def _computed(memories: UserMemoryQuerySet, keys: Sequence[str]) -> dict[str, str]:
    """Return the words of memories that store none, or those of another analyser, by key."""
    if not keys:
        return {}
    rows = found_by_key(memories).filter(key__in=keys).values_list("key", "memory", "topics")
    return {key: stored_words(memory, topics if isinstance(topics, list) else ()) for key, memory, topics in rows}


def speaker_words(metadata: object) -> frozenset[str]:
    """Return the words of ``metadata["speaker"]``."""
    speaker = metadata.get("speaker") if isinstance(metadata, dict) else None
    return _words_of_name(speaker, conf.LANGUAGE) if isinstance(speaker, str) else frozenset()


@lru_cache(maxsize=1_000)
def _words_of_name(name: str, language: str) -> frozenset[str]:
    return frozenset(analyser(language).terms(name))
