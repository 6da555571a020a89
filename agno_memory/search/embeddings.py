"""The similarities of a person's memories to a query, by an embedding model."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from django.core.exceptions import ImproperlyConfigured

from agno_memory.conf import conf
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.search.embedders import Embedder, ModelFailed, call, current_embedder, log_problem
from agno_memory.search.ranking import Row
from agno_memory.search.shares import model_shares
from agno_memory.search.vectors import (
    Packed,
    WrongVectors,
    checked_vectors,
    embedded_text,
    hash_of,
    pack,
    similarities,
)
from agno_memory.vector_querysets import VectorQuerySet

# The vectors of a person that are compared with a query. Of a person with more, only those of the memories that have
# words of the query: a scan of 100,000 would take seconds.
MAX_SCAN: Final = 5_000
# The memories of the largest similarity that are ranked although they may have no word of the query.
NEAREST: Final = 50
COLUMNS: Final = ("memory_key", "text_hash", "scale", "data")


@dataclass(frozen=True)
class Similarities:
    """How similar a query is to memories.

    Args:
        by_key: the cosine of each memory that has a vector of the model, by key; from -1 to 1.
        hashes: of the texts that the vectors were made of, by key.
        model: the name of the model; None if it was not used.
        problem: why it was not used; None without a model in the settings.
    """

    by_key: Mapping[str, float] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None
    problem: str | None = None

    def nearest(self, allowed: Collection[str] | None = None) -> list[str]:
        """Return the keys of the most similar memories.

        Args:
            allowed: keys of the memories to choose from; None for all.
        """
        pairs = (pair for pair in self.by_key.items() if allowed is None or pair[0] in allowed)
        return [key for key, _cosine in heapq.nlargest(NEAREST, pairs, key=lambda pair: (pair[1], pair[0]))]

    def current(self, memories: UserMemoryQuerySet, keys: Iterable[str]) -> dict[str, float]:
        """Return the cosines of memories by key, without those of which the text has changed since.

        Args:
            memories: of the person.
            keys: of the memories.
        """
        compared = [key for key in keys if key in self.by_key]
        if not compared:
            return {}
        rows = memories.filter(key__in=compared).values_list("key", "memory", "topics", "metadata")
        return {
            key: self.by_key[key]
            for key, *content in list(rows)
            if hash_of(embedded_text(*content)) == self.hashes[key]
        }


@dataclass
class EmbeddedQuery:
    """A query with its vector.

    Args:
        vectors: of the table of the memories.
        owner: of the memories.
        embedder: the model; None if it was not used.
        packed: the vector of the query.
        problem: why the model was not used.
        scans: whether all vectors of the owner can be compared.
    """

    vectors: VectorQuerySet
    owner: str
    embedder: Embedder | None = None
    packed: Packed | None = None
    problem: str | None = None
    scans: bool = False

    def compare(self, keys: Collection[str] | None = None) -> Similarities:
        """Return the similarities of the owner's memories.

        Args:
            keys: of the memories; None for all that the owner has.
        """
        if self.embedder is None or self.packed is None:
            return Similarities(problem=self.problem)
        rows = self.vectors.of_model(self.owner, self.embedder.name).filter(dims=len(self.packed.data))
        if keys is not None:
            rows = rows.filter(memory_key__in=list(keys))
        found = list(rows.values_list(*COLUMNS)[:MAX_SCAN])
        cosines = similarities(self.packed, [Packed(bytes(data), scale) for _key, _hash, scale, data in found])
        by_key = dict(zip([key for key, *_ in found], cosines, strict=True))
        return Similarities(by_key, {key: text_hash for key, text_hash, *_ in found}, self.embedder.name)


def embed_query(vectors: VectorQuerySet, owner: str, query: str) -> EmbeddedQuery:
    """Return a query with its vector by the model of the settings. A failure of the model is a problem, not an error.

    Args:
        vectors: of the table of the memories.
        owner: of the memories.
        query: the text.
    """
    name: str | None = None
    try:
        embedder = current_embedder()
        if embedder is None:
            return EmbeddedQuery(vectors, owner)
        name = embedder.name
        dims = vectors.of_model(owner, name).values_list("dims", flat=True).first()
        if dims is None:
            # None of the person's memories has a vector: the model is not asked.
            raise ModelFailed("no memory of the person has a vector of it; run embed_memories")
        result = call(embedder.queries, [query], conf.EMBEDDER_TIMEOUT / 1_000)
        (vector,) = checked_vectors(result, 1, dims)
    except (ModelFailed, WrongVectors, ImproperlyConfigured) as error:
        log_problem(name, str(error))
        return EmbeddedQuery(vectors, owner, problem=str(error))
    first_left_out = vectors.of_model(owner, name).order_by("memory_key")[MAX_SCAN : MAX_SCAN + 1]
    scans = not first_left_out.values_list("memory_key")
    return EmbeddedQuery(vectors, owner, embedder, pack(vector), scans=scans)


def cosines(memories: UserMemoryQuerySet, owner: str, query: str) -> Similarities:
    """Return the similarities of an owner's memories to a query; at most ``MAX_SCAN`` vectors are compared.

    Args:
        memories: in the table of the memories.
        owner: of the memories.
        query: the text.
    """
    return embed_query(memories.vectors(), owner, query).compare()


def text_of(memory: UserMemory) -> str:
    """Return the text of a memory for an embedding model."""
    return embedded_text(memory.memory, memory.topics, memory.metadata)


@dataclass
class Model:
    """The part of the embedding model in one search.

    Args:
        query: with its vector; None without a model.
        similarities: of all memories of the person, if they are not too many.
        nearest: the keys of memories to rank although they may have no word of the query.
    """

    query: EmbeddedQuery | None = None
    similarities: Similarities = field(default_factory=Similarities)
    nearest: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, memories: UserMemoryQuerySet, owner: str, text: str) -> Model:
        """Return the part of the model of the settings.

        Args:
            memories: to search in.
            owner: of the memories.
            text: of the query.
        """
        query = embed_query(memories.vectors(), owner, text)
        if not query.scans:
            return cls(query)
        found = query.compare()
        nearest = found.nearest()
        # Others are left out by a filter of the search, or have expired.
        if nearest and memories.filter(key__in=nearest).count() < len(nearest):
            nearest = found.nearest(set(memories.values_list("key", flat=True)))
        return cls(query, found, nearest)

    def shares(self, memories: UserMemoryQuerySet, rows: list[Row]) -> dict[str, float]:
        """Return the shares of the model in the scores of rows, by key.

        Args:
            memories: to search in.
            rows: to rank.
        """
        if self.query is None or self.query.packed is None:
            return {}
        keys = [row.key for row in rows]
        found = self.similarities if self.query.scans else self.query.compare(keys)
        return model_shares(rows, found.current(memories, keys))

    @property
    def name(self) -> str | None:
        """The name of the model that was used; None if none was."""
        return self.query.embedder.name if self.query and self.query.embedder else None

    @property
    def problem(self) -> str | None:
        """Why the model of the settings was not used."""
        return self.query.problem if self.query else None
