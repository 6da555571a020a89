"""``StoredLists``: the reads of the verbs of ``Memory``, of today and of an earlier moment."""

from __future__ import annotations

import datetime
from functools import lru_cache
from itertools import takewhile
from typing import Any, Final, TypeAlias, cast

from django.db.models import Q

from agno_memory.as_of_querysets import DEFAULT_ORDER, memories_of, merged
from agno_memory.conf import conf
from agno_memory.db.damaged import Damaged
from agno_memory.db.expiry import EXPIRES_AFTER
from agno_memory.db.keyset import Order
from agno_memory.db.many_rows import ManyRows
from agno_memory.db.memory_statements import BY_KEY
from agno_memory.db.rows import with_read_fields
from agno_memory.db.statements import Condition, Select, SelectMany
from agno_memory.db.stored_rows import KEY
from agno_memory.deleted_querysets import expired_version
from agno_memory.models import UserMemory
from agno_memory.names import MAX_COUNT
from agno_memory.querysets import Position, is_damaged, sort_key
from agno_memory.revision_models import MemoryRevision
from agno_memory.revision_querysets import EVENT, RevisionQuerySet, VersionPosition, history_begins
from agno_memory.times import now
from agno_memory.version_querysets import lookup_of_revisions

SELECT = Select(*BY_KEY)
# The time from which on a version held, and the time until which.
BEGAN, ENDED = "last_updated__lte", "valid_until__gt"
# A statement is compiled for each number of topics and words up to this one.
MAX_COMPILED_LENGTH: Final = 8
# A newer version of a memory, as far as it is known.
Newer: TypeAlias = UserMemory | MemoryRevision | VersionPosition | None


@lru_cache(maxsize=256)
def select_many(*conditions: Condition, order: Order, after_position: bool) -> SelectMany:
    """Return the statement for the lists of one shape."""
    return SelectMany(*conditions, order=order, after_position=after_position)


def _is_of_another(version: MemoryRevision, newer: Newer) -> bool:
    """Return whether a version is the last one of a memory that was deleted before the memory of a newer version."""
    if newer is None or not version.is_deleted:
        return False
    if isinstance(newer, tuple):
        moment, number = newer
        # An event is in the middle of its version.
        return number != EVENT or version.valid_until < moment
    # A process that restored a memory without transactions may have been killed before it noted that.
    return (version.version + 1, version.created_at) != (newer.version, newer.created_at)


def _shown(versions: list[MemoryRevision]) -> list[MemoryRevision]:
    """Return those of the versions of one memory, the newest first, that are not too old."""
    begins = history_begins()

    def is_shown(version: MemoryRevision) -> bool:
        return isinstance(version.valid_until, Damaged) or version.valid_until > begins

    return list(takewhile(is_shown, versions)) if conf.HISTORY_DAYS else []


def _is_before(version: MemoryRevision, current: UserMemory | None) -> bool:
    """Return whether a version ended before a memory was added: it is of one whose deletion was not kept."""
    if current is None:
        return False
    times = version.valid_until, current.created_at
    # A row of another program may have something else.
    return not any(isinstance(each, Damaged) for each in times) and times[0] < times[1]


def _beginning(current: UserMemory | None, position: VersionPosition | None) -> datetime.datetime | None:
    """Return the time at which the version began that holds now, or the one at a position; None without either."""
    times = [current.last_updated] if current else []
    return min([*times, position[0]] if position else times, default=None)


def _with_a_version(kept: RevisionQuerySet, limit: int | None) -> list[MemoryRevision]:
    """Return the first of some versions, the newest first, and if the last of them is an event, a version after it."""
    versions = list(kept.newest()[:limit])
    if versions and len(versions) == limit and versions[-1].is_event:
        after = kept.without_events().before((versions[-1].last_updated, EVENT))
        versions += after.newest()[:1]
    return versions


def _shape(lookups: dict[str, Any]) -> list[Condition]:
    """Return the compiled part of conditions."""
    return [Condition(lookup, len(value) if isinstance(value, list) else None) for lookup, value in lookups.items()]


def _is_compiled(lookups: dict[str, Any]) -> bool:
    """Return whether a statement is compiled for conditions of this shape.

    An empty list is not compiled: it selects all rows or none, without a value to compare. Nor is metadata, of which
    each key makes another statement.
    """
    lengths = [condition.length for condition in _shape(lookups) if condition.length is not None]
    return "metadata__has" not in lookups and all(0 < length <= MAX_COMPILED_LENGTH for length in lengths)


