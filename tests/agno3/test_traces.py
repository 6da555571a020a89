"""Traces and spans of agno (traces, trace_rows, trace_filters) on every database, beside agno's own SqliteDb."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agno.db.sqlite import SqliteDb
from agno.filters import AND, EQ, GT, IN, LT, NOT, OR
from agno.tracing.schemas import Span, Trace
from django.core.exceptions import ValidationError

from agno_memory.contrib.agno import DjangoDb
from agno_memory.contrib.agno.v3.trace_filters import condition_of
from tests.agno3.pairs import agnos_own
from tests.databases import commits, each_database

pytestmark = [commits]

BEGUN = datetime.datetime(2026, 5, 1, 12, 30, 15, 123456, datetime.UTC)


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[SqliteDb]:
    with agnos_own(tmp_path) as db:
        yield db


def at(seconds: float) -> datetime.datetime:
    return BEGUN + datetime.timedelta(seconds=seconds)


def trace(trace_id: str, begin: float = 0, end: float = 2, **values: Any) -> Trace:
    content: dict[str, Any] = {
        "name": "Chef.run",
        "status": "OK",
        "duration_ms": int((end - begin) * 1000),
        "total_spans": 77,
        "error_count": 77,
        "created_at": at(begin),
        **dict.fromkeys(("run_id", "session_id", "user_id", "agent_id", "team_id", "workflow_id")),
        **values,
    }
    return Trace(trace_id=trace_id, start_time=at(begin), end_time=at(end), **content)


def span(span_id: str, trace_id: str, begin: float = 0, end: float = 1, **values: Any) -> Span:
    content: dict[str, Any] = {
        "parent_span_id": None,
        "name": "Chef.run",
        "span_kind": "INTERNAL",
        "status_code": "OK",
        "status_message": None,
        "duration_ms": int((end - begin) * 1000),
        "attributes": {"openinference.span.kind": "AGENT", "input.value": "Tee 🎈", "n": 1.5, "list": [1, None]},
        "created_at": at(end),
        **values,
    }
    return Span(span_id=span_id, trace_id=trace_id, start_time=at(begin), end_time=at(end), **content)


LLM = {"openinference.span.kind": "LLM"}


def fill(db: Any) -> None:
    """Write the traces of two users, of an endpoint, and a team's trace in three parts."""
    chef = {"agent_id": "chef", "session_id": "s1", "user_id": "maya"}
    db.upsert_trace(trace("a", 0, 2, run_id="r1", **chef))
    db.create_spans([span("a1", "a", 0, 2), span("a2", "a", 1, 2, parent_span_id="a1", name="invoke", attributes=LLM)])
    db.upsert_trace(trace("b", 10, 13, run_id="r2", status="ERROR", **chef))
    db.create_span(span("b1", "b", 10, 13, status_code="ERROR", status_message="No tea"))
    db.upsert_trace(trace("c", 20, 21, name="Waiter.arun", agent_id="Waiter", session_id="s2", user_id="noah"))
    db.upsert_trace(trace("d", 30, 31, name="GET /health", duration_ms=7))
    for part in (
        trace("e", 41, 42, name="look_up", status="ERROR"),
        trace("e", 40.5, 44, name="Chef.run", run_id="r5", agent_id="chef"),
        trace("e", 40, 45, name="Kitchen.run", run_id="r6", team_id="kitchen", session_id="s1", user_id="maya"),
    ):
        db.upsert_trace(part)
    db.create_spans([span(f"e{number}", "e", 40 + number, 41 + number, name="look_up") for number in range(3)])


def observed(trace: Any) -> Any:
    """Return a trace as it is compared: SqliteDb stores a merged duration with an error of rounding."""
    return None if trace is None else {**trace.to_dict(), "duration_ms": round(trace.duration_ms)}


