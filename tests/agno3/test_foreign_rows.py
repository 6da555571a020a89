"""Rows that another program wrote: agno reads all others, and those as far as they can be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from agno.db.base import SessionType

from agno_memory.contrib.agno import DjangoDb
from agno_memory.models import AgentRun, AgentSession
from tests.databases import RUNNING, attempt, commits
from tests.foreign import add_foreign, add_sound

pytestmark = [commits]


@pytest.mark.parametrize("alias", [alias for alias in RUNNING if alias != "standalone"])
def test_no_reader_fails(alias: str) -> None:
    add_sound(alias, "maya", "m")
    add_sound(alias, "zoe", "z")
    numbers = add_foreign(alias, "maya", "m")
    db = DjangoDb(alias)
    readers: dict[str, Callable[[], Any]] = {
        "sessions": lambda: db.get_sessions(),
        "sessions as dictionaries": lambda: db.get_sessions(deserialize=False),
        "sessions of agents": lambda: db.get_sessions(session_type=SessionType.AGENT, sort_by="created_at"),
        "sessions without runs": lambda: db.get_sessions(include_runs=False),
        "session": lambda: db.get_session("m", SessionType.AGENT),
        "session of any type": lambda: db.get_session("m"),
        "session as a dictionary": lambda: db.get_session("m", SessionType.AGENT, deserialize=False),
        "last runs": lambda: db.get_session("m", SessionType.AGENT, runs_limit=1_000),
        "runs": lambda: db.get_runs(session_id="m"),
        "runs as dictionaries": lambda: db.get_runs(session_id="m", deserialize=False),
        "run": lambda: db.get_run("m-r"),
        "traces": lambda: db.get_traces(limit=None),
        "trace": lambda: db.get_trace("m"),
        "spans": lambda: db.get_spans("m"),
        "span": lambda: db.get_span("m-s"),
        "statistics of traces": lambda: db.get_trace_stats(limit=None),
        "statistics of agents": lambda: db.get_trace_stats(limit=None, group_by="agent"),
        "statistics of endpoints": lambda: db.get_trace_stats(limit=None, group_by="endpoint"),
        "statistics of spans": lambda: db.get_span_stats(limit=None),
        "learnings": lambda: db.get_learnings(),
        "a page of learnings": lambda: db.list_learnings(limit=1_000),
        "learnings by text": lambda: db.search_learnings("tea"),
        "users of learnings": lambda: db.get_learnings_user_stats(),
        "metrics": lambda: db.get_metrics(),
    }
    outcomes: dict[str, Any] = {name: attempt(read) for name, read in readers.items()}
    assert {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, Exception)} == {}
    assert len(outcomes["sessions as dictionaries"][0]) >= numbers[AgentSession] + 2
    assert {session.session_id for session in outcomes["sessions"]} > {"m", "z"}
    assert len(outcomes["runs as dictionaries"][0]) == numbers[AgentRun] + 1
    for name in ("session", "session of any type", "last runs"):
        assert "Yes" in [run.content for run in outcomes[name].runs], name
    assert "Yes" in [run["content"] for run in outcomes["session as a dictionary"]["runs"] if "content" in run]


@pytest.mark.parametrize("kind", ["knowledge", "evaluation", "schedule", "component", "approval", "service_account"])
@pytest.mark.parametrize("alias", [alias for alias in RUNNING if alias in ("default", "mongodb")])
def test_no_list_of_documents_fails(alias: str, kind: str) -> None:
    from agno_memory.agent_records import AgentRecords
    from agno_memory.models import AgentRecord

    for number, data in enumerate(({}, {"x": 1}, [1], 5, "text")):
        AgentRecord.objects.using(alias).create(kind=kind, record_id=str(number), status="enabled", data=data)
    assert AgentRecords(kind, alias).rows(None).count() == 0
    db = DjangoDb(alias)
    readers: dict[str, dict[str, Callable[[], Any]]] = {
        "knowledge": {
            "contents": lambda: db.get_knowledge_contents(),
            "content": lambda: [db.get_knowledge_content(str(number)) for number in range(5)],
        },
        "evaluation": {
            "runs": lambda: db.get_eval_runs(),
            "as dictionaries": lambda: db.get_eval_runs(deserialize=False),
            "run": lambda: [db.get_eval_run(str(number)) for number in range(5)],
        },
        "schedule": {
            "schedules": lambda: db.get_schedules(),
            "schedule": lambda: db.get_schedule("1"),
            "claim": lambda: db.claim_due_schedule("worker"),
            "disable": lambda: db.disable_schedules_for_target("agent", "chef"),
        },
        "component": {
            "components": lambda: db.list_components(),
            "component": lambda: db.get_component("1"),
        },
        "approval": {
            "approvals": lambda: db.get_approvals(),
            "approval": lambda: db.get_approval("1"),
            "pending": lambda: db.get_pending_approval_count(),
        },
        "service_account": {"accounts": lambda: db.get_service_accounts()},
    }
    outcomes = {name: attempt(read) for name, read in readers[kind].items()}
    assert {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, Exception)} == {}
