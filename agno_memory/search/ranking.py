"""Ranking: the memories that answer a query best, without a model.

A word of the query counts by its rarity among the person's memories (idf) and by its weight in a row (BM25). The rows
of a session are neighbours: a word counts in the rows beside it too, less with every step, because the answer to a
question stands in the next row. Each word counts once for a row, at its nearest place.

The constants were tuned on conversations of the LoCoMo data set, and measured on others: see docs/recall.md.
"""

from __future__ import annotations

import datetime
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from agno_memory.search.stored_words import StoredWords

# BM25: the saturation of a count, and the part of the length in its weight.
K1: Final = 1.0
B: Final = 0.3
# The part of a word's weight that is left at each step: to the next rows, to the row before, to the rows before that.
AHEAD: Final = 0.6
BACK_FIRST: Final = 0.3
BACK: Final = 0.6
# Of a word in a question: its weight for the next row, and the part that stays in its own.
ANSWER: Final = 1.2
ASKED: Final = 0.5
# A weight below this one does not reach the next row.
FLOOR: Final = 0.1
# Words in more than this part of the rows have no weight for other rows, and fetch no candidates.
COMMON: Final = 0.13
COMMON_ROWS: Final = 3
# The weight of a session with the word; of a speaker in the query; of a time if the query asks for one, and the
# loss of a row that asks something, both as a part of the best possible score.
SESSION: Final = 0.5
SPEAKER: Final = 1.25
TIME: Final = 0.15
QUESTION: Final = 0.05
# Scores are compared with this number of decimals, so that every platform gives the same order.
DECIMALS: Final = 9


class Row(NamedTuple):
    """A memory to rank.

    Args:
        key: of the memory.
        memory_id: breaks ties.
        last_updated: breaks ties, the newer first.
        session: the id of its session; None without one.
        position: in the session: neighbours differ by 1.
        words: the part of its words that the query asks for.
        speaker: the words of the speaker's name.
    """

    key: str
    memory_id: str
    last_updated: datetime.datetime
    session: str | None
    position: int
    words: StoredWords
    speaker: frozenset[str] = frozenset()


class Query(NamedTuple):
    """What is searched for.

    Args:
        terms: the words of the query, without repetitions.
        asks_when: whether the query asks for a time.
    """

    terms: Sequence[str]
    asks_when: bool


class Statistics(NamedTuple):
    """The numbers of rows that the rarity of words follows from.

    Args:
        total: the number of the person's memories.
        frequencies: the number of them with a word, by word.
    """

    total: int
    frequencies: Mapping[str, int]

    def idf(self, term: str) -> float:
        """Return the inverse document frequency of a word."""
        frequency = self.frequencies.get(term, 0)
        return math.log(1 + (self.total - frequency + 0.5) / (frequency + 0.5))

    def is_common(self, term: str) -> bool:
        """Return whether a word is in too many rows to distinguish them."""
        return self.frequencies.get(term, 0) > max(COMMON_ROWS, COMMON * self.total)


@dataclass(slots=True)
class Parts:
    """The parts of a row's score.

    Args:
        own: by word, the weight of the word in the row itself.
        near: by word, its weight from a neighbour, and the key of that row.
        session: the weight of the session.
        speaker: the weight of the speaker.
        time: the weight of a time.
        question: the loss of a question; negative.
        model: the share of the model.
    """

    own: dict[str, float] = field(default_factory=dict)
    near: dict[str, tuple[float, str]] = field(default_factory=dict)
    session: float = 0.0
    speaker: float = 0.0
    time: float = 0.0
    question: float = 0.0
    model: float = 0.0

    def score(self) -> float:
        """Return the sum of the parts."""
        words = math.fsum([*self.own.values(), *(weight for weight, _key in self.near.values())])
        others = (self.session, self.speaker, self.time, self.question, self.model)
        return round(math.fsum((words, *others)), DECIMALS)


class Ranked(NamedTuple):
    """A row with its score and the parts of it."""

    row: Row
    score: float
    parts: Parts