FILTERS: list[dict[str, Any]] = [
    {},
    {"user_id": "maya"},
    {"user_id": "nobody"},
    {"run_id": "r2"},
    {"session_id": "s1", "agent_id": "chef"},
    {"team_id": "kitchen"},
    {"workflow_id": "none"},
    {"status": "ERROR"},
    {"start_time": at(10), "end_time": at(31)},
    {"limit": 2},
    {"limit": 2, "page": 2},
    {"limit": 2, "page": 0},
    {"limit": 2, "page": -1},
    {"limit": None},
    {"page": None, "limit": 3},
    {"limit": 3, "page": 9},
]
EXPRESSIONS: list[dict[str, Any]] = [
    EQ("user_id", "maya").to_dict(),
    {"op": "NEQ", "key": "agent_id", "value": "chef"},
    NOT(EQ("agent_id", "chef")).to_dict(),
    NOT(NOT(EQ("agent_id", "chef"))).to_dict(),
    IN("trace_id", ["a", "d", "x"]).to_dict(),
    NOT(IN("session_id", ["s2"])).to_dict(),
    GT("duration_ms", 1000).to_dict(),
    LT("duration_ms", 1000.5).to_dict(),
    {"op": "GTE", "key": "start_time", "value": "2026-05-01T14:30:25.123456+02:00"},
    {"op": "LTE", "key": "created_at", "value": at(20).isoformat()},
    {"op": "CONTAINS", "key": "name", "value": "chef.R"},
    {"op": "STARTSWITH", "key": "agent_id", "value": "WAI"},
    NOT(AND(EQ("status", "OK"), EQ("user_id", "maya"))).to_dict(),
    OR(EQ("status", "ERROR"), AND(EQ("name", "GET /health"), NOT(EQ("trace_id", "x")))).to_dict(),
    {"op": "CONTAINS", "key": "name", "value": "%"},
    {"op": "IN", "key": "status", "values": []},
]
GROUPINGS: list[dict[str, Any]] = [
    *({"group_by": group} for group in ("session", "agent", "team", "workflow", "endpoint")),
    {"user_id": "maya"},
    {"user_id": "noah", "group_by": "agent"},
    {"agent_id": "chef", "group_by": "agent"},
    {"team_id": "kitchen", "workflow_id": "none"},
    {"start_time": at(10), "end_time": at(20)},
    {"limit": 1, "page": 2},
    {"limit": 1, "group_by": "agent"},
    {"filter_expr": EQ("status", "ERROR").to_dict(), "group_by": "agent"},
]
SPAN_FILTERS: list[dict[str, Any]] = [
    {},
    {"agent_id": "chef"},
    {"team_id": "kitchen", "agent_id": "chef"},
    {"workflow_id": "none"},
    {"name": "look_up"},
    {"span_type": "LLM"},
    {"start_time": at(1), "end_time": at(41)},
    {"limit": 1, "page": 2},
    *({"sort_by": name, "sort_order": "asc"} for name in ("avg_duration_ms", "max_duration_ms", "error_count")),
    {"sort_by": "last_called_at"},
    {"sort_by": "p95_duration_ms"},
]


@each_database
def test_each_method_answers_as_agnos_own_store(alias: str, theirs: SqliteDb) -> None:
    ours = DjangoDb(alias)
    for db in (ours, theirs):
        fill(db)
    assert ours.get_traces()[1] == theirs.get_traces()[1] == 5
    for trace_id in ("a", "b", "c", "d", "e", "none"):
        assert observed(ours.get_trace(trace_id)) == observed(theirs.get_trace(trace_id))
        spans = [sorted(map(repr, db.get_spans(trace_id=trace_id))) for db in (ours, theirs)]
        assert spans[0] == spans[1]
    for run_id in ("r1", "r5", "none"):
        assert observed(ours.get_trace(run_id=run_id)) == observed(theirs.get_trace(run_id=run_id))
    assert ours.get_trace() is theirs.get_trace() is None
    assert ours.get_span("a2") == theirs.get_span("a2")
    assert ours.get_span("none") is theirs.get_span("none") is None
    assert ours.get_spans(parent_span_id="a1") == theirs.get_spans(parent_span_id="a1")
    assert len(ours.get_spans()) == len(theirs.get_spans()) == 6
    for filters in [*FILTERS, *({"filter_expr": expression} for expression in EXPRESSIONS)]:
        (our_rows, our_count), (their_rows, their_count) = ours.get_traces(**filters), theirs.get_traces(**filters)
        assert list(map(observed, our_rows)) == list(map(observed, their_rows)), filters
        assert our_count == their_count, filters
    for grouping in GROUPINGS:
        assert statistics(ours.get_trace_stats(**grouping)) == statistics(theirs.get_trace_stats(**grouping)), grouping
    for filters in SPAN_FILTERS:
        assert ours.get_span_stats(**filters) == theirs.get_span_stats(**filters), filters


