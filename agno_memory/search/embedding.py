"""Vectors of memories: those that are missing are made, outdated ones again, and those of other models deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from django.db import IntegrityError

from agno_memory.batches import batched
from agno_memory.conf import conf
from agno_memory.db.transactions import all_or_nothing
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.retries import retry
from agno_memory.search.embedders import Embedder
from agno_memory.search.embeddings import text_of
from agno_memory.search.vectors import checked_vectors, hash_of, pack
from agno_memory.vector_querysets import VectorQuerySet

# The texts of one call of the model.
TEXTS: Final = 64
OWNERS: Final = 1_000


class Missing(NamedTuple):
    """A memory without a vector of its text.

    Args:
        key: of the memory.
        text: to embed.
    """

    key: str
    text: str


class Embedding:
    """The vectors of a model for the memories of a table. It can be stopped and repeated.

    Args:
        rows: the memories of the table, on the database to write to, without other conditions.
        embedder: the model.
        on_batch: called after each batch with the numbers of memories that were read and embedded since the last call.
    """

    def __init__(
        self,
        rows: UserMemoryQuerySet,
        embedder: Embedder,
        on_batch: Callable[[int, int], object] = lambda read, embedded: None,
    ) -> None:
        self.rows = rows
        self.embedder = embedder
        self.on_batch = on_batch
        self.vectors: VectorQuerySet = rows.model.vectors(rows.db)

    def owners(self) -> Iterator[str]:
        """Yield the owners of memories, in the order of their ids."""
        last = ""
        while page := self.rows.owners(after=last, limit=OWNERS):
            yield from (each.user_id for each in page)
            last = page[-1].user_id

    def embed(self, owner: str) -> None:
        """Make the vectors of an owner's memories that are missing or outdated.

        Raises:
            WrongVectors: the model returned something else than a vector for each text.
        """
        rows = self.rows.filter(user_id=owner).order_by("key").only("key", "memory", "topics", "metadata")
        position = ""
        while batch := list(rows.filter(key__gt=position)[: conf.BATCH_SIZE]):
            missing = self._missing(owner, batch)
            for part in batched(missing, TEXTS):
                self._embed(owner, part)
                self.on_batch(0, len(part))
            self.on_batch(len(batch), 0)
            position = batch[-1].key

    def _missing(self, owner: str, memories: list[UserMemory]) -> list[Missing]:
        texts = {each.key: text_of(each) for each in memories}
        stored = self.vectors.of_model(owner, self.embedder.name).filter(memory_key__in=list(texts))
        hashes = dict(stored.values_list("memory_key", "text_hash"))
        return [Missing(key, text) for key, text in texts.items() if hashes.get(key) != hash_of(text)]

    def _embed(self, owner: str, missing: list[Missing]) -> None:
        texts = [each.text for each in missing]
        vectors = checked_vectors(self.embedder.documents(texts), len(texts))
        model: Any = self.vectors.model
        made = []
        for each, vector in zip(missing, vectors, strict=True):
            data, scale = pack(vector)
            values = {"memory_key": each.key, "model": self.embedder.name, "text_hash": hash_of(each.text)}
            made.append(model(**values, user_id=owner, dims=len(vector), scale=scale, data=data))
        keys = [each.key for each in missing]

        def write() -> None:
            self.vectors.of_model(owner, self.embedder.name).filter(memory_key__in=keys).erase()
            self.vectors.bulk_create(made)

        # Another process may write the same vectors.
        retry(lambda: all_or_nothing(self.vectors.db, write), IntegrityError)
        self._erase_orphans(owner, keys)

    def _erase_orphans(self, owner: str, keys: Iterable[str]) -> int:
        """Delete the vectors of memories that were deleted, also while the model was at work."""
        keys = set(keys)
        existing = set(self.rows.filter(user_id=owner, key__in=list(keys)).values_list("key", flat=True))
        gone = keys - existing
        return self._erase(self.vectors.of_memories(owner, gone)) if gone else 0

    def prune(self, owner: str) -> int:
        """Delete the vectors of other models, and return their number."""
        return self._erase(self.vectors.filter(user_id=owner).exclude(model=self.embedder.name))

    def _erase(self, vectors: VectorQuerySet) -> int:
        # Outside a transaction, MongoDB would wait without an error until one of a killed process ends.
        return all_or_nothing(vectors.db, vectors.erase)
