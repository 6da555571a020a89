"""``DjangoMemoryDb`` and ``DjangoStorage``: the stores of agents built with agno 1.8 (``agno.memory.v2``)."""

from __future__ import annotations

import datetime
import sys
from contextvars import ContextVar
from typing import Any, Final

from agno.memory.v2.db.base import MemoryDb
from agno.memory.v2.db.schema import MemoryRow
from agno.storage.base import Storage
from agno.storage.session.agent import AgentSession as AgnoAgentSession
from agno.storage.session.team import TeamSession as AgnoTeamSession
from agno.storage.session.v2.workflow import WorkflowSession as AgnoWorkflowSessionV2
from agno.storage.session.workflow import WorkflowSession as AgnoWorkflowSession

from agno_memory.agent_sessions import ANYONE, NOBODY, AgentSessions
from agno_memory.contrib.agno.calls import from_anywhere
from agno_memory.contrib.agno.upserts import upsert
from agno_memory.db import handles
from agno_memory.exceptions import MemoryNotFound
from agno_memory.memory import Memory
from agno_memory.models import AgentRun, AgentSession, UserMemory
from agno_memory.querysets import UserMemoryQuerySet

# agno's classes of sessions, by the mode of the storage, and what each has that is a column here.
SESSIONS: Final[dict[str, Any]] = {
    "agent": AgnoAgentSession,
    "team": AgnoTeamSession,
    "workflow": AgnoWorkflowSession,
    "workflow_v2": AgnoWorkflowSessionV2,
}
COLUMNS: Final = ("session_id", "user_id", "agent_id", "team_id", "workflow_id")
JSON: Final = ("session_data", "agent_data", "team_data", "workflow_data")
TIMES: Final = ("created_at", "updated_at")
# The functions by which agno lets a model, or its own memory, forget one memory; and a model forget all of them.
FORGETTING: Final = ("delete_memory", "_delete_db_memory")
CLEARING: Final = "clear_memory"
# What it calls when an agent begins another session; nobody asked for anything to be forgotten.
BEGINNING: Final = "new_session"

# Whose memories were asked for last in this conversation: agno asks before it hands out its tools, and these say what
# to forget, and not of whom.
_asked_for: ContextVar[str | None] = ContextVar("agno_memory_asked_for", default=None)


