"""``DeletedQuerySet``: deleted memories, and those that have expired, which count as deleted before they are pruned.

A memory that was deleted has its last version in the table of earlier versions. One that has expired is still in the
table of memories, until ``prune_memories`` or a write moves it. The two lists are merged, so a page costs no more than
a page of each.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Self

from django.db.models import Q

from agno_memory.conf import conf
from agno_memory.db.damaged import Damaged
from agno_memory.db.keyset import after, in_order
from agno_memory.revision_querysets import LAST_DELETED, history_begins
from agno_memory.version_querysets import VersionedQuerySet

if TYPE_CHECKING:
    from agno_memory.models import UserMemory
    from agno_memory.revision_models import MemoryRevision

# The time of a deletion, and the key of the last version.
DeletedPosition = tuple[datetime.datetime, str]
# The index of expired memories, backwards.
LAST_EXPIRED: Final = ("-expires_at", "-memory_id", "-key")
# The fields by which the two lists are merged.
COMPARED: Final = ("memory_key", "version", "valid_until")
# Between the key and the id of a memory in the key of a version that no table has. Keys have no spaces.
SEPARATOR: Final = " "


class DeletedQuerySet(VersionedQuerySet):
    """Base of querysets of memories: leads to the deleted ones."""

    def deleted_page(
        self, size: int | None, position: DeletedPosition | None = None, names: Sequence[str] = ()
    ) -> list[MemoryRevision]:
        """Return the last versions of deleted memories that meet the conditions, the last deleted one first.

        Memories that have expired are among them. Until they are pruned, their versions are unsaved.

        Args:
            size: the maximum number of versions; None for all.
            position: of the version before this page; None for the first page.
            names: of the fields to load; all by default.
        """
        if not conf.HISTORY_DAYS:
            return []
        # The memories first: one that is pruned in between is in both lists then, not in none.
        expired = [] if self._is_without_deleted else self._expired_versions(size, position, names)
        versions = self.versions().deleted().filter(_versions_after(position))
        kept = list((versions.only(*names, *COMPARED) if names else versions.defer("search_text"))[:size])
        known = {(version.memory_key, version.version) for version in kept}
        new = [version for version in expired if (version.memory_key, version.version) not in known]
        return sorted([*kept, *new], key=_sort_key, reverse=True)[:size]

    deleted_page.queryset_only = True  # type: ignore[attr-defined]

    def walk_versions(self) -> Iterator[MemoryRevision]:
        """Yield the earlier versions of one person's memories that meet the conditions, read page by page.

        Those that have expired are first: a version that is pruned in between comes twice, and none is left out.
        """
        position: DeletedPosition | None = None
        is_left_out = self._is_without_deleted or not conf.HISTORY_DAYS
        while page := [] if is_left_out else self._expired_versions(conf.BATCH_SIZE, position, ()):
            yield from page
            position = page[-1].deletion
        yield from self.versions().walk()

    walk_versions.queryset_only = True  # type: ignore[attr-defined]

    def with_deletion(self, keys: Sequence[str]) -> Self:
        """Narrow to the memories of versions that ``deleted_page()`` returned and no table has.

        Args:
            keys: of versions; those of others match no memory.
        """
        return self.filter(key__in=[key.partition(SEPARATOR)[0] for key in keys if SEPARATOR in key])

    def shown_expired(self) -> Self:
        """Narrow to the memories that have expired since the history begins: to none if ``HISTORY_DAYS`` is 0."""
        return self.expired().filter(expires_at__gt=history_begins()) if conf.HISTORY_DAYS else self.none()

    def expired_page(self, position: DeletedPosition | None = None) -> Self:
        """Return the memories that have expired since the history begins and meet the conditions, the last one first.

        Args:
            position: as of ``deleted_page()``.
        """
        own: Any = self
        rows: Any = type(self)(self.model, using=own._db)
        for negate, args, kwargs in self._conditions:
            rows = rows.exclude(*args, **kwargs) if negate else rows.filter(*args, **kwargs)
        rows = rows.shown_expired().filter(_expired_after(position))
        ordered: Self = rows.order_by(*in_order(*LAST_EXPIRED))
        return ordered

    expired_page.queryset_only = True  # type: ignore[attr-defined]

    def _expired_versions(
        self, size: int | None, position: DeletedPosition | None, names: Sequence[str]
    ) -> list[MemoryRevision]:
        rows: Any = self.expired_page(position)
        loaded = {field.name for field in self.model._meta.concrete_fields}
        rows = rows.only(*loaded.intersection(names), "expires_at") if names else rows.defer("search_text")
        return [expired_version(memory) for memory in rows[:size]]


def _versions_after(position: DeletedPosition | None) -> Q:
    if position is None:
        return Q()
    moment, key = position
    # Of one moment, the kept versions come before the others.
    return Q(valid_until__lt=moment) if SEPARATOR in key else after(LAST_DELETED, position)


def _expired_after(position: DeletedPosition | None) -> Q:
    if position is None:
        return Q()
    moment, identity = position
    key, separator, memory_id = identity.partition(SEPARATOR)
    return after(LAST_EXPIRED, (moment, memory_id, key)) if separator else Q(expires_at__lte=moment)


def _sort_key(version: MemoryRevision) -> tuple[Any, ...]:
    moment, identity = version.deletion
    key, separator, memory_id = identity.partition(SEPARATOR)
    return moment, not separator, memory_id, key


def version_of(memory: UserMemory) -> MemoryRevision:
    """Return the version of a memory that holds now, as an unsaved revision."""
    model: Any = memory.revisions(None).model
    loaded = {field.attname for field in memory._meta.concrete_fields} - memory.get_deferred_fields()
    names = [field.attname for field in model._meta.concrete_fields if field.name not in ("key", "search_text")]
    values = {name: getattr(memory, name) for name in names if name in loaded}
    version: MemoryRevision = model(memory_key=memory.key, action="", **values)
    # Nothing has ended it.
    setattr(version, "valid_until", None)  # noqa: B010  an assignment would be a type error
    return version


def expired_version(memory: UserMemory) -> MemoryRevision:
    """Return the last version of a memory that has expired, as an unsaved revision."""
    version = version_of(memory)
    version.key = f"{memory.key}{SEPARATOR}{memory.memory_id}"
    version.action, version.is_deleted = version.Action.EXPIRED.value, True
    end: Any = memory.expires_at
    # A row of another program may have something else.
    version.valid_until = end if isinstance(memory.last_updated, Damaged) else max(end, memory.last_updated)
    return version
