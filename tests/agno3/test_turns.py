"""What a turn costs: statements, writes of an unchanged session, and runs that are built again, on every database."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from agno.run.agent import RunOutput
from agno.session import AgentSession as AgnoSession
from agno.session import TeamSession
from django.db import connections
from django.test.utils import CaptureQueriesContext

from agno_memory import agent_session_models, agent_sessions
from agno_memory.agent_sessions import ANYONE, AgentSessions
from agno_memory.contrib.agno import DjangoDb
from agno_memory.contrib.agno.v3 import last_writes
from agno_memory.models import AgentSession
from tests.databases import commits, each_database

pytestmark = [commits]

NOON = datetime.datetime(2030, 6, 1, 12, tzinfo=datetime.UTC)


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime.datetime:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (agent_sessions, last_writes):
        monkeypatch.setattr(module, "now", clock)
    return clock


def session(**values: Any) -> AgnoSession:
    data = {"session_state": {"n": 1}}
    return AgnoSession(**{"session_id": "s", "agent_id": "chef", "user_id": "maya", "session_data": data, **values})


def run(run_id: str, content: str = "Tea") -> RunOutput:
    return RunOutput(run_id=run_id, agent_id="chef", session_id="s", user_id="maya", content=content)


def version(alias: str) -> int:
    return AgentSession.objects.using(alias).get().version


@each_database
def test_an_unchanged_session_is_not_written_again_in_the_same_second(alias: str, clock: Clock) -> None:
    db = DjangoDb(alias)
    db.upsert_session(session())
    db.upsert_run(run("r"), session_id="s", user_id="maya", run_index=0)
    with CaptureQueriesContext(connections[alias]) as queries:
        again = db.upsert_session(session(runs=[run("r")]))
    assert (len(queries), version(alias)) == (1, 2)
    assert (again.session_data, [each.run_id for each in again.runs]) == ({"session_state": {"n": 1}}, ["r"])
    # In the next second, agno expects another time.
    clock.now += datetime.timedelta(seconds=1)
    later = db.upsert_session(session())
    assert (later.updated_at, version(alias)) == (int(clock.now.timestamp()), 3)


@each_database
@pytest.mark.parametrize("change", [{"session_data": {"session_state": {"n": True}}}, {"metadata": {}}])
def test_a_changed_session_is_written(alias: str, clock: Clock, change: dict[str, Any]) -> None:
    db = DjangoDb(alias)
    db.upsert_session(session())
    db.upsert_session(session(**change))
    assert version(alias) == 2
    stored = AgentSessions(alias).get_session("s", "maya")
    assert stored is not None
    for name, value in change.items():
        assert repr(getattr(stored, name)) == repr(value)


@each_database
def test_a_write_by_another_store_is_replaced(alias: str, clock: Clock) -> None:
    db, other = DjangoDb(alias), DjangoDb(alias)
    db.upsert_session(session())
    other.upsert_session(session(metadata={"by": "another"}))
    db.upsert_session(session())
    assert (version(alias), AgentSession.objects.using(alias).get().metadata) == (3, None)
    # A write by the ORM counts as well.
    AgentSession.objects.using(alias).update(name="Lunch", version=models_version())
    db.upsert_session(session())
    assert AgentSession.objects.using(alias).get().name == ""


def models_version() -> Any:
    return agent_session_models.AgentSession._meta.get_field("version").on_write(NOON)


@each_database
def test_a_deleted_session_is_written_again(alias: str, clock: Clock) -> None:
    db = DjangoDb(alias)
    db.upsert_session(session())
    AgentSessions(alias).delete_sessions(["s"], ANYONE)
    db.upsert_session(session())
    assert version(alias) == 1


@each_database
def test_a_run_that_has_not_changed_is_built_once(alias: str) -> None:
    db = DjangoDb(alias)
    db.upsert_session(session())
    for name in ("a", "b"):
        db.upsert_run(run(name), session_id="s", user_id="maya")
    first = db.get_session("s").runs
    DjangoDb(alias).upsert_run(run("b", "Coffee"), session_id="s", user_id="maya")
    second = db.get_session("s").runs
    assert [each.content for each in second] == ["Tea", "Coffee"]
    assert (second[0] is first[0], first[1].content) == (True, "Tea")
    db.delete_run("a")
    assert [each.run_id for each in db.get_session("s").runs] == ["b"]
    db.delete_session("s")
    db.upsert_session(session())
    assert not db.get_session("s").runs


@each_database
def test_sessions_of_teams_have_runs_of_their_own(alias: str) -> None:
    db = DjangoDb(alias)
    db.upsert_session(TeamSession(session_id="s", team_id="kitchen", user_id="maya"))
    db.upsert_run(run("r"), session_id="s", user_id="maya")
    first, second = (db.get_session("s").runs[0] for _ in range(2))
    assert (first.content, first is second) == ("Tea", False)


@each_database
def test_the_number_of_statements(alias: str) -> None:
    db = DjangoDb(alias)
    db.upsert_session(session())
    for number in range(20):
        db.upsert_run(run(f"r{number}"), session_id="s", user_id="maya", run_index=number)
    has_transactions = connections[alias].features.supports_transactions
    # SQL: begin, touch the session, change, add, commit. MongoDB changes or adds in one statement.
    calls: dict[str, tuple[Any, int]] = {
        "read": (lambda: db.get_session("s", user_id="maya"), 2),
        "save": (lambda: db.upsert_session(session(metadata={"a": 1})), 1),
        "add a run": (lambda: db.upsert_run(run("new"), session_id="s", user_id="maya", run_index=20), 5),
        "change a run": (lambda: db.upsert_run(run("new"), session_id="s", user_id="maya", run_index=20), 4),
    }
    for name, (call, most) in calls.items():
        with CaptureQueriesContext(connections[alias]) as queries:
            call()
        assert len(queries) <= (most if has_transactions else min(most, 4)), name
