"""The deleted memories of a person that another person gets, because an account was renamed or merged."""

from __future__ import annotations

from functools import partial

from agno_memory.cleaning import KEY
from agno_memory.conf import conf
from agno_memory.db.keyset import in_order
from agno_memory.db.transactions import all_or_nothing
from agno_memory.querysets import UserMemoryQuerySet


def reassign_deleted(rows: UserMemoryQuerySet, source: str, owner: str) -> list[str]:
    """Give the earlier versions that a person still has to another person: those of deleted memories.

    They must not stay with a name given up. In batches; if it is interrupted, call it again.

    Args:
        rows: the memories of everybody, in the database to write to.
        source: the owner before, whose memories have been moved.
        owner: the new owner.

    Returns:
        The ids of the deleted memories that stay, because the new owner uses them for other memories.
    """
    conflicts: list[str] = []
    left = rows.revisions().filter(user_id=source).order_by(*in_order("memory_key")).only("memory_key", "memory_id")
    page = list(left[: conf.BATCH_SIZE])
    while page:
        ids = {version.memory_key: version.memory_id for version in page}
        conflicts += all_or_nothing(rows.db, partial(_move, rows, source, owner, ids))
        page = list(left.filter(memory_key__gt=page[-1].memory_key)[: conf.BATCH_SIZE])
    return conflicts


def _move(rows: UserMemoryQuerySet, source: str, owner: str, ids: dict[str, str]) -> list[str]:
    """Move the versions of memories, and return the ids of those that stay.

    Args:
        rows: as of ``reassign_deleted()``.
        source: as of ``reassign_deleted()``.
        owner: as of ``reassign_deleted()``.
        ids: of the memories, by key.
    """
    there = set(rows.filter(user_id=source, key__in=list(ids)).values_list("key", flat=True))
    gone = {KEY.digest(owner, memory_id): key for key, memory_id in ids.items() if key not in there}
    # Two histories of deleted memories follow each other, and each can still be found among the deleted ones.
    taken = set(rows.filter(user_id=owner, key__in=list(gone)).values_list("key", flat=True))
    moved = [key for new, key in gone.items() if new not in taken]
    if moved:
        rows.revisions().filter(user_id=source, memory_key__in=moved).move(owner, KEY.digest)
    return [ids[gone[new]] for new in taken]
