"""A copy has everything that belongs to a person, of that person, between all databases."""

from __future__ import annotations

import datetime
from typing import Any
from unittest import mock

import pytest
from django.core.management import CommandError
from django.db import models
from django.test import override_settings

from agno_memory import people
from agno_memory.agent_metrics import AgentMetrics
from agno_memory.agent_records import AgentRecords
from agno_memory.agent_sessions import ANYONE, NO_USER, AgentSessions
from agno_memory.agent_traces import AgentTraces
from agno_memory.memory import Memory
from agno_memory.models import AgentRecord, AgentRun, AgentSession, UserMemory
from agno_memory.transfer.copier import Copier
from agno_memory.transfer.copiers import COPIERS
from tests.databases import RUNNING, commits, each_database
from tests.test_agent_sessions import ODD
from tests.test_agent_traces import span, trace
from tests.transfer.commands import run

pytestmark = [commits]

TABLES = [copier.model for copiers in COPIERS.values() for copier in copiers]
# Computed again in the target, and the log, which is in the site's database.
NOT_COPIED = {"vectors", "log texts"}


def copy(source: str, target: str, **options: Any) -> str:
    return run("copy_memories", f"--from={source}", f"--to={target}", **options)


def refused(source: str, target: str) -> str:
    with pytest.raises(CommandError) as caught:
        copy(source, target)
    assert caught.value.returncode == 3
    return str(caught.value)


def other(alias: str) -> str:
    return RUNNING[(RUNNING.index(alias) + 1) % len(RUNNING)]


def fill(alias: str, owner: str = "maya") -> None:
    """Write a row of each kind for a person, most with values that differ between databases."""
    memory, sessions, traces = Memory(alias), AgentSessions(alias), AgentTraces(alias)
    for memory_id in "ab":
        memory.add_user_memory(UserMemory(memory_id=memory_id, memory="Größe", topics=["x"], metadata={"n": 1}), owner)
    memory.replace_user_memory("a", UserMemory(memory="Later"), owner)
    memory.delete_user_memory("b", owner)
    sessions.upsert_session(AgentSession(session_id=f"s {owner}", name="Größe", session_data=ODD, agent_id="c"), owner)
    for number in range(3):
        sessions.upsert_run(f"s {owner}", AgentRun(run_id=f"r{number}", run_type="agent", data=ODD), owner)
    traces.save_trace(trace(f"t {owner}"), owner)
    traces.save_spans([span("a", f"t {owner}"), span("b", f"t {owner}")])
    for kind in ("learning", "schedule"):
        record = AgentRecord(record_id=f"of {owner}", user_id=owner, data=ODD, name="Größe", sort_number=2**40)
        AgentRecords(kind, alias).add_record(record)
    AgentMetrics(alias).calculate()


def rows(alias: str, model: type[models.Model]) -> dict[Any, dict[str, Any]]:
    """Return all rows of a table with all values, by their keys."""
    names = [field.attname for field in model._meta.concrete_fields]
    return {row["pk"]: row for row in model._default_manager.using(alias).values("pk", *names)}


def everything(alias: str) -> list[dict[Any, dict[str, Any]]]:
    return [rows(alias, model) for model in TABLES]


def test_every_holding_of_a_person_is_copied() -> None:
    names = {"earlier versions" if name == "history" else name for name in COPIERS}
    assert names | {"runs", "spans"} | NOT_COPIED == {holding.name for holding in people.HOLDINGS}


@each_database
def test_a_copy_has_every_value_of_every_table(alias: str) -> None:
    target = other(alias)
    for owner in ("maya", "noah"):
        fill(alias, owner)
    AgentSessions(alias).upsert_session(AgentSession(session_id="of nobody"), NO_USER)
    before = everything(alias)
    assert all(before)
    with mock.patch("agno_memory.transfer.copier.ROWS_AT_ONCE", 2):
        output = copy(alias, target)
        assert "runs: 6 read: 6 copied, 0 updated, 0 unchanged." in output
        assert output.endswith("Done: the copy is identical to the source.\n")
        again = copy(alias, target)
    assert "runs: 6 read: 0 copied, 0 updated, 6 unchanged." in again
    assert "copied" in again
    assert " 0 copied" in again
    assert everything(alias) == before == everything(target)
    for owner in ("maya", "noah"):
        assert people.count(owner, target) == people.count(owner, alias)
    lines = [line for line in again.splitlines() if "sha256" in line]
    assert len(lines) == 2 * len(TABLES)
    assert all(one.split()[1:] == two.split()[1:] for one, two in zip(lines[::2], lines[1::2], strict=True))


@each_database
def test_a_copy_that_was_interrupted_continues(alias: str) -> None:
    target = other(alias)
    fill(alias)
    write: Any = Copier.write
    calls = iter([None, None, None, KeyboardInterrupt])

    def interrupted(self: Copier, *args: Any) -> None:
        error = next(calls)
        if error:
            raise error
        write(self, *args)

    with mock.patch.object(Copier, "write", interrupted), pytest.raises(KeyboardInterrupt):
        copy(alias, target)
    assert "identical" in copy(alias, target)
    assert everything(alias) == everything(target)


