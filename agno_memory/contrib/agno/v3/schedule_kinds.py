"""The documents of agno 3's scheduler: the schedules, and the runs of each."""

from __future__ import annotations

from agno.db.schemas.scheduler import Schedule, ScheduleRun

from agno_memory.agent_documents import Document
from agno_memory.contrib.agno.v3.documents import complete


def schedule_document(values: Document) -> Document:
    """Return the document of a new schedule."""
    return complete(Schedule, values)


def schedule_run_document(values: Document) -> Document:
    """Return the document of a new run of a schedule."""
    return complete(ScheduleRun, values)
