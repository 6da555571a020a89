"""Snapshots in the site's cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.core.cache import cache

from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.stats.snapshot import Snapshot, count_all, quick

# How long snapshots are kept, in seconds: a complete one for a week, a sample only until there is a complete one.
KEEP_SECONDS: Final = 7 * 24 * 60 * 60
KEEP_SAMPLE_SECONDS: Final = 60
# How long a count can keep other requests from counting, in seconds.
LOCK_SECONDS: Final = 10 * 60
# Increase this when the fields of a snapshot change, so that cached ones of an older release are not read.
VERSION: Final = 2


class SnapshotCache:
    """The snapshot of some memories in the site's cache.

    Args:
        rows: the memories; a queryset without a slice.
        viewer: the user that sees it. The snapshot of a narrowed queryset is cached for this user alone, because others
            may not be allowed to see these rows.
    """

    def __init__(self, rows: UserMemoryQuerySet, viewer: object = None) -> None:
        self.rows = rows
        self.key = cache_key("snapshot", rows, viewer)
        self.lock_key = f"{self.key}.lock"

    def get(self) -> Snapshot | None:
        """Return the cached snapshot, or take one if that is quick.

        Returns:
            The snapshot; None while another request takes the first one.
        """
        cached: Snapshot | None = cache.get(self.key)
        if cached and not (cached.is_stale and cached.is_small):
            return cached
        with self._lock() as is_locked:
            if not is_locked:
                return cached
            snapshot = quick(self.rows)
            if cached and snapshot.sample_size:
                # The store has grown, and a complete snapshot, even a stale one, is better than a sample.
                return cached
            cache.set(self.key, snapshot, KEEP_SAMPLE_SECONDS if snapshot.sample_size else KEEP_SECONDS)
            return snapshot

    def refresh(self) -> Snapshot | None:
        """Count everything, cache the snapshot and return it; None while another request counts."""
        with self._lock() as is_locked:
            if not is_locked:
                return None
            snapshot = count_all(self.rows)
            cache.set(self.key, snapshot, KEEP_SECONDS)
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


def cache_key(name: str, rows: UserMemoryQuerySet, viewer: object = None) -> str:
    """Return the cache key of a fact about some memories.

    Args:
        name: the name of the fact.
        rows: the memories. Viewers share the key if this is the whole table, and have one each otherwise.
        viewer: the user that sees it.
    """
    viewers = [getattr(viewer, "pk", viewer)] if rows.query.where else []
    parts = repr((VERSION, rows.db, rows.model._meta.db_table, *viewers))
    return f"agno_memory.{name}.{hashlib.sha256(parts.encode()).hexdigest()[:32]}"
