"""What agents keep in agno's own databases is imported completely, once, and to its owners, on every database.

The files in tests/data were written by agno itself; tests/agno3/test_imports.py imports from its servers.
"""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.db import models

from agno_memory import people
from agno_memory.agent_records import AgentRecords
from agno_memory.agent_sessions import ANYONE, NO_USER, AgentSessions
from agno_memory.agent_traces import AgentTraces
from agno_memory.models import AgentRecord, AgentRun, AgentSession, AgentSpan, AgentTrace
from agno_memory.times import to_epoch
from agno_memory.transfer.row_importers import (
    NAME_TAKEN,
    NO_SESSION,
    NOT_IMPORTED,
    OF_ANOTHER,
    OF_ANOTHERS_TRACE,
    REPEATED,
    STORED,
)
from tests.databases import commits, each_database
from tests.test_agent_traces import trace
from tests.transfer.commands import DATA, import_error, output_of_failed_import, rejected, run

pytestmark = [commits]

STORES = DATA / "agno-3.1.10-stores.sqlite3"
OLD = DATA / "agno-1.8.4-sessions.sqlite3"
USER, AMELIE = "user@example.com", "amélie@example.fr"
TABLES: tuple[type[models.Model], ...] = (AgentSession, AgentRun, AgentTrace, AgentSpan, AgentRecord)
KINDS = {
    "approval": 1,
    "auth_token": 1,
    "compaction": 1,
    "component": 2,
    "component_config": 2,
    "component_link": 1,
    "evaluation": 1,
    "knowledge": 1,
    "learning": 2,
    "schedule": 1,
    "schedule_run": 1,
    "service_account": 1,
    "transcript": 2,
}


def everything(alias: str) -> list[dict[Any, Any]]:
    """Return all rows of each table by their keys."""
    return [{row.pk: vars(row) | {"_state": None} for row in model._default_manager.using(alias)} for model in TABLES]


def totals(output: str) -> dict[str, str]:
    """Return the totals of each table of an import, by the names of the rows."""
    lines = [line.partition(": ") for line in output.splitlines() if " read: " in line and ": " in line]
    return {name: text for name, _, text in lines if not name.endswith(" read")}


def changed(statements: dict[str, tuple[Any, ...]]) -> Path:
    """Return a copy of the file of agno 3 after these statements."""
    path = Path("changed.sqlite3")
    shutil.copyfile(STORES, path)
    with closing(sqlite3.connect(path)) as file, file:
        for statement, values in statements.items():
            file.execute(statement, values)
    return path


@each_database
def test_everything_is_imported_once_and_belongs_to_its_owner(alias: str) -> None:
    output = run("import_memories", STORES, "--what=all", database=alias)
    assert all("0 unchanged, 0 rejected." in text for text in totals(output).values())
    assert totals(output)["runs"] == "10 read: 10 imported, 0 unchanged, 0 rejected."
    assert len(totals(output)) == 4 + len(KINDS)
    before = everything(alias)
    assert [len(rows) for rows in before] == [4, 10, 1, 2, sum(KINDS.values())]
    for kind, count in KINDS.items():
        assert AgentRecords(kind, alias).rows(ANYONE).count() == count, kind
    counts = people.count(USER, alias)
    numbers = {"memories": 1, "sessions": 2, "runs": 4, "traces": 1, "spans": 2}
    assert {name: counts[name] for name in numbers} == numbers
    # The parts of a session have its owner; components, and a learning, have none.
    assert counts["records"] == 9
    assert people.count(AMELIE, alias)["sessions"] == 1
    again = run("import_memories", STORES, "--what=all", database=alias)
    assert all(" 0 imported, " in text and " 0 rejected." in text for text in totals(again).values())
    assert everything(alias) == before
    assert people.erase(USER, alias).is_complete
    assert AgentSession.objects.using(alias).count() == 2


@each_database
def test_the_content_is_that_of_the_source(alias: str) -> None:
    run("import_memories", STORES, what="sessions, traces,records", database=alias)
    session = AgentSessions(alias).get_session("s1", USER)
    assert session is not None
    assert (session.name, session.session_data, session.metadata) == (
        "Größe s1",
        {"session_state": {"n": 1.5}},
        {"k": [None, True]},
    )
    assert (to_epoch(session.created_at), session.version) == (1795338591, 1)
    assert AgentSession.objects.using(alias).named("GRÖSSE S1").count() == 1
    runs = list(AgentSessions(alias).get_runs("s1", USER))
    assert [(each.run_id, each.run_index, each.data["content"]) for each in runs] == [
        (f"s1-r{number}", number, f"Réponse {number} ☕") for number in range(3)
    ]
    read = AgentTraces(alias).get_trace("tr1", USER)
    assert read is not None
    assert (read.start_time.microsecond, read.duration_ms) == (123456, 2000)
    spans = list(AgentTraces(alias).get_spans("tr1", USER))
    assert [(each.span_type, each.session_id, each.attributes["input.value"]) for each in spans] == [
        ("LLM", "s1", "Tee 🎈")
    ] * 2
    schedule = AgentRecords("schedule", alias).get_record("sc1", USER)
    assert schedule is not None
    assert schedule.data["enabled"] is True
    assert (schedule.status, schedule.data["payload"]) == ("enabled", {"message": "hi"})