def rank(query: Query, rows: Iterable[Row], statistics: Statistics, model: Mapping[str, float]) -> list[Ranked]:
    """Return the rows with their scores, the best first; ties by time and id, the newest first.

    Args:
        query: the words to search for.
        rows: the memories that have words of the query, and their neighbours.
        statistics: of the person's memories.
        model: the share of the model by key; empty without one.
    """
    ordered = sorted(rows, key=lambda row: (row.session is None, row.session or row.key, row.position))
    parts = _Scoring(query, ordered, statistics).run()
    for row, each in zip(ordered, parts, strict=True):
        each.model = model.get(row.key, 0.0)
    ranked = [Ranked(row, each.score(), each) for row, each in zip(ordered, parts, strict=True)]
    ranked.sort(key=lambda each: (each.score, each.row.last_updated, each.row.memory_id), reverse=True)
    return ranked


class _Scoring:
    """The scores of rows that are ordered by session and position."""

    def __init__(self, query: Query, rows: Sequence[Row], statistics: Statistics) -> None:
        self.query = query
        self.rows = rows
        self.statistics = statistics
        self.parts = [Parts() for _ in rows]
        speakers = frozenset().union(*(row.speaker for row in rows)) if rows else frozenset()
        # The name of a speaker selects rows by their speaker, not by their words.
        self.named = speakers & set(query.terms)
        lengths = [row.words.length for row in rows if row.words.length]
        self.average_length = sum(lengths) / len(lengths) if lengths else 1.0

    def run(self) -> list[Parts]:
        ideal = 0.0
        for term in self.query.terms:
            places = [] if term in self.named else [i for i, row in enumerate(self.rows) if term in row.words.entries]
            if places:
                idf = self.statistics.idf(term)
                ideal += idf
                self._score_word(term, idf, places)
                self._score_sessions(term, places)
        for row, parts in zip(self.rows, self.parts, strict=True):
            parts.time = TIME * ideal if self.query.asks_when and row.words.has_time else 0.0
            parts.question = -QUESTION * ideal if row.words.has_question else 0.0
            parts.speaker = SPEAKER if row.speaker & self.named else 0.0
        return self.parts

    def _score_word(self, term: str, idf: float, places: list[int]) -> None:
        """Add the weight of a word to the rows that have it, and to their neighbours."""
        best: dict[int, tuple[float, int]] = {}
        is_common = self.statistics.is_common(term)
        for place in places:
            stated, asked = self._weights(term, place)
            own = stated + ASKED * asked
            if own > best.get(place, (0.0, place))[0]:
                best[place] = own, place
            if not is_common:
                self._carry(best, place, max(stated * AHEAD, asked * ANSWER), step=1, decay=AHEAD)
                self._carry(best, place, (stated + asked) * BACK_FIRST, step=-1, decay=BACK)
        for place, (weight, origin) in best.items():
            if origin == place:
                self.parts[place].own[term] = idf * weight
            else:
                self.parts[place].near[term] = idf * weight, self.rows[origin].key

    def _weights(self, term: str, place: int) -> tuple[float, float]:
        """Return the BM25 weights of a word in a row: of its statements and of its questions."""
        words = self.rows[place].words
        entry = words.entries[term]
        weight = entry.total * (K1 + 1) / (entry.total + K1 * (1 - B + B * words.length / self.average_length))
        asked = weight * entry.asked / entry.total
        return weight - asked, asked

    def _carry(self, best: dict[int, tuple[float, int]], place: int, weight: float, *, step: int, decay: float) -> None:
        """Give a weight to the neighbours in one direction, as far as it is larger than theirs."""
        origin = place
        while weight > FLOOR and self._are_neighbours(place, place + step):
            place += step
            # A nearer place of the word ends the way.
            if weight <= best.get(place, (0.0, place))[0]:
                return
            best[place] = weight, origin
            weight *= decay

    def _are_neighbours(self, place: int, other: int) -> bool:
        if not 0 <= other < len(self.rows):
            return False
        one, two = self.rows[place], self.rows[other]
        return one.session is not None and one.session == two.session and abs(one.position - two.position) == 1

    def _score_sessions(self, term: str, places: list[int]) -> None:
        """Add the weight of each session that has a word, by how often it has it, to all of its rows."""
        counts: dict[str, int] = defaultdict(int)
        for place in places:
            row = self.rows[place]
            if row.session is not None:
                counts[row.session] += row.words.entries[term].total
        if not counts:
            return
        total = len({row.session for row in self.rows})
        idf = math.log(1 + (total - len(counts) + 0.5) / (len(counts) + 0.5))
        for row, parts in zip(self.rows, self.parts, strict=True):
            if row.session in counts:
                count = counts[row.session]
                parts.session += idf * SESSION * (K1 + 1) * count / (count + K1)
