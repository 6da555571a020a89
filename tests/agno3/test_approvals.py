"""Approvals: as on agno's own store, decided once, never another user's, on every database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from agno.agent import Agent
from agno.approval import approval
from agno.db.base import BaseDb
from agno.db.schemas.approval import Approval
from agno.run.base import RunStatus
from agno.tools import tool

from agno_memory import people
from agno_memory.agent_approvals import AgentApprovals
from agno_memory.contrib.agno import DjangoDb
from agno_memory.exceptions import RecordExists, ValidationError
from agno_memory.models import AgentRecord
from tests.agno3.pairs import Steps, agnos_own, differences, outcome
from tests.agno_model import ScriptedModel
from tests.databases import commits, each_database, race, results

pytestmark = [commits]

MADE = 1_700_000_000


def asked(approval_id: str, **values: Any) -> Steps:
    defaults: dict[str, Any] = {"id": approval_id, "run_id": "run", "session_id": "s", "created_at": MADE}
    return lambda db: db.create_approval(Approval(**defaults | values).to_dict())


def listed(**arguments: Any) -> Steps:
    return lambda db: db.get_approvals(**arguments)


STEPS: list[Steps] = [
    asked("a1", approval_type="required", tool_name="send", tool_args={"to": "Größe 🎈", "n": [1, None]}),
    asked("a2", user_id="maya", agent_id="chef", approval_type="required", created_at=MADE + 1, expires_at=MADE + 9),
    asked("a3", user_id="maya", team_id="kitchen", source_type="team", run_id="run 2", created_at=MADE + 2),
    asked("a4", user_id="noah", workflow_id="w", pause_type="user_input", status="approved", created_at=MADE + 3),
    asked("a5", schedule_id="sch", schedule_run_id="sr", approval_type="audit", created_at=MADE + 4),
    # Without times, as a caller of the method may leave them out.
    lambda db: sorted(
        db.create_approval(
            {
                "id": "a6",
                "run_id": "run 3",
                "session_id": "s",
                "status": "pending",
                "source_type": "agent",
                "pause_type": "confirmation",
            }
        )
    ),
    *(lambda db, each=each: db.get_approval(each) for each in ("a1", "a2", "a5", "a6", "gone")),
    listed(run_id="run"),
    listed(status="pending", run_id="run"),
    listed(source_type="team"),
    listed(approval_type="audit"),
    listed(pause_type="user_input"),
    listed(agent_id="chef"),
    listed(team_id="kitchen", user_id="maya"),
    listed(workflow_id="w"),
    listed(workflow_id="w", user_id="maya"),
    listed(schedule_id="sch"),
    listed(user_id="maya"),
    listed(user_id="maya", limit=1, page=2),
    listed(user_id="gone"),
    lambda db: [db.get_pending_approval_count(user_id=each) for each in (None, "maya", "noah", "gone")],
    lambda db: db.update_approval(
        "a2",
        expected_status="pending",
        status="approved",
        resolved_by="boss",
        resolved_at=MADE + 5,
        resolution_data={"note": "Größe"},
    ),
    lambda db: db.update_approval("a2", expected_status="pending", status="rejected"),
    lambda db: db.update_approval("a2", status="rejected"),
    lambda db: db.update_approval("gone", status="rejected"),
    lambda db: db.get_approval("a2"),
    lambda db: db.update_approval_run_status("run", RunStatus.completed),
    lambda db: db.update_approval_run_status("gone", RunStatus.completed),
    listed(run_id="run"),
    lambda db: [db.delete_approval(each) for each in ("a1", "a1", "gone")],
    listed(status="pending", user_id="maya"),
]


@each_database
def test_the_results_are_those_of_agnos_own_store(alias: str, tmp_path: Path) -> None:
    assert differences(STEPS, alias, tmp_path) == []


@each_database
def test_of_several_decisions_one_is_written(alias: str) -> None:
    asked("a")(DjangoDb(alias))

    def decide(thread: int, _number: int) -> Any:
        status = "approved" if thread % 2 else "rejected"
        return DjangoDb(alias).update_approval("a", expected_status="pending", status=status, resolved_by=str(thread))

    (decisions,) = race(1, decide)
    assert len(results(decisions)) == len(decisions)
    (written,) = [each for each in decisions if each is not None]
    assert DjangoDb(alias).get_approval("a") == written


@each_database
def test_a_decision_and_the_end_of_the_run_keep_each_other(alias: str) -> None:
    db = DjangoDb(alias)
    for number in range(6):
        asked(f"a{number}", run_id=f"r{number}")(db)

        def write(thread: int, _number: int, number: int = number) -> Any:
            own = DjangoDb(alias)
            if thread % 2:
                return own.update_approval_run_status(f"r{number}", RunStatus.completed)
            return own.update_approval(f"a{number}", expected_status="pending", status="approved")

        race(1, write, threads=4)
        found = db.get_approval(f"a{number}")
        assert found is not None
        assert (found["status"], found["run_status"]) == ("approved", "COMPLETED")


@each_database
def test_another_users_approval_does_not_exist(alias: str) -> None:
    db = DjangoDb(alias)
    asked("a", user_id="maya")(db)
    asked("nobody's")(db)
    before = db.get_approval("a")
    assert db.get_approvals(user_id="noah") == ([], 0)
    assert db.get_pending_approval_count(user_id="noah") == 0
    with pytest.raises(RecordExists):
        asked("a", user_id="noah")(db)
    for change in ({"user_id": "noah"}, {"user_id": None}, {"run_id": "x"}, {"session_id": "x"}, {"id": "x"}):
        with pytest.raises(ValueError, match=r"cannot change\."):
            db.update_approval("a", **change)
    for call in (db.get_approvals, db.get_pending_approval_count):
        with pytest.raises(ValidationError):
            call(user_id="")
    assert db.get_approval("a") == before
    people.erase("maya", db=alias)
    assert [each.record_id for each in AgentRecord.objects.using(alias)] == ["nobody's"]


def _send_money(amount: int) -> str:
    """Send money."""
    return f"sent {amount}"


send_money: Any = approval(tool(name="send_money", requires_confirmation=True)(_send_money))


def use(db: BaseDb, decision: str | None) -> Any:
    """Pause a run, decide, and continue it: as a program does that follows agno's documentation."""
    bank = Agent(id="bank", model=ScriptedModel(), db=db, tools=[send_money], telemetry=False)
    paused = bank.run('!send_money {"amount": 5}', user_id="maya", session_id="s")
    (waiting,), count = db.get_approvals(status="pending", user_id="maya")
    assert waiting["run_id"] == paused.run_id
    names = ("status", "approval_type", "pause_type", "tool_name", "tool_args", "agent_id", "user_id", "run_status")
    asked_for = {name: waiting[name] for name in names}
    if decision is not None:
        decided = {"status": decision, "resolved_by": "boss", "resolved_at": MADE}
        db.update_approval(waiting["id"], expected_status="pending", **decided)

    def go_on() -> Any:
        done = bank.continue_run(run_id=paused.run_id, session_id="s", user_id="maya")
        return done.status.value, [each.result for each in done.tools or []]

    result = outcome(go_on)
    found = db.get_approval(waiting["id"])
    assert found is not None
    return (paused.is_paused, count), asked_for, result, (found["status"], found["resolved_by"], found["run_status"])


