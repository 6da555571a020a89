"""Memories that were moved to another person, and back. "Undo" reads the owner before from the admin's log.

The history of a memory does not name that owner. The log does, until the person is erased.
"""

from __future__ import annotations

import datetime
from contextlib import suppress
from functools import partial

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import ngettext

from agno_memory.admin.charts import number
from agno_memory.admin.history import log_moved, logged_moves, state_of
from agno_memory.bulk import BulkMemory
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.replicas import write_alias
from agno_memory.signals import by_owner


def move_back(
    request: HttpRequest, rows: UserMemoryQuerySet, way: str, began: datetime.datetime, until: datetime.datetime
) -> int:
    """Give the memories that an action of a staff user moved back to their people, and return their number.

    In batches; an interrupted call is completed by the next one.

    Args:
        request: of the staff user, whose permissions are not checked here.
        rows: the memories that the staff user may see.
        way: the name of the action, as ``through`` in the history.
        began: a time before the action.
        until: memories that were written later stay.
    """
    count = 0
    alias = getattr(rows, "_db", None) or write_alias(UserMemory)
    unwritten = rows.using(alias).filter(last_updated__lte=until)
    for moves in logged_moves(request, way, began):
        states = {move.key: move.state for move in moves}
        for (owner, before), keys in by_owner(((move.owner, move.before), move.key) for move in moves).items():
            found = unwritten.filter(user_id=owner, key__in=keys).only("version", "created_at")
            # Several people may use one id: since then, the owner may have got the memory of another one.
            same = [memory.key for memory in found if state_of(memory) == states[memory.key]]
            # Another program may have written an owner that is not valid.
            with suppress(ValidationError):
                moved = unwritten.filter(user_id=owner, key__in=same)
                count += BulkMemory(moved, partial(log_moved, request, user_id=before)).reassign(before)
    return count


def report_moved_back(request: HttpRequest, count: int, left: int) -> None:
    """Show the numbers of memories that were moved back, and of those that were left."""
    if count:
        text = ngettext("%(count)s memory is moved back.", "%(count)s memories are moved back.", count)
        messages.success(request, text % {"count": number(count)})
    if left > 0:
        text = ngettext(
            "%(count)s memory was left as it is: it was written or moved since, or the person before was erased or has "
            "another memory with its id.",
            "%(count)s memories were left as they are: they were written or moved since, or the person before was "
            "erased or has other memories with their ids.",
            left,
        )
        messages.warning(request, text % {"count": number(left)})
