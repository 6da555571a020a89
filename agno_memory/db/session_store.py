"""The statements of the verbs of ``AgentSessions`` that each turn of an agent needs, on the sessions of one database.

The arguments have been checked before. As in ``store``, each statement names the owner, unless the scope is another.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final, cast

from django.db import IntegrityError
from django.db.models import Model

from agno_memory.agent_session_querysets import AgentRunQuerySet, AgentSessionQuerySet
from agno_memory.db.inserts import Insert
from agno_memory.db.readable import as_json
from agno_memory.db.session_statements import (
    Outcome,
    Put,
    Scope,
    SelectColumns,
    SelectSession,
    TouchSession,
    UpsertSession,
    Write,
)
from agno_memory.db.table import Table
from agno_memory.db.transactions import savepoint
from agno_memory.exceptions import SessionExists
from agno_memory.fields import MachineWritten
from agno_memory.json_fields import VerbatimJSONField
from agno_memory.json_texts import JSONText, json_text
from agno_memory.models import AgentRun, AgentSession
from agno_memory.retries import retry
from agno_memory.scopes import ANYONE, UserScope

INSERT: Final = Insert()
RUN_TEXTS: Final = SelectColumns("session_id", columns=("run_id", "data"), order=("run_index", "key"))
RUN_WRITTEN: Final = (*AgentRun.content_fields, "updated_at")
REPLACE_RUN: Final = Write("key", fields=RUN_WRITTEN, moment="updated_at")
PUT_RUN: Final = Put("key", fields=RUN_WRITTEN, moment="updated_at")
# The fields that a write sets, apart from those that change by themselves.
SESSION_WRITTEN: Final = tuple(
    name for name in AgentSession.content_fields if not isinstance(AgentSession._meta.get_field(name), MachineWritten)
)


class SessionStore(Table[AgentSessionQuerySet]):
    """The sessions of one database, with their runs.

    Args:
        db: an alias of ``DATABASES``; None for the router's choice.
    """

    def __init__(self, db: str | None) -> None:
        super().__init__(AgentSession, db)

    def get(self, session_id: str, owner: object) -> AgentSession | None:
        """Return a session of an owner or a scope, or None."""
        scope, values = _scoped(session_id, owner)
        return cast("AgentSession | None", self.read(lambda alias: _select(scope).run(AgentSession, alias, values)))

    def run_texts(self, session_id: str) -> list[tuple[str, str]]:
        """Return the id and the JSON of each run of a session, in their order."""
        return self.read(lambda alias: _texts(RUN_TEXTS.run(AgentRun, alias, {"session_id": session_id})))

    def upsert(self, candidate: AgentSession, owner: object, *, keep_times: bool) -> tuple[AgentSession, bool]:
        """Replace the content of the session with the candidate's id, if the owner may write it, or add the candidate.

        Args:
            candidate: the content, with the user.
            owner: of the session, or a scope.
            keep_times: replace also ``created_at``.

        Returns:
            The session, and whether it was added.

        Raises:
            SessionExists: the id belongs to another user.
        """
        alias = self.write_alias
        scope, owned = _scoped(candidate.session_id, owner)

        def write() -> tuple[AgentSession, bool]:
            values = _values_of(candidate)
            try:
                written = _upsert(scope, keep_times).run(AgentSession, alias, values | owned)
                if written is None:
                    with savepoint(alias):
                        INSERT.run(AgentSession, alias, values)
            except IntegrityError as error:
                if self.exists(candidate.session_id) and not self.exists(candidate.session_id, owner):
                    raise SessionExists(candidate.session_id) from error
                # Added since the update, and perhaps deleted again: the next attempt updates or adds it.
                raise
            session = cast("AgentSession", written) if written else _saved(candidate, alias)
            # A write of a session that exists makes its version 2 or higher.
            return session, session.version == 1

        return retry(write, IntegrityError)

    def add(self, candidates: Sequence[AgentSession]) -> list[AgentSession]:
        """Add those of the sessions with an id that is free, in one statement, and return them."""
        rows: AgentSessionQuerySet = AgentSession.objects.using(self.write_alias)

        def add() -> list[AgentSession]:
            taken = set(rows.filter(pk__in=[each.pk for each in candidates]).values_list("pk", flat=True))
            free = [each for each in candidates if each.pk not in taken]
            with savepoint(rows.db):
                rows.bulk_create(free)
            return [cast("AgentSession", _saved(each, rows.db)) for each in free]

        # An id that another call has taken since is not free in the next attempt.
        return retry(add, IntegrityError)

    def touch(self, session_id: str, owner: object, moment: datetime.datetime) -> bool:
        """Set the ``updated_at`` of a session that the owner may write; return whether there is one."""
        scope, owned = _scoped(session_id, owner)
        return bool(_touch(scope).run(AgentSession, self.write_alias, {"updated_at": moment, **owned}))

    def put_run(self, candidate: AgentRun, run_index: int | None) -> bool:
        """Replace the run, or add it at a position, and return whether it was added. The caller has the session locked.

        Args:
            candidate: the run.
            run_index: the position of a new run; None is after all others.
        """
        alias, values = self.write_alias, _values_of(candidate)
        if run_index is None:
            if REPLACE_RUN.run(AgentRun, alias, values):
                return False
            run_index = self.runs(candidate.session_id).next_index()
        values["run_index"] = candidate.run_index = run_index
        outcome = PUT_RUN.run(AgentRun, alias, values)
        if outcome is Outcome.MISSING:
            INSERT.run(AgentRun, alias, values)
        return outcome is not Outcome.CHANGED

    def runs(self, session_id: str) -> AgentRunQuerySet:
        """Return the runs of a session, on the database to write to."""
        return AgentRun.objects.using(self.write_alias).filter(session_id=session_id)

    def exists(self, session_id: str, owner: object = ANYONE) -> bool:
        """Return whether a session exists, on the database to write to, that the owner may write."""
        session = _select(ANYONE).run(AgentSession, self.write_alias, {"session_id": session_id})
        return session is not None and _may_write(owner, cast("AgentSession", session).user_id)


def _may_write(owner: object, user_id: str | None) -> bool:
    """Return whether an owner or a scope may write the session of a user: theirs, or one without a user."""
    return owner is ANYONE or user_id is None or user_id == owner


def _texts(rows: Iterable[Sequence[Any]]) -> list[tuple[str, str]]:
    # On MongoDB, another program can write the document itself instead of its text, and an id that is no text.
    return [(str(run_id), text if isinstance(text, str) else json_text(as_json(text))) for run_id, text in rows]


@cache
def _select(scope: Scope) -> SelectSession:
    return SelectSession("session_id", scope=scope)


@cache
def _upsert(scope: Scope, keep_times: bool) -> UpsertSession:
    fields = (*SESSION_WRITTEN, "updated_at", *(["created_at"] if keep_times else []))
    return UpsertSession("session_id", fields=fields, moment="updated_at", scope=scope)


@cache
def _touch(scope: Scope) -> TouchSession:
    return TouchSession("session_id", fields=("updated_at",), moment="updated_at", scope=scope)


def _scoped(session_id: str, owner: object) -> tuple[Scope, dict[str, Any]]:
    """Return the scope of the statements for an owner, and the values that select the session."""
    if isinstance(owner, UserScope):
        return owner, {"session_id": session_id}
    return None, {"session_id": session_id, "user_id": owner}


def _values_of(candidate: Model) -> dict[str, Any]:
    """Return the values of a new row, with each document encoded once."""
    values = {}
    for field in candidate._meta.concrete_fields:
        value = field.pre_save(candidate, add=True)
        is_document = isinstance(field, VerbatimJSONField) and value is not None
        values[field.attname] = json_text(value) if is_document else value
    return values


def _saved(candidate: Any, alias: str) -> Any:
    """Mark a row as saved in a database, with its values as they are read back."""
    for field in candidate._meta.concrete_fields:
        value = getattr(candidate, field.attname)
        if isinstance(value, JSONText):
            setattr(candidate, field.attname, field.from_db_value(value, None, None))
    candidate._state.adding = False
    candidate._state.db = alias
    return candidate
