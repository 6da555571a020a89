"""``DjangoStorage``: the sessions of agents, teams and workflows built with agno 1.8."""

from __future__ import annotations

from typing import Any

from agno.storage.base import Storage

from agno_memory.agent_session_querysets import AgentSessionQuerySet
from agno_memory.agent_sessions import AgentSessions
from agno_memory.agno_rows import old_run, runs_by_id
from agno_memory.contrib.agno import owners
from agno_memory.contrib.agno.threads import from_anywhere
from agno_memory.contrib.agno.v1.rows import session_from_agno, session_to_agno
from agno_memory.models import AgentRun, AgentSession
from agno_memory.services import ANYONE


class DjangoStorage(Storage):
    """Sessions in the site's database, for ``Agent(storage=DjangoStorage())``, teams and workflows.

    agno passes a session with all of its runs. Each run has a row of its own, which is written if the run has changed.

    Args:
        db: an alias of ``DATABASES``; ``None`` follows the router.
        mode: ``"agent"``, ``"team"``, ``"workflow"`` or ``"workflow_v2"``; agno sets it.
    """

    def __init__(self, db: str | None = None, mode: Any = "agent") -> None:
        super().__init__(mode)
        self._sessions = AgentSessions(db)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(db={self._sessions.db!r}, mode={self.mode!r})"

    # The tables

    def create(self) -> None:
        """Do nothing: migrations create the tables."""

    def upgrade_schema(self) -> None:
        """Do nothing: ``manage.py migrate`` upgrades the schema."""

    def drop(self) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("The tables belong to the site: manage.py migrate agno_memory zero drops them.")

    # Reading

    @from_anywhere
    def read(self, session_id: str, user_id: str | None = None) -> Any:
        """Return a session with its runs, or None.

        Args:
            session_id: the id of the session.
            user_id: the owner; any user by default.
        """
        session = self._sessions.get_session(session_id, owners.reader(user_id))
        return None if session is None else self._to_agno([session])[0]

    @from_anywhere
    def get_all_session_ids(self, user_id: str | None = None, entity_id: str | None = None) -> list[str]:
        """Return the ids of sessions, the latest begun first.

        Args:
            user_id: the owner; every user by default.
            entity_id: the id of an agent, a team or a workflow; all of them by default.
        """
        return list(self._find(user_id, entity_id).values_list("session_id", flat=True))

    @from_anywhere
    def get_all_sessions(self, user_id: str | None = None, entity_id: str | None = None) -> list[Any]:
        """Return sessions with their runs; arguments and order are those of ``get_all_session_ids``."""
        return self._to_agno(list(self._find(user_id, entity_id)))

    @from_anywhere
    def get_recent_sessions(
        self, user_id: str | None = None, entity_id: str | None = None, limit: int | None = 2
    ) -> list[Any]:
        """Return the first ``limit`` sessions of ``get_all_sessions``."""
        return self._to_agno(list(self._find(user_id, entity_id)[:limit]))

    def _find(self, user_id: str | None, entity_id: str | None) -> AgentSessionQuerySet:
        rows = self._sessions.rows(owners.reader(user_id)).filter(session_type=self._session_type).latest_begun()
        return rows if entity_id is None else rows.of_component(entity_id, self._session_type)

    def _to_agno(self, sessions: list[AgentSession]) -> list[Any]:
        """Return agno's objects of these sessions, with the runs that the database to write to has."""
        runs: dict[str, list[Any]] = {session.session_id: [] for session in sessions}
        for run in AgentRun.objects.using(self._sessions.write_alias).filter(session_id__in=list(runs)).in_order():
            runs.setdefault(run.session_id, []).append(run.data)
        return [session_to_agno(session, runs[session.session_id], str(self.mode)) for session in sessions]

    @property
    def _session_type(self) -> str:
        return "workflow" if self.mode == "workflow_v2" else str(self.mode)

    # Writing

    @from_anywhere
    def upsert(self, session: Any) -> Any:
        """Write a session and those of its runs that are new or have changed; delete the runs that it no longer has.

        Returns:
            The session as it is stored.

        Raises:
            SessionExists: the id belongs to another user; nothing was written.
        """
        row, runs = session_from_agno(session, self._session_type)
        owner = owners.writer(row.user_id)
        written = self._sessions.upsert_session(row, owner)
        if runs is not None:
            self._write_runs(written, runs, owner)
        return self._to_agno([written])[0]

    def _write_runs(self, session: AgentSession, runs: list[dict[str, Any]], owner: object) -> None:
        stored = {run.run_id: run.data for run in self._sessions.get_runs(session.session_id, ANYONE)}
        written = runs_by_id(runs)
        for run_id, (index, data) in written.items():
            if stored.get(run_id) != data:
                run = old_run(run_id, data, self._session_type)
                self._sessions.upsert_run(session.session_id, run, owner, run_index=index)
        removed = stored.keys() - written.keys()
        if removed:
            rows = AgentRun.objects.using(self._sessions.write_alias).filter(session=session)
            rows.filter(run_id__in=removed).delete()

    @from_anywhere
    def delete_session(self, session_id: str | None = None) -> None:
        """Delete a session with its runs, of any user; without an id, do nothing."""
        if session_id is not None:
            self._sessions.delete_sessions([session_id], ANYONE)
