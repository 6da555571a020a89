"""``Service``, the base of ``Memory`` and ``AgentSessions``: users, databases and async twins."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ValidationError
from django.db import connections
from django.test import override_settings

from agno_memory import replicas
from agno_memory.agent_sessions import AgentSessions
from agno_memory.db import SqliteMemoryDb
from agno_memory.memory import Memory
from agno_memory.models import AgentRun, AgentSession, UserMemory
from agno_memory.services import ANYONE, NO_USER, Service, async_twin
from tests.databases import commits, each_database, handles_allowed

pytestmark = [commits]

SERVICES = [Memory, AgentSessions]
each_service = pytest.mark.parametrize("service", SERVICES)


class Split:
    """Reads from one database and writes to another."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "default"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "elsewhere"


def fill(alias: str) -> None:
    memory, sessions = Memory(alias), AgentSessions(alias)
    for user in ("maya", "noah"):
        memory.add_user_memory(UserMemory(memory_id=user, memory="x"), user)
        sessions.upsert_session(AgentSession(session_id=user), user)
    sessions.upsert_session(AgentSession(session_id="agent's"), NO_USER)


@each_database
def test_rows_of_a_user(alias: str) -> None:
    fill(alias)
    expected: dict[Service[Any], set[str]] = {Memory(alias): set(), AgentSessions(alias): {"agent's"}}
    for made, without_user in expected.items():
        name = "memory_id" if isinstance(made, Memory) else "session_id"
        for rows in (made.rows, made.rows_to_write):
            assert set(rows("maya").values_list(name, flat=True)) == {"maya"}
            assert set(rows(NO_USER).values_list(name, flat=True)) == without_user
            assert set(rows(ANYONE).values_list(name, flat=True)) == {"maya", "noah"} | without_user
            assert rows("maya").db == alias
            with pytest.raises(ValidationError, match="user"):
                rows(1.5)


@each_service
def test_without_a_user_rows_are_those_of_the_default_user(service: type[Service[Any]]) -> None:
    fill("default")
    with override_settings(AGNO_MEMORY={"DEFAULT_USER_ID": "noah"}):
        assert [row.user_id for row in service("default").rows()] == ["noah"]  # type: ignore[arg-type]


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let two more aliases exist, to which nothing connects, in a process that has not written yet."""
    for alias in ("elsewhere", "x"):
        monkeypatch.setitem(connections.settings, alias, connections.settings["default"])
    monkeypatch.setitem(replicas._process, "wrote", float("-inf"))
    yield
    for alias in ("elsewhere", "x"):
        # It is there once something has asked for it.
        vars(connections._connections).pop(alias, None)  # type: ignore[attr-defined]


@each_service
@pytest.mark.usefixtures("others")
def test_the_router_chooses_where_no_database_is_named(service: type[Service[Any]]) -> None:
    with override_settings(DATABASE_ROUTERS=[Split()]):
        for made, read, write in ((service(None), "default", "elsewhere"), (service("x"), "x", "x")):  # type: ignore[arg-type]
            assert (made.read_alias, made.rows(ANYONE).db) == (read, read)
            assert (made.write_alias, made.rows_to_write(ANYONE).db) == (write, write)


@each_service
def test_repr_names_the_database(service: type[Service[Any]]) -> None:
    assert repr(service("archive")) == f"{service.__name__}(db='archive')"  # type: ignore[arg-type]


def test_memory_takes_a_handle_and_agent_sessions_refuse_it() -> None:
    with handles_allowed():
        handle = SqliteMemoryDb()
        memory = Memory(handle)
        assert memory.db is handle
        assert memory.read_alias == memory.write_alias == handle.alias
        assert memory.rows(ANYONE).model is handle.model
        with pytest.raises(TypeError, match="AgentSessions cannot use a SqliteMemoryDb"):
            AgentSessions(handle)  # type: ignore[arg-type]


@each_service
def test_every_verb_has_an_async_twin(service: type[Service[Any]]) -> None:
    public = {name: member for name, member in vars(service).items() if not name.startswith("_") and callable(member)}
    twins = {name for name, member in public.items() if inspect.iscoroutinefunction(member)}
    assert twins == {f"a{name}" for name in public.keys() - twins}
    for name in twins:
        twin, verb = public[name], public[name[1:]]
        assert inspect.signature(twin) == inspect.signature(verb)
        assert (twin.__name__, twin.__qualname__) == (name, f"{service.__name__}.{name}")
        assert twin.__doc__ == verb.__doc__


def test_a_twin_raises_what_its_verb_raises() -> None:
    class Failing:
        def fail(self, text: str) -> None:
            raise ValueError(text)

    with pytest.raises(ValueError, match="text"):
        async_to_sync(async_twin(Failing.fail))(Failing(), "text")


@each_database
def test_a_session_in_async_code(alias: str) -> None:
    async_to_sync(write_and_delete_a_session)(AgentSessions(alias))


async def write_and_delete_a_session(sessions: AgentSessions) -> None:
    await sessions.aupsert_session(AgentSession(session_id="s"), "maya")
    await sessions.aupsert_run("s", AgentRun(run_id="r", run_type="agent", data={"said": "x"}), "maya")
    assert (await sessions.arename_session("s", "New", "maya")).name == "New"
    found = await sessions.aget_session("s", "maya")
    assert found is not None
    assert found.name == "New"
    assert [run.run_id async for run in await sessions.aget_runs("s", "maya")] == ["r"]
    assert [session.session_id async for session in sessions.rows("maya")] == ["s"]
    await sessions.adelete_session("s", "maya")
    assert len(await sessions.aadd_sessions([AgentSession(session_id="t", user_id="maya")])) == 1
    assert await sessions.adelete_sessions(["s", "t"], "maya") == ["t"]
    assert await sessions.adelete_user_sessions("maya") == 0
