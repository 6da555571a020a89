"""The rows of agno's own tables as rows of this app, without agno: the stores for agno and the import use them."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import ValidationError

from agno_memory.json_texts import json_object
from agno_memory.models import AgentRun, AgentSession
from agno_memory.names import MAX_IDENTIFIER_LENGTH, MAX_QUERY_LENGTH
from agno_memory.times import from_epoch
from agno_memory.validators import validate_query

# agno 3

SESSION_IDS: Final = ("agent_id", "team_id", "workflow_id")
SESSION_JSON: Final = ("agent_data", "team_data", "workflow_data", "metadata", "summary")
# The key of ``session_data`` under which agno keeps the name of a session.
NAME: Final = "session_name"
# The attribute with the type of a span, and those that can name its user, session and run, as agno looks for them.
SPAN_TYPE: Final = "openinference.span.kind"
SPAN_CONTEXT: Final = {
    "user_id": ("user_id", "agno.user.id", "user.id"),
    "session_id": ("session_id", "agno.session.id", "session.id"),
    "run_id": ("run_id", "agno.run.id"),
}
# agno writes shorter texts.
MAX_TYPE_LENGTH: Final = 50


def split_name(data: dict[str, Any] | None) -> tuple[dict[str, Any] | None, str]:
    """Return a session's data without its name, and the name, which has a column of its own.

    A name that the column does not take stays in the data.
    """
    name = (data or {}).get(NAME)
    try:
        validate_query(name)
    except ValidationError:
        return data, ""
    return {key: value for key, value in (data or {}).items() if key != NAME}, str(name)


def span_columns(attributes: dict[str, Any]) -> dict[str, str | None]:
    """Return the values of ``AgentSpan`` that follow from the attributes of a span: its type, and its context."""
    context = {column: _first(attributes, names) for column, names in SPAN_CONTEXT.items()}
    return {"span_type": str(attributes.get(SPAN_TYPE) or "")[:MAX_TYPE_LENGTH], **context}


def _first(attributes: dict[str, Any], names: tuple[str, ...]) -> str | None:
    """Return the first of these attributes that is set, as an id."""
    value = next((attributes[name] for name in names if attributes.get(name)), None)
    return None if value is None else str(value)[:MAX_IDENTIFIER_LENGTH]


# agno 1.8

# The values of a session that have a field in AgentSession. All others are in its ``extra``.
OLD_IDS: Final = ("session_id", "user_id", *SESSION_IDS)
OLD_JSON: Final = ("session_data", "agent_data", "team_data", "workflow_data")
OLD_TIMES: Final = ("created_at", "updated_at")


def old_session(values: dict[str, Any], session_type: str) -> tuple[AgentSession, list[dict[str, Any]] | None]:
    """Return the unsaved row of a session of agno 1.8, and its runs; None if it has no list of runs.

    Args:
        values: agno's, which are left as they are.
        session_type: one of ``AgentSession.Type``.
    """
    values = dict(values)
    runs = _pop_runs(values)
    row = AgentSession(session_type=session_type, **{name: values.pop(name, None) for name in (*OLD_IDS, *OLD_JSON)})
    for name in OLD_TIMES:
        seconds = values.pop(name, None)
        if seconds is not None:
            setattr(row, name, from_epoch(seconds))
    row.name = _old_name(row.session_data)
    row.extra = values
    return row, runs


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


def _old_name(data: Any) -> str:
    """Return the name of a session, which its data keeps too, for agno."""
    name = json_object(data).get(NAME)
    return name[:MAX_QUERY_LENGTH] if isinstance(name, str) and name.strip() else ""


def runs_by_id(runs: list[dict[str, Any]]) -> dict[str, tuple[int, dict[str, Any]]]:
    """Return runs with their positions, by their ids; a run without one gets an id by its position."""
    return {str(run.get("run_id") or f"run {index}"): (index, run) for index, run in enumerate(runs)}


def old_run(run_id: str, data: dict[str, Any], session_type: str) -> AgentRun:
    """Return the unsaved row of a run of agno 1.8."""
    ids = {name: data.get(name) for name in SESSION_IDS}
    return AgentRun(run_id=run_id, run_type="team" if ids["team_id"] else session_type, data=data, **ids)
