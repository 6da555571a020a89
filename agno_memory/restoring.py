"""``BulkRestore``: undo the writes of many memories of many owners."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from django.db.models import Case, Value, When

from agno_memory.cleaning import field_named
from agno_memory.conf import conf
from agno_memory.db.damaged import Damaged
from agno_memory.db.keyset import in_order
from agno_memory.db.store import Store
from agno_memory.db.transactions import all_or_nothing
from agno_memory.exceptions import MemoryExists
from agno_memory.history import content_of, note_of_return
from agno_memory.models import UserMemory
from agno_memory.names import CONTENT_FIELDS
from agno_memory.replicas import write_alias
from agno_memory.retries import retry
from agno_memory.revision_models import MemoryRevision
from agno_memory.revision_querysets import RevisionQuerySet
from agno_memory.search.stored_words import stored_words
from agno_memory.signals import announce, memory_added, memory_replaced
from agno_memory.times import now

Batch = Sequence[MemoryRevision]

# The fields that a restored version brings back.
RESTORED: Final = (*CONTENT_FIELDS, "created_at")


# The fields of the last version of a deleted memory that say where it ended.
DELETION: Final = ("key", "memory_key", "version", "last_updated", "valid_until", "action")


class Restored(NamedTuple):
    """The result of ``BulkRestore.run()``: how many memories are as before, and how many stay as they are."""

    restored: int
    left: int


class Written(NamedTuple):
    """A version that was restored, and whether its memory was not there before."""

    version: MemoryRevision
    came_back: bool


class BulkRestore:
    """Restores many versions, each if its memory is still as the write has left it that ended the version.

    A memory that was written since keeps that write, and one that was deleted comes back if its id is free. It works
    in batches of ``BATCH_SIZE``, as ``BulkMemory``: a batch is all or nothing if the database has transactions, and an
    interrupted call is completed by the next one.

    **The caller checks permissions**: it crosses owners.

    Args:
        versions: those to restore, at most one of each memory; neither a slice nor a union.
        on_batch: called after each batch with the versions that were restored.
    """

    def __init__(self, versions: RevisionQuerySet, on_batch: Callable[[Batch], object] | None = None) -> None:
        if versions.query.is_sliced or versions.query.combinator:
            raise TypeError("BulkRestore takes neither a slice nor a union: it would restore more versions.")
        alias = getattr(versions, "_db", None) or write_alias(UserMemory)
        # No write changes this order, and an index serves it.
        self.versions: RevisionQuerySet = versions.using(alias).without_events().order_by(*in_order("valid_until"))
        self._alias = alias
        self._store = Store(alias)
        self._on_batch = on_batch

    def run(self) -> Restored:
        """Restore the versions, and return the numbers."""
        restored = left = 0
        for batch in self._batches():
            attempt = partial(all_or_nothing, self._alias, partial(self._restore_batch, batch))
            # An id may be taken since it was looked up.
            written = retry(attempt, MemoryExists)
            restored, left = restored + len(written), left + len(batch) - len(written)
            self._announce(written)
            if self._on_batch and written:
                self._on_batch([each.version for each in written])
        return Restored(restored, left)

    def _batches(self) -> Iterator[Batch]:
        """Yield the versions in batches: those of one time come in one batch, or in batches of their own."""
        # The conditions may also be true of versions that this call ends.
        last = self.versions.reverse().only("valid_until").first()
        versions = self.versions.filter(valid_until__lte=last.valid_until) if last else self.versions.none()
        versions = versions.defer("search_text")
        left, size = versions, conf.BATCH_SIZE
        while batch := list(left[:size]):
            moment = batch[-1].valid_until
            whole = [version for version in batch if version.valid_until < moment] if len(batch) == size else batch
            if whole:
                yield whole
            else:
                yield from self._batches_of(moment)
            left = versions.filter(valid_until__gt=whole[-1].valid_until if whole else moment)

    def _batches_of(self, moment: datetime.datetime) -> Iterator[Batch]:
        """Yield the versions that ended at one time."""
        versions = self.versions.filter(valid_until=moment).order_by(*in_order("key")).defer("search_text")
        batch = list(versions[: conf.BATCH_SIZE])
        while batch:
            yield batch
            batch = list(versions.filter(key__gt=batch[-1].key)[: conf.BATCH_SIZE])

    def _restore_batch(self, batch: Batch) -> list[Written]:
        """Restore versions owner by owner, and return those that were restored."""
        owners: dict[str, list[MemoryRevision]] = defaultdict(list)
        for version in batch:
            owners[version.user_id].append(version)
        return [written for owner, versions in owners.items() for written in self._restore_of(owner, versions)]

    def _restore_of(self, owner: str, versions: Batch) -> list[Written]:
        keys = [version.memory_key for version in versions]
        rows = self._store.rows_to_write().filter(user_id=owner, key__in=keys)
        # Locked, if the database has row locks.
        current = {memory.key: memory for memory in rows.select_for_update()}
        sound = [version for version in versions if not _is_damaged(version)]
        changed = [each for each in sound if not each.is_deleted and _is_next(current.get(each.memory_key), each)]
        gone = self._gone(owner, [each for each in sound if each.memory_key not in current])
        self._bring_back(owner, gone)
        replaced = self._replace(owner, changed, current)
        return [*(Written(each, False) for each in replaced), *(Written(version, True) for version, _last in gone)]

    # Deleted memories

    def _gone(self, owner: str, versions: Batch) -> list[tuple[MemoryRevision, MemoryRevision]]:
        """Return those of these versions of missing memories to restore, each with the last version of its memory.

        A version is restored if its end was the deletion, or if the write that ended it let the memory expire.
        """
        last = self._last_deletions(owner, versions)
        pairs = [(version, last[version.memory_key]) for version in versions if version.memory_key in last]
        return [(version, end) for version, end in pairs if version.key == end.key or _let_it_expire(version, end)]

    def _last_deletions(self, owner: str, gone: Batch) -> dict[str, MemoryRevision]:
        """Return the last deletion of each memory: an id may have been used again and deleted again."""
        keys = [version.memory_key for version in gone]
        revisions = self._store.model.revisions(self._alias).filter(user_id=owner, memory_key__in=keys)
        deletions = revisions.filter(is_deleted=True).only(*DELETION) if gone else []
        return {each.memory_key: each for each in sorted(deletions, key=lambda each: each.deletion)}

    def _bring_back(self, owner: str, gone: Sequence[tuple[MemoryRevision, MemoryRevision]]) -> None:
        if not gone:
            return
        moment = now()
        candidates = [content_of(self._store, version) for version, _last in gone]
        for candidate, (_version, last) in zip(candidates, gone, strict=True):
            candidate.version = last.version + 1
            candidate.last_updated = max(moment, last.valid_until)
        self._store.move_in(candidates, keep_version=True)
        keys = [last.key for _version, last in gone]
        own = self._store.model.revisions(self._alias).filter(user_id=owner, key__in=keys)
        own.update(is_deleted=False, restored=note_of_return(moment))

    # Changed memories

    def _replace(self, owner: str, changed: Batch, current: dict[str, UserMemory]) -> Batch:
        """Restore the content of memories that are there, and return the restored versions."""
        in_topics: list[MemoryRevision] = []
        others: list[MemoryRevision] = []
        for each in changed:
            (in_topics if _differing(each, current[each.memory_key]) <= {"topics"} else others).append(each)
        self._replace_topics(owner, in_topics)
        written = [each for each in others if self._replace_one(each, current[each.memory_key])]
        return [*in_topics, *written]

    def _replace_topics(self, owner: str, versions: Batch) -> None:
        """Restore topics in two statements: the actions on many memories change nothing else."""
        if not versions:
            return
        field, moment = field_named("topics"), now()
        rows = self._store.rows_to_write().filter(user_id=owner, key__in=[each.memory_key for each in versions])
        topics = Case(
            *(When(key=each.memory_key, then=Value(each.topics, output_field=field)) for each in versions),
            output_field=field,
        )
        terms = {each.memory_key: stored_words(each.memory, each.topics) for each in versions}
        rows.keep("restored", moment=moment)
        rows.update_topics(topics, terms, moment)

    def _replace_one(self, version: MemoryRevision, current: UserMemory) -> bool:
        """Restore a version, and return whether the memory was still at the version that was read."""
        candidate = content_of(self._store, version)
        # The write to undo may have let the memory expire.
        restored = self._store.replace(candidate, current, "restored", RESTORED, claims_text=False, unexpired=False)
        if restored is not None:
            # A text that the database refuses would end a transaction of MongoDB.
            self._store.claim_text(restored)
        return restored is not None

    def _announce(self, written: Sequence[Written]) -> None:
        for signal, is_added in ((memory_added, True), (memory_replaced, False)):
            owners: dict[str, list[str]] = defaultdict(list)
            for version, came_back in written:
                if came_back == is_added:
                    owners[version.user_id].append(version.memory_id)
            for owner, memory_ids in owners.items():
                announce(signal, UserMemory, owner, memory_ids, using=self._alias)


def _is_damaged(version: MemoryRevision) -> bool:
    return any(isinstance(getattr(version, name), Damaged) for name in ("version", *RESTORED))


def _is_next(memory: UserMemory | None, version: MemoryRevision) -> bool:
    """Return whether a memory is as the write left it that ended a version."""
    if memory is None:
        return False
    left: tuple[int, datetime.datetime] = version.version + 1, version.valid_until
    return (memory.version, memory.last_updated) == left


def _let_it_expire(version: MemoryRevision, last: MemoryRevision) -> bool:
    """Return whether the write that ended a version left the last version of a memory that has expired."""
    is_next = (last.version, last.last_updated) == (version.version + 1, version.valid_until)
    return is_next and last.action == last.Action.EXPIRED


def _differing(version: MemoryRevision, memory: UserMemory) -> set[str]:
    values: Any = ((name, getattr(version, name), getattr(memory, name)) for name in RESTORED)
    return {name for name, before, after in values if before != after}
