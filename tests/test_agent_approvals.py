"""Decisions about calls that wait, on every database: one wins, none of another user's, none without its values."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from agno_memory.agent_approvals import AgentApprovals, is_pending, needs_values
from agno_memory.agent_records import ANYONE, NO_USER, AgentRecords
from agno_memory.models import AgentRecord
from agno_memory.times import from_epoch
from tests.databases import commits, each_database, race

pytestmark = [commits]

CALL: dict[str, Any] = {"tool_name": "send", "requires_confirmation": True}


def wait(alias: str, record_id: str = "a", *, status: str = "pending", **data: Any) -> AgentRecord:
    document = {"id": record_id, "status": status, "pause_type": "confirmation", "tool_args": {"n": 1.5}, **data}
    return AgentApprovals(alias).add_record(
        AgentRecord(record_id=record_id, user_id="maya", status=status, data=document)
    )


@pytest.mark.parametrize("decision", ["approved", "rejected"])
@each_database
def test_a_decision_is_written_with_its_author_and_time(alias: str, decision: str) -> None:
    before = wait(alias)
    decided = AgentApprovals(alias).decide_approval("a", decision, User(pk=7), "maya")
    found = AgentRecord.objects.using(alias).get()
    assert decided is not None
    assert (found.status, found.version, found.data) == (decision, 2, decided.data)
    assert found.data["tool_args"] == before.data["tool_args"]
    assert (found.data["status"], found.data["resolved_by"]) == (decision, "7")
    assert found.data["resolved_at"] == found.data["updated_at"]
    assert from_epoch(found.data["resolved_at"]) <= found.updated_at == decided.updated_at


@each_database
def test_a_decision_is_final(alias: str) -> None:
    approvals = AgentApprovals(alias)
    wait(alias)
    wait(alias, "old", status="expired")
    AgentRecords("learning", alias).add_record(AgentRecord(record_id="l", status="pending", data={}))
    assert approvals.decide_approval("a", "rejected", "boss", ANYONE) is not None
    for record_id in ("a", "old", "l", "gone"):
        assert approvals.decide_approval(record_id, "approved", "other", ANYONE) is None
    assert AgentRecord.objects.using(alias).get(record_id="a").data["resolved_by"] == "boss"


@each_database
def test_another_users_approval_does_not_exist(alias: str) -> None:
    wait(alias)
    for other in ("noah", NO_USER, None):
        assert AgentApprovals(alias).decide_approval("a", "approved", "boss", other) is None
    assert AgentRecord.objects.using(alias).get().status == "pending"


@each_database
def test_of_several_decisions_one_is_written(alias: str) -> None:
    wait(alias)

    def decide(thread: int, _number: int) -> bool:
        decision = "rejected" if thread % 2 else "approved"
        return AgentApprovals(alias).decide_approval("a", decision, f"staff {thread}", "maya") is not None

    (outcome,) = race(1, decide)
    assert sorted(map(str, outcome)) == sorted(["True", *["False"] * (len(outcome) - 1)])
    found = AgentRecord.objects.using(alias).get().data
    winner = outcome.index(True)
    assert (found["resolved_by"], found["status"]) == (f"staff {winner}", "rejected" if winner % 2 else "approved")


@each_database
def test_a_call_that_needs_values_is_rejected_only(alias: str) -> None:
    wait(alias, pause_type="user_input")
    approvals = AgentApprovals(alias)
    with pytest.raises(ValidationError, match="needs values"):
        approvals.decide_approval("a", "approved", "boss", "maya")
    assert AgentRecord.objects.using(alias).get().status == "pending"
    assert approvals.decide_approval("a", "rejected", "boss", "maya") is not None


@each_database
def test_bad_input_is_refused(alias: str) -> None:
    wait(alias)
    bad: list[tuple[str, str, object]] = [("a", "pending", "boss"), ("a", "", "boss"), ("a", "approved", " ")]
    for record_id, decision, decider in bad:
        with pytest.raises(ValidationError):
            AgentApprovals(alias).decide_approval(record_id, decision, decider, "maya")
    assert AgentRecord.objects.using(alias).get().version == 1


def test_the_verb_has_an_async_twin() -> None:
    twin = AgentApprovals.adecide_approval
    assert inspect.iscoroutinefunction(twin)
    assert inspect.signature(twin) == inspect.signature(AgentApprovals.decide_approval)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, False),
        ({"requirements": [{"tool_execution": CALL}]}, False),
        ({"requirements": [{"tool_execution": {**CALL, "requires_user_input": True}}]}, True),
        ({"requirements": [{"tool_execution": {**CALL, "external_execution_required": True}}]}, True),
        ({"pause_type": "external_execution"}, True),
        ({"requirements": ["x", None, {"tool_execution": None}]}, False),
        ({"requirements": "x"}, False),
    ],
)
def test_calls_that_need_values(data: dict[str, Any], expected: bool) -> None:
    assert needs_values(AgentRecord(data=data)) is expected


def test_approvals_that_wait() -> None:
    assert is_pending(AgentRecord(kind="approval", status="pending", data={}))
    assert not is_pending(AgentRecord(kind="schedule", status="pending", data={}))
    assert not is_pending(AgentRecord(kind="approval", status="approved", data={}))
    # A row of another program.
    assert not is_pending(AgentRecord(kind="approval", status="pending", data=["x"]))
