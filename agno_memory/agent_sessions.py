"""``AgentSessions``: the verbs on sessions of agents and their runs, sync and async. Each call acts for one user."""

from __future__ import annotations

from collections.abc import Iterable

from agno_memory.agent_session_changes import SessionChanges, parts_of, scope_or_id
from agno_memory.agent_session_querysets import AgentRunQuerySet, AgentSessionQuerySet
from agno_memory.batches import batched
from agno_memory.cleaning import cleaned_row, values_to_update
from agno_memory.conf import conf
from agno_memory.db import MemoryDb
from agno_memory.db.connections import connection_to
from agno_memory.db.damaged import identified
from agno_memory.db.session_store import SessionStore
from agno_memory.db.transactions import all_or_nothing, has_transactions
from agno_memory.exceptions import SessionNotFound
from agno_memory.identifiers import Identifier, identifier, owner_id
from agno_memory.models import AgentRun, AgentSession
from agno_memory.services import ANYONE, NO_USER, async_twin
from agno_memory.signals import by_owner, run_saved, send, session_deleted, session_saved
from agno_memory.times import now
from agno_memory.validators import check, items, validate_query

__all__ = ["ANYONE", "NO_USER", "AgentSessions"]

# The owner and the id of a session.
OwnedId = tuple[str | None, str]


