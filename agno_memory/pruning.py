"""The end of memories: those that have expired, and versions older than the history that is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from agno_memory.db import MemoryDb
from agno_memory.db.damaged import Damaged
from agno_memory.db.keyset import in_order
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.services import ANYONE
from agno_memory.signals import announce, by_owner, memory_deleted

# The rows of a batch.
BATCH_SIZE: Final = 5_000


class Pruned(NamedTuple):
    """The number of memories that had expired, and of versions that were too old."""

    expired: int
    versions: int


def prune(db: str | MemoryDb | None = None, on_batch: Callable[[int], object] = lambda count: None) -> Pruned:
    """Remove the memories that have expired, and the versions that ended more than ``HISTORY_DAYS`` ago.

    In batches: after an interruption, call it again. An expired memory is kept among the earlier versions until it is
    too old, too.

    Args:
        db: as of ``Memory``.
        on_batch: called after each batch with the number of its rows.

    Returns:
        The numbers of both.
    """
    memory = Memory(db)
    return Pruned(expire_all(memory.rows_to_write(ANYONE), on_batch), _remove_old(memory, on_batch))


def expire_all(rows: UserMemoryQuerySet, on_batch: Callable[[int], object] = lambda count: None) -> int:
    """Move those of some memories that have expired among the earlier versions, and return their number.

    Args:
        rows: the memories, in the database to write to; neither a slice nor a union.
        on_batch: as of ``prune()``.
    """
    count = 0
    expired = rows.expired().order_by(*in_order("expires_at", "memory_id", "key")).only("user_id", "memory_id")
    while batch := list(expired[:BATCH_SIZE]):
        ids = {memory.key: memory.memory_id for memory in batch}
        removed = 0
        for owner, keys in by_owner((memory.user_id, memory.key) for memory in batch).items():
            if isinstance(owner, Damaged):
                # A row of another program, without an owner who could restore it.
                removed += rows.filter(key__in=keys).erase(history=False)
                continue
            gone = rows.expire(owner, keys)
            removed += len(gone)
            if gone:
                announce(memory_deleted, UserMemory, owner, [ids[key] for key in gone if key in ids], using=rows.db)
        if not removed:
            # Another call removes them, too.
            break
        count += removed
        on_batch(removed)
    return count


def _remove_old(memory: Memory, on_batch: Callable[[int], object]) -> int:
    count = 0
    revisions = memory.rows_to_write(ANYONE).revisions()
    old = revisions.too_old().only("key")
    while batch := list(old[:BATCH_SIZE]):
        revisions.filter(key__in=[revision.key for revision in batch]).erase()
        count += len(batch)
        on_batch(len(batch))
    return count
