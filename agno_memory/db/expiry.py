"""Memories that have expired: in no list from that millisecond on, until ``prune_memories`` removes them."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Q

# The lookup of the moment after which a memory must expire; its value in compiled statements has this name.
EXPIRES_AFTER: Final = "expires_at__gt"


def unexpired(moment: Any) -> Q:
    """Return the condition for memories that have not expired at a moment: a datetime, or an expression for one."""
    return Q(expires_at=None) | Q(**{EXPIRES_AFTER: moment})