def statistics(result: tuple[list[dict[str, Any]], int]) -> Any:
    """Return statistics as they are compared: those of SqliteDb contain the merged durations."""
    rounded = ("avg_duration_ms", "max_duration_ms")
    return [{key: round(row[key]) if key in rounded else row[key] for key in row} for row in result[0]], result[1]


@each_database
def test_a_trace_of_a_person_stays_with_this_person(alias: str) -> None:
    db = DjangoDb(alias)
    fill(db)
    for user in ("noah", "other"):
        rows, _count = db.get_traces(user_id=user)
        assert {row.user_id for row in rows} <= {user}
        assert {row["user_id"] for row in db.get_trace_stats(user_id=user)[0]} <= {user}
    # A part of the run that names another user, such as a hook.
    db.upsert_trace(trace("a", name="Spy.run", agent_id="spy", user_id="noah"))
    kept = db.get_trace("a")
    assert (kept.user_id, kept.name) == ("maya", "Chef.run")
    assert db.get_traces(user_id="noah")[1] == 1
    for call in (db.get_traces, db.get_trace_stats):
        with pytest.raises(ValidationError):
            call(user_id="")


@each_database
def test_a_batch_that_is_sent_again_changes_nothing(alias: str) -> None:
    db = DjangoDb(alias)
    for _attempt in range(2):
        fill(db)
    assert (db.get_trace("a").total_spans, db.get_trace("b").error_count, db.get_trace("e").total_spans) == (2, 1, 3)
    assert len(db.get_spans()) == 6
    db.create_spans([])


@each_database
def test_what_has_no_json_is_stored_as_text(alias: str) -> None:
    db = DjangoDb(alias)
    db.create_span(span("s", "t", attributes={"when": BEGUN, "user.id": "maya", "nul": "a\x00b"}))
    db.create_span(span("none", "t", attributes=None))
    assert db.get_span("s").attributes["nul"] == "a\x00b"
    assert str(db.get_span("s").attributes["when"]).startswith("2026-05-01")
    assert db.get_span("none").attributes == {}


BAD: list[Any] = [
    {"op": "EQ", "key": "password", "value": "x"},
    {"op": "EQ", "key": "status"},
    {"op": "IN", "key": "status"},
    {"op": "IN", "key": "status", "values": 5},
    {"op": "AND", "conditions": []},
    {"op": "OR", "conditions": "x"},
    {"op": "NOT"},
    {"op": "LIKE", "key": "status", "value": "x"},
    {"op": "EQ", "key": "start_time", "value": "yesterday"},
    {"op": "CONTAINS", "key": "start_time", "value": "2026"},
    {"op": "GT", "key": "duration_ms", "value": "long"},
    {"no": "operator"},
    "text",
]


@pytest.mark.parametrize("expression", BAD)
def test_an_invalid_filter_is_an_error(expression: Any) -> None:
    with pytest.raises(ValueError, match=r"filter|needs|Not a value"):
        condition_of(expression)


def test_a_filter_may_have_ten_levels() -> None:
    expression = EQ("status", "OK").to_dict()
    for _level in range(10):
        expression = nested(expression)
    condition_of(expression)
    with pytest.raises(ValueError, match="10 levels"):
        condition_of(nested(expression))
    with pytest.raises(ValueError, match="group_by"):
        DjangoDb().get_trace_stats(group_by="user")


def nested(expression: dict[str, Any]) -> dict[str, Any]:
    return {"op": "NOT", "condition": expression}
