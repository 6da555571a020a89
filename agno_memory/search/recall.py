"""Ranked recall: a query, the memories that answer it, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from django.utils.translation import gettext as _

from agno_memory.db.aggregates.words import Memories
from agno_memory.db.rows import with_read_fields
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.search.candidates import Candidates, find_candidates, known_terms
from agno_memory.search.earlier import find_among, known_among
from agno_memory.search.embeddings import Model
from agno_memory.search.methods import RANKED, RETRIEVAL_METHODS, RetrievalMethod
from agno_memory.search.query import parse_query, with_repairs
from agno_memory.search.ranking import Parts, Ranked, rank
from agno_memory.search.topics import named_topics, topics_with_words
from agno_memory.validators import check, refusal, validate_question, validate_share


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a search returns a memory: the parts of its score.

    Args:
        words: by word of the query, its weight in the memory itself.
        neighbours: by word, its weight from a neighbour in the session, and the id of that memory.
        session: the weight of the session, if others of its memories have words of the query.
        speaker: the weight of the speaker, if the query names them.
        time: the weight of a time, if the query asks for one.
        question: the loss of a memory that asks something; negative.
        topics: the topics of the memory that the query names in whole.
        model: the share of the embedding model.
        model_name: the model that was used; None without one.
        repairs: by misspelt word of the query, the word that took its place.
        order: how the memories are ordered: ``"score"``, or ``"newest"`` and ``"oldest"`` if nothing was ranked.
        problem: why the model was not used, if one is configured.
    """

    words: Mapping[str, float] = field(default_factory=dict)
    neighbours: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    session: float = 0.0
    speaker: float = 0.0
    time: float = 0.0
    question: float = 0.0
    topics: tuple[str, ...] = ()
    model: float = 0.0
    model_name: str | None = None
    repairs: Mapping[str, str] = field(default_factory=dict)
    order: str = "score"
    problem: str | None = None


class Match(NamedTuple):
    """A memory that a search found.

    Args:
        memory: the memory.
        score: larger is better; comparable only within one search. 0 if nothing was ranked.
        explanation: the parts of the score.
    """

    memory: UserMemory
    score: float
    explanation: Explanation


