"""Numbers of sessions, runs and tokens by day and person (model and service), on every database."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from agno_memory import people
from agno_memory.agent_metrics import AgentMetrics
from agno_memory.agent_sessions import ANYONE, NO_USER, AgentSessions
from agno_memory.db import SqliteMemoryDb
from agno_memory.models import AgentMetric, AgentRun, AgentSession
from agno_memory.times import now
from tests.databases import commits, each_database, errors, race

pytestmark = [commits]

TODAY = now().date()
NOON = now().replace(hour=12, minute=0, second=0, microsecond=0)


def save(alias: str, session_id: str, user: object, days_ago: int, runs: int = 1, **values: Any) -> None:
    begun = NOON - datetime.timedelta(days=days_ago)
    session = AgentSession(session_id=session_id, created_at=begun, updated_at=begun, **values)
    AgentSessions(alias).upsert_session(session, user, keep_times=True)
    for number in range(runs):
        data = {"model": "gpt", "model_provider": "OpenAI"} if number else {"content": "no model"}
        AgentSessions(alias).upsert_run(session_id, AgentRun(run_id=f"r{number}", run_type="agent", data=data), user)


def numbers(metric: AgentMetric) -> tuple[Any, ...]:
    data = metric.data
    tokens = data["token_metrics"]["input_tokens"]
    counts = (data["agent_sessions_count"], data["agent_runs_count"], data["users_count"])
    return (metric.user_id, (TODAY - metric.day).days, metric.is_complete, *counts, tokens)


@each_database
def test_each_day_and_person_is_counted(alias: str) -> None:
    metrics = AgentMetrics(alias)
    assert metrics.calculate() is None
    used = {"session_metrics": {"input_tokens": 5, "output_tokens": None}}
    save(alias, "a", "maya", 2, runs=3, session_data=used)
    save(alias, "b", "maya", 2, session_data=used)
    save(alias, "c", "noah", 2, runs=0, session_data={"session_metrics": "damaged"})
    save(alias, "d", NO_USER, 0)
    calculated = metrics.calculate()
    assert calculated is not None
    assert sorted(map(numbers, calculated)) == [
        ("", 0, False, 1, 1, 0, 0),
        ("maya", 2, True, 2, 4, 1, 10),
        ("noah", 2, True, 1, 0, 1, 0),
    ]
    maya = next(each for each in calculated if each.user_id == "maya")
    assert maya.data["model_metrics"] == [{"model_id": "gpt", "model_provider": "OpenAI", "count": 2}]
    assert [numbers(each) for each in metrics.rows("maya")] == [("maya", 2, True, 2, 4, 1, 10)]


@each_database
def test_complete_days_are_counted_once_and_can_be_counted_again(alias: str) -> None:
    metrics = AgentMetrics(alias)
    save(alias, "a", "maya", 3)
    save(alias, "today", "maya", 0)
    metrics.calculate()
    save(alias, "late", "maya", 3)
    save(alias, "more", "maya", 0)
    assert [numbers(each) for each in metrics.calculate() or ()] == [("maya", 0, False, 2, 2, 1, 0)]
    assert sorted(numbers(each)[1:4] for each in metrics.rows("maya")) == [(0, False, 2), (3, True, 1)]
    AgentSessions(alias).delete_sessions(["today", "more"], ANYONE)
    metrics.calculate(since=TODAY - datetime.timedelta(days=5))
    assert [numbers(each)[1:4] for each in metrics.rows("maya")] == [(3, True, 2)]


@each_database
def test_the_count_continues_after_the_last_complete_day(alias: str) -> None:
    def add(days_ago: int, *, is_complete: bool) -> None:
        day = TODAY - datetime.timedelta(days=days_ago)
        AgentMetric.objects.using(alias).create(user_id="gone", day=day, is_complete=is_complete, data={})

    for days_ago in (6, 3, 0):
        save(alias, f"s{days_ago}", "maya", days_ago)
    # A row that stayed open, of an owner without sessions, and a complete one after it.
    add(5, is_complete=False)
    add(4, is_complete=True)
    days = sorted(numbers(each)[1] for each in AgentMetrics(alias).calculate() or ())
    assert days == [0, 3]
    # By a clock that was wrong.
    add(-9, is_complete=True)
    save(alias, "more", "maya", 0)
    assert [numbers(each)[1:4] for each in AgentMetrics(alias).calculate() or ()] == [(0, False, 2)]


@each_database
def test_processes_that_count_at_once_agree(alias: str) -> None:
    save(alias, "a", "maya", 0, runs=2)
    outcomes = race(2, lambda thread, number: AgentMetrics(alias).calculate(), threads=4)
    assert [error for each in outcomes for error in errors(each)] == []
    assert [numbers(each) for each in AgentMetric.objects.using(alias)] == [("maya", 0, False, 1, 2, 1, 0)]


@each_database
def test_an_erasure_deletes_the_numbers_of_a_person_alone(alias: str) -> None:
    save(alias, "a", "maya", 1)
    save(alias, "b", "noah", 1)
    AgentMetrics(alias).calculate()
    assert people.erase("maya", alias).erased["metrics"] == 1
    assert [each.user_id for each in AgentMetrics(alias).rows(ANYONE)] == ["noah"]


def test_a_handle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="memories only"):
        AgentMetrics(SqliteMemoryDb(table_name="m", db_file=tmp_path / "m.sqlite3"))  # type: ignore[arg-type]
