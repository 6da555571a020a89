"""The filters beside the list of traces: by person, session, agent, team or workflow, status, and by the start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from agno_memory.admin.autocomplete import matching_people
from agno_memory.admin.base_filters import Choice, MemoryFilter, TimeFilter
from agno_memory.admin.filters import PersonFilter, SessionFilter
from agno_memory.admin.session_filters import ComponentFilter, matching_components
from agno_memory.agent_trace_querysets import ERROR


class TracePersonFilter(PersonFilter):
    """Traces of one person."""


class TraceComponentFilter(ComponentFilter):
    """Traces of one agent, team or workflow."""


class TraceSessionFilter(SessionFilter):
    """Traces of one session."""

    covers = ()

    def narrow(self, rows: Any) -> Any:
        return rows.of_session(self.values[-1])


class StatusFilter(MemoryFilter):
    """Traces that went well, or in which something failed."""

    title = _("status")
    parameter = "status"
    labels: dict[str, Any] = {"OK": _("OK"), ERROR: _("Error")}

    def narrow(self, rows: Any) -> Any:
        return rows.filter(status=self.values[-1])

    def links(self, changelist: Any) -> Iterator[Choice]:
        for value, label in self.labels.items():
            query_string = changelist.get_query_string({self.parameter: value})
            yield {"selected": value in self.values[-1:], "query_string": query_string, "display": label}


class StartedFilter(TimeFilter):
    """Traces with a start in a period."""

    title = _("start")
    parameter = "started"
    time_field = "start_time"

    def narrow(self, rows: Any) -> Any:
        for start, end in self.periods():
            rows = rows.begun(start, end)
        return rows


LIST_FILTERS: Final = (TracePersonFilter, TraceComponentFilter, StatusFilter, StartedFilter, TraceSessionFilter)
COMPLETIONS: Final = {"people": matching_people, "components": matching_components}