@each_database
def test_nothing_is_added_to_what_belongs_to_another_person_here(alias: str) -> None:
    sessions, traces = AgentSessions(alias), AgentTraces(alias)
    sessions.upsert_session(AgentSession(session_id="s1"), "noah")
    traces.save_trace(trace("tr1"), "noah")
    for kind, record_id in (("component", "c1"), ("schedule", "sc1"), ("learning", "l1")):
        AgentRecords(kind, alias).add_record(AgentRecord(record_id=record_id, user_id="noah", data={"n": 1}))
    before = people.count("noah", alias)
    output = output_of_failed_import(STORES, "--what=sessions,traces,records", f"--database={alias}")
    assert people.count("noah", alias) == before
    assert not sessions.get_runs("s1", ANYONE).exists()
    reasons = {(row["where"].partition(",")[0], row["reason"]) for row in rejected()}
    assert reasons == {
        ("agno_sessions", OF_ANOTHER),
        ("agno_runs", NO_SESSION),
        ("agno_traces", OF_ANOTHER),
        ("agno_spans", OF_ANOTHERS_TRACE),
        ("agno_learnings", OF_ANOTHER),
        ("agno_components", OF_ANOTHER),
        ("agno_component_configs", NOT_IMPORTED),
        ("agno_schedules", OF_ANOTHER),
        ("agno_schedule_runs", NOT_IMPORTED),
        ("agno_compactions", NOT_IMPORTED),
        ("agno_transcripts", NOT_IMPORTED),
    }
    assert totals(output)["runs"] == "10 read: 7 imported, 0 unchanged, 3 rejected."


@each_database
def test_a_dry_run_counts_the_same_and_writes_nothing(alias: str) -> None:
    output = run("import_memories", STORES, "--what=all", "--dry-run", database=alias)
    assert not any(everything(alias))
    done = run("import_memories", STORES, "--what=all", database=alias)
    assert {name: text.replace("would be ", "") for name, text in totals(output).items()} == totals(done)


@each_database
def test_what_was_edited_here_stays_and_what_changed_in_the_source_is_rejected(alias: str) -> None:
    run("import_memories", STORES, "--what=all", database=alias)
    sessions = AgentSessions(alias)
    sessions.rename_session("s1", "Mine", USER)
    sessions.upsert_run("s1", AgentRun(run_id="s1-r0", run_type="agent", data={"said": "here"}), USER)
    before = everything(alias)
    columns = "run_id, session_id, run_type, run_data, run_index, created_at"
    path = changed(
        {
            "UPDATE agno_sessions SET session_data = '{}' WHERE session_id IN ('s1', 's3')": (),
            "UPDATE agno_learnings SET content = '{}' WHERE learning_id = 'l1'": (),
            f"INSERT INTO agno_runs ({columns}) VALUES (?, ?, ?, ?, 9, 5)": ("new", "s3", "agent", '{"x": 1}'),
        }
    )
    output = output_of_failed_import(path, "--what=all", f"--database={alias}")
    assert totals(output)["sessions"] == "4 read: 0 imported, 3 unchanged, 1 rejected."
    # The conversation s3 went on in the source: it stays as it is here, and its new turn comes.
    assert totals(output)["runs"] == "11 read: 1 imported, 10 unchanged, 0 rejected."
    assert totals(output)["learnings"] == "2 read: 0 imported, 1 unchanged, 1 rejected."
    assert {row["reason"] for row in rejected()} == {STORED}
    after = everything(alias)
    assert {key: row for key, row in after[1].items() if row["run_id"] != "new"} == before[1]
    assert after[0] == before[0]


@each_database
def test_bad_rows_are_rejected_alone(alias: str) -> None:
    path = changed(
        {
            "UPDATE agno_sessions SET session_data = '[1]' WHERE session_id = 's1'": (),
            "UPDATE agno_sessions SET session_type = 'dream' WHERE session_id = 's2'": (),
            "UPDATE agno_runs SET run_data = '{cut' WHERE run_id = 's3-r0'": (),
            "UPDATE agno_runs SET run_data = '{\"a\": NaN}' WHERE run_id = 's3-r1'": (),
            "UPDATE agno_traces SET start_time = 'soon'": (),
            "UPDATE agno_learnings SET user_id = ' ' WHERE learning_id = 'l1'": (),
            "UPDATE agno_schedules SET name = ? ": ("x" * 300 + "\x00",),
        }
    )
    output = output_of_failed_import(path, "--what=sessions,traces,records", f"--database={alias}")
    assert totals(output)["sessions"] == "4 read: 2 imported, 0 unchanged, 2 rejected."
    assert totals(output)["learnings"] == "2 read: 1 imported, 0 unchanged, 1 rejected."
    reasons = {row["where"]: row["reason"] for row in rejected()}
    assert reasons["agno_sessions, row 1"] == "session_data is not an object"
    assert "session_type: " in reasons["agno_sessions, row 2"]
    assert "a value that must be JSON is not JSON" in reasons.values()
    assert reasons["agno_traces, row 1"] == "'soon' is not a time"
    assert "name: " in reasons["agno_schedules, row 1"]
    # Its runs and its parts would have no owner.
    assert reasons["agno_schedule_runs, row 1"] == NOT_IMPORTED