class DjangoMemoryDb(MemoryDb):
    """Memories in the site's database, for ``agno.memory.v2.memory.Memory(db=DjangoMemoryDb())``.

    Args:
        db: as ``Memory`` takes it, an alias, a ``SqliteMemoryDb`` or the like; None follows the router.
    """

    def __init__(self, db: str | handles.MemoryDb | None = None) -> None:
        self._memory = Memory(db)

    def __repr__(self) -> str:
        return f"DjangoMemoryDb(db={self._memory.db!r})"

    def create(self) -> None:
        """Do nothing: migrations, or a handle's first use, create the table."""

    @from_anywhere
    def memory_exists(self, memory: MemoryRow) -> bool:
        """Tell whether there is a memory of this id, of this owner if one is named."""
        return self._rows(memory.user_id).filter(memory_id=memory.id).exists()

    def read_memories(
        self, user_id: str | None = None, limit: int | None = None, sort: str | None = None
    ) -> list[MemoryRow]:
        """Return memories, the latest added first unless ``sort`` is ``"asc"``; everybody's if no user is named."""
        _asked_for.set(user_id)
        return self._read(user_id, limit, "created_at" if sort == "asc" else "-created_at")

    @from_anywhere
    def _read(self, user_id: str | None, limit: int | None, order: Any) -> list[MemoryRow]:
        return [_row(memory) for memory in self._rows(user_id).sorted_by(order)[:limit]]

    @from_anywhere
    def upsert_memory(self, memory: MemoryRow) -> MemoryRow:
        """Write over the user's memory of this id, or add it. What agno does not say stays as it was.

        Raises:
            MemoryExists: the id belongs to another user; nothing was written.
            ValidationError: bad input; nothing was written.
        """
        said = {name: memory.memory.get(name) for name in ("memory", "topics", "input")}
        return _row(upsert(self._memory, {**said, "memory_id": memory.id}, memory.user_id))

    def delete_memory(self, memory_id: str) -> None:
        """Forget a memory.

        Raises:
            MemoryNotFound: there is none, or it is not of the user whom the agent talks to; nothing was deleted.
            ValueError: a model asks, and nobody knows whom it talks to; nothing was deleted.
        """
        caller, user_id = sys._getframe(1).f_code.co_name, _asked_for.get()
        if caller == FORGETTING[0] and user_id is None:
            raise ValueError("delete_memory() does not say of whom: read_memories(user_id) was not called before.")
        self._delete(memory_id, user_id if caller in FORGETTING else None)

    @from_anywhere
    def _delete(self, memory_id: str, user_id: str | None) -> None:
        owner = self._rows(user_id).filter(memory_id=memory_id).values_list("user_id", flat=True).first()
        if owner is None:
            raise MemoryNotFound(memory_id)
        self._memory.delete_user_memory(memory_id, owner)

    def clear(self) -> bool:
        """Forget everything, or what an agent's user is known by if it is a model that asks.

        An agent's ``new_session()`` calls this too, and forgets nothing here: it begins another conversation.
        """
        caller = sys._getframe(1)
        if caller.f_back is not None and caller.f_back.f_code.co_name == BEGINNING:
            return False
        if caller.f_code.co_name != CLEARING:
            self._clear(ANYONE)
            return True
        user_id = _asked_for.get()
        if user_id is None:
            raise ValueError(
                "clear() does not say whose memories to clear: call it with Memory.clear(), for everybody's."
            )
        self._clear(user_id)
        return True

    @from_anywhere
    def _clear(self, user_id: object) -> None:
        if user_id is ANYONE:
            self._memory.clear()
        else:
            self._memory.clear_user_memories(user_id)

    def drop_table(self) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("The table belongs to the site: manage.py migrate agno_memory zero drops it.")

    def table_exists(self) -> bool:
        """Tell that the table is there."""
        return True

    def _rows(self, user_id: str | None) -> UserMemoryQuerySet:
        rows = self._memory._store.rows()
        return rows.all() if user_id is None else rows.for_user(user_id)


