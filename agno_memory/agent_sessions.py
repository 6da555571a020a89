"""``Sessions``: the conversations of agents, kept and read for one user each."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from typing import Any, Final, TypeVar

from django.db import IntegrityError, connections, router
from django.db.models import F

from agno_memory.agent_session_querysets import AgentRunQuerySet, AgentSessionQuerySet
from agno_memory.batches import batched
from agno_memory.conf import conf
from agno_memory.db.transactions import all_or_nothing, has_transactions, savepoint
from agno_memory.exceptions import SessionExists, SessionNotFound
from agno_memory.fields import TimestampField
from agno_memory.models import AgentRun, AgentSession
from agno_memory.times import now, whole_milliseconds
from agno_memory.validators import check, items, owner_id, validate_identifier, validate_query

Row = TypeVar("Row", AgentSession, AgentRun)

RUN_WRITTEN: Final = (*AgentRun.content_fields, "updated_at")

# How often a write tries again when the row comes and goes between its two statements.
ATTEMPTS: Final = 20


class Whose(Enum):
    """What can be said in the place of a user."""

    # No matter whose. For code that answers to no user, such as agno, which reads sessions by their ids alone.
    ANYONE = auto()
    # Nobody's: agents can run without a user.
    NOBODY = auto()


ANYONE, NOBODY = Whose.ANYONE, Whose.NOBODY


class AgentSessions:
    """The sessions of agents, with their runs.

    Every verb acts for one user, as ``Memory``'s do: a string, an int, a Django user, or ``None`` for the user named by
    ``DEFAULT_USER_ID``. Someone else's session behaves exactly as one that does not exist. ``ANYONE`` and ``NOBODY``
    must be asked for by name.

    Args:
        db: an alias of ``DATABASES``; ``None`` follows the router.
    """

    def __init__(self, db: str | None = None) -> None:
        self.db = db

    def __repr__(self) -> str:
        return f"Sessions(db={self.db!r})"

    @property
    def write_alias(self) -> str:
        """The database to write to."""
        return self.db or router.db_for_write(AgentSession)

    # Reading

    def rows(self, user_id: object = None) -> AgentSessionQuerySet:
        """Return a user's sessions, to be narrowed down, ordered and sliced.

        Raises:
            ValidationError: an anonymous user, or something that is no user.
        """
        return _of(AgentSession.objects.using(self.db or router.db_for_read(AgentSession)), user_id)

    def get_session(self, session_id: str, user_id: object = None) -> AgentSession | None:
        """Return one session of a user, without its runs, or None.

        Raises:
            ValidationError: bad input.
        """
        check("session_id", session_id, validate_identifier)
        return self.rows(user_id).filter(session_id=session_id).first()

    def get_runs(self, session_id: str, user_id: object = None) -> AgentRunQuerySet:
        """Return the runs of a session, in their order; of none if this user has no such session.

        Raises:
            ValidationError: bad input.
        """
        check("session_id", session_id, validate_identifier)
        rows = AgentRun.objects.using(self.db or router.db_for_read(AgentRun)).in_order()
        if user_id is not ANYONE and not self.rows(user_id).filter(session_id=session_id).exists():
            return rows.none()
        return rows.filter(session_id=session_id)

    # Writing

    def upsert_session(
        self, session: AgentSession, user_id: object = None, *, keep_times: bool = False
    ) -> AgentSession:
        """Write over the user's session of this id, or add it. Its runs stay as they are.

        A session of nobody becomes this user's: who talks to an agent may log in later.

        Args:
            session: what to write. It is not changed.
            user_id: whose it is, whatever ``session.user_id`` says.
            keep_times: write ``created_at`` and ``updated_at`` as they are given. Otherwise ``updated_at`` is now, and
                ``created_at`` is given by the first write.

        Returns:
            The session as it is now.

        Raises:
            ValidationError: bad input; nothing was written.
            SessionExists: the id belongs to another user; nothing was written.
        """
        owner = None if user_id is NOBODY else owner_id(user_id)
        candidate = _candidate(session, user_id=owner)
        if not keep_times:
            candidate.updated_at = now()
        names = (*AgentSession.content_fields, "updated_at", *(["created_at"] if keep_times else []))
        mine = self._writable(candidate.session_id, user_id)
        for _attempt in range(ATTEMPTS):
            if mine.update(**_values(candidate, names)):
                # Which knows when it began. None: deleted meanwhile, and this is what it was.
                return mine.first() or candidate
            try:
                with savepoint(mine.db):
                    candidate.save(using=mine.db, force_insert=True)
                return candidate
            except IntegrityError as error:
                # Added meanwhile, and perhaps gone again: unless it is somebody else's, the next attempt knows.
                if not mine.exists() and self._all_to_write().filter(session_id=candidate.session_id).exists():
                    raise SessionExists(candidate.session_id) from error
                refused = error
        raise refused

    def rename_session(self, session_id: str, name: str, user_id: object = None) -> AgentSession:
        """Give a session another name.

        Raises:
            ValidationError: bad input; nothing was written.
            SessionNotFound: this user has no such session.
        """
        check("session_id", session_id, validate_identifier)
        check("name", name, validate_query)
        candidate = AgentSession(session_id=session_id, name=name, updated_at=now())
        mine = _of(self._all_to_write(), user_id).filter(session_id=session_id)
        renamed = (
            mine.first()
            if mine.update(**_values(candidate, ("name", "search_name", "updated_at", "version")))
            else None
        )
        if renamed is None:
            raise SessionNotFound(session_id)
        return renamed

    def upsert_run(
        self, session_id: str, run: AgentRun, user_id: object = None, *, run_index: int | None = None
    ) -> AgentRun:
        """Write one run of a session: over the one of this id, or behind all others. No other run is touched.

        Args:
            session_id: of the session, which is there already.
            run: with ``run_id`` and ``data``. It is not changed.
            user_id: whose session it is; nobody's will do as well.
            run_index: its place, from 0, if it is new; behind all others by default.

        Raises:
            ValidationError: bad input; nothing was written.
            SessionNotFound: this user has no such session; nothing was written.
        """
        check("session_id", session_id, validate_identifier)
        candidate = _candidate(run, session_id=session_id)
        candidate.updated_at = now()
        session = self._writable(session_id, user_id)

        def write() -> None:
            # Takes the session's lock, where there are locks: no other run gets this place, and nobody deletes it.
            if not session.update(updated_at=candidate.updated_at, version=F("version") + 1):
                raise SessionNotFound(session_id)
            runs = AgentRun.objects.using(session.db).filter(session_id=session_id)
            if not runs.filter(run_id=candidate.run_id).update(**_values(candidate, RUN_WRITTEN)):
                candidate.run_index = runs.next_index() if run_index is None else run_index
                candidate.save(using=session.db, force_insert=True)

        all_or_nothing(session.db, write)
        if not has_transactions(connections[session.db]) and not session.exists():
            # Deleted while this was written, by somebody who did not see it.
            AgentRun.objects.using(session.db).filter(session_id=session_id)._raw_delete(session.db)
            raise SessionNotFound(session_id)
        return candidate

    # Forgetting

    def delete_session(self, session_id: str, user_id: object = None) -> None:
        """Delete a session with its runs.

        Raises:
            ValidationError: bad input.
            SessionNotFound: this user has no such session.
        """
        if not self.delete_sessions([session_id], user_id):
            raise SessionNotFound(session_id)

    def delete_sessions(self, session_ids: Iterable[str], user_id: object = None) -> list[str]:
        """Delete sessions with their runs. Ids that the user does not have are passed over.

        Returns:
            The ids of those that were there, in the order given.

        Raises:
            ValidationError: bad input; nothing was deleted.
        """
        wanted = items("session_ids", session_ids)
        for session_id in wanted:
            check("session_ids", session_id, validate_identifier)
        mine = _of(self._all_to_write(), user_id)
        gone = {key for batch in batched(wanted, conf.BATCH_SIZE) for key in _delete(mine.filter(pk__in=batch))}
        return [session_id for session_id in dict.fromkeys(wanted) if session_id in gone]

    def delete_user_sessions(self, user_id: object = None) -> int:
        """Delete everything that a user said to agents. Returns how many sessions that were."""
        mine = _of(self._all_to_write(), user_id)
        count = 0
        while gone := _delete(mine[: conf.BATCH_SIZE]):
            count += len(gone)
        return count

    def _all_to_write(self) -> AgentSessionQuerySet:
        return AgentSession.objects.using(self.write_alias)

    def _writable(self, session_id: str, user_id: object) -> AgentSessionQuerySet:
        """Return the session of this id, if this user may write it: it is theirs or nobody's."""
        rows = self._all_to_write().filter(session_id=session_id)
        return rows if user_id is ANYONE else _of(rows, user_id) | _of(rows, NOBODY)


