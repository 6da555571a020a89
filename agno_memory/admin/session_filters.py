"""The filters beside the list of sessions: by person, by agent, team or workflow, and by the last update."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from agno_memory.admin.accounts import Accounts
from agno_memory.admin.autocomplete import AGENT_SAMPLE, MAX_SUGGESTIONS, Suggestion, matching_people
from agno_memory.admin.base_filters import Choice, FieldFilter, MemoryFilter, TimeFilter
from agno_memory.admin.filters import PersonFilter
from agno_memory.agent_session_querysets import COMPONENTS
from agno_memory.models import AgentSession


class SessionPersonFilter(PersonFilter):
    """Sessions of one person."""


class ComponentFilter(FieldFilter):
    """Sessions of one agent, team or workflow."""

    title = _("agent, team or workflow")
    parameter = "component"
    completion = "components"
    placeholder = _("Id of an agent, a team or a workflow")

    def narrow(self, rows: Any) -> Any:
        return rows.of_component(self.values[-1])


class SessionUpdatedFilter(TimeFilter):
    """Sessions with the last update in a period."""

    title = _("last update")
    parameter = "updated"
    time_field = "updated_at"

    def narrow(self, rows: Any) -> Any:
        for start, end in self.periods():
            rows = rows.updated(start, end)
        return rows


class TypeFilter(MemoryFilter):
    """Sessions of agents, of teams or of workflows."""

    title = _("type")
    parameter = "session_type__exact"

    def narrow(self, rows: Any) -> Any:
        return rows.filter(session_type=self.values[-1])

    def links(self, changelist: Any) -> Iterator[Choice]:
        for value, label in AgentSession.Type.choices:
            query_string = changelist.get_query_string({self.parameter: value})
            yield {"selected": value in self.values[-1:], "query_string": query_string, "display": label}


def matching_components(rows: Any, text: str, accounts: Accounts) -> list[Suggestion]:
    """Return agents, teams and workflows of the newest sessions that contain a text in their ids."""
    names = tuple(COMPONENTS.values())
    newest = rows.newest().values_list(*names)[:AGENT_SAMPLE]
    components = dict.fromkeys(each for row in newest for each in row if each and text in each)
    return [Suggestion(each) for each in list(components)[:MAX_SUGGESTIONS]]


LIST_FILTERS: Final = (SessionPersonFilter, ComponentFilter, SessionUpdatedFilter, TypeFilter)
COMPLETIONS: Final = {"people": matching_people, "components": matching_components}
