"""The documents of agno 3's scheduler: the schedules, and the runs of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agno.db.schemas.scheduler import Schedule, ScheduleRun

from agno_memory.contrib.agno.v3.documents import Document, Kind, complete, kind, short_id
from agno_memory.keys import composite_key
from agno_memory.models import AgentRecord

# The values of ``status`` of a schedule's record.
ENABLED, DISABLED = "enabled", "disabled"


@dataclass(frozen=True)
class ScheduleKind(Kind):
    """Schedules. Names are unique within the schedules of one user, and within those without a user."""

    def fill(self, record: AgentRecord, document: Document) -> None:
        super().fill(record, document)
        record.status = ENABLED if document["enabled"] else DISABLED
        record.parent_id = endpoint_id(document["endpoint"])
        record.unique_key = composite_key(self.name, *filter(None, [record.user_id]), record.name)


def endpoint_id(endpoint: str) -> str:
    """Return the id by which schedules of an endpoint are found. A slash at the end makes no difference."""
    return short_id(endpoint.rstrip("/"))


_schedule: Final = kind(
    "schedule",
    "id",
    "name",
    due_at="next_run_at",
    claimed_by="locked_by",
    claimed_at="locked_at",
    reference_id="target_id",
    reference_type="target_type",
)
SCHEDULE: Final = ScheduleKind(_schedule.name, _schedule.id_of, _schedule.columns)
SCHEDULE_RUN: Final = kind(
    "schedule_run",
    "id",
    "status",
    "run_id",
    "session_id",
    parent_id="schedule_id",
    due_at="triggered_at",
    sort_number="completed_at",
)


def schedule_document(values: Document) -> Document:
    """Return the document of a new schedule."""
    return complete(Schedule, values)


def schedule_run_document(values: Document) -> Document:
    """Return the document of a new run of a schedule."""
    return complete(ScheduleRun, values)
