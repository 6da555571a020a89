"""agno 3's memories, sessions and runs as rows of this app, and back."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from typing import Any, Final

from agno.db.base import SessionType
from agno.db.schemas.memory import UserMemory as AgnoMemory
from agno.db.utils import CustomJSONEncoder, build_single_run_row, deserialize_run, deserialize_session, json_serializer
from agno.session import AgentSession as AgnoAgentSession
from agno.session import TeamSession as AgnoTeamSession

from agno_memory.agent_documents import optional_moment
from agno_memory.agno_rows import NAME, SESSION_IDS, SESSION_JSON, split_name
from agno_memory.contrib.agno.foreign_runs import UNREADABLE, with_runs
from agno_memory.json_texts import JSONText, json_object, json_text, object_or_none
from agno_memory.models import AgentRun, AgentSession, UserMemory
from agno_memory.times import to_epoch

# The attributes that agno's objects and this app's rows have in common, apart from times.
MEMORY_FIELDS: Final = ("memory_id", "memory", "topics", "input", "feedback", "agent_id", "team_id")
RUN_FIELDS: Final = ("run_id", "run_type", "agent_id", "team_id", "workflow_id", "parent_run_id")


def to_json(value: Any) -> Any:
    """Return a value as agno's own databases store it: JSON, with times and ids as text."""
    return json.loads(json_serializer(value))


def to_text(value: Any) -> JSONText | None:
    """Return the text of ``to_json()``, without decoding it; None stays None."""
    return None if value is None else json_text(value, CustomJSONEncoder)


# Memories


def memory_from_agno(memory: AgnoMemory) -> dict[str, Any]:
    """Return the fields of ``UserMemory`` that agno's memory sets; None for those that it leaves out."""
    return {name: getattr(memory, name) for name in MEMORY_FIELDS}


class UpdatedAt(int):
    """The whole seconds of a memory's last update, which sort by the exact time and then by the id.

    agno sorts memories by whole seconds, and its sort keeps the order of those of one second. As lists are newest
    first, agno's ``search_user_memories(retrieval_method="last_n")`` would find the oldest memories of that second.
    """

    _position: tuple[datetime.datetime, str]

    @classmethod
    def of(cls, memory: UserMemory) -> UpdatedAt:
        """Return the time of a memory, with its position among all memories."""
        seconds = cls(to_epoch(memory.last_updated))
        seconds._position = (memory.last_updated, memory.memory_id)
        return seconds

    def __lt__(self, other: int) -> bool:
        return self._position < other._position if isinstance(other, UpdatedAt) else super().__lt__(other)

    def __gt__(self, other: int) -> bool:
        return self._position > other._position if isinstance(other, UpdatedAt) else super().__gt__(other)


def memory_result(memory: UserMemory, deserialize: bool | None) -> Any:
    """Return a memory as agno's object, or as a dictionary."""
    values = {name: getattr(memory, name) for name in (*MEMORY_FIELDS, "user_id")}
    values["created_at"], values["updated_at"] = to_epoch(memory.created_at), to_epoch(memory.last_updated)
    if not deserialize:
        return values
    result = AgnoMemory(**values)
    # Set afterwards: agno's constructor converts it into an int.
    result.updated_at = UpdatedAt.of(memory)
    return result


# Sessions


def session_from_agno(session: Any) -> AgentSession:
    """Return the unsaved row of agno's session, without its runs."""
    values = session.to_dict(include_runs=False)
    data, name = split_name(values.get("session_data"))
    row = AgentSession(
        session_id=values["session_id"],
        session_type=_type_of(session).value,
        user_id=session.user_id,
        name=name,
        session_data=to_text(data),
        **{key: values.get(key) for key in SESSION_IDS},
        **{key: to_text(values.get(key)) for key in SESSION_JSON},
    )
    row.created_at = optional_moment(values.get("created_at")) or row.created_at
    row.updated_at = optional_moment(values.get("updated_at")) or row.updated_at
    return row


def session_result(
    session: AgentSession, runs: Sequence[Any] | None, session_type: SessionType | None, deserialize: bool | None
) -> Any:
    """Return a session with its runs as agno's object, or as a dictionary.

    Args:
        session: the row.
        runs: agno's objects or dictionaries, all alike.
        session_type: the class of agno's object; by default that of the session.
        deserialize: return agno's object.
    """
    values = _session_values(session)
    if not deserialize:
        return {**values, "runs": None if runs is None else [_run_to_dict(run) for run in runs]}
    kind = session_type or _stored_type(session)
    if not runs or isinstance(runs[0], dict):
        return _deserialized(kind, values, runs)
    result = _deserialized(kind, values, None)
    result.runs = runs
    return result


def _deserialized(kind: SessionType, values: dict[str, Any], runs: Sequence[Any] | None) -> Any:
    """Return agno's object, without the runs and the summary that another program wrote and agno cannot read."""
    try:
        return with_runs(lambda each: deserialize_session(kind, {**values, "runs": each}), runs)
    except UNREADABLE:
        return with_runs(lambda each: deserialize_session(kind, {**values, "summary": None, "runs": each}), runs)


def _stored_type(session: AgentSession) -> SessionType:
    """Return the type of a session; that of an agent for an unknown one, which another program wrote."""
    known = {each.value for each in SessionType}
    return SessionType(session.session_type) if session.session_type in known else SessionType.AGENT


def _session_values(session: AgentSession) -> dict[str, Any]:
    data = object_or_none(session.session_data)
    return {
        "session_id": session.session_id,
        "session_type": session.session_type,
        "user_id": session.user_id,
        **{name: getattr(session, name) for name in SESSION_IDS},
        **{name: object_or_none(getattr(session, name)) for name in SESSION_JSON},
        "session_data": {**(data or {}), NAME: session.name} if session.name else data,
        "created_at": to_epoch(session.created_at),
        "updated_at": to_epoch(session.updated_at),
    }


def _type_of(session: Any) -> SessionType:
    if isinstance(session, AgnoAgentSession):
        return SessionType.AGENT
    return SessionType.TEAM if isinstance(session, AgnoTeamSession) else SessionType.WORKFLOW


# Runs


def run_from_agno(run: Any, session_id: str, user_id: str | None, run_index: int | None) -> tuple[AgentRun, int | None]:
    """Return the unsaved row of agno's run, and its position in the session."""
    values = build_single_run_row(run=run, session_id=session_id, user_id=user_id, run_index=run_index)
    row = AgentRun(**{name: values[name] for name in RUN_FIELDS}, data=to_text(values["run_data"]))
    row.status = getattr(values["status"], "value", values["status"])
    row.created_at = optional_moment(values["created_at"]) or row.created_at
    return row, values["run_index"]


def run_result(run: AgentRun, deserialize: bool | None) -> Any:
    """Return a run as agno's object, or as a dictionary; None if agno cannot read the row of another program."""
    data = json_object(run.data)
    if deserialize:
        try:
            return deserialize_run(run.run_type, data)
        except UNREADABLE:
            return None
    return {
        **{name: getattr(run, name) for name in (*RUN_FIELDS, "session_id", "status", "run_index")},
        # The user whom agno's run names; the owner is that of the session.
        "user_id": data.get("user_id"),
        "run_data": data,
        "created_at": to_epoch(run.created_at),
        "updated_at": to_epoch(run.updated_at),
    }


def _run_to_dict(run: Any) -> Any:
    return run if isinstance(run, dict) else run.to_dict()
