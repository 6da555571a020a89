"""The filters beside the list of agents' documents: by kind, by status, by person, by agent, by last write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from agno_memory.admin.autocomplete import matching_people
from agno_memory.admin.base_filters import Choice, MemoryFilter
from agno_memory.admin.filters import PersonFilter
from agno_memory.admin.session_filters import ComponentFilter, SessionUpdatedFilter, matching_components
from agno_memory.admin.titles import short_title
from agno_memory.admin.trace_filters import StatusFilter, TraceSessionFilter
from agno_memory.admin.vocabulary import Params

# The kinds that staff see. Documents of other kinds may hold secrets, such as the hashes of tokens.
KINDS: Final = {
    "learning": _("Learnings"),
    "evaluation": _("Evaluation runs"),
    "knowledge": _("Contents of knowledge"),
    "component": _("Components"),
    "approval": _("Approvals"),
    "schedule": _("Schedules"),
    "schedule_run": _("Runs of schedules"),
}
DEFAULT_KIND: Final = next(iter(KINDS))
STATUSES: Final[dict[str, dict[str, Any]]] = {
    "approval": {
        "pending": _("Pending"),
        "approved": _("Approved"),
        "rejected": _("Rejected"),
        "expired": _("Expired"),
        "cancelled": _("Cancelled"),
    },
    "schedule": {"enabled": _("Enabled"), "disabled": _("Disabled")},
    "schedule_run": {
        "running": _("Running"),
        "success": _("Succeeded"),
        "paused": _("Paused"),
        "failed": _("Failed"),
        "cancelled": _("Cancelled"),
    },
}


class KindFilter(MemoryFilter):
    """Documents of one kind: an index serves each kind alone, so there is always one."""

    title = _("kind")
    parameter = "kind"

    @property
    def is_active(self) -> bool:
        return True

    @property
    def kind(self) -> str:
        """The chosen kind."""
        return self.values[-1] if self.values else DEFAULT_KIND

    def narrow(self, rows: Any) -> Any:
        if self.kind not in KINDS:
            raise ValueError("This is not a kind that staff see.")
        return rows.of_kind(self.kind)

    def choices(self, changelist: Any) -> Iterator[Choice]:
        for value, label in KINDS.items():
            query_string = changelist.get_query_string({self.parameter: value}, [RecordStatusFilter.parameter])
            yield {"selected": value == self.kind, "query_string": query_string, "display": label}


class RecordStatusFilter(StatusFilter):
    """Documents with a status, of a kind that has some."""

    def __init__(self, request: HttpRequest, params: Params, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.labels = STATUSES.get(request.GET.get(KindFilter.parameter) or DEFAULT_KIND, {})

    def has_output(self) -> bool:
        return bool(self.labels) or self.is_active


class RecordSessionFilter(TraceSessionFilter):
    """Documents of one session."""

    def narrow(self, rows: Any) -> Any:
        return rows.filter(session_id=self.values[-1])


class ScheduleFilter(TraceSessionFilter):
    """Documents of one schedule. The page of a schedule leads to it; it is visible while it is active."""

    title = _("schedule")
    parameter = "parent_id"

    def narrow(self, rows: Any) -> Any:
        return rows.filter(parent_id=self.values[-1])

    def name_of(self, value: str) -> str:
        schedules: Any = self.rows
        found = schedules.of_kind("schedule").filter(record_id=value).values_list("name", flat=True).first()
        return short_title(found or "") or value


class RecordPersonFilter(PersonFilter):
    """Documents of one person."""


class RecordComponentFilter(ComponentFilter):
    """Documents of one agent, team or workflow."""


class RecordUpdatedFilter(SessionUpdatedFilter):
    """Documents with the last write in a period."""


LIST_FILTERS: Final = (
    KindFilter,
    RecordStatusFilter,
    RecordPersonFilter,
    RecordComponentFilter,
    RecordUpdatedFilter,
    RecordSessionFilter,
    ScheduleFilter,
)
COMPLETIONS: Final = {"people": matching_people, "components": matching_components}
