"""The erasure of a person by staff: everything about the person, or the memories that this staff user may see."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest
from django.utils.functional import cached_property

from agno_memory import people
from agno_memory.admin.charts import number
from agno_memory.admin.record_filters import KINDS
from agno_memory.bulk import BulkMemory
from agno_memory.db.fingerprints import RowsCondition
from agno_memory.models import AgentRecord, AgentSession, AgentTrace, UserMemory
from agno_memory.people import Counts, Erasure
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.stats.cache import forget_cached

# The models whose admin classes may hide rows from a staff user.
SHOWN: Final = (UserMemory, AgentSession, AgentTrace, AgentRecord)


class PersonErasure:
    """The erasure of one person by one staff user, who has permission to delete memories.

    Args:
        request: the request of the staff user.
        site: the admin site.
        user_id: of the person.
        rows: the memories of the person that this staff user may see.
    """

    def __init__(self, request: HttpRequest, site: admin.AdminSite, user_id: str, rows: UserMemoryQuerySet) -> None:
        self._request = request
        self._site = site
        self._user_id = user_id
        self._rows = rows

    @cached_property
    def is_whole(self) -> bool:
        """Whether it erases everything.

        Otherwise it erases memories alone: a subclass of an admin class hides some rows from this staff user, or the
        staff user has no permission to delete sessions.
        """
        return self._may_delete_sessions() and not any(map(self._narrows, SHOWN))

    def count(self) -> Counts:
        """Return the number of objects of each kind to erase."""
        return people.count(self._user_id) if self.is_whole else {"memories": self._rows.count()}

    def erase(self) -> Erasure:
        """Erase them, count again, and return both counts."""
        if self.is_whole:
            return people.erase(self._user_id)
        bulk = BulkMemory(self._rows)
        deleted = bulk.delete(permanently=True)
        transaction.on_commit(forget_cached, using=bulk.rows.db)
        return Erasure({"memories": deleted}, {"memories": bulk.rows.count()})

    def _narrows(self, model: Any) -> bool:
        if not self._site.is_registered(model):
            return False
        visible: Any = self._site.get_model_admin(model).get_queryset(self._request)
        return str(RowsCondition(visible)) not in ("", str(RowsCondition(_shown_by_default(model))))

    def _may_delete_sessions(self) -> bool:
        if self._site.is_registered(AgentSession):
            return self._site.get_model_admin(AgentSession).has_delete_permission(self._request)
        user: Any = self._request.user
        return bool(user.has_perm("agno_memory.delete_agentsession"))


def _shown_by_default(model: Any) -> Any:
    """Return the rows that an admin class of the app shows. It leaves out some that are erased with the others."""
    if model is UserMemory:
        return UserMemory.objects.current()
    return AgentRecord.objects.filter(kind__in=list(KINDS)) if model is AgentRecord else model.objects.all()


def listed(counts: Counts) -> list[tuple[str, str]]:
    """Return the label and the number of each kind, for a page."""
    return [(label, number(count)) for label, count in people.labelled(counts)]


def in_words(counts: Counts) -> str:
    """Return the number of each kind in one line, for a message."""
    return ", ".join(f"{label} {count}" for label, count in listed(counts))
