"""Querysets of the vectors of embedding models, and of the memories that they belong to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Self

from agno_memory.base_querysets import OwnedQuerySet
from agno_memory.batches import batched
from agno_memory.conf import conf
from agno_memory.db.damaged import Damaged
from agno_memory.db.deletions import DeleteMany
from agno_memory.db.transactions import all_or_nothing
from agno_memory.db.words_index import WordsErasure
from agno_memory.signals import by_owner
from agno_memory.words_querysets import WordsQuerySet

if TYPE_CHECKING:
    from agno_memory.vector_models import MemoryVector  # noqa: F401  named in a string below

DELETE_MANY: Final = DeleteMany()


class VectorQuerySet(OwnedQuerySet["MemoryVector"]):
    """Vectors of memories."""

    def of_memories(self, owner: str, keys: Iterable[str]) -> Self:
        """Narrow to the vectors, of any model, of an owner's memories with these keys."""
        return self.filter(user_id=owner, memory_key__in=list(keys))

    def of_model(self, owner: str, name: str) -> Self:
        """Narrow to the vectors of an owner that a model made."""
        return self.filter(user_id=owner, model=name)


class EmbeddedQuerySet(WordsQuerySet):
    """Base of querysets of memories: deletes their vectors with them.

    The vectors go last: the writer of vectors looks for their memories afterwards, so it leaves none without a memory.
    """

    def vectors(self) -> VectorQuerySet:
        """Return the vectors of all memories in the table of these rows."""
        own: Any = self
        vectors: VectorQuerySet = self.model.vectors(own._db)
        return vectors

    vectors.queryset_only = True  # type: ignore[attr-defined]

    def erase(self) -> int:
        """Delete these memories and their vectors, and return the number of memories; see the base."""
        # It refuses some rows, and needs no keys for that.
        if self.query.is_sliced or self.query.combinator:
            return super().erase()
        self._for_write = True

        def erase_all() -> int:
            keys = list(self.order_by().values_list("user_id", "key"))
            return sum(self._erase(owner, batch) for owner, batch in _batches(keys))

        return all_or_nothing(self.db, erase_all)

    erase.alters_data = True  # type: ignore[attr-defined]
    erase.queryset_only = True  # type: ignore[attr-defined]

    def _erase(self, owner: str, keys: list[str]) -> int:
        rows = self.order_by().filter(key__in=keys)
        # A document of another program may lack an owner, so that no condition on one finds it.
        count = OwnedQuerySet.erase(rows if isinstance(owner, Damaged) else rows.filter(user_id=owner))
        self._erase_vectors(owner, keys)
        return count

    def _erase_vectors(self, owner: str, keys: Iterable[str]) -> None:
        vectors: VectorQuerySet = self.model.vectors(self.db)
        vectors.of_memories(owner, keys).erase()

    def erase_returning(self, owner: str, keys: list[str], name: str = "pk") -> list[Any]:
        """Delete those of an owner's memories with these keys, and their vectors; the caller limits their number.

        Args:
            owner: of the memories.
            keys: of the memories.
            name: of the field, ``"pk"`` or ``"memory_id"``.

        Returns:
            The values of the field of the deleted memories.
        """
        self._for_write = True
        values = DELETE_MANY.run(self.order_by().filter(user_id=owner, key__in=keys), name)
        key: Any = self.model._meta.pk
        # Not those of a memory that stays.
        self._erase_vectors(owner, values if name == "pk" else [key.digest(owner, each) for each in values])
        return values

    erase_returning.alters_data = True  # type: ignore[attr-defined]
    erase_returning.queryset_only = True  # type: ignore[attr-defined]

    def erase_of(self, owner: str | None) -> int:
        """Delete all memories and vectors of an owner, or of everyone (None), and return the number of memories.

        These rows are those of the owner, without other conditions: no key is read.
        """
        self._for_write = True
        vectors: VectorQuerySet = self.model.vectors(self.db)
        of_owner = vectors if owner is None else vectors.filter(user_id=owner)

        def erase_all() -> int:
            count = WordsErasure.around(self, owner, super(EmbeddedQuerySet, self).erase)
            of_owner.all().erase()
            return count

        return all_or_nothing(self.db, erase_all)

    erase_of.alters_data = True  # type: ignore[attr-defined]
    erase_of.queryset_only = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete as any queryset, and the vectors too."""
        self._for_write = True

        def delete_all() -> tuple[int, dict[str, int]]:
            keys = list(self.order_by().values_list("user_id", "key"))
            deleted = super(EmbeddedQuerySet, self).delete()
            for owner, batch in _batches(keys):
                self._erase_vectors(owner, batch)
            return deleted

        # Django refuses a slice and the like.
        if self.query.is_sliced or self.query.combinator or self.query.distinct_fields:
            return super().delete()
        return all_or_nothing(self.db, delete_all)

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


def _batches(keys: list[tuple[str, str]]) -> Iterable[tuple[str, list[str]]]:
    """Yield owners and keys from pairs of them, at most ``BATCH_SIZE`` keys at a time."""
    for owner, owned in by_owner(keys).items():
        for batch in batched(owned, conf.BATCH_SIZE):
            yield owner, batch
