"""``DjangoDb``: the store of agents built with agno 3, for their memories and sessions."""

from __future__ import annotations

import abc
import datetime
import json
import sys
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, ClassVar, Final, cast

from agno.db.base import BaseDb, SessionType
from agno.db.schemas.memory import UserMemory as AgnoMemory
from agno.db.utils import (
    HISTORY_SKIP_STATUSES,
    build_single_run_row,
    deserialize_run,
    deserialize_session,
    json_serializer,
    validate_pagination,
)
from agno.session import AgentSession as AgnoAgentSession
from agno.session import TeamSession as AgnoTeamSession
from django.db import models, router
from django.db.models import Count, Max

from agno_memory.agent_sessions import ANYONE, NOBODY, AgentSessions
from agno_memory.contrib.agno.calls import errors_with_status, from_anywhere
from agno_memory.contrib.agno.upserts import upsert
from agno_memory.db.transactions import all_or_nothing
from agno_memory.exceptions import MemoryNotFound, SessionNotFound
from agno_memory.memory import Memory
from agno_memory.models import AgentRun, AgentSession, UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.validators import validate_query

# agno's names of what this project calls otherwise.
RENAMED: Final = {"updated_at": "last_updated"}
MEMORY_FIELDS: Final = ("memory_id", "memory", "topics", "user_id", "input", "feedback", "agent_id", "team_id")
SESSION_JSON: Final = ("agent_data", "team_data", "workflow_data", "metadata", "summary")
SESSION_KEYS: Final = ("session_id", "session_type", "user_id", "agent_id", "team_id", "workflow_id")
NAME: Final = "session_name"
# The function by which agno's memory manager lets a model clear.
CLEARING_TOOL: Final = "clear_memory"

# Whose memories were asked for last in this conversation. agno's manager asks before it hands out its tools, and one of
# those says "clear" without saying whose.
_asked_for: ContextVar[str | None] = ContextVar("agno_memory_asked_for", default=None)


