"""``KeptQuerySet``: the versions before a write, which ``HISTORY_DAYS`` keeps, and memories that expire."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Final, Self, cast

from agno_memory.conf import conf
from agno_memory.db.expiry import CurrentMoment, unexpired
from agno_memory.db.revisions import Ending, KeepMany
from agno_memory.db.transactions import all_or_nothing
from agno_memory.times import BEGINNING, now
from agno_memory.vector_querysets import EmbeddedQuerySet

if TYPE_CHECKING:
    from agno_memory.revision_querysets import RevisionQuerySet

KEEP_MANY: Final = KeepMany()


class KeptQuerySet(EmbeddedQuerySet):
    """Base of querysets of memories: keeps the versions that writes end."""

    # Whether erase() also erases the earlier versions.
    _erases_history = True

    def current(self, moment: datetime.datetime | None = None) -> Self:
        """Narrow to the memories that have not expired, now or at a moment."""
        return self.filter(unexpired(moment or CurrentMoment()))

    def expired(self) -> Self:
        """Narrow to the memories that have expired."""
        return self.filter(expires_at__gt=BEGINNING, expires_at__lte=now())

    def revisions(self) -> RevisionQuerySet:
        """Return the earlier versions of all memories in the table of these rows."""
        own: Any = self
        revisions: RevisionQuerySet = self.model.revisions(own._db)
        return revisions

    revisions.queryset_only = True  # type: ignore[attr-defined]

    def keep(self, action: str, *, moment: datetime.datetime | None = None, merged_into: str | None = None) -> Self:
        """Keep the versions of these memories, which the caller writes afterwards in the same transaction.

        Args:
            action: one of ``MemoryRevision.Action``.
            moment: the time of the write, which the next version begins with; now by default.
            merged_into: the id of the memory that has their content.

        Returns:
            The memories to write: those whose versions are kept, and none that another call adds in between.
        """
        if conf.HISTORY_DAYS:
            self._for_write = True
            return cast("Self", KEEP_MANY.run(self, Ending(action, moment or now(), merged_into)))
        return self

    keep.alters_data = True  # type: ignore[attr-defined]
    keep.queryset_only = True  # type: ignore[attr-defined]

    def erase(self, *, history: bool = True) -> int:
        """Delete these memories for good, with their vectors and their earlier versions; see the base.

        Args:
            history: whether to delete the earlier versions too.
        """
        self._erases_history = history
        return super().erase()

    erase.alters_data = True  # type: ignore[attr-defined]
    erase.queryset_only = True  # type: ignore[attr-defined]

    def _erase(self, owner: str, keys: list[str]) -> int:
        count = super()._erase(owner, keys)
        if self._erases_history:
            revisions: RevisionQuerySet = self.model.revisions(self.db)
            revisions.filter(user_id=owner, memory_key__in=keys).erase()
        return count

    def erase_of(self, owner: str | None) -> int:
        """Delete all memories of an owner for good, with all that belongs to them; see the base."""
        self._for_write = True
        revisions: RevisionQuerySet = self.model.revisions(self.db)
        of_owner = revisions.all() if owner is None else revisions.filter(user_id=owner)

        def erase_all() -> int:
            count = super(KeptQuerySet, self).erase_of(owner)
            of_owner.all().erase()
            return count

        return all_or_nothing(self.db, erase_all)

    erase_of.alters_data = True  # type: ignore[attr-defined]
    erase_of.queryset_only = True  # type: ignore[attr-defined]

    def delete_kept(
        self, owner: str, keys: list[str], name: str = "pk", *, action: str = "deleted", merged_into: str | None = None
    ) -> list[Any]:
        """Delete those of an owner's memories with these keys, and keep their versions; see ``erase_returning()``.

        Args:
            owner: of the memories.
            keys: of the memories.
            name: of the field whose values are returned.
            action: one of ``MemoryRevision.Action``.
            merged_into: the id of the memory that has their content.
        """
        rows = self.order_by().filter(user_id=owner, key__in=keys)
        return rows.keep(action, merged_into=merged_into).erase_returning(owner, keys, name)

    delete_kept.alters_data = True  # type: ignore[attr-defined]
    delete_kept.queryset_only = True  # type: ignore[attr-defined]

    def expire(self, owner: str, keys: list[str]) -> list[Any]:
        """Delete those of an owner's memories with these keys that have expired, and return their keys.

        Their versions are kept until the times at which they expired.
        """

        def expire_all() -> list[Any]:
            rows = self.expired().order_by().filter(user_id=owner, key__in=keys)
            if conf.HISTORY_DAYS:
                rows = cast("Self", KEEP_MANY.run(rows, Ending("expired", None)))
            return rows.erase_returning(owner, keys)

        self._for_write = True
        return all_or_nothing(self.db, expire_all)

    expire.alters_data = True  # type: ignore[attr-defined]
    expire.queryset_only = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete as any queryset, and keep the versions."""
        if self.query.is_sliced or self.query.combinator or self.query.distinct_fields:
            # Django refuses it.
            return super().delete()
        self._for_write = True

        def delete_all() -> tuple[int, dict[str, int]]:
            kept = self.order_by().keep("deleted")
            return super(KeptQuerySet, kept).delete()

        return all_or_nothing(self.db, delete_all)

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]
