"""The methods of ``DjangoDb`` for runs, each of which has a row of its own."""

from __future__ import annotations

from typing import Any

from agno.run.base import RunStatus

from agno_memory.agent_session_querysets import AgentRunQuerySet
from agno_memory.agent_sessions import AgentSessions
from agno_memory.contrib.agno import owners
from agno_memory.contrib.agno.threads import from_anywhere
from agno_memory.contrib.agno.v3.last_writes import LastWrites
from agno_memory.contrib.agno.v3.listing import Listing
from agno_memory.contrib.agno.v3.rows import run_from_agno, run_result
from agno_memory.identifiers import owner_id
from agno_memory.json_texts import json_object
from agno_memory.models import AgentRun


class RunsMixin:
    """Runs of all sessions."""

    _sessions: AgentSessions
    _last_writes: LastWrites

    @from_anywhere
    def upsert_run(self, run: Any, session_id: str, user_id: str | None = None, run_index: int | None = None) -> None:
        """Write one run of a session.

        Args:
            run: to write.
            session_id: the id of the session, which exists already.
            user_id: the owner of the session; any user by default.
            run_index: the position of a new run, from 0; after all others by default.

        Raises:
            SessionNotFound: the session does not exist or belongs to another user; nothing was written.
        """
        row, index = run_from_agno(run, session_id, user_id, run_index)
        self._sessions.upsert_run(session_id, row, owners.reader(user_id), run_index=index)
        self._last_writes.add_run(session_id)

    @from_anywhere
    def get_run(self, run_id: str, deserialize: bool | None = True) -> Any:
        """Return a run, or None."""
        run = self._run_rows().filter(run_id=run_id).first()
        return None if run is None else run_result(run, deserialize)

    @from_anywhere
    def get_runs(
        self,
        session_id: str | None = None,
        user_id: str | None = None,
        agent_id: str | None = None,
        team_id: str | None = None,
        workflow_id: str | None = None,
        status: Any = None,
        limit: int | None = None,
        page: int | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
        deserialize: bool | None = True,
    ) -> list[Any] | tuple[list[dict[str, Any]], int]:
        """Return the runs that match all arguments, by default in the order in which they were made.

        Raises:
            ValueError: a page without a limit, or below 1.
            ValidationError: a user that is not an id.
        """
        listing = Listing(limit, page, sort_by, sort_order)
        listing.check()
        filters = {
            "session_id": session_id,
            "session__user_id": None if user_id is None else owner_id(user_id),
            "agent_id": agent_id,
            "team_id": team_id,
            "workflow_id": workflow_id,
            "status": getattr(status, "value", status),
        }
        rows = self._run_rows().filter(**{name: value for name, value in filters.items() if value is not None})
        found = [run_result(run, deserialize) for run in listing.sliced(listing.ordered(rows, rows.in_order()))]
        results = [each for each in found if each is not None]
        return results if deserialize else (results, rows.count())

    @from_anywhere
    def delete_run(self, run_id: str) -> bool:
        """Delete a run, and return whether it existed."""
        return bool(self._run_rows_to_write().filter(run_id=run_id).delete()[0])

    @from_anywhere
    def delete_runs(self, run_ids: list[str]) -> None:
        """Delete runs."""
        self._run_rows_to_write().filter(run_id__in=run_ids).delete()

    @from_anywhere
    def cancel_pending_run(
        self,
        run_id: str,
        *,
        session_id: str,
        reason: str,
        user_id: str | None = None,
        expected_status: str = "PENDING",
    ) -> bool:
        """Cancel a run that waits or runs, and return whether it was cancelled. Its other values stay.

        Args:
            run_id: the id of the run.
            session_id: the id of its session.
            reason: the content of the run, if it has none.
            user_id: the owner of the session; without one, only in a session without a user.
            expected_status: only while it has this status, ``"PENDING"`` or ``"RUNNING"``.

        Raises:
            ValueError: another status.
        """
        if expected_status not in (RunStatus.pending.value, RunStatus.running.value):
            raise ValueError(f"Only a run that waits or runs can be cancelled, not one that is {expected_status}.")

        def cancel(run: AgentRun) -> bool:
            if run.status != expected_status:
                return False
            run.status = RunStatus.cancelled.value
            data = json_object(run.data)
            run.data = {**data, "status": run.status, "content": data.get("content") or reason}
            return True

        if self._sessions.change_run(session_id, run_id, cancel, owners.writer(user_id)) is None:
            return False
        self._last_writes.add_run(session_id)
        return True

    def _run_rows(self) -> AgentRunQuerySet:
        return AgentRun.objects.using(self._sessions.read_alias)

    def _run_rows_to_write(self) -> AgentRunQuerySet:
        return AgentRun.objects.using(self._sessions.write_alias)