def _of(rows: AgentSessionQuerySet, user_id: object) -> AgentSessionQuerySet:
    if user_id is ANYONE:
        return rows
    return rows.filter(user_id=None) if user_id is NOBODY else rows.for_user(user_id)


def _delete(found: AgentSessionQuerySet) -> list[str]:
    """Delete some sessions with their runs, all or nothing, and return their ids."""

    def delete() -> list[str]:
        ids = list(found.values_list("session_id", flat=True))
        sessions = AgentSession.objects.using(found.db).filter(session_id__in=ids)
        # Takes their locks, where there are locks: no run is written into a session that is on its way out.
        sessions.update(version=F("version") + 1)
        # Without loading them, as UserMemoryQuerySet.erase() does.
        runs = AgentRun.objects.using(found.db).filter(session_id__in=ids)
        runs._raw_delete(found.db)
        sessions._raw_delete(found.db)
        if not has_transactions(connections[found.db]):
            # Those that were written in between; who writes one later sees that the session is gone.
            runs._raw_delete(found.db)
        return ids

    return all_or_nothing(found.db, delete)


def _candidate(row: Row, **values: Any) -> Row:
    """Return a checked copy, unsaved; raises ValidationError."""
    model = type(row)
    given = {field.attname: getattr(row, field.attname) for field in model._meta.concrete_fields}
    candidate = model(**given | values)
    # The place of a run is found when it is written.
    candidate.clean_fields(exclude={"session", "run_index", "search_name"})
    for field in model._meta.concrete_fields:
        moment = getattr(candidate, field.attname)
        if isinstance(field, TimestampField):
            setattr(candidate, field.attname, whole_milliseconds(moment))
    return candidate


def _values(candidate: Row, names: Iterable[str]) -> dict[str, Any]:
    """Return what an update sets."""
    wanted = set(names)
    fields = [field for field in type(candidate)._meta.concrete_fields if field.name in wanted]
    return {field.name: field.pre_save(candidate, add=False) for field in fields}
