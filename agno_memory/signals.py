"""Sent by ``Memory`` after a write, inside the caller's transaction if there is one.

Receivers get ``sender`` (``UserMemory``), ``user_id`` (the owner), ``memory_ids`` (a list of ids) and ``using`` (the
alias written to). ``memory_deleted`` has ``memory_ids=None`` when everything of the owner went, and ``user_id=None`` as
well when the whole store was cleared. A receiver that raises is logged and changes nothing.

A transaction that is rolled back later takes the write back but not the signal: to act on what is certain, receivers
hand over to ``transaction.on_commit(..., using=using)``.
"""

from __future__ import annotations

from django.dispatch import Signal

memory_added = Signal()
memory_replaced = Signal()
memory_deleted = Signal()
