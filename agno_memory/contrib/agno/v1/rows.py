"""agno 1.8's memories, sessions and runs as rows of this app, and back."""

from __future__ import annotations

import datetime
from typing import Any, Final

from agno.memory.v2.db.schema import MemoryRow
from agno.storage.session.agent import AgentSession as AgnoAgentSession
from agno.storage.session.team import TeamSession as AgnoTeamSession
from agno.storage.session.v2.workflow import WorkflowSession as AgnoWorkflowSessionV2
from agno.storage.session.workflow import WorkflowSession as AgnoWorkflowSession

from agno_memory.models import AgentRun, AgentSession, UserMemory
from agno_memory.names import MAX_QUERY_LENGTH
from agno_memory.times import from_epoch, to_epoch

# agno's classes of sessions, by the mode of the storage.
SESSION_CLASSES: Final[dict[str, Any]] = {
    "agent": AgnoAgentSession,
    "team": AgnoTeamSession,
    "workflow": AgnoWorkflowSession,
    "workflow_v2": AgnoWorkflowSessionV2,
}
# The attributes of a session that have a field in AgentSession. All others are in its ``extra``.
IDS: Final = ("session_id", "user_id", "agent_id", "team_id", "workflow_id")
JSON: Final = ("session_data", "agent_data", "team_data", "workflow_data")
TIMES: Final = ("created_at", "updated_at")
RUN_IDS: Final = ("agent_id", "team_id", "workflow_id")
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
    values = session.to_dict()
    runs = _pop_runs(values)
    row = AgentSession(session_type=session_type, **{name: values.pop(name, None) for name in (*IDS, *JSON)})
    for name in TIMES:
        seconds = values.pop(name, None)
        if seconds is not None:
            setattr(row, name, from_epoch(seconds))
    row.name = _name(row.session_data)
    row.extra = values
    return row, runs


def session_to_agno(session: AgentSession, runs: list[Any], mode: str) -> Any:
    """Return agno's session of a row, with the runs where agno keeps them: in its memory, or beside it."""
    values = {name: getattr(session, name) for name in (*IDS, *JSON)} | (session.extra or {})
    values |= {name: to_epoch(getattr(session, name)) for name in TIMES}
    if isinstance(values.get("memory"), dict):
        values["memory"] = {**values["memory"], "runs": runs}
    else:
        values["runs"] = runs
    return SESSION_CLASSES[mode].from_dict(values)


def _pop_runs(values: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Remove the runs from a session's values and return them; None if they are not a list."""
    memory = values.get("memory")
    holder = memory if isinstance(memory, dict) else values
    if not isinstance(holder.get("runs"), list):
        return None
    if holder is values:
        runs: list[dict[str, Any]] = values.pop("runs")
        return runs
    # agno's own dictionary stays as it is.
    values["memory"] = {name: value for name, value in holder.items() if name != "runs"}
    return list(holder["runs"])


def _name(data: Any) -> str:
    """Return the name of a session, which its data keeps too, for agno."""
    name = data.get("session_name") if isinstance(data, dict) else None
    return name[:MAX_QUERY_LENGTH] if isinstance(name, str) and name.strip() else ""


# Runs


def runs_by_id(runs: list[dict[str, Any]]) -> dict[str, tuple[int, dict[str, Any]]]:
    """Return runs with their positions, by their ids; a run without one gets an id by its position."""
    return {str(run.get("run_id") or f"run {index}"): (index, run) for index, run in enumerate(runs)}


def run_from_agno(run_id: str, data: dict[str, Any], session_type: str) -> AgentRun:
    """Return the unsaved row of agno's run."""
    ids = {name: data.get(name) for name in RUN_IDS}
    return AgentRun(run_id=run_id, run_type="team" if ids["team_id"] else session_type, data=data, **ids)