@each_database
def test_later_versions_are_copied_and_others_stay(alias: str) -> None:
    target = other(alias)
    fill(alias)
    copy(alias, target)
    write_more(alias)
    output = copy(alias, target)
    for name, copied, updated in (("sessions", 0, 1), ("runs", 1, 1), ("traces", 0, 1), ("records", 0, 1)):
        assert f"\n{name}: " in output
        assert f" {copied} copied, {updated} updated" in output.partition(f"\n{name}: ")[2].partition("\n")[0]
    # The deleted memory came back.
    assert "earlier versions: 2 read: 0 copied, 1 updated" in output
    assert everything(alias) == everything(target)
    write_more(target, "Theirs")
    before = everything(target)
    text = refused(alias, target)
    assert "1 sessions were not overwritten" in text
    assert "s maya of maya" in text
    assert "learning of maya of maya" in text
    assert everything(target) == before


def write_more(alias: str, text: str = "Newer") -> None:
    sessions = AgentSessions(alias)
    sessions.rename_session("s maya", text, "maya")
    for run_id in ("r1", "r9"):
        sessions.upsert_run("s maya", AgentRun(run_id=run_id, run_type="agent", data={"said": text}), "maya")
    AgentTraces(alias).save_trace(trace("t maya", status=text), "maya")

    def change(record: AgentRecord) -> bool:
        record.data = {"said": text}
        return True

    AgentRecords("learning", alias).change_record("of maya", change, "maya")
    if text == "Newer":
        Memory(alias).restore_user_memory("b", "maya")


@each_database
def test_what_belongs_to_another_person_in_the_target_is_not_touched(alias: str) -> None:
    target = other(alias)
    fill(alias)
    for number in range(5):
        AgentSessions(alias).rename_session("s maya", f"Version {number}", "maya")
    sessions, traces, records = AgentSessions(target), AgentTraces(target), AgentRecords("learning", target)
    sessions.upsert_session(AgentSession(session_id="s maya"), "noah")
    sessions.upsert_run("s maya", AgentRun(run_id="his", run_type="agent", data={"said": "x"}), "noah")
    traces.save_trace(trace("t maya"), "noah")
    records.add_record(AgentRecord(record_id="of maya", user_id="noah", data={}))
    before = people.count("noah", target)
    text = refused(alias, target)
    assert "1 sessions were not overwritten" in text
    assert "3 runs were not overwritten" in text
    assert "2 spans were not overwritten" in text
    assert people.count("noah", target) == before
    assert [run.run_id for run in sessions.get_runs("s maya", ANYONE)] == ["his"]
    # What has no owner there becomes its owner's.
    sessions.delete_user_sessions("noah")
    sessions.upsert_session(AgentSession(session_id="s maya"), NO_USER)
    assert "sessions" not in refused(alias, target)
    assert sessions.get_runs("s maya", "maya").count() == 3


@each_database
def test_parts_of_documents_of_another_person_and_names_that_are_taken_are_conflicts(alias: str) -> None:
    target = other(alias)
    AgentSessions(target).upsert_session(AgentSession(session_id="s"), "noah")
    for kind, record_id in (("component", "c"), ("schedule", "d")):
        AgentRecords(kind, target).add_record(AgentRecord(record_id=record_id, user_id="noah", data={"n": 1}))
    parts = {"component_config": "c", "component_link": "c", "schedule_run": "d"}
    for kind, parent in parts.items():
        AgentRecords(kind, alias).add_record(
            AgentRecord(record_id="p", user_id="maya", parent_id=parent, data={"n": 2})
        )
    for kind in ("compaction", "transcript"):
        AgentRecords(kind, alias).add_record(AgentRecord(record_id="p", user_id="maya", session_id="s", data={"n": 3}))
    for each, record_id in ((alias, "mine"), (target, "theirs")):
        row = AgentRecord(record_id=record_id, user_id="maya", data={"n": 4}, unique_key="name")
        AgentRecords("service_account", each).add_record(row)
    before = everything(target)
    assert "6 records were not overwritten" in refused(alias, target)
    assert everything(target) == before


@override_settings(AGNO_MEMORY={"HISTORY_DAYS": 30})
def test_what_chooses_the_kinds() -> None:
    target = other("default")
    fill("default")
    output = copy("default", target, what="sessions, memories")
    assert [line.partition(":")[0] for line in output.splitlines() if " read: " in line] == [
        "memories",
        "sessions",
        "runs",
    ]
    filled = [bool(found) for found in everything(target)]
    assert [model.__name__ for model, has in zip(TABLES, filled, strict=True) if has] == [
        "UserMemory",
        "AgentSession",
        "AgentRun",
    ]
    with pytest.raises(CommandError, match=r"^--what does not know dreams\. Choose some of: memories, history, "):
        copy("default", target, what="dreams")


def test_metrics_that_both_computed_are_the_same() -> None:
    target = other("default")
    fill("default")
    copy("default", target)
    AgentMetrics(target).calculate(datetime.datetime.now(datetime.UTC).date())
    assert "metrics: 1 read: 0 copied, 0 updated, 1 unchanged." in copy("default", target)