class DjangoDb(BaseDb):
    """Memories and sessions in the site's database, for ``Agent(db=DjangoDb())``, teams, workflows and AgentOS.

    What staff see and correct in the admin is what agents know in their next run. A write that names another user's id
    changes nothing and raises; see ``docs/agno.md`` for what agno shows then.

    Args:
        db: an alias of ``DATABASES``; ``None`` follows the router.
        id: by which AgentOS tells databases apart; the same in every process.
    """

    kept: ClassVar[str] = "memories and sessions"

    def __init__(self, db: str | None = None, *, id: str | None = None) -> None:
        super().__init__(id=id or ("agno_memory" if db is None else f"agno_memory_{db}"))
        self.db = db
        self._memory = Memory(db)
        self._sessions = AgentSessions(db)

    def __repr__(self) -> str:
        return f"DjangoDb(db={self.db!r}, id={self.id!r})"

    def to_dict(self) -> dict[str, Any]:
        """Return what ``from_dict`` makes the same store of."""
        return {"type": "django", "id": self.id, "db": self.db}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> DjangoDb:
        """Make a store of what ``to_dict`` returned."""
        return cls(data.get("db"), id=data.get("id"))

    # The schema, which Django's migrations keep

    def table_exists(self, table_name: str) -> bool:
        """Tell whether this store has such a table."""
        return table_name in (self.memory_table_name, self.session_table_name, self.runs_table_name)

    def get_latest_schema_version(self, table_name: str) -> str:
        """Return the version that agno takes for up to date."""
        return str(self.default_schema_version)

    def upsert_schema_version(self, table_name: str, version: str) -> None:
        """Do nothing: ``manage.py migrate`` changes the schema."""

    # Memories

    @from_anywhere
    def upsert_user_memory(self, memory: AgnoMemory, deserialize: bool | None = True) -> AgnoMemory | dict[str, Any]:
        """Write over the user's memory of this id, or add it.

        What agno does not say stays as it was: metadata, and topics and feedback where they are None.

        Raises:
            MemoryExists: the id belongs to another user; nothing was written.
            ValidationError: bad input; nothing was written.
        """
        return _returned(self._upsert(memory), deserialize)

    @from_anywhere
    def upsert_memories(
        self, memories: list[AgnoMemory], deserialize: bool | None = True, preserve_updated_at: bool = False
    ) -> list[AgnoMemory | dict[str, Any]]:
        """Upsert many, all or nothing where the database has transactions.

        Args:
            memories: to write.
            deserialize: return agno's objects, not dictionaries.
            preserve_updated_at: keep the times that the memories bring along.
        """

        def write() -> list[UserMemory]:
            return [self._upsert(memory, keep_times=preserve_updated_at) for memory in memories]

        written = all_or_nothing(self._memory._store.write_alias, write)
        return [_returned(memory, deserialize) for memory in written]

    def _upsert(self, given: AgnoMemory, *, keep_times: bool = False) -> UserMemory:
        said = {name: getattr(given, name) for name in MEMORY_FIELDS if name != "user_id"}
        written = upsert(self._memory, said, given.user_id)
        return self._with_times(written, given) if keep_times else written

    def _with_times(self, written: UserMemory, given: AgnoMemory) -> UserMemory:
        written.created_at = _moment(given.created_at) or written.created_at
        written.last_updated = _moment(given.updated_at) or written.created_at
        rows = self._memory._store.rows_to_write().filter(memory_id=written.memory_id)
        rows.set_times(written.created_at, written.last_updated)
        return written

    @from_anywhere
    def get_user_memory(
        self, memory_id: str, deserialize: bool | None = True, user_id: str | None = None
    ) -> AgnoMemory | dict[str, Any] | None:
        """Return one memory, of this user if one is named, or None."""
        found = self._rows(user_id).filter(memory_id=memory_id).first()
        return None if found is None else _returned(found, deserialize)

    def get_user_memories(
        self,
        user_id: str | None = None,
        agent_id: str | None = None,
        team_id: str | None = None,
        topics: list[str] | None = None,
        search_content: str | None = None,
        limit: int | None = None,
        page: int | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
        deserialize: bool | None = True,
    ) -> list[AgnoMemory] | tuple[list[dict[str, Any]], int]:
        """Return the memories that match all that is given, the newest first unless ``sort_by`` says otherwise.

        Args:
            user_id: whose; everybody's by default.
            agent_id: of the agent that wrote them; likewise ``team_id``.
            topics: only memories that have all of these.
            search_content: only memories whose text contains this, in any case.
            limit: most memories to return.
            page: from 1; needs a limit.
            sort_by: one of a memory's fields.
            sort_order: ``"asc"``, otherwise descending.
            deserialize: return agno's objects; otherwise dictionaries, and how many match without the limit.

        Raises:
            ValueError: a page without a limit, or below 1.
        """
        _asked_for.set(user_id)
        _check_place(limit, page)
        rows, total = self._find_memories(
            user_id=user_id,
            keys={"agent_id": agent_id, "team_id": team_id},
            topics=topics,
            search_content=search_content,
            place=(limit, page),
            order=(sort_by, sort_order),
            count=not deserialize,
        )
        if deserialize:
            return [_to_agno(row) for row in rows]
        return [_to_dict(row) for row in rows], total

    @from_anywhere
    def _find_memories(
        self,
        *,
        user_id: str | None,
        keys: dict[str, str | None],
        topics: list[str] | None,
        search_content: str | None,
        place: tuple[int | None, int | None],
        order: tuple[str | None, str | None],
        count: bool,
    ) -> tuple[list[UserMemory], int]:
        rows = self._rows(user_id).filter(**{name: value for name, value in keys.items() if value is not None})
        if topics:
            rows = rows.about(*topics)
        if search_content:
            rows = rows.mentioning(search_content)
        return list(_page(_ordered(rows, *order), *place)), rows.count() if count else 0

    @from_anywhere
    def delete_user_memory(self, memory_id: str, user_id: str | None = None) -> None:
        """Forget one memory.

        Raises:
            MemoryNotFound: there is none, or none of this user's.
        """
        owner = user_id or self._rows(None).filter(memory_id=memory_id).values_list("user_id", flat=True).first()
        if owner is None:
            raise MemoryNotFound(memory_id)
        self._memory.delete_user_memory(memory_id, owner)

    @from_anywhere
    def delete_user_memories(self, memory_ids: list[str], user_id: str | None = None) -> None:
        """Forget many memories, all or none.

        Raises:
            MemoryNotFound: one of them is not there, or not this user's; nothing was deleted.
        """
        rows = self._rows(user_id)
        owners = dict(rows.filter(memory_id__in=memory_ids).values_list("memory_id", "user_id"))
        for memory_id in memory_ids:
            if memory_id not in owners:
                raise MemoryNotFound(memory_id)

        def delete() -> None:
            for owner in set(owners.values()):
                self._memory.delete_user_memories([key for key in memory_ids if owners[key] == owner], owner)

        all_or_nothing(self._memory._store.write_alias, delete)

    def clear_memories(self) -> None:
        """Forget everything about the user of the agent whose tool says "clear".

        agno does not say whose memories are meant, and would clear everybody's (its issue 9983). Its tools are made for
        one user, whose memories are asked for before.

        Raises:
            ValueError: it is no agent's tool that asks; nothing was deleted.
        """
        user_id = _asked_for.get()
        # In a long-lived thread, whoever was asked for last need not be meant: a tool's user was asked for just now.
        if user_id is None or sys._getframe(1).f_code.co_name != CLEARING_TOOL:
            raise ValueError(
                "clear_memories() does not say whose memories to clear, and would clear everybody's: call "
                "clear_user_memories(user_id=...) of the memory manager, or Memory().clear() to empty the store."
            )
        self._clear(user_id)

    @from_anywhere
    def _clear(self, user_id: str) -> None:
        self._memory.clear_user_memories(user_id)

    @from_anywhere
    def get_all_memory_topics(self, user_id: str | None = None) -> list[str]:
        """Return the topics of a user's memories, or of everybody's, the most frequent first."""
        return [counted.topic for counted in self._rows(user_id).topic_counts()]

    def get_user_memory_stats(
        self, limit: int | None = None, page: int | None = None, user_id: str | None = None
    ) -> tuple[list[dict[str, Any]], int]:
        """Return how many memories each user has and when the last was written, and how many users there are."""
        _check_place(limit, page)
        return self._memory_stats(limit, page, user_id)

    @from_anywhere
    def _memory_stats(
        self, limit: int | None, page: int | None, user_id: str | None
    ) -> tuple[list[dict[str, Any]], int]:
        users: Any = (
            self._rows(user_id)
            .values("user_id")
            .annotate(total_memories=Count("memory_id"), last_memory_updated_at=Max("last_updated"))
            .order_by("-last_memory_updated_at", "user_id")
        )
        rows = list(_page(users, limit, page))
        for row in rows:
            row["last_memory_updated_at"] = _epoch(row["last_memory_updated_at"])
        return rows, users.count()

    def _rows(self, user_id: str | None) -> UserMemoryQuerySet:
        rows = UserMemory.objects.using(self.db or router.db_for_read(UserMemory))
        return rows.all() if user_id is None else rows.for_user(user_id)

    # Sessions

    @from_anywhere
    def upsert_session(self, session: Any, deserialize: bool | None = True) -> Any:
        """Write a session, without its runs, which ``upsert_run`` writes one by one.

        Raises:
            SessionExists: the id belongs to another user; nothing was written.
        """
        written = self._upsert_session(session)
        return _session_returned(written, session.runs, None, deserialize)

    @from_anywhere
    def upsert_sessions(
        self, sessions: list[Any], deserialize: bool | None = True, preserve_updated_at: bool = False
    ) -> list[Any]:
        """Upsert many, all or nothing where the database has transactions."""

        def write() -> list[AgentSession]:
            return [self._upsert_session(session, keep_times=preserve_updated_at) for session in sessions]

        written = all_or_nothing(self._sessions.write_alias, write)
        return [
            _session_returned(found, session.runs, None, deserialize)
            for found, session in zip(written, sessions, strict=True)
        ]

    def _upsert_session(self, session: Any, *, keep_times: bool = False) -> AgentSession:
        given = _plain(session.to_dict(include_runs=False))
        data, name = _without_name(given.get("session_data"))
        row = AgentSession(
            session_id=given["session_id"],
            session_type=_type_of(session),
            name=name,
            session_data=data,
            **{key: given.get(key) for key in ("agent_id", "team_id", "workflow_id", *SESSION_JSON)},
        )
        for ours in ("created_at", "updated_at"):
            setattr(row, ours, _moment(given.get(ours)) or getattr(row, ours))
        owner = NOBODY if session.user_id is None else session.user_id
        return self._sessions.upsert_session(row, owner, keep_times=keep_times)

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
            session_id: of the session.
            session_type: what to make of it; what it is, by default.
            user_id: whose; anybody's by default.
            deserialize: return agno's object, not a dictionary.
            runs_limit: only the last so many runs that count as history.
        """
        found = self._sessions.get_session(session_id, _whose(user_id))
        if found is None:
            return None
        runs = self._sessions.get_runs(session_id, ANYONE)
        made = runs if runs_limit is None else runs.conversation(tuple(HISTORY_SKIP_STATUSES)).tail(runs_limit)
        return _session_returned(found, [run.data for run in made], session_type, deserialize)

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
        """Return the sessions that match all that is given, the latest first unless ``sort_by`` says otherwise.

        Raises:
            ValueError: a page without a limit, or below 1.
        """
        _check_place(limit, page)
        found, total = self._find_sessions(
            session_type=session_type,
            user_id=user_id,
            component_id=component_id,
            session_name=session_name,
            begun=(_moment(start_timestamp), _moment(end_timestamp)),
            place=(limit, page),
            order=(sort_by, sort_order),
            count=not deserialize,
            include_runs=include_runs,
        )
        sessions = [_session_returned(session, runs, session_type, deserialize) for session, runs in found]
        return sessions if deserialize else (sessions, total)

    @from_anywhere
    def _find_sessions(
        self,
        *,
        session_type: SessionType | None,
        user_id: str | None,
        component_id: str | None,
        session_name: str | None,
        begun: tuple[datetime.datetime | None, datetime.datetime | None],
        place: tuple[int | None, int | None],
        order: tuple[str | None, str | None],
        count: bool,
        include_runs: bool,
    ) -> tuple[list[tuple[AgentSession, list[Any] | None]], int]:
        rows = self._sessions.rows(_whose(user_id)).begun(*begun)
        if session_type is not None:
            rows = rows.filter(session_type=session_type.value)
        if component_id is not None:
            rows = rows.of_component(component_id, session_type and session_type.value)
        if session_name:
            rows = rows.named(session_name)
        found = list(_page(_ordered(rows, *order), *place))
        runs: dict[str, list[Any]] = {}
        if include_runs:
            of_these = AgentRun.objects.using(rows.db).filter(session_id__in=[session.session_id for session in found])
            for run in of_these.in_order():
                runs.setdefault(run.session_id, []).append(run.data)
        listed = [(session, runs.get(session.session_id, []) if include_runs else None) for session in found]
        return listed, rows.count() if count else 0

    @from_anywhere
    def rename_session(
        self,
        session_id: str,
        session_type: SessionType | None,
        session_name: str,
        user_id: str | None = None,
        deserialize: bool | None = True,
    ) -> Any:
        """Give a session another name and return it, with its runs; None if there is none.

        Raises:
            SessionNotFound: this user, who was named, has no such session.
        """
        try:
            renamed = self._sessions.rename_session(session_id, session_name, _whose(user_id))
        except SessionNotFound:
            if user_id is not None:
                raise
            return None
        runs = [run.data for run in self._sessions.get_runs(session_id, ANYONE)]
        return _session_returned(renamed, runs, session_type, deserialize)

    @from_anywhere
    def delete_session(self, session_id: str, user_id: str | None = None) -> bool:
        """Delete a session with its runs, and tell whether there was one.

        Raises:
            SessionNotFound: this user, who was named, has no such session.
        """
        gone = bool(self._sessions.delete_sessions([session_id], _whose(user_id)))
        if not gone and user_id is not None:
            raise SessionNotFound(session_id)
        return gone

    @from_anywhere
    def delete_sessions(self, session_ids: list[str], user_id: str | None = None) -> None:
        """Delete sessions with their runs.

        Raises:
            SessionNotFound: this user, who was named, does not have all of them; nothing was deleted.
        """
        if user_id is not None:
            rows = self._sessions.rows(user_id).filter(session_id__in=session_ids)
            for session_id in set(session_ids) - set(rows.values_list("session_id", flat=True)):
                raise SessionNotFound(session_id)
        self._sessions.delete_sessions(session_ids, _whose(user_id))

    # Runs

    @from_anywhere
    def upsert_run(self, run: Any, session_id: str, user_id: str | None = None, run_index: int | None = None) -> None:
        """Write one run of a session on its own row.

        Raises:
            SessionNotFound: there is no such session, or it is another user's; nothing was written.
        """
        row = build_single_run_row(run=run, session_id=session_id, user_id=user_id, run_index=run_index)
        names = ("run_id", "run_type", "agent_id", "team_id", "workflow_id", "parent_run_id")
        made = AgentRun(**{name: row[name] for name in names}, data=_plain(row["run_data"]))
        made.status = getattr(row["status"], "value", row["status"])
        made.created_at = _moment(row["created_at"]) or made.created_at
        self._sessions.upsert_run(session_id, made, _whose(user_id), run_index=row["run_index"])

    @from_anywhere
    def get_run(self, run_id: str, deserialize: bool | None = True) -> Any:
        """Return a run, or None."""
        found = self._runs().filter(run_id=run_id).first()
        if found is None:
            return None
        return deserialize_run(found.run_type, found.data) if deserialize else _run_row(found)

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
        """Return the runs that match all that is given, in their order unless ``sort_by`` says otherwise."""
        _check_place(limit, page)
        keys = {
            "session_id": session_id,
            "session__user_id": user_id,
            "agent_id": agent_id,
            "team_id": team_id,
            "workflow_id": workflow_id,
            "status": getattr(status, "value", status),
        }
        found, total = self._find_runs(keys, (limit, page), (sort_by, sort_order), count=not deserialize)
        if deserialize:
            return [deserialize_run(run.run_type, run.data) for run in found]
        return [_run_row(run) for run in found], total

    @from_anywhere
    def _find_runs(
        self,
        keys: dict[str, Any],
        place: tuple[int | None, int | None],
        order: tuple[str | None, str | None],
        *,
        count: bool,
    ) -> tuple[list[AgentRun], int]:
        rows = self._runs().filter(**{name: value for name, value in keys.items() if value is not None})
        ordered = _ordered(rows, *order) if order[0] else rows.in_order()
        return list(_page(ordered, *place)), rows.count() if count else 0

    @from_anywhere
    def delete_run(self, run_id: str) -> bool:
        """Delete a run, and tell whether there was one."""
        return bool(self._runs_to_write().filter(run_id=run_id).delete()[0])

    @from_anywhere
    def delete_runs(self, run_ids: list[str]) -> None:
        """Delete runs."""
        self._runs_to_write().filter(run_id__in=run_ids).delete()

    def _runs(self) -> Any:
        return AgentRun.objects.using(self.db or router.db_for_read(AgentRun))

    def _runs_to_write(self) -> Any:
        return AgentRun.objects.using(self._sessions.write_alias)

    # Metrics, of which there are none

    def get_metrics(
        self,
        starting_date: datetime.date | None = None,
        ending_date: datetime.date | None = None,
        user_id: str | None = None,
    ) -> tuple[list[dict[str, Any]], int | None]:
        """Return no metrics."""
        return [], None

    def calculate_metrics(self) -> None:
        """Do nothing: no metrics are kept."""


def _refuse_the_rest(store: Any) -> None:
    """Let what agno asks of a store, and this one does not keep, say so."""

    def refusing(name: str) -> Any:
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            raise NotImplementedError(
                f"DjangoDb keeps {store.kept}, and does not do {name}(). Keep the rest in a second database of agno's: "
                "Agent(db=SqliteDb(...), memory_manager=MemoryManager(db=DjangoDb())) keeps the rest there."
            )

        method.__name__ = name
        method.__doc__ = "Raise NotImplementedError: not kept here."
        return method

    for name in store.__abstractmethods__:
        setattr(store, name, refusing(name))
    abc.update_abstractmethods(store)


_refuse_the_rest(DjangoDb)


def _check_place(limit: int | None, page: int | None) -> None:
    with errors_with_status():
        validate_pagination(limit, page)


def _whose(user_id: str | None) -> Any:
    """Return whom the service is to act for: agno means anybody when it names nobody."""
    return ANYONE if user_id is None else user_id


def _moment(epoch: float | None) -> datetime.datetime | None:
    return None if epoch is None else datetime.datetime.fromtimestamp(epoch, datetime.UTC)


def _epoch(moment: datetime.datetime) -> int:
    return int(moment.timestamp())


def _plain(value: Any) -> Any:
    """Return what agno's own databases would keep of a value: JSON, with its times and ids as text."""
    return json.loads(json_serializer(value))


