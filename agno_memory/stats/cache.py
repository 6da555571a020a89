"""Facts about memories in the site's cache, among them snapshots.

The facts contain data of people: topics and user ids. ``forget_cached()`` removes all of them at once.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.core.cache import DEFAULT_CACHE_ALIAS, cache, caches
from django.core.cache.backends.locmem import LocMemCache

from agno_memory.db.fingerprints import Place, RowsCondition
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.stats.snapshot import Snapshot, count_all, quick

# How long snapshots are kept, in seconds: a complete one for a week, a sample only until there is a complete one.
KEEP_SECONDS: Final = 7 * 24 * 60 * 60
KEEP_SAMPLE_SECONDS: Final = 60
# The maximum for a cache in the memory of one process, in seconds: an erasure does not reach those of other processes.
KEEP_LOCAL_SECONDS: Final = 10 * 60
# How long a count can keep other requests from counting, in seconds.
LOCK_SECONDS: Final = 10 * 60
# Increase this when the fields of a snapshot change, so that cached ones of an older release are not read.
VERSION: Final = 4

# The generation is a part of each key, so a new generation hides all older entries from every process.
GENERATION_KEY: Final = "agno_memory.generation"
# The keys of the entries, to delete them. Concurrent requests may lose one of them, whose entry then expires unread.
INDEX_KEY: Final = "agno_memory.keys"
MAX_INDEX: Final = 1_000


class CachedFact:
    """A fact about some memories in the site's cache.

    Args:
        name: the name of the fact.
        rows: the memories; a queryset without a slice. The key contains their place and their condition, so a tenant,
            an admin site or a viewer with other rows has another entry.
    """

    def __init__(self, name: str, rows: UserMemoryQuerySet) -> None:
        self.generation = generation()
        parts = repr((VERSION, self.generation, rows.read(lambda: str(Place(rows))), str(RowsCondition(rows))))
        self.key = f"agno_memory.{name}.{hashlib.sha256(parts.encode()).hexdigest()[:32]}"

    def get(self) -> Any:
        """Return the value, or None."""
        return cache.get(self.key)

    def set(self, value: Any, seconds: int) -> None:
        """Keep a value for some seconds, in a cache of one process for at most ``KEEP_LOCAL_SECONDS``."""
        seconds = min(seconds, KEEP_LOCAL_SECONDS) if is_process_local() else seconds
        keys = [key for key in cache.get(INDEX_KEY, ()) if key != self.key]
        cache.set(INDEX_KEY, [*keys, self.key][-MAX_INDEX:], None)
        cache.set(self.key, value, seconds)
        if generation() != self.generation:
            # The value was computed before, and may hold the data of a person who was erased in between.
            cache.delete(self.key)


def is_process_local() -> bool:
    """Return whether each process has a default cache of its own, as with Django's default."""
    return isinstance(caches[DEFAULT_CACHE_ALIAS], LocMemCache)


def generation() -> str:
    """Return the current generation of the entries."""
    current: str | None = cache.get(GENERATION_KEY)
    if current is None:
        cache.add(GENERATION_KEY, uuid.uuid4().hex, None)
        current = cache.get(GENERATION_KEY)
    # A dummy cache keeps nothing.
    return current or ""


def forget_cached() -> None:
    """Forget everything cached that can hold a person's data: snapshots, and the topics of filters and suggestions.

    Call it after the data is deleted and the transaction is committed. A count that is running at that moment is not
    cached. With a cache in the memory of each process, other processes keep their entries until those expire.
    """
    cache.set(GENERATION_KEY, uuid.uuid4().hex, None)
    cache.delete_many(cache.get(INDEX_KEY, ()))
    cache.delete(INDEX_KEY)


class SnapshotCache:
    """The snapshot of some memories in the site's cache.

    Args:
        rows: the memories; a queryset without a slice.
    """

    def __init__(self, rows: UserMemoryQuerySet) -> None:
        self.rows = rows
        self.fact = CachedFact("snapshot", rows)
        self.lock_key = f"{self.fact.key}.lock"

    def get(self) -> Snapshot | None:
        """Return the cached snapshot, or take one if that is quick.

        Returns:
            The snapshot; None while another request takes the first one.
        """
        cached: Snapshot | None = self.fact.get()
        if cached and not (cached.is_stale and cached.is_small):
            return cached
        with self._lock() as is_locked:
            if not is_locked:
                return cached
            snapshot = quick(self.rows)
            if cached and snapshot.sample_size:
                # The store has grown, and a complete snapshot, even a stale one, is better than a sample.
                return cached
            self.fact.set(snapshot, KEEP_SAMPLE_SECONDS if snapshot.sample_size else KEEP_SECONDS)
            return snapshot

    def refresh(self) -> Snapshot | None:
        """Count everything, cache the snapshot and return it; None while another request counts."""
        with self._lock() as is_locked:
            if not is_locked:
                return None
            snapshot = count_all(self.rows)
            self.fact.set(snapshot, KEEP_SECONDS)
            return snapshot

    @contextmanager
    def _lock(self) -> Iterator[bool]:
        """Take the lock and yield whether that succeeded: only one request counts at a time."""
        is_locked = cache.add(self.lock_key, 1, LOCK_SECONDS)
        try:
            yield is_locked
        finally:
            if is_locked:
                cache.delete(self.lock_key)
