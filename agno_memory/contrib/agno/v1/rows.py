"""agno 1.8's memories, sessions and runs as rows of this app, and back."""

from __future__ import annotations

import datetime
from typing import Any, Final

from agno.memory.v2.db.schema import MemoryRow
from agno.storage.session.agent import AgentSession as AgnoAgentSession
from agno.storage.session.team import TeamSession as AgnoTeamSession
from agno.storage.session.v2.workflow import WorkflowSession as AgnoWorkflowSessionV2
from agno.storage.session.workflow import WorkflowSession as AgnoWorkflowSession

from agno_memory.agno_rows import OLD_IDS, OLD_JSON, OLD_TIMES, old_session
from agno_memory.contrib.agno.foreign_runs import objects, with_runs
from agno_memory.json_texts import json_object, object_or_none
from agno_memory.models import AgentSession, UserMemory
from agno_memory.times import to_epoch

# agno's classes of sessions, by the mode of the storage.
SESSION_CLASSES: Final[dict[str, Any]] = {
    "agent": AgnoAgentSession,
    "team": AgnoTeamSession,
    "workflow": AgnoWorkflowSession,
    "workflow_v2": AgnoWorkflowSessionV2,
}
# The content of a memory that agno 1.8 knows.
MEMORY_FIELDS: Final = ("memory", "topics", "input")


# Memories


def memory_from_agno(row: MemoryRow) -> dict[str, Any]:
    """Return the fields of ``UserMemory`` that agno's row sets; None for those that it leaves out."""
    return {"memory_id": row.id, **{name: row.memory.get(name) for name in MEMORY_FIELDS}}


def memory_to_agno(memory: UserMemory) -> MemoryRow:
    """Return agno's row of a memory. Its time is naive UTC, as in agno's own stores."""
    updated = memory.last_updated.astimezone(datetime.UTC).replace(tzinfo=None)
    content = {
        "memory_id": memory.memory_id,
        "memory": memory.memory,
        "topics": memory.topics,
        "last_updated": updated.isoformat(),
        **({} if memory.input is None else {"input": memory.input}),
    }
    return MemoryRow(id=memory.memory_id, user_id=memory.user_id, memory=content, last_updated=updated)


# Sessions


def session_from_agno(session: Any, session_type: str) -> tuple[AgentSession, list[dict[str, Any]] | None]:
    """Return the unsaved row of agno's session, and its runs; None if it has no list of runs."""
    return old_session(session.to_dict(), session_type)


def session_to_agno(session: AgentSession, runs: list[Any], mode: str) -> Any:
    """Return agno's session of a row, with the runs where agno keeps them: in its memory, or beside it."""
    values = json_object(session.extra) | {name: getattr(session, name) for name in OLD_IDS}
    values |= {name: object_or_none(getattr(session, name)) for name in OLD_JSON}
    values |= {name: to_epoch(getattr(session, name)) for name in OLD_TIMES}
    memory = object_or_none(values.get("memory"))

    def make(runs: Any) -> Any:
        held = {"runs": runs} if memory is None else {"memory": {**memory, "runs": runs}}
        return SESSION_CLASSES[mode].from_dict(values | held)

    return with_runs(make, objects(runs))
