"""Querysets of earlier versions of memories."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, Self

from django.db.models import Exists, OuterRef, Q, QuerySet

from agno_memory.base_querysets import OwnedQuerySet
from agno_memory.conf import conf
from agno_memory.db.expiry import unexpired
from agno_memory.db.keyset import after, in_order
from agno_memory.keys import uuid7
from agno_memory.times import from_milliseconds, now
from agno_memory.validators import is_count

if TYPE_CHECKING:
    from agno_memory.revision_models import MemoryRevision

# The time from which on a version held, and its number.
VersionPosition = tuple[datetime.datetime, int]
# The version of an entry that is an event: a reassignment.
EVENT: Final = 0
# The orders of the versions of one memory, of deleted memories, and of all versions of one person.
NEWEST: Final = ("-last_updated", "-version")
LAST_DELETED: Final = ("-valid_until", "-key")
BY_MEMORY: Final = ("memory_key", "last_updated", "version", "key")


def version_position(milliseconds: int, version: str) -> VersionPosition:
    """Return the position of the parts of a page token.

    Raises:
        ValueError: not a time, or not the number of a version or an event.
    """
    number = int(version)
    if not is_count(number, EVENT):
        raise ValueError("not a version")
    return from_milliseconds(milliseconds), number


def history_begins() -> datetime.datetime:
    """Return the time from which on the history is kept and shown, also if ``prune_memories`` has not run since."""
    return now() - datetime.timedelta(days=conf.HISTORY_DAYS)


class RevisionQuerySet(OwnedQuerySet["MemoryRevision"]):
    """Earlier versions of memories."""

    def of_memory(self, owner: str, key: str) -> Self:
        """Narrow to the versions of one memory."""
        return self.filter(user_id=owner, memory_key=key)

    def shown(self) -> Self:
        """Leave out the versions that are too old, which wait for ``prune_memories``."""
        return self.filter(valid_until__gt=history_begins()) if conf.HISTORY_DAYS else self.none()

    def too_old(self) -> Self:
        """Narrow to the versions that ended more than ``HISTORY_DAYS`` ago, the oldest first; to all if it is 0."""
        old = self.filter(valid_until__lte=history_begins()) if conf.HISTORY_DAYS else self.all()
        return old.order_by(*in_order("valid_until"))

    def without_events(self) -> Self:
        """Leave out the events: the others are versions, each with the content that a memory had for a time."""
        return self.filter(version__gt=EVENT)

    def newest(self) -> Self:
        """Order the versions of one memory, the newest first."""
        return self.order_by(*in_order(*NEWEST))

    def before(self, position: VersionPosition) -> Self:
        """Narrow to the versions of one memory before one of them."""
        return self.filter(after(NEWEST, position))

    def of_existing(self, memories: QuerySet[Any]) -> Self:
        """Leave out the versions of memories that have been deleted or have expired.

        Args:
            memories: those that exist.
        """
        whose = {"user_id": OuterRef("user_id")}
        # Nor those of a memory whose deletion was not kept, because HISTORY_DAYS was 0.
        since = {"created_at__lte": OuterRef("valid_until")}
        existing = memories.order_by().filter(key=OuterRef("memory_key"), **since, **whose)
        revisions: Any = self.model._base_manager.using(self._db)  # type: ignore[attr-defined]
        # An id may be used again after its memory was deleted. An event is later than the beginning of its version.
        later = Q(last_updated__gte=OuterRef("last_updated")) | Q(valid_until__gt=OuterRef("last_updated"))
        deletions = revisions.filter(later, memory_key=OuterRef("memory_key"), is_deleted=True, **whose)
        return self.filter(Exists(existing), ~Exists(deletions))

    def walk(self) -> Iterator[MemoryRevision]:
        """Yield these versions of one person's memories, by memory, the oldest first, read page by page."""
        rows = self.order_by(*in_order(*BY_MEMORY))
        page = list(rows[: conf.BATCH_SIZE])
        while page:
            yield from page
            last = [getattr(page[-1], name) for name in BY_MEMORY]
            page = list(rows.filter(after(BY_MEMORY, last))[: conf.BATCH_SIZE]) if len(page) == conf.BATCH_SIZE else []

    def move(self, owner: str, key_of: Callable[[str, str], str]) -> None:
        """Give these versions of one person to another, in batches; a repeated call completes one that was interrupted.

        Args:
            owner: the new one.
            key_of: returns the key of the memory of an owner with an id.
        """
        every = type(self)(self.model, using=self.db)
        while batch := list(self.all()[: conf.BATCH_SIZE]):
            of_source = {"user_id": batch[0].user_id, "key__in": [version.key for version in batch]}
            for version in batch:
                memory_key = key_of(owner, version.memory_id)
                # The rest of a key names the version.
                version.key = memory_key + version.key.removeprefix(version.memory_key)
                version.user_id, version.memory_key = owner, memory_key
            present = every.filter(user_id=owner, key__in=[version.key for version in batch])
            known = dict(present.values_list("key", "valid_until"))
            new = [version for version in batch if known.get(version.key) != version.valid_until]
            for version in new:
                if version.key in known:
                    # That of another memory with the same id, the same version and the same time.
                    version.key = f"{version.memory_key}-{uuid7()}"
            every.bulk_create(new)
            every.filter(**of_source).erase()

    move.alters_data = True  # type: ignore[attr-defined]
    move.queryset_only = True  # type: ignore[attr-defined]

    def at(self, moment: datetime.datetime) -> Self:
        """Narrow to the versions that held at a moment."""
        held = self.filter(last_updated__lte=moment, valid_until__gt=moment)
        return held.filter(unexpired(moment))

    def deleted(self) -> Self:
        """Narrow to the last versions of deleted memories, the last deleted one first."""
        return self.filter(is_deleted=True).order_by(*in_order(*LAST_DELETED))