@pytest.mark.parametrize("decision", [None, "approved", "rejected"])
@each_database
def test_a_run_waits_for_a_decision(alias: str, decision: str | None, tmp_path: Path) -> None:
    with agnos_own(tmp_path) as theirs:
        ours = use(DjangoDb(alias), decision)
        assert ours == use(theirs, decision)
    assert ("sent 5" in str(ours[2])) == (decision == "approved")
    assert ours[3][0] == (decision or "pending")


@pytest.mark.parametrize("decision", ["approved", "rejected"])
@each_database
def test_a_decision_of_staff_lets_the_run_go_on(alias: str, decision: str) -> None:
    db = DjangoDb(alias)
    bank = Agent(id="bank", model=ScriptedModel(), db=db, tools=[send_money], telemetry=False)
    paused = bank.run('!send_money {"amount": 5}', user_id="maya", session_id="s")
    (waiting,), _count = db.get_approvals(status="pending")
    assert AgentApprovals(alias).decide_approval(waiting["id"], decision, "boss", "maya") is not None
    found, count = db.get_approvals(status=decision, user_id="maya")
    assert (count, found[0]["resolved_by"], set(found[0]) == set(waiting)) == (1, "boss", True)
    done = bank.continue_run(run_id=paused.run_id, session_id="s", user_id="maya")
    was_sent = "sent 5" in [each.result for each in done.tools or []]
    assert (was_sent, done.status) == (decision == "approved", RunStatus.completed)


@each_database
def test_a_call_that_needs_values_is_not_approved_without_them(alias: str) -> None:
    def _send(amount: int, note: str) -> str:
        """Send money."""
        return f"sent {amount}, {note}"

    send: Any = approval(tool(name="send", requires_user_input=True, user_input_fields=["note"])(_send))
    bank = Agent(id="bank", model=ScriptedModel(), db=DjangoDb(alias), tools=[send], telemetry=False)
    bank.run('!send {"amount": 5}', user_id="maya", session_id="s")
    waiting = AgentApprovals(alias).rows("maya").get()
    with pytest.raises(ValidationError, match="needs values"):
        AgentApprovals(alias).decide_approval(waiting.record_id, "approved", "boss", "maya")