def _to_dict(memory: UserMemory) -> dict[str, Any]:
    values = {name: getattr(memory, name) for name in MEMORY_FIELDS}
    return {**values, "created_at": _epoch(memory.created_at), "updated_at": _epoch(memory.last_updated)}


def _to_agno(memory: UserMemory) -> AgnoMemory:
    return AgnoMemory(**_to_dict(memory))


def _returned(memory: UserMemory, deserialize: bool | None) -> AgnoMemory | dict[str, Any]:
    return _to_agno(memory) if deserialize else _to_dict(memory)


def _type_of(session: Any) -> str:
    if isinstance(session, AgnoAgentSession):
        return "agent"
    return "team" if isinstance(session, AgnoTeamSession) else "workflow"


def _without_name(data: dict[str, Any] | None) -> tuple[dict[str, Any] | None, str]:
    """Return a session's data and its name, which has a column of its own, to be found and changed there."""
    name = (data or {}).get(NAME)
    try:
        validate_query(name)
    except Exception:
        return data, ""
    return {key: value for key, value in (data or {}).items() if key != NAME}, cast("str", name)


def _session_returned(
    session: AgentSession, runs: Sequence[Any] | None, session_type: SessionType | None, deserialize: bool | None
) -> Any:
    row: dict[str, Any] = {name: getattr(session, name) for name in (*SESSION_KEYS, *SESSION_JSON, "session_data")}
    if session.name:
        row["session_data"] = {**(session.session_data or {}), NAME: session.name}
    row |= {"created_at": _epoch(session.created_at), "updated_at": _epoch(session.updated_at)}
    if not deserialize:
        return {**row, "runs": runs if runs is None else [_as_dict(run) for run in runs]}
    if runs and not isinstance(runs[0], dict):
        made = deserialize_session(session_type or SessionType(session.session_type), row)
        made.runs = runs
        return made
    return deserialize_session(session_type or SessionType(session.session_type), {**row, "runs": runs})


