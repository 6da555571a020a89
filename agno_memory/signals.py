"""Sent by ``Memory`` after a write, inside the caller's transaction if there is one.

Receivers get ``sender`` (``UserMemory``), ``user_id`` (the owner), ``memory_ids`` (a list of ids) and ``using`` (the
alias written to). ``memory_deleted`` has ``memory_ids=None`` when everything of the owner went, and ``user_id=None`` as
well when the whole store was cleared. A receiver that raises is logged and changes nothing.

A transaction that is rolled back later takes the write back but not the signal: to act on what is certain, receivers
hand over to ``transaction.on_commit(..., using=using)``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import DatabaseError
from django.dispatch import Signal

from agno_memory.db.transactions import savepoint

if TYPE_CHECKING:
    from agno_memory.models import UserMemory

logger = logging.getLogger(__name__)

memory_added = Signal()
memory_replaced = Signal()
memory_deleted = Signal()


def announce(signal: Signal, sender: object, user_id: str | None, memory_ids: list[str] | None, using: str) -> None:
    """Send one of these signals.

    Args:
        signal: one of the three.
        sender: ``UserMemory``.
        user_id: the owner; None for all of them.
        memory_ids: None for all of the owner's.
        using: alias written to.
    """
    if not signal.has_listeners(sender):
        return
    try:
        # A receiver whose statement fails must not take the caller's transaction with it.
        with savepoint(using):
            signal.send_robust(sender=sender, user_id=user_id, memory_ids=memory_ids, using=using)
    except DatabaseError:
        logger.exception("A receiver broke the transaction; what receivers wrote was rolled back to the savepoint.")


def announce_batch(signal: Signal, memories: Iterable[UserMemory], *, using: str) -> None:
    """Send a signal about memories of any owners: once for each owner, in the order of their first memories.

    Args:
        signal: ``memory_added``, ``memory_replaced`` or ``memory_deleted``.
        memories: with ``memory_id`` and ``user_id``; no other field is read.
        using: alias of the database.
    """
    # The models are not imported: receivers are connected in apps.py, which Django imports before any model.
    sender = apps.get_model("agno_memory", "UserMemory")
    for owner, memory_ids in by_owner((memory.user_id, memory.memory_id) for memory in memories).items():
        announce(signal, sender, owner, memory_ids, using=using)


def by_owner(pairs: Iterable[tuple[Any, str]]) -> dict[Any, list[str]]:
    """Return the ids of each owner, from pairs of owner and id; both keep their order."""
    owners: dict[Any, list[str]] = {}
    for owner, identifier in pairs:
        owners.setdefault(owner, []).append(identifier)
    return owners
