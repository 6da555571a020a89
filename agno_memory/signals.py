"""Signals of ``Memory``, ``BulkMemory`` and ``AgentSessions``, sent after a write.

========================  ================  ==================================================================
signal                    sender            arguments besides ``sender``, ``signal`` and ``using``
========================  ================  ==================================================================
``memory_added``          ``UserMemory``    ``user_id``, ``memory_ids``
``memory_replaced``       ``UserMemory``    ``user_id``, ``memory_ids``
``memory_deleted``        ``UserMemory``    ``user_id``, ``memory_ids``
``session_saved``         ``AgentSession``  ``user_id``, ``session_ids``, ``created`` (a bool, as of ``post_save``)
``session_deleted``       ``AgentSession``  ``user_id``, ``session_ids``
``run_saved``             ``AgentRun``      ``session_id``, ``run_id``, ``created``
========================  ================  ==================================================================

``user_id`` is the owner, ``memory_ids`` and ``session_ids`` are lists of ids, ``using`` is the alias of the database.
``memory_deleted`` has ``memory_ids=None`` if all memories of the owner were deleted, and also ``user_id=None`` if the
whole store was cleared. A session without a user has ``user_id=None``. A run belongs to its session's owner, and its
write also moves the session's ``updated_at`` and ``version``; only ``run_saved`` is sent for it.

Signals are sent inside the caller's transaction, if there is one. A rollback undoes the write but not the signal: to
act only on committed writes, a receiver calls ``transaction.on_commit(..., using=using)``. An exception in a receiver
is logged and changes nothing.
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
session_saved = Signal()
session_deleted = Signal()
run_saved = Signal()


def announce(signal: Signal, sender: object, user_id: str | None, memory_ids: list[str] | None, using: str) -> None:
    """Send a signal about memories of one owner.

    Args:
        signal: ``memory_added``, ``memory_replaced`` or ``memory_deleted``.
        sender: ``UserMemory``.
        user_id: the owner; None for all of them.
        memory_ids: None for all of the owner's.
        using: alias of the database.
    """
    send(signal, sender, using=using, user_id=user_id, memory_ids=memory_ids)


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


def send(signal: Signal, sender: object, *, using: str, **arguments: Any) -> None:
    """Send a signal so that no receiver can break the write or the caller's transaction.

    Args:
        signal: one of this module.
        sender: the model.
        using: alias of the database.
        arguments: the arguments of the signal, see above.
    """
    if not signal.has_listeners(sender):
        return
    try:
        # If a receiver's statement fails, only the writes of receivers are rolled back.
        with savepoint(using):
            signal.send_robust(sender=sender, using=using, **arguments)
    except DatabaseError:
        logger.exception("A receiver broke the transaction; the writes of receivers were rolled back to the savepoint.")