@each_database
def test_a_unique_name_that_is_taken_is_a_reason(alias: str) -> None:
    run("import_memories", STORES, "--what=records", database=alias)
    path = changed({"UPDATE agno_service_accounts SET id = 'other', token_hash = 'x'": ()})
    output = output_of_failed_import(path, "--what=records", f"--database={alias}")
    assert totals(output)["service accounts"] == "1 read: 0 imported, 0 unchanged, 1 rejected."
    assert rejected()[-1]["reason"] == NAME_TAKEN


@pytest.mark.parametrize("name", ["agno-1.8.4-sessions", "agno-2.9.0-sessions"])
@each_database
def test_sessions_that_contain_their_runs_are_imported_once(alias: str, name: str) -> None:
    path = DATA / f"{name}.sqlite3"
    output = run("import_memories", path, "--what=sessions", database=alias)
    count = {"agno-1.8.4-sessions": (4, 6), "agno-2.9.0-sessions": (1, 2)}[name]
    assert totals(output) == {
        "sessions": f"{count[0]} read: {count[0]} imported, 0 unchanged, 0 rejected.",
        "runs": f"{count[1]} read: {count[1]} imported, 0 unchanged, 0 rejected.",
    }
    before = everything(alias)
    runs = list(AgentSessions(alias).get_runs("s1", USER))
    assert [(each.run_index, each.data["content"], to_epoch(each.created_at)) for each in runs] == [
        (number, f"Réponse {number}", 1795338591 + number) for number in range(2)
    ]
    assert {each.run_type for each in runs} == {"agent"}
    again = run("import_memories", path, "--what=sessions", database=alias)
    assert all(" 0 imported, " in text and " 0 rejected." in text for text in totals(again).values())
    assert everything(alias) == before


def test_sessions_of_agno_1_keep_what_has_no_field() -> None:
    output = run("import_memories", OLD, "--what=sessions,traces,records", database="default")
    assert "The source has no traces, records.\n" in output
    sessions = AgentSessions("default")
    found = sessions.get_session("s1", USER)
    assert found is not None
    assert (found.name, found.session_type, found.agent_data) == ("Größe ☕", "agent", {"name": "Chef"})
    assert found.extra["extra_data"] == {"x": [None]}
    assert found.extra["memory"] == {"summary": None}
    assert sessions.get_session("s2", NO_USER) is not None
    types = {each.session_id: each.session_type for each in sessions.rows(ANYONE)}
    assert types == {"s1": "agent", "s2": "agent", "t1": "team", "w1": "workflow"}


def test_a_file_of_sessions_is_read_twice_and_standard_input_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = {"runs": [{"run_id": f"r{number}", "content": "x" * 30_000} for number in range(5)]}
    row = {"user_id": "maya", "session_data": {}, "extra_data": {}, "agent_id": "a", "memory": memory}
    text = "".join(json.dumps({"session_id": each, **row}) + "\n" for each in "ab")
    Path("sessions.jsonl").write_text(text)
    output = run("import_memories", "sessions.jsonl", "--what=sessions", database="default")
    assert totals(output)["runs"] == "10 read: 10 imported, 0 unchanged, 0 rejected."

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    text = text.replace("x" * 30_000, "x")
    monkeypatch.setattr(sys, "stdin", mock.Mock(buffer=Pipe(text.encode())))
    assert "can be read only once. Save it as a file." in import_error("-", "--what=sessions", "--database=default")


def test_a_row_that_repeats_in_the_source_with_other_content_is_rejected() -> None:
    row: dict[str, Any] = {"session_id": "s", "session_type": "agent", "session_data": {}}
    rows = [{**row, "user_id": user} for user in ("maya", "noah")]
    Path("in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*rows, rows[0]]))
    output = output_of_failed_import("in.jsonl", "--what=sessions", "--database=default")
    assert totals(output)["sessions"] == "3 read: 1 imported, 1 unchanged, 1 rejected."
    assert rejected()[0]["reason"] == REPEATED


def test_what_is_chosen_and_what_the_source_has_beside_it() -> None:
    output = run("import_memories", STORES, database="default")
    assert "1 read: 1 imported" in output
    assert "The source also has sessions, runs, traces, spans, learnings, " in output
    assert "--what all brings them too." in output
    assert not any(everything("default"))
    assert "also has" not in run("import_memories", STORES, "--table=agno_memories", database="default")
    output = run("import_memories", STORES, "--what=sessions", "--table=agno_sessions,agno_runs", database="default")
    assert list(totals(output)) == ["sessions", "runs"]
    assert import_error(STORES, "--what=dreams").startswith("--what does not know dreams. Choose some of: memories, ")
    assert "The source has no traces; tables: " in import_error(OLD, "--what=traces")
    assert "no table or collection 'gone'" in import_error(STORES, "--what=sessions", "--table=gone")
