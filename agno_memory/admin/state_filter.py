"""The filter by state: pinned memories, those that expire or have expired, and the way to deleted ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from agno_memory.admin.base_filters import Choice, MemoryFilter
from agno_memory.admin.filters import PersonFilter
from agno_memory.admin.urls import page_url
from agno_memory.admin.vocabulary import Params
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.times import now

if TYPE_CHECKING:
    from agno_memory.admin.changelist import MemoryChangeList

STATE: Final = "state"
PINNED, EXPIRING, EXPIRED = "pinned", "expiring", "expired"
LABELS: Final = {PINNED: _("Pinned"), EXPIRING: _("Will expire"), EXPIRED: _("Expired")}


def shows_expired(request: HttpRequest) -> bool:
    """Return whether a list is that of the memories that have expired."""
    return request.GET.get(STATE) == EXPIRED


class StateFilter(MemoryFilter):
    """Memories by state. Those that have expired, and the link to deleted ones, take the permission to view them."""

    title = _("state")
    parameter = STATE

    def __init__(self, request: HttpRequest, params: Params, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self._sees_deleted = model_admin.has_view_deleted_permission(request)
        if self.includes_expired and not self._sees_deleted:
            raise PermissionDenied

    @property
    def includes_expired(self) -> bool:
        """Whether the list has memories that have expired, which other lists leave out."""
        return self.values[-1:] == [EXPIRED]

    def narrow(self, rows: UserMemoryQuerySet) -> UserMemoryQuerySet:
        match self.values[-1]:
            case "pinned":
                return rows.filter(pinned=True)
            case "expiring":
                return rows.filter(expires_at__gt=now())
            case "expired":
                return rows.shown_expired()
        raise ValueError("This is not a state.")

    def links(self, changelist: MemoryChangeList) -> Iterator[Choice]:
        for value, display in LABELS.items():
            if value != EXPIRED or self._sees_deleted:
                query_string = changelist.get_query_string({STATE: value}, remove=[STATE])
                yield {"selected": self.values[-1:] == [value], "query_string": query_string, "display": display}
        if self._sees_deleted:
            yield {"selected": False, "query_string": self._deleted_url(changelist), "display": _("Deleted")}

    @staticmethod
    def _deleted_url(changelist: MemoryChangeList) -> str:
        """Return the URL of the page of deleted memories, of the same person if the list is of one."""
        url = page_url(changelist.model, "deleted", site=changelist.admin_site_name)
        people = changelist.filter_params.get(PersonFilter.parameter, [])
        return f"{url}?{urlencode({PersonFilter.parameter: people[-1]})}" if people else url
