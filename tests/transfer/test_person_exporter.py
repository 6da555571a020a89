"""The file of a person has everything that an erasure would delete, and nothing of others, on every database."""

from __future__ import annotations

import json
import stat
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from agno_memory import people
from agno_memory.agent_document_kinds import ACCOUNT, AUTH_TOKEN, SECRET_KINDS
from agno_memory.agent_records import AgentRecords
from agno_memory.agent_traces import AgentTraces
from agno_memory.memory import Memory
from agno_memory.models import AgentRecord
from agno_memory.services import NO_USER
from agno_memory.transfer.person_exporter import COUNTED
from tests.databases import commits, each_database
from tests.test_agent_traces import span, trace
from tests.test_people import fill
from tests.transfer.commands import run

pytestmark = [commits]


def exported(*arguments: str, **options: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("export_user", *arguments, **options).split("\n")[:-1]]


def kind_of(row: dict[str, Any]) -> str:
    if len(row) == 1:
        return next(iter(row))
    return "version" if "valid_until" in row else "memory"


@each_database
def test_the_file_of_a_person_has_all_that_an_erasure_deletes(alias: str) -> None:
    for owner in ("maya", "noah"):
        fill(alias, owner)
    # A request begins a trace before agno knows the user; a step in a trace of another person is about this one.
    traces = AgentTraces(alias)
    traces.save_trace(trace("request"), NO_USER)
    traces.save_spans([span("s", "request", user_id="maya"), span("t", "of noah", user_id="maya")])
    # A killed run has no trace.
    traces.save_spans([span("u", "none", user_id="maya"), span("v", "killed", session_id="of maya")])
    header, *rows, last = exported("maya", database=alias)
    assert header == {"format": "agno_memory", "version": 1}
    counts = {name: number for name, number in people.count("maya", alias).items() if name in COUNTED}
    assert last == {"end": 1, "counts": {name.replace(" ", "_"): number for name, number in counts.items()}}
    assert Counter(map(kind_of, rows)) == {
        "memory": 1,
        "version": 1,
        "session": 1,
        "trace": counts["traces"],
        "span": counts["spans"],
        "metric": 1,
        "record": 4,
    }
    [session] = [row["session"] for row in rows if "session" in row]
    assert (session["session_id"], [each["run_id"] for each in session["runs"]]) == ("of maya", ["r1", "r2"])
    assert {row["trace"]["trace_id"] for row in rows if "trace" in row} == {"of maya", "first of maya", "request"}
    owners = {value.get("user_id") for row in rows for value in (row, *row.values()) if isinstance(value, dict)}
    assert "noah" not in owners
    assert [kind_of(row) for row in exported("nobody", database=alias)[1:-1]] == []


def test_each_kind_that_an_erasure_deletes_is_in_the_file_or_left_out_on_purpose() -> None:
    assert {*COUNTED, "vectors", "log texts"} == {holding.name for holding in people.HOLDINGS}


@each_database
def test_the_file_of_a_person_has_no_means_to_log_in(alias: str) -> None:
    for kind in SECRET_KINDS:
        data = {"token_data": "secret", "token_hash": "secret"}
        record = AgentRecord(record_id=kind, user_id="maya", name="mail", reference_id="secret", data=data)
        AgentRecords(kind, alias).add_record(record)
    output = run("export_user", "maya", database=alias)
    assert "secret" not in output
    records = [json.loads(line)["record"] for line in output.split("\n") if line.startswith('{"record"')]
    assert [(each["kind"], each["name"]) for each in records] == [(AUTH_TOKEN.name, "mail"), (ACCOUNT.name, "mail")]


@each_database
def test_the_memories_of_a_person_are_imported_from_the_file(alias: str) -> None:
    fill(alias, "maya")
    run("export_user", "maya", "--output=maya.jsonl", database=alias)
    people.erase("maya", alias)
    assert "1 read: 1 imported" in run("import_memories", "maya.jsonl", database=alias)
    assert [each.memory for each in Memory(alias).get_user_memories("maya")] == ["Likes tea"]


def test_the_file_of_a_person_is_private_and_replaces_nothing_unasked() -> None:
    fill("default", "maya")
    words = (
        "1 memories, 1 earlier versions, 1 sessions, 2 runs, 2 traces, 3 spans, 1 metrics, 4 records in maya.jsonl.\n"
    )
    assert run("export_user", "maya", "--output=maya.jsonl") == words
    assert stat.S_IMODE(Path("maya.jsonl").stat().st_mode) == 0o600
    before = Path("maya.jsonl").read_text()
    with pytest.raises(CommandError, match="--overwrite replaces it"):
        run("export_user", "noah", output=Path("maya.jsonl"))
    assert Path("maya.jsonl").read_text() == before == run("export_user", "maya")
    assert run("export_user", "maya", output="maya.jsonl", overwrite=True) == words
    with pytest.raises(CommandError, match="blank"):
        run("export_user", " ")