class AgentSessions(SessionChanges):
    """The sessions of agents, with their runs.

    Every verb acts for one user, as those of ``Memory``: a string, an int, a Django user, or ``None`` for the user
    named by ``DEFAULT_USER_ID``. Another user's session behaves exactly as one that does not exist. ``NO_USER`` is the
    sessions without a user, ``ANYONE`` is all sessions. Every verb has an async twin with an ``a`` in front of its
    name.

    Args:
        db: an alias of ``DATABASES``; ``None`` follows the router.

    Raises:
        TypeError: a handle, such as ``SqliteMemoryDb``: it has a table of memories only.
    """

    _sender = AgentSession

    def __init__(self, db: str | None = None) -> None:
        if isinstance(db, MemoryDb):
            raise TypeError(
                f"AgentSessions cannot use a {type(db).__name__}, which has a table of memories only. "
                "Pass an alias of DATABASES to which the app's migrations were applied, or None for the router's."
            )
        self._store = SessionStore(db)
        super().__init__(self._store)

    # Reading

    def get_session(self, session_id: Identifier, user_id: object = None) -> AgentSession | None:
        """Return a session of a user, without its runs, or None.

        Args:
            session_id: the id of the session.
            user_id: the owner, ``ANYONE`` or ``NO_USER``.

        Raises:
            ValidationError: bad input.
        """
        return self._store.get(identifier("session_id", session_id), scope_or_id(user_id))

    def get_runs(self, session_id: Identifier, user_id: object = None) -> AgentRunQuerySet:
        """Return the runs of a session in their order, as a queryset; it is empty if this user has no such session.

        Args:
            session_id: the id of the session.
            user_id: the owner, ``ANYONE`` or ``NO_USER``.

        Raises:
            ValidationError: bad input.
        """
        session_id = identifier("session_id", session_id)
        runs = AgentRun.objects.using(self.read_alias).in_order()
        if user_id is not ANYONE and not self.rows(user_id).filter(session_id=session_id).exists():
            return runs.none()
        return runs.filter(session_id=session_id)

    def get_run_texts(self, session_id: Identifier, user_id: object = None) -> list[tuple[str, str]]:
        """Return the id and the data of each run of a session, in their order; nothing without such a session.

        Args:
            session_id: the id of the session.
            user_id: the owner, ``ANYONE`` or ``NO_USER``.

        Returns:
            Pairs of the id and the JSON text of ``AgentRun.data``, which is not decoded.

        Raises:
            ValidationError: bad input.
        """
        session_id = identifier("session_id", session_id)
        if user_id is not ANYONE and self._store.get(session_id, scope_or_id(user_id)) is None:
            return []
        return self._store.run_texts(session_id)

    # Writing

    def upsert_session(
        self, session: AgentSession, user_id: object = None, *, keep_times: bool = False
    ) -> AgentSession:
        """Replace the user's session that has the same id, or add one if the user has none with it. Runs do not change.

        A session without a user becomes this user's: a person may log in after the first messages.

        Args:
            session: the content to write. It is not changed.
            user_id: the owner, or ``NO_USER``; ``session.user_id`` is ignored.
            keep_times: write also ``created_at`` and ``updated_at`` of ``session``. By default ``updated_at`` is now,
                and ``created_at`` is only written with a new session.

        Returns:
            The session as it is now.

        Raises:
            ValidationError: bad input; nothing was written.
            SessionExists: the id belongs to another user; nothing was written.
        """
        user = None if user_id is NO_USER else owner_id(user_id)
        candidate = cleaned_row(session, user_id=user)
        if not keep_times:
            candidate.updated_at = now()
        written, created = self._store.upsert(candidate, scope_or_id(user_id), keep_times=keep_times)
        self._send(session_saved, user_id=user, session_ids=[written.session_id], created=created)
        return written

    def add_sessions(self, sessions: Iterable[AgentSession], *, keep_times: bool = False) -> list[AgentSession]:
        """Add those of the sessions with an id that is free, many in one statement. Others stay as they are.

        Args:
            sessions: with their owners, ``session.user_id``, of several users or of none. They are not changed.
            keep_times: write also ``updated_at`` of the sessions. By default it is now.

        Returns:
            The sessions that were added.

        Raises:
            ValidationError: bad input; nothing was written.
        """
        candidates: dict[str, AgentSession] = {}
        for session in items("sessions", sessions):
            user = None if session.user_id is None else owner_id(session.user_id)
            candidate = cleaned_row(session, user_id=user)
            if not keep_times:
                candidate.updated_at = now()
            # Of two with one id, the first is added.
            candidates.setdefault(candidate.session_id, candidate)
        added: list[AgentSession] = []
        for batch in batched(list(candidates.values()), conf.BATCH_SIZE):
            added += self._store.add(batch)
        for owner, session_ids in by_owner([(each.user_id, each.session_id) for each in added]).items():
            self._send(session_saved, user_id=owner, session_ids=session_ids, created=True)
        return added

    def rename_session(self, session_id: Identifier, name: str, user_id: object = None) -> AgentSession:
        """Change the name of a session.

        Args:
            session_id: the id of the session.
            name: the new name, at most 1,000 characters.
            user_id: the owner, ``ANYONE`` or ``NO_USER``.

        Returns:
            The session as it is now.

        Raises:
            ValidationError: bad input; nothing was written.
            SessionNotFound: this user has no such session.
        """
        session_id = identifier("session_id", session_id)
        check("name", name, validate_query)
        candidate = AgentSession(session_id=session_id, name=name, updated_at=now())
        rows = self.rows_to_write(user_id).filter(session_id=session_id)
        is_renamed = rows.update(**values_to_update(candidate, ("name", "search_name", "updated_at", "version")))
        renamed = rows.first() if is_renamed else None
        if renamed is None:
            raise SessionNotFound(session_id)
        self._send(session_saved, user_id=renamed.user_id, session_ids=[session_id], created=False)
        return renamed

    def upsert_run(
        self, session_id: Identifier, run: AgentRun, user_id: object = None, *, run_index: int | None = None
    ) -> AgentRun:
        """Replace the run with this id in a session, or add it after all others. No other run changes.

        Args:
            session_id: the id of the session, which exists.
            run: with ``run_id`` and ``data``. It is not changed.
            user_id: the owner, ``ANYONE`` or ``NO_USER``. A session without a user is accepted for any user.
            run_index: the position of a new run, from 0; after all others by default.

        Returns:
            The run as it was written.

        Raises:
            ValidationError: bad input; nothing was written.
            SessionNotFound: this user has no such session; nothing was written.
        """
        session_id = identifier("session_id", session_id)
        # The position of a run is chosen when it is written.
        candidate = cleaned_row(run, exclude=("session", "run_index"), session_id=session_id)
        candidate.updated_at = now()
        owner, alias = scope_or_id(user_id), self.write_alias

        def write() -> bool:
            # This locks the session if the database has locks: no other run gets this position, and the session stays.
            if not self._store.touch(session_id, owner, candidate.updated_at):
                raise SessionNotFound(session_id)
            return self._store.put_run(candidate, run_index)

        created = all_or_nothing(alias, write)
        if not has_transactions(connection_to(alias)) and not self._store.exists(session_id, owner):
            # Deleted during the write, by a call that did not see this run.
            self._store.runs(session_id).erase()
            raise SessionNotFound(session_id)
        details = {"session_id": session_id, "run_id": candidate.run_id, "created": created}
        send(run_saved, AgentRun, using=alias, **details)
        return candidate

    # Deleting

    def delete_session(self, session_id: Identifier, user_id: object = None) -> None:
        """Delete a session with its runs.

        Args:
            session_id: the id of the session.
            user_id: the owner, ``ANYONE`` or ``NO_USER``.

        Raises:
            ValidationError: bad input; nothing was deleted.
            SessionNotFound: this user has no such session.
        """
        own_id = identifier("session_id", session_id)
        if not self.delete_sessions([own_id], user_id):
            raise SessionNotFound(own_id)

    def delete_sessions(self, session_ids: Iterable[Identifier], user_id: object = None) -> list[str]:
        """Delete sessions with their runs. Ids that the user does not have are ignored.

        Args:
            session_ids: the ids of the sessions.
            user_id: the owner, ``ANYONE`` or ``NO_USER``.

        Returns:
            The ids of the sessions that existed, in the order of ``session_ids``.

        Raises:
            ValidationError: bad input; nothing was deleted.
        """
        requested_ids = [identifier("session_id", each, "session_ids") for each in items("session_ids", session_ids)]
        rows = self.rows_to_write(user_id)
        deleted: set[str] = set()
        for batch in batched(requested_ids, conf.BATCH_SIZE):
            deleted.update(self._delete(rows.filter(pk__in=batch)))
        return [session_id for session_id in dict.fromkeys(requested_ids) if session_id in deleted]

    def delete_user_sessions(self, user_id: object = None) -> int:
        """Delete all sessions of a user with their runs, and return their number.

        Args:
            user_id: the owner, ``ANYONE`` or ``NO_USER``.
        """
        rows = self.rows_to_write(user_id)
        count = 0
        while deleted := self._delete(rows.filter(session_id__gt="")[: conf.BATCH_SIZE]):
            count += len(deleted)
        return count + self.delete_unidentified(rows)

    def delete_unidentified(self, rows: AgentSessionQuerySet) -> int:
        """Delete those sessions, with their runs, that ``unidentified()`` returns, and return their number.

        Args:
            rows: the sessions, from ``rows_to_write()``.
        """
        unidentified = rows.unidentified()
        ids = identified(unidentified.values_list("session_id", flat=True))
        if ids:
            AgentRun.objects.using(rows.db).filter(session_id__in=ids).erase()
            parts_of(ids, rows.db).erase()
        return unidentified.erase()

    aget_session = async_twin(get_session)
    aget_runs = async_twin(get_runs)
    aget_run_texts = async_twin(get_run_texts)
    aupsert_session = async_twin(upsert_session)
    aadd_sessions = async_twin(add_sessions)
    arename_session = async_twin(rename_session)
    aupsert_run = async_twin(upsert_run)
    adelete_session = async_twin(delete_session)
    adelete_sessions = async_twin(delete_sessions)
    adelete_user_sessions = async_twin(delete_user_sessions)
    adelete_unidentified = async_twin(delete_unidentified)

    def _delete(self, rows: AgentSessionQuerySet) -> list[str]:
        """Delete sessions with their runs, all or nothing, and return their ids."""
        deleted = all_or_nothing(rows.db, lambda: _delete_with_runs(rows))
        for owner, session_ids in by_owner(deleted).items():
            self._send(session_deleted, user_id=owner, session_ids=session_ids)
        return [session_id for _owner, session_id in deleted]


def _delete_with_runs(rows: AgentSessionQuerySet) -> list[OwnedId]:
    deleted: list[OwnedId] = list(rows.values_list("user_id", "session_id"))
    ids = [session_id for _owner, session_id in deleted]
    sessions = AgentSession.objects.using(rows.db).filter(session_id__in=ids)
    # This locks the sessions if the database has locks: no run is written into a session that is being deleted.
    sessions.update(version=0)
    runs = AgentRun.objects.using(rows.db).filter(session_id__in=ids)
    runs.erase()
    parts = parts_of(ids, rows.db)
    parts.erase()
    sessions.erase()
    if not has_transactions(connection_to(rows.db)):
        # Runs that were written in between. A run that is written later finds that the session does not exist.
        runs.erase()
        parts.erase()
    return deleted