class DjangoStorage(Storage):
    """Sessions in the site's database, for ``Agent(storage=DjangoStorage())``, teams and workflows.

    agno hands over a session with all of its runs; each is kept on a row of its own, and written when it has changed.

    Args:
        db: an alias of ``DATABASES``; ``None`` follows the router.
        mode: ``"agent"``, ``"team"``, ``"workflow"`` or ``"workflow_v2"``; agno sets it.
    """

    def __init__(self, db: str | None = None, mode: Any = "agent") -> None:
        super().__init__(mode)
        self._sessions = AgentSessions(db)

    def __repr__(self) -> str:
        return f"DjangoStorage(db={self._sessions.db!r}, mode={self.mode!r})"

    def create(self) -> None:
        """Do nothing: migrations create the tables."""

    def upgrade_schema(self) -> None:
        """Do nothing: ``manage.py migrate`` does."""

    def drop(self) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("The tables belong to the site: manage.py migrate agno_memory zero drops them.")

    @from_anywhere
    def read(self, session_id: str, user_id: str | None = None) -> Any:
        """Return a session, of this user if one is named, or None."""
        found = self._sessions.get_session(session_id, user_id or ANYONE)
        return None if found is None else self._to_agno([found])[0]

    @from_anywhere
    def get_all_session_ids(self, user_id: str | None = None, entity_id: str | None = None) -> list[str]:
        """Return the ids of sessions, those first that began last."""
        return list(self._find(user_id, entity_id).values_list("session_id", flat=True))

    @from_anywhere
    def get_all_sessions(self, user_id: str | None = None, entity_id: str | None = None) -> list[Any]:
        """Return sessions, those first that began last."""
        return self._to_agno(list(self._find(user_id, entity_id)))

    @from_anywhere
    def get_recent_sessions(
        self, user_id: str | None = None, entity_id: str | None = None, limit: int | None = 2
    ) -> list[Any]:
        """Return the sessions that began last."""
        return self._to_agno(list(self._find(user_id, entity_id)[:limit]))

    @from_anywhere
    def upsert(self, session: Any) -> Any:
        """Write a session, and those of its runs that are new or have changed.

        Raises:
            SessionExists: the id belongs to another user; nothing was written.
        """
        given = session.to_dict()
        runs = _taken_out(given)
        row = AgentSession(session_type=self._type, **{name: given.pop(name, None) for name in (*COLUMNS, *JSON)})
        for name in TIMES:
            moment = given.pop(name, None)
            if moment is not None:
                setattr(row, name, datetime.datetime.fromtimestamp(moment, datetime.UTC))
        row.name = _name(row.session_data)
        row.extra = given
        owner = NOBODY if row.user_id is None else row.user_id
        written = self._sessions.upsert_session(row, owner)
        if runs is not None:
            self._write_runs(written, runs, owner)
        return self._to_agno([written])[0]

    def _write_runs(self, session: AgentSession, runs: list[dict[str, Any]], owner: object) -> None:
        kept = {run.run_id: run.data for run in self._sessions.get_runs(session.session_id, ANYONE)}
        named = {str(run.get("run_id") or f"run {index}"): (index, run) for index, run in enumerate(runs)}
        for run_id, (index, run) in named.items():
            if kept.get(run_id) != run:
                ids = {name: run.get(name) for name in ("agent_id", "team_id", "workflow_id")}
                made = AgentRun(run_id=run_id, run_type="team" if ids["team_id"] else self._type, data=run, **ids)
                self._sessions.upsert_run(session.session_id, made, owner, run_index=index)
        gone = kept.keys() - named.keys()
        if gone:
            AgentRun.objects.using(self._sessions.write_alias).filter(session=session, run_id__in=gone).delete()

    @from_anywhere
    def delete_session(self, session_id: str | None = None) -> None:
        """Delete a session with its runs."""
        if session_id is not None:
            self._sessions.delete_sessions([session_id], ANYONE)

    @property
    def _type(self) -> str:
        return "workflow" if self.mode == "workflow_v2" else str(self.mode)

    def _find(self, user_id: str | None, entity_id: str | None) -> Any:
        rows = self._sessions.rows(user_id or ANYONE).filter(session_type=self._type).latest_begun()
        return rows if entity_id is None else rows.of_component(entity_id, self._type)

    def _to_agno(self, found: list[AgentSession]) -> list[Any]:
        ids = [session.session_id for session in found]
        runs: dict[str, list[Any]] = {}
        for run in AgentRun.objects.using(self._sessions.write_alias).filter(session_id__in=ids).in_order():
            runs.setdefault(run.session_id, []).append(run.data)
        return [self._made(session, runs.get(session.session_id, [])) for session in found]

    def _made(self, session: AgentSession, runs: list[Any]) -> Any:
        values = {name: getattr(session, name) for name in (*COLUMNS, *JSON)} | (session.extra or {})
        values |= {name: int(getattr(session, name).timestamp()) for name in TIMES}
        if isinstance(values.get("memory"), dict):
            values["memory"] = {**values["memory"], "runs": runs}
        else:
            values["runs"] = runs
        return SESSIONS[str(self.mode)].from_dict(values)


def _row(memory: UserMemory) -> MemoryRow:
    updated = memory.last_updated.astimezone(datetime.UTC).replace(tzinfo=None)
    told = {
        "memory_id": memory.memory_id,
        "memory": memory.memory,
        "topics": memory.topics,
        "last_updated": updated.isoformat(),
        **({} if memory.input is None else {"input": memory.input}),
    }
    return MemoryRow(id=memory.memory_id, user_id=memory.user_id, memory=told, last_updated=updated)


def _taken_out(given: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Take the runs out of a session, where agno keeps them: in its memory, or beside it. None if it has no list."""
    holder = given.get("memory") if isinstance(given.get("memory"), dict) else given
    if not isinstance(holder, dict) or not isinstance(holder.get("runs"), list):
        return None
    if holder is given:
        runs: list[dict[str, Any]] = given.pop("runs")
        return runs
    given["memory"] = {name: value for name, value in holder.items() if name != "runs"}
    return list(holder["runs"])


def _name(data: Any) -> str:
    """Return the name of a session, which stays in its data as well, for agno."""
    name = data.get("session_name") if isinstance(data, dict) else None
    return name[:1_000] if isinstance(name, str) and name.strip() else ""