class StoredLists(ManyRows):
    """Base of ``Store``: it reads memories."""

    def get(self, memory_id: str, owner: str) -> UserMemory | None:
        """Return an owner's memory, or None."""
        memory = self._row(memory_id, owner)
        return None if memory is None or (memory.expires_at is not None and memory.has_expired(now())) else memory

    def _row(self, memory_id: str, owner: str) -> UserMemory | None:
        """Return an owner's memory, which may have expired, or None."""
        values = {"key": KEY.digest(owner, memory_id), "user_id": owner}
        return cast("UserMemory | None", self.read(lambda alias: SELECT.run(self.model, alias, values)))

    def select(
        self,
        lookups: dict[str, Any],
        limit: int | None,
        order: Order = "-last_updated",
        position: Position | None = None,
    ) -> list[UserMemory]:
        """Return memories in an order, the first or those after a position.

        Args:
            lookups: arguments of ``QuerySet.filter()``, with values in the form in which they are compared:
                those of ``querysets.conditions()`` and ``mentions()``.
            limit: the maximum number of memories; None for all.
            order: of the memories.
            position: the last memory before them, or its time and id.
        """
        if not _is_compiled(lookups) or (position is not None and is_damaged(position, order)):
            rows = with_read_fields(self.rows().current().filter(**lookups))
            return rows.page(limit, position, order)
        values = {**lookups, EXPIRES_AFTER: now()}
        if position is not None:
            values[order.removeprefix("-")], values["memory_id"] = sort_key(position, order)[:2]
        statement = select_many(*_shape(lookups), order=order, after_position=position is not None)
        read = self.read(lambda alias: statement.first(limit, self.model, alias, values))
        return cast("list[UserMemory]", read)

    def versions(
        self,
        memory_id: str,
        owner: str,
        limit: int | None = None,
        position: VersionPosition | None = None,
        *,
        events: bool = True,
    ) -> tuple[UserMemory | None, list[MemoryRevision]]:
        """Return an owner's memory with this id, or None, and its earlier versions, the newest first.

        Left out are the versions of an earlier memory with the same id, one of a write that was killed, because its
        version still holds, and those that are too old. An earlier memory ends with its deletion, and a memory that
        came back has the next version. A memory that has expired has an unsaved last version, until it is pruned.

        Args:
            memory_id: of the memory.
            owner: of the memory.
            limit: the maximum number of earlier versions; None for all.
            position: only the versions before this one.
            events: whether there may be events among the versions.
        """
        last = self._row(memory_id, owner)
        is_expired = last is not None and last.has_expired(now())
        kept = self.model.revisions(self.write_alias).of_memory(owner, KEY.digest(owner, memory_id))
        kept = kept if events else kept.without_events()
        below = MAX_COUNT + 1 if last is None else last.version
        newer: Newer = last
        if last is not None:
            kept = kept.filter(Q(last_updated__lt=last.last_updated) | Q(version__lt=last.version))
        versions = [expired_version(last)] if last is not None and is_expired and position is None else []
        # Events since the last version began come after it.
        if position is not None and (last is None or position != (last.last_updated, last.version)):
            kept, newer = kept.before(position), position
            below = min(below, position[1] or below)
        began = _beginning(last, position)
        events_before: list[MemoryRevision] = []
        for revision in takewhile(lambda each: not _is_before(each, last), _with_a_version(kept, limit)):
            if revision.is_event:
                # In the middle of the newer version, or else of this memory if the version around it is.
                (versions if began and revision.last_updated >= began else events_before).append(revision)
                continue
            if revision.version >= below or _is_of_another(revision, newer):
                break
            versions += [*events_before, revision]
            events_before, below, newer, began = [], revision.version, revision, revision.last_updated
        return None if is_expired else last, _shown(versions)[:limit]

    def select_at(self, lookups: dict[str, Any], limit: int | None, moment: datetime.datetime) -> list[UserMemory]:
        """Return the memories that met these conditions at a moment, the newest first.

        Args:
            lookups: as of ``select()``.
            limit: as of ``select()``.
            moment: the moment, in the history that is kept.
        """
        if not _is_compiled(lookups):
            return list(self.rows().as_of(moment).filter(**lookups).page(limit))
        held = {**lookups, BEGAN: moment, ENDED: moment}
        of_versions = {lookup_of_revisions(lookup): value for lookup, value in held.items()}
        current = {**lookups, BEGAN: moment}

        def read(alias: str) -> list[UserMemory]:
            def first(model: Any, conditions: dict[str, Any]) -> list[Any]:
                statement = select_many(*_shape(conditions), order="-last_updated", after_position=False)
                return statement.first(limit, model, alias, {**conditions, EXPIRES_AFTER: moment})

            # A write in between moves a version from the first table to the second: it is in both then, not in none.
            memories = first(self.model, current)
            versions = first(self.model.revisions(alias).model, of_versions)
            return merged(memories, memories_of(versions, self.model), DEFAULT_ORDER)[:limit]

        return self.read(read)
