"""The earlier versions that another person gets, of memories that move and of deleted memories of a renamed account."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from functools import partial
from typing import Final

from agno_memory.cleaning import KEY
from agno_memory.conf import conf
from agno_memory.db.keyset import in_order
from agno_memory.db.transactions import all_or_nothing
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.revision_querysets import RevisionQuerySet
from agno_memory.signals import by_owner

# The fields by which versions of one memory follow each other.
LINKS: Final = ("memory_key", "version", "created_at", "last_updated", "valid_until")


def move_versions(
    revisions: RevisionQuerySet, memories: Sequence[UserMemory], owner: str, *, with_deleted: bool
) -> None:
    """Give the earlier versions of memories to another person.

    Args:
        revisions: those of all memories.
        memories: with all fields.
        owner: the new one.
        with_deleted: whether to give also those of deleted memories that had the ids before.
    """
    created = {memory.key: memory.created_at for memory in memories}
    for source, keys in by_owner((memory.user_id, memory.key) for memory in memories).items():
        own = revisions.filter(user_id=source, memory_key__in=keys)
        stay = [] if with_deleted else _of_deleted(own, created)
        (own.exclude(key__in=stay) if stay else own).move(owner, KEY.digest)


def _of_deleted(versions: RevisionQuerySet, created: dict[str, datetime.datetime]) -> list[str]:
    """Return the keys of those of these versions that other memories had before, which were deleted.

    Args:
        versions: of memories of one person.
        created: the times of addition of the memories that are there, by key.
    """
    deletions = versions.filter(is_deleted=True).only("memory_key", "created_at")
    # A deletion that was interrupted has a version of the memory that is there.
    gone = {(each.memory_key, each.created_at) for each in deletions if each.created_at != created[each.memory_key]}
    stay, later = [], set()
    shared = versions.filter(memory_key__in={key for key, _created in gone}).only(*LINKS).order_by("-version")
    for each in shared if gone else ():
        # A merge may have changed the time of addition.
        is_before = (each.memory_key, each.version + 1, each.valid_until) in later
        if is_before or (each.memory_key, each.created_at) in gone:
            stay.append(each.key)
            later.add((each.memory_key, each.version, each.last_updated))
    return stay


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
