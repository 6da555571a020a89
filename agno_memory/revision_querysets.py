"""Querysets of earlier versions of memories."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Self

from agno_memory.base_querysets import OwnedQuerySet
from agno_memory.db.expiry import unexpired
from agno_memory.db.readable import ReadableQuery

if TYPE_CHECKING:
    from agno_memory.revision_models import MemoryRevision  # noqa: F401  named in a string below


class RevisionQuerySet(OwnedQuerySet["MemoryRevision"]):
    """Earlier versions of memories."""

    def __init__(self, model: Any = None, query: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(model, query or ReadableQuery(model), *args, **kwargs)

    def of_memory(self, owner: str, key: str) -> Self:
        """Narrow to the versions of one memory."""
        return self.filter(user_id=owner, memory_key=key)

    def at(self, moment: datetime.datetime) -> Self:
        """Narrow to the versions that held at a moment."""
        held = self.filter(last_updated__lte=moment, valid_until__gt=moment)
        return held.filter(unexpired(moment))

    def deleted(self) -> Self:
        """Narrow to the last versions of deleted memories, the last deleted one first."""
        return self.filter(is_deleted=True).order_by("-valid_until", "-key")
