"""The methods of ``DjangoDb`` for sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from agno.db.base import SessionType
from agno.db.utils import HISTORY_SKIP_STATUSES
from agno.run.base import RunStatus

from agno_memory.agent_documents import optional_moment
from agno_memory.agent_sessions import AgentSessions
from agno_memory.contrib.agno import owners
from agno_memory.contrib.agno.foreign_runs import objects
from agno_memory.contrib.agno.threads import from_anywhere
from agno_memory.contrib.agno.v3.last_writes import LastWrites
from agno_memory.contrib.agno.v3.listing import Listing
from agno_memory.contrib.agno.v3.rows import session_from_agno, session_result
from agno_memory.contrib.agno.v3.run_objects import RunObjects, decoded
from agno_memory.db.transactions import all_or_nothing
from agno_memory.exceptions import SessionNotFound
from agno_memory.models import AgentRun, AgentSession
from agno_memory.replicas import on_primary
from agno_memory.services import ANYONE

# The statuses of a run that will go on.
ACTIVE: Final = tuple(each.value for each in (RunStatus.pending, RunStatus.running, RunStatus.paused))


class SessionsMixin:
    """Sessions of all users. Without a ``user_id``, agno means any user."""

    _sessions: AgentSessions
    _run_objects: RunObjects
    _last_writes: LastWrites

    # Writing

    @from_anywhere
    def upsert_session(self, session: Any, deserialize: bool | None = True) -> Any:
        """Write a session without its runs, which ``upsert_run`` writes one by one.

        Raises:
            SessionExists: the id belongs to another user; nothing was written.
        """
        return _with_its_runs(self._upsert_row(session_from_agno(session)), session, deserialize)

    @from_anywhere
    def upsert_sessions(
        self, sessions: list[Any], deserialize: bool | None = True, preserve_updated_at: bool = False
    ) -> list[Any]:
        """Upsert many sessions, all or nothing where the database has transactions.

        Args:
            sessions: to write.
            deserialize: return agno's objects, not dictionaries.
            preserve_updated_at: write the times of the sessions, instead of the current time.
        """

        def write() -> list[AgentSession]:
            rows = [session_from_agno(session) for session in sessions]
            new = self._sessions.add_sessions(rows, keep_times=preserve_updated_at)
            added = {session.session_id: session for session in new}
            # Of two with one id, the second replaces the first.
            return [
                added.pop(row.session_id)
                if row.session_id in added
                else self._upsert_row(row, keep_times=preserve_updated_at)
                for row in rows
            ]

        written = all_or_nothing(self._sessions.write_alias, write)
        return [_with_its_runs(row, session, deserialize) for row, session in zip(written, sessions, strict=True)]

    def _upsert_row(self, row: AgentSession, *, keep_times: bool = False) -> AgentSession:
        owner = owners.writer(row.user_id)
        if not keep_times and self._last_writes.may_have(row):
            with on_primary():
                stored = self._sessions.get_session(row.session_id, owner)
            if stored is not None and self._last_writes.is_unchanged(stored):
                return stored
        written = self._sessions.upsert_session(row, owner, keep_times=keep_times)
        self._last_writes.add(row, written.version)
        return written

    @from_anywhere
    def rename_session(
        self,
        session_id: str,
        session_type: SessionType | None,
        session_name: str,
        user_id: str | None = None,
        deserialize: bool | None = True,
    ) -> Any:
        """Rename a session and return it with its runs.

        Returns:
            The session; None if no user is named and the session does not exist.

        Raises:
            SessionNotFound: the user that is named has no such session.
        """
        try:
            renamed = self._sessions.rename_session(session_id, session_name, owners.reader(user_id))
        except SessionNotFound:
            if user_id is not None:
                raise
            return None
        runs = decoded(self._sessions.get_run_texts(session_id, ANYONE))
        return session_result(renamed, runs, session_type, deserialize)

    @from_anywhere
    def reassign_session_owner(self, session_id: str, *, previous_user_id: str, user_id: str | None) -> bool:
        """Give a session of a user in which no run is active to another one, and return whether it was given.

        Args:
            session_id: the id of the session.
            previous_user_id: the owner.
            user_id: the new owner; None for none.
        """
        return self._sessions.reassign_session(session_id, previous_user_id, owners.writer(user_id), unless=ACTIVE)

    # Reading

    @from_anywhere
    def get_session(
        self,
        session_id: str,
        session_type: SessionType | None = None,
        user_id: str | None = None,
        deserialize: bool | None = True,
        runs_limit: int | None = None,
    ) -> Any:
        """Return a session with its runs, or None.

        Args:
            session_id: the id of the session.
            session_type: the class of the result; by default that of the session.
            user_id: the owner; any user by default.
            deserialize: return agno's object, not a dictionary.
            runs_limit: only the last runs of the conversation, at most this number.
        """
        session = self._sessions.get_session(session_id, owners.reader(user_id))
        if session is None:
            return None
        if runs_limit is not None:
            rows = self._sessions.get_runs(session_id, ANYONE).conversation(tuple(HISTORY_SKIP_STATUSES))
            last = objects(run.data for run in rows.only("data").tail(runs_limit))
            return session_result(session, last, session_type, deserialize)
        texts = self._sessions.get_run_texts(session_id, ANYONE)
        if not deserialize or not self._run_objects.are_shared(session.session_type, session_type):
            return session_result(session, decoded(texts), session_type, deserialize)
        result = session_result(session, None, session_type, deserialize)
        result.runs = self._run_objects.of(session_id, texts)
        return result

    @from_anywhere
    def get_sessions(
        self,
        session_type: SessionType | None = None,
        user_id: str | None = None,
        component_id: str | None = None,
        session_name: str | None = None,
        start_timestamp: int | None = None,
        end_timestamp: int | None = None,
        limit: int | None = None,
        page: int | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
        deserialize: bool | None = True,
        include_runs: bool = True,
    ) -> list[Any] | tuple[list[dict[str, Any]], int]:
        """Return the sessions that match all arguments, newest first by default.

        Args:
            session_type: only sessions of this type.
            user_id: the owner; every user by default.
            component_id: only sessions of this agent, team or workflow.
            session_name: only sessions with a name that contains this text, ignoring case.
            start_timestamp: only sessions that began at or after this time, in seconds since 1970.
            end_timestamp: only sessions that began at or before this time.
            limit: most sessions to return.
            page: from 1; needs a limit.
            sort_by: the name of a session's field.
            sort_order: ``"asc"``, otherwise descending.
            deserialize: return agno's objects; otherwise dictionaries, and the number of matches without the limit.
            include_runs: whether the sessions have their runs.

        Raises:
            ValueError: a page without a limit, or below 1.
        """
        listing = Listing(limit, page, sort_by, sort_order)
        listing.check()
        rows = self._sessions.rows(owners.reader(user_id))
        rows = rows.begun(optional_moment(start_timestamp), optional_moment(end_timestamp))
        if session_type is not None:
            rows = rows.filter(session_type=session_type.value)
        if component_id is not None:
            rows = rows.of_component(component_id, session_type and session_type.value)
        if session_name:
            rows = rows.named(session_name)
        sessions = list(listing.sliced(listing.ordered(rows, rows.newest())))
        runs = self._runs_of(sessions) if include_runs else {}
        results = [
            session_result(session, runs.get(session.session_id), session_type, deserialize) for session in sessions
        ]
        return results if deserialize else (results, rows.count())

    def _runs_of(self, sessions: Sequence[AgentSession]) -> dict[str, list[Any]]:
        """Return the data of the runs, in order, by the ids of their sessions."""
        runs: dict[str, list[Any]] = {session.session_id: [] for session in sessions}
        rows = AgentRun.objects.using(self._sessions.read_alias).filter(session_id__in=list(runs)).in_order()
        for run in rows.only("session_id", "data"):
            runs.setdefault(run.session_id, []).append(run.data)
        return {session_id: objects(each) for session_id, each in runs.items()}

    # Deleting

    @from_anywhere
    def delete_session(self, session_id: str, user_id: str | None = None) -> bool:
        """Delete a session with its runs, and return whether the user that is named had it."""
        return bool(self._delete([session_id], user_id))

    @from_anywhere
    def delete_sessions(self, session_ids: list[str], user_id: str | None = None) -> None:
        """Delete sessions with their runs. Ids that the user that is named does not have are ignored."""
        self._delete(session_ids, user_id)

    def _delete(self, session_ids: list[str], user_id: str | None) -> list[str]:
        deleted = self._sessions.delete_sessions(session_ids, owners.reader(user_id))
        self._run_objects.drop(deleted)
        return deleted


def _with_its_runs(row: AgentSession, session: Any, deserialize: bool | None) -> Any:
    """Return a session that was written, with the runs of agno's session: the very list, if it is an object."""
    result = session_result(row, session.runs or [], None, deserialize)
    if deserialize:
        result.runs = session.runs
    return result