def _as_dict(run: Any) -> Any:
    return run if isinstance(run, dict) else run.to_dict()


def _run_row(run: AgentRun) -> dict[str, Any]:
    names = ("run_id", "session_id", "run_type", "agent_id", "team_id", "workflow_id", "parent_run_id", "status")
    values = {name: getattr(run, name) for name in (*names, "run_index")}
    times = {"created_at": _epoch(run.created_at), "updated_at": _epoch(run.updated_at)}
    return {**values, "run_data": run.data, **times}


def _ordered(rows: Any, sort_by: str | None, sort_order: str | None) -> Any:
    """Return rows in the order that is asked for; as agno does, in their own where it names no field."""
    name = RENAMED.get(sort_by or "", sort_by) if rows.model is UserMemory else sort_by
    fields = {field.name for field in rows.model._meta.concrete_fields if not isinstance(field, models.JSONField)}
    if name not in fields:
        return rows.newest()
    key = rows.model._meta.pk.name
    sign = "" if sort_order == "asc" else "-"
    return rows.order_by(*(f"{sign}{each}" for each in dict.fromkeys([name, key])))


def _page(rows: Any, limit: int | None, page: int | None) -> Any:
    if limit is None:
        return rows
    start = ((page or 1) - 1) * limit
    return rows[start : start + limit]
