"""The filters beside the list of agents' documents: by kind, by person, by agent, team or workflow, by last write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from agno_memory.admin.autocomplete import matching_people
from agno_memory.admin.filters import Choice, MemoryFilter, PersonFilter
from agno_memory.admin.session_filters import ComponentFilter, SessionUpdatedFilter, matching_components

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
            query_string = changelist.get_query_string({self.parameter: value})
            yield {"selected": value == self.kind, "query_string": query_string, "display": label}


class RecordPersonFilter(PersonFilter):
    """Documents of one person."""


class RecordComponentFilter(ComponentFilter):
    """Documents of one agent, team or workflow."""


class RecordUpdatedFilter(SessionUpdatedFilter):
    """Documents with the last write in a period."""


LIST_FILTERS: Final = (KindFilter, RecordPersonFilter, RecordComponentFilter, RecordUpdatedFilter)
COMPLETIONS: Final = {"people": matching_people, "components": matching_components}
