"""``SessionChanges``: the verbs of ``AgentSessions`` for what is written on a condition, such as the end of a run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Any, Final

from agno_memory.agent_record_moves import give_records
from agno_memory.agent_record_querysets import AgentRecordQuerySet
from agno_memory.agent_session_querysets import AgentSessionQuerySet
from agno_memory.cleaning import values_to_update
from agno_memory.conf import conf
from agno_memory.db.damaged import unchanged
from agno_memory.db.session_store import SessionStore
from agno_memory.db.transactions import all_or_nothing
from agno_memory.exceptions import RecordChanged
from agno_memory.identifiers import Identifier, identifier, owner_id
from agno_memory.models import AgentRecord, AgentRun, AgentSession
from agno_memory.retries import retry
from agno_memory.scopes import NO_USER, UserScope
from agno_memory.services import Service, async_twin
from agno_memory.signals import run_saved, send, session_saved
from agno_memory.times import now

# Changes the status and the data of a run in place, and returns whether to write it.
RunChange = Callable[[AgentRun], bool]

# The kinds of records that hold parts of a conversation word by word. They end with it.
PARTS: Final = ("compaction", "transcript")


def scope_or_id(user_id: object) -> object:
    """Return the id of a user; ``ANYONE`` and ``NO_USER`` as they are. Raises ValidationError."""
    return user_id if isinstance(user_id, UserScope) else owner_id(user_id)


def parts_of(session_ids: Iterable[str], alias: str) -> AgentRecordQuerySet:
    """Return the records that hold parts of these conversations."""
    return AgentRecord.objects.using(alias).filter(kind__in=PARTS, session_id__in=list(session_ids))


class SessionChanges(Service[AgentSessionQuerySet]):
    """A base of ``AgentSessions``."""

    _store: SessionStore

    def change_run(
        self, session_id: Identifier, run_id: Identifier, change: RunChange, user_id: object = None
    ) -> AgentRun | None:
        """Read a run, change it and write it, as one step. If another call writes it in between, that one wins.

        Args:
            session_id: the id of the session.
            run_id: the id of the run.
            change: changes the status and the data in place and returns whether to write them. It is called again
                once the session is locked.
            user_id: the owner, ``ANYONE`` or ``NO_USER``. A session without a user is accepted for any user.

        Returns:
            The run as it is now; ``None`` if this user has none, if ``change`` returned ``False``, or if another call
            wrote the run.

        Raises:
            ValidationError: bad input; nothing was written.
        """
        session_id, run_id = identifier("session_id", session_id), identifier("run_id", run_id)
        owner, alias = scope_or_id(user_id), self.write_alias
        rows = self._store.runs(session_id).filter(run_id=run_id)
        before = rows.first()
        if before is None or not change(before):
            # Without a write of the session.
            return None

        def write() -> AgentRun | None:
            # This locks the session if the database has locks. If not, the condition below names the run as it was.
            run = rows.first() if self._store.touch(session_id, owner, now()) else None
            if run is None:
                return None
            current = rows.filter(**unchanged(status=run.status, updated_at=run.updated_at))
            if not change(run):
                return None
            run.updated_at = now()
            return run if current.update(**values_to_update(run, ("status", "data", "updated_at"))) else None

        written = all_or_nothing(alias, write)
        if written is not None:
            send(run_saved, AgentRun, using=alias, session_id=session_id, run_id=run_id, created=False)
        return written

    def reassign_session(
        self, session_id: Identifier, user_id: object, new_user_id: object, *, unless: Collection[str] = ()
    ) -> bool:
        """Give a session with its runs to another user, and return whether it was given.

        Args:
            session_id: the id of the session.
            user_id: the owner, ``ANYONE`` or ``NO_USER``.
            new_user_id: the new owner, or ``NO_USER``.
            unless: statuses; a session with a run in one of them stays.

        Raises:
            ValidationError: bad input; nothing was written.
            RecordChanged: other calls wrote the session at each of many attempts.
        """
        session_id = identifier("session_id", session_id)
        new_owner = None if new_user_id is NO_USER else owner_id(new_user_id)
        rows = self.rows_to_write(user_id).filter(session_id=session_id)
        busy = self._store.runs(session_id).filter(status__in=list(unless))

        def attempt() -> bool:
            session = rows.first()
            if session is None or busy.exists():
                return False
            # A run that begins meanwhile makes another version.
            if not all_or_nothing(rows.db, lambda: _give(rows, session, new_owner)):
                raise RecordChanged(session_id, session.version)
            return True

        given = retry(attempt, RecordChanged)
        if given:
            self._send(session_saved, user_id=new_owner, session_ids=[session_id], created=False)
        return given

    def reassign_user_sessions(self, user_id: object, new_user_id: object) -> int:
        """Give all sessions of a user with their runs to another one, and return their number.

        In batches of ``BATCH_SIZE``, each of them all or nothing if the database has transactions. Their times stay,
        and their versions rise. If a call is interrupted, call it again.

        Args:
            user_id: the owner.
            new_user_id: the new owner.

        Raises:
            ValidationError: bad input; nothing was written.
        """
        before, owner = owner_id(user_id), owner_id(new_user_id)
        if before == owner:
            return 0
        rows, count = self.rows_to_write(before), 0
        work = partial(_give_many, rows.filter(session_id__gt=""), before, owner)
        while given := all_or_nothing(rows.db, work):
            self._send(session_saved, user_id=owner, session_ids=given, created=False)
            count += len(given)
        # Another program may have written documents without an id.
        return count + rows.update(**_values_of(owner))

    achange_run = async_twin(change_run)
    areassign_session = async_twin(reassign_session)
    areassign_user_sessions = async_twin(reassign_user_sessions)


def _give(rows: AgentSessionQuerySet, session: AgentSession, new_owner: str | None) -> bool:
    values = _values_of(new_owner, session.version)
    if not rows.filter(**unchanged(version=session.version)).update(**values):
        return False
    give_records(parts_of([session.session_id], rows.db).filter(user_id=session.user_id), new_owner)
    return True


def _give_many(rows: AgentSessionQuerySet, before: str, owner: str) -> list[str]:
    """Give the first of some sessions to another owner, and return their ids."""
    ids = list(rows.order_by("session_id").values_list("session_id", flat=True)[: conf.BATCH_SIZE])
    rows.filter(session_id__in=ids).update(**_values_of(owner))
    give_records(parts_of(ids, rows.db).filter(user_id=before), owner)
    return ids


def _values_of(owner: str | None, version: int = 1) -> dict[str, Any]:
    # The next version, by which other writers notice the change.
    return values_to_update(AgentSession(user_id=owner, version=version), ("user_id", "version"))
