"""Snapshots in the site's cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.core.cache import cache

from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.stats.snapshot import Snapshot, count_all, quick

# Seconds. A whole picture is kept, and said to be old when it is; a draft only until there is one.
KEEP: Final = 7 * 24 * 60 * 60
KEEP_DRAFT: Final = 60
# The longest time that somebody who counts keeps others from it.
TURN: Final = 10 * 60
# To be raised when the picture changes its form: what is in caches is of the form before.
FORM: Final = 1


class SnapshotCache:
    """The picture of some memories in the site's cache.

    Args:
        rows: the memories, no slice.
        viewer: who looks. Rows that are narrowed down may be only theirs to see, so their picture is.
    """

    def __init__(self, rows: UserMemoryQuerySet, viewer: object = None) -> None:
        self.rows = rows
        self.key = cache_key("overview", rows, viewer)

    def look(self) -> Snapshot | None:
        """Return the last picture, or take one if that is quick; None while somebody else takes the first one."""
        last: Snapshot | None = cache.get(self.key)
        if last and not (last.is_old and last.is_small):
            return last
        with self._turn() as mine:
            if not mine:
                return last
            snapshot = quick(self.rows)
            if last and snapshot.sample:
                # It has grown.
                return last
            cache.set(self.key, snapshot, KEEP_DRAFT if snapshot.sample else KEEP)
            return snapshot

    def refresh(self) -> Snapshot | None:
        """Count everything and return the new picture; None while somebody else does."""
        with self._turn() as mine:
            if not mine:
                return None
            picture = count_all(self.rows)
            cache.set(self.key, picture, KEEP)
            return picture

    @contextmanager
    def _turn(self) -> Iterator[bool]:
        """Yield whether it is our turn to count: one at a time, however many ask."""
        mine = cache.add(f"{self.key}.turn", 1, TURN)
        try:
            yield mine
        finally:
            if mine:
                cache.delete(f"{self.key}.turn")


def cache_key(name: str, rows: UserMemoryQuerySet, viewer: object = None) -> str:
    """Return where something about these rows is cached: for everybody, or where they are narrowed, for one viewer."""
    whose = [getattr(viewer, "pk", viewer)] if rows.query.where else []
    parts = repr((FORM, rows.db, rows.model._meta.db_table, *whose))
    return f"agno_memory.{name}.{hashlib.sha256(parts.encode()).hexdigest()[:32]}"