class Search:
    """A search with checked arguments, as of ``Memory.search_user_memories``.

    Args:
        text: of the query.
        method: one of ``RETRIEVAL_METHODS``, or ``"ranked"``; by default ``"ranked"`` with a query and ``"last_n"``
            without one.
        min_relative: with ``"ranked"``, the least part of the best score.
        precise: with ``"ranked"``, whether to return only memories with a topic that the query names in whole.

    Raises:
        ValidationError: bad input.
    """

    def __init__(
        self,
        text: str | None,
        method: RetrievalMethod | None = None,
        *,
        min_relative: float | None = None,
        precise: bool = False,
    ) -> None:
        method = method or ("last_n" if text is None else RANKED)
        if method not in (RANKED, *RETRIEVAL_METHODS):
            message = _("Unknown method. Choose one of: %(methods)s.")
            raise refusal("retrieval_method", message, "invalid", methods=", ".join((RANKED, *RETRIEVAL_METHODS)))
        check("min_relative", min_relative, validate_share)
        if method == RANKED:
            check("query", text, validate_question)
        self.text = text or ""
        self.min_relative = min_relative
        self.precise = precise
        # None for a search that ranks.
        self.selection = None if method == RANKED else RETRIEVAL_METHODS[method](text)

    def unranked(self, memory: UserMemory) -> Match:
        """Return a memory of a search that does not rank."""
        is_newest = self.selection is None or self.selection.order == "-last_updated"
        return Match(memory, 0.0, Explanation(order="newest" if is_newest else "oldest"))

    def ranked(self, memories: UserMemoryQuerySet, limit: int | None, owner: str | None = None) -> list[Match]:
        """Return the memories that answer the query, the best first.

        Args:
            memories: those of one person, narrowed by the filters of the search.
            limit: the maximum number of memories; None for all that match.
            owner: of the memories; without one, neither an embedding model nor the index of words is used.
        """
        query, repairs = parse_query(self.text), dict[str, str]()
        if self.precise:
            topics = (count.topic for count in memories.topic_counts())
            named, repairs = named_topics(self.text, topics, partial(known_terms, memories))
            if not named:
                return []
            memories, query = memories.about_any(*named), with_repairs(query, repairs)
        if not query.terms:
            # Only words that say nothing, such as "what about it?".
            return [self.unranked(memory) for memory in with_read_fields(memories).newest()[:limit]]
        model = Model() if owner is None else Model.of(memories, owner, self.text)
        found = find_candidates(memories, query, model.nearest, owner).with_repairs(repairs)
        shares = model.shares(memories, found.rows)
        scored = self._scored(found, shares)[:limit]
        # A memory that was deleted in between is left out.
        rows = Memories(memories, (each.row.key for each in scored)).run()
        matches = _matches(rows, scored, found, model)
        if self.precise and (limit is None or len(matches) < limit):
            matches += self._others(with_read_fields(memories).newest()[:limit], matches, found, model)
        return matches[:limit]

    def ranked_among(self, memories: list[UserMemory], limit: int | None) -> list[Match]:
        """Return those of an earlier moment's memories that answer the query, the best first, without a model.

        Args:
            memories: those of one person, narrowed by the filters of the search, the newest first.
            limit: as of ``ranked()``.
        """
        query, repairs = parse_query(self.text), dict[str, str]()
        if self.precise:
            topics = {topic for memory in memories for topic in memory.topics}
            named, repairs = named_topics(self.text, topics, partial(known_among, memories))
            memories = [memory for memory in memories if set(named).intersection(memory.topics)]
            query = with_repairs(query, repairs)
        if not query.terms:
            return [self.unranked(memory) for memory in memories[:limit]]
        found = find_among(memories, query).with_repairs(repairs)
        matches = _matches(memories, self._scored(found, {})[:limit], found, Model())
        return [*matches, *(self._others(memories, matches, found, Model()) if self.precise else ())][:limit]

    def _others(
        self, memories: Iterable[UserMemory], matches: Iterable[Match], found: Candidates, model: Model
    ) -> list[Match]:
        """Return the other memories with a topic that the query names, of which there may be more than are ranked."""
        if self.min_relative:
            return []
        keys = {match.memory.key for match in matches}
        others = (memory for memory in memories if memory.key not in keys)
        return [Match(memory, 0.0, _explanation(memory, Parts(), found, {}, model)) for memory in others]

    def _scored(self, found: Candidates, shares: Mapping[str, float]) -> list[Ranked]:
        """Return the rows that answer the query, the best first."""
        ranked = rank(found.query, found.rows, found.statistics, shares)
        scored = [each for each in ranked if each.score > 0 or each.parts.own]
        if self.min_relative and scored:
            best = scored[0].score
            # With a model, even the best may be below 0.
            least = min(best, best * self.min_relative)
            scored = [each for each in scored if each.score >= least]
        return scored


def _matches(memories: Iterable[UserMemory], scored: list[Ranked], found: Candidates, model: Model) -> list[Match]:
    """Return the memories of rows, as far as they are among some memories."""
    by_key = {memory.key: memory for memory in memories}
    ids = {row.key: row.memory_id for row in found.rows}
    return [
        Match(by_key[each.row.key], each.score, _explanation(by_key[each.row.key], each.parts, found, ids, model))
        for each in scored
        if each.row.key in by_key
    ]


def _explanation(
    memory: UserMemory, parts: Parts, found: Candidates, ids: Mapping[str, str], model: Model
) -> Explanation:
    return Explanation(
        words=parts.own,
        neighbours={word: (weight, ids.get(key, "")) for word, (weight, key) in parts.near.items()},
        session=parts.session,
        speaker=parts.speaker,
        time=parts.time,
        question=parts.question,
        topics=topics_with_words(memory.topics, found.query.terms),
        model=parts.model,
        model_name=model.name,
        repairs=found.repairs,
        problem=model.problem,
    )
