"""Traces and spans (models, querysets, service, exact times) on every database."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core import serializers
from django.core.exceptions import ValidationError

from agno_memory import people
from agno_memory.agent_trace_querysets import SpanCounts
from agno_memory.agent_traces import ANYONE, NO_USER, AgentTraces
from agno_memory.db import SqliteMemoryDb
from agno_memory.models import AgentSpan, AgentTrace
from tests.databases import commits, each_database, errors, race

pytestmark = [commits]

# The microseconds matter.
BEGUN = datetime.datetime(2026, 5, 1, 12, 30, 15, 123456, datetime.UTC)


def after(microseconds: int) -> datetime.datetime:
    return BEGUN + datetime.timedelta(microseconds=microseconds)


def trace(trace_id: str = "t", begin: int = 0, end: int = 2_000_000, **values: Any) -> AgentTrace:
    content = {"name": "Chef.run", "status": "OK", "duration_ms": (end - begin) // 1000, "created_at": BEGUN, **values}
    return AgentTrace(trace_id=trace_id, start_time=after(begin), end_time=after(end), **content)


def span(span_id: str = "s", trace_id: str = "t", begin: int = 0, end: int = 1_000, **values: Any) -> AgentSpan:
    content = {
        "name": "invoke",
        "span_kind": "INTERNAL",
        "status_code": "OK",
        "attributes": {"input.value": "Tee \x00 🎈", "n": 1},
        "duration_ms": (end - begin) // 1000,
        "created_at": BEGUN,
        **values,
    }
    return AgentSpan(span_id=span_id, trace_id=trace_id, start_time=after(begin), end_time=after(end), **content)


@each_database
def test_a_trace_and_its_spans_come_back_exactly(alias: str) -> None:
    traces = AgentTraces(alias)
    written = traces.save_trace(trace(run_id="r", session_id="s", agent_id="chef"), "maya")
    read = traces.get_trace("t", "maya")
    assert read is not None
    fields = [field.attname for field in AgentTrace._meta.concrete_fields]
    assert [getattr(read, name) for name in fields] == [getattr(written, name) for name in fields]
    assert (read.start_time, read.end_time) == (BEGUN, after(2_000_000))
    traces.save_spans([span("late", begin=2), span("first"), span("second", begin=1, parent_span_id="first")])
    spans = traces.get_spans("t", "maya")
    assert [each.span_id for each in spans] == ["first", "second", "late"]
    assert spans[0].attributes == {"input.value": "Tee \x00 🎈", "n": 1}


@each_database
def test_another_user_sees_nothing(alias: str) -> None:
    traces = AgentTraces(alias)
    traces.save_trace(trace(), "maya")
    traces.save_trace(trace("without"), NO_USER)
    traces.save_spans([span(), span(trace_id="without")])
    for user in ("noah", None):
        assert traces.get_trace("t", user) is None
        assert traces.get_trace("without", user) is None
        assert not traces.get_spans("t", user).exists()
        assert not traces.rows(user).exists()
        assert traces.delete_traces(["t", "without"], user) == traces.delete_user_traces(user) == 0
    assert [row.trace_id for row in traces.rows(NO_USER)] == ["without"]
    assert traces.rows(ANYONE).count() == traces.span_rows().count() == 2


@each_database
def test_writes_of_one_trace_are_merged(alias: str) -> None:
    traces = AgentTraces(alias)
    traces.save_trace(trace(begin=500_000, end=900_000, name="look_up", agent_id="hook", status="ERROR"), NO_USER)
    traces.save_trace(trace(begin=0, end=700_500, name="Chef.arun", agent_id="chef", session_id="s"), "maya")
    merged = traces.save_trace(trace(begin=100, end=1_999_999, name="Kitchen.run", team_id="kitchen"), "noah")
    assert merged.name == "Kitchen.run"
    assert (merged.start_time, merged.end_time, merged.duration_ms) == (BEGUN, after(1_999_999), 1999)
    context = (merged.user_id, merged.agent_id, merged.team_id, merged.session_id)
    assert context == ("maya", "hook", "kitchen", "s")
    traces.save_trace(trace(name="Bar.run", team_id="bar"), NO_USER)
    traces.save_trace(trace(name="Chef.run", agent_id="chef", status="ERROR"), NO_USER)
    read = traces.get_trace("t", "maya")
    assert read is not None
    assert (read.name, read.status, read.version) == ("Kitchen.run", "ERROR", 5)


@each_database
def test_writers_at_once_lose_nothing(alias: str) -> None:
    traces = AgentTraces(alias)

    def write(thread: int, number: int) -> None:
        trace_id = f"t{number}"
        traces.save_trace(trace(trace_id, begin=thread, end=10_000 - thread, **{CONTEXT[thread]: "x"}), NO_USER)
        traces.save_spans([span(f"own {thread}", trace_id, status_code="ERROR"), span("common", trace_id)])

    CONTEXT = ("run_id", "session_id", "agent_id", "team_id", "workflow_id")  # noqa: N806
    outcomes = race(3, write, threads=len(CONTEXT))
    assert [error for each in outcomes for error in errors(each)] == []
    rows = list(traces.rows(ANYONE))
    assert len(rows) == 3
    for row in rows:
        assert [getattr(row, name) for name in CONTEXT] == ["x"] * 5
        assert (row.start_time, row.end_time) == (BEGUN, after(10_000))
    assert set(traces.count_spans(rows).values()) == {SpanCounts(6, 5)}


@each_database
def test_a_span_is_written_once(alias: str) -> None:
    traces = AgentTraces(alias)
    traces.save_spans([span(), span("other", trace_id="u")])
    traces.save_spans([span(name="again"), span("new"), span("new")])
    assert sorted((each.trace_id, each.span_id, each.name) for each in traces.span_rows()) == [
        ("t", "new", "invoke"),
        ("t", "s", "invoke"),
        ("u", "other", "invoke"),
    ]
    traces.save_spans([])


@each_database
def test_a_text_of_a_program_is_stored_on_every_database(alias: str) -> None:
    traces = AgentTraces(alias)
    traces.save_trace(trace(name="Chef\x00.run"), "maya")
    traces.save_spans([span(status_message="bad \x00 and \udcff", name="n" * 5_000)])
    row = traces.get_spans("t", ANYONE).get()
    assert (row.status_message, len(row.name)) == ("bad \ufffd and ?", 5_000)


@each_database
def test_bad_input_is_refused_before_the_write(alias: str) -> None:
    traces = AgentTraces(alias)
    for bad in (trace(""), trace("x" * 256), trace(status="x" * 21), trace(run_id="x" * 256)):
        with pytest.raises(ValidationError):
            traces.save_trace(bad, "maya")
    with pytest.raises(ValidationError):
        traces.save_trace(trace(), "")
    with pytest.raises(ValidationError):
        traces.save_spans([span(), span("")])
    with pytest.raises(ValidationError):
        traces.save_spans([span(), span("b", attributes={"x": object()})])
    assert traces.rows(ANYONE).count() == traces.span_rows().count() == 0


@each_database
def test_statistics_of_sessions_and_components(alias: str) -> None:
    traces = AgentTraces(alias)
    traces.save_trace(trace("a", session_id="s1", agent_id="chef", duration_ms=10), "maya")
    traces.save_trace(
        trace("b", session_id="s1", agent_id="chef", duration_ms=21, status="ERROR", created_at=after(5)), "maya"
    )
    traces.save_trace(trace("c", session_id="s2", agent_id="waiter", created_at=after(9)), "noah")
    traces.save_trace(trace("d", name="GET /health"), NO_USER)
    sessions = list(traces.rows(ANYONE).by_session())
    assert [(each["session_id"], each["user_id"], each["total_traces"]) for each in sessions] == [
        ("s2", "noah", 1),
        ("s1", "maya", 2),
    ]
    assert (sessions[1]["first_trace_at"], sessions[1]["last_trace_at"]) == (BEGUN, after(5))
    chef, _waiter = traces.rows(ANYONE).by_group("agent")
    assert (chef["agent_id"], chef["total_sessions"], chef["error_traces"]) == ("chef", 1, 1)
    assert (chef["avg_duration_ms"], chef["max_duration_ms"]) == (15.5, 21)
    assert [each["name"] for each in traces.rows(ANYONE).by_group("endpoint")] == ["GET /health"]
    assert list(traces.rows(ANYONE).by_group("team")) == []
    assert traces.rows(ANYONE).by_session().count() == 2
    assert [row.trace_id for row in traces.rows(ANYONE).created(after(1), after(5))] == ["b"]
    assert traces.rows(ANYONE).during(after(1)).count() == 0


@each_database
def test_an_erasure_deletes_traces_spans_and_what_names_the_person_elsewhere(alias: str) -> None:
    traces = AgentTraces(alias)
    traces.save_trace(trace("hers"), "maya")
    traces.save_trace(trace("his"), "noah")
    # As the server of AgentOS begins it, before agno knows the user.
    traces.save_trace(trace("of nobody", name="POST /agents/{agent_id}/runs"), NO_USER)
    traces.save_trace(trace("of nobody else", name="GET /health"), NO_USER)
    orphans = [span("orphan", "gone", user_id="maya"), span("its tool", "gone", parent_span_id="orphan")]
    of_nobody = [span("http", "of nobody"), span("run", "of nobody", parent_span_id="http", user_id="maya")]
    of_nobody += [span("tool", "of nobody", parent_span_id="run"), span("http", "of nobody else")]
    his = [
        span("c", "his"),
        span("named", "his", user_id="maya", parent_span_id="c"),
        span("called", "his", parent_span_id="named"),
        span("deeper", "his", parent_span_id="called"),
        span("his again", "his", user_id="noah", parent_span_id="called"),
        span("his own", "his", parent_span_id="his again"),
    ]
    traces.save_spans([span("a", "hers"), span("b", "hers", user_id="maya"), *orphans, *of_nobody, *his])
    erasure = people.erase("maya", alias)
    assert (erasure.erased["traces"], erasure.erased["spans"], erasure.is_complete) == (2, 2 + 2 + 3 + 3, True)
    assert people.count("noah", alias)["traces"] == 1
    assert sorted((row.trace_id, row.span_id) for row in traces.span_rows()) == [
        ("his", "c"),
        ("his", "his again"),
        ("his", "his own"),
        ("of nobody else", "http"),
    ]
    assert sorted(row.trace_id for row in traces.rows(ANYONE)) == ["his", "of nobody else"]
    assert traces.delete_traces(["his", "none"], "noah") == 1
    assert [row.trace_id for row in traces.span_rows()] == ["of nobody else"]


@each_database
def test_traces_go_through_a_fixture_to_the_microsecond(alias: str) -> None:
    AgentTraces(alias).save_trace(trace(end=1_000_001), "maya")
    AgentTraces(alias).save_spans([span(end=7)])
    rows = [*AgentTraces(alias).rows(ANYONE), *AgentTraces(alias).span_rows()]
    fixture = serializers.serialize("json", rows)
    AgentTraces(alias).delete_user_traces("maya")
    for loaded in serializers.deserialize("json", fixture):
        loaded.save(using=alias)
    row, step = AgentTraces(alias).rows("maya").get(), AgentTraces(alias).span_rows().get()
    assert (row.end_time, step.end_time, step.attributes) == (after(1_000_001), after(7), span().attributes)
    field: Any = AgentTrace._meta.get_field("end_time")
    with pytest.raises(ValidationError):
        field.to_python("yesterday")
    assert field.to_python(BEGUN.replace(tzinfo=None)) == BEGUN


def test_a_handle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="memories only"):
        AgentTraces(SqliteMemoryDb(table_name="m", db_file=tmp_path / "m.sqlite3"))  # type: ignore[arg-type]


def test_async_twins() -> None:
    names = [name for name in vars(AgentTraces) if not name.startswith("_") and name not in ("span_rows",)]
    verbs = {name for name in names if not name.startswith("a")}
    assert {name for name in names if name.startswith("a")} == {f"a{name}" for name in verbs}
