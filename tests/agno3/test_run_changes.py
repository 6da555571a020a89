"""Runs that are cancelled and sessions that are given to another user, only as they were seen, on every database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from agno.db.base import BaseDb
from agno.run.agent import RunOutput
from agno.run.base import RunStatus
from agno.session import AgentSession as AgnoSession

from agno_memory import people
from agno_memory.agent_sessions import AgentSessions
from agno_memory.contrib.agno import DjangoDb
from agno_memory.models import AgentRecord, AgentSession
from tests.agno3.pairs import Steps, differences
from tests.databases import commits, each_database, race, results

pytestmark = [commits]


def session(session_id: str, user_id: str | None = "maya") -> Steps:
    def write(db: BaseDb) -> None:
        db.upsert_session(AgnoSession(session_id=session_id, user_id=user_id, agent_id="chef"))

    return write


def run(run_id: str, session_id: str = "s", user_id: str | None = "maya", **values: Any) -> Steps:
    def write(db: BaseDb) -> None:
        db.upsert_run(RunOutput(run_id=run_id, session_id=session_id, agent_id="chef", **values), session_id, user_id)

    return write


def cancelled(run_id: str, session_id: str = "s", user_id: str | None = "maya", **arguments: Any) -> Steps:
    return lambda db: db.cancel_pending_run(
        run_id, session_id=session_id, reason="Lost 🎈", user_id=user_id, **arguments
    )


def status(run_id: str) -> Steps:
    def read(db: BaseDb) -> Any:
        found: Any = db.get_run(run_id)
        stored: Any = db.get_run(run_id, deserialize=False)
        return found.status, found.content, found.metadata, stored["status"]

    return read


def given(session_id: str, previous_user_id: str, user_id: str | None) -> Steps:
    def give(db: BaseDb) -> Any:
        changed = db.reassign_session_owner(session_id, previous_user_id=previous_user_id, user_id=user_id)
        found: Any = db.get_session(session_id, deserialize=False)
        return changed, found and found["user_id"]

    return give


STEPS: list[Steps] = [
    session("s"),
    session("t", None),
    run("r1", status=RunStatus.pending, metadata={"k": ["Größe", None]}),
    run("r2", status=RunStatus.running, content="so far"),
    run("r3", status=RunStatus.completed, content="done"),
    run("r4", "t", None, status=RunStatus.pending),
    cancelled("r1", user_id="noah"),
    cancelled("r1", user_id=None),
    cancelled("r1", "t"),
    cancelled("r1", expected_status="RUNNING"),
    cancelled("r1", expected_status="COMPLETED"),
    cancelled("gone"),
    status("r1"),
    given("s", "maya", "noah"),
    cancelled("r1"),
    cancelled("r1"),
    status("r1"),
    cancelled("r2"),
    given("s", "maya", "noah"),
    cancelled("r2", expected_status="RUNNING"),
    status("r2"),
    cancelled("r3"),
    status("r3"),
    # Any user may cancel a run in a session without a user.
    cancelled("r4", "t"),
    status("r4"),
    given("s", "noah", "maya"),
    given("gone", "maya", "noah"),
    given("s", "maya", "noah"),
    given("s", "maya", "noah"),
    run("r5", user_id="noah", status=RunStatus.paused),
    given("s", "noah", "maya"),
    run("r5", user_id="noah", status=RunStatus.completed),
    given("s", "noah", None),
]


@each_database
def test_the_results_are_those_of_agnos_own_store(alias: str, tmp_path: Path) -> None:
    assert differences(STEPS, alias, tmp_path) == []


@each_database
def test_a_run_that_is_cancelled_while_it_ends_has_one_end(alias: str) -> None:
    db = DjangoDb(alias)
    session("s")(db)
    for number in range(5):
        run_id = f"r{number}"
        run(run_id, status=RunStatus.running)(db)

        def end(thread: int, _round: int, run_id: str = run_id) -> Any:
            if thread:
                return cancelled(run_id, expected_status="RUNNING")(DjangoDb(alias))
            return run(run_id, status=RunStatus.completed, content="done")(DjangoDb(alias))

        (outcome,) = race(1, end, threads=4)
        assert len(results(outcome)) == 4
        found: Any = db.get_run(run_id)
        # The end of the run is written in any case; a cancellation before it is overwritten, as in agno.
        assert (found.status, found.content) == (RunStatus.completed, "done")
        assert outcome.count(True) <= 1


@each_database
def test_of_several_cancellations_one_is_written(alias: str) -> None:
    db = DjangoDb(alias)
    session("s")(db)
    run("r", status=RunStatus.pending)(db)
    (outcome,) = race(1, lambda thread, _: cancelled("r")(DjangoDb(alias)))
    assert sorted(map(str, outcome)) == sorted(["True", *["False"] * (len(outcome) - 1)])


@each_database
def test_a_session_is_given_to_one_user(alias: str) -> None:
    session("s")(DjangoDb(alias))
    users = [f"user {thread}" for thread in range(8)]

    def give(thread: int, _number: int) -> Any:
        return DjangoDb(alias).reassign_session_owner("s", previous_user_id="maya", user_id=users[thread])

    (outcome,) = race(1, give)
    (winner,) = [user for user, changed in zip(users, outcome, strict=True) if changed is True]
    assert outcome.count(False) == len(outcome) - 1
    assert AgentSession.objects.using(alias).get().user_id == winner


@each_database
def test_a_run_that_begins_meanwhile_keeps_the_session(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    db = DjangoDb(alias)
    session("s")(db)
    exists = AgentSessions(alias)._store.runs("s").exists
    begun: list[Any] = []

    def begin(rows: Any) -> bool:
        found = exists.__func__(rows)  # type: ignore[attr-defined]
        if rows.model.__name__ == "AgentRun" and not begun:
            begun.append(run("r", status=RunStatus.running)(DjangoDb(alias)))
        return bool(found)

    monkeypatch.setattr(type(AgentSessions(alias)._store.runs("s")), "exists", begin)
    assert not db.reassign_session_owner("s", previous_user_id="maya", user_id="noah")
    assert begun
    assert AgentSession.objects.using(alias).get().user_id == "maya"


@each_database
def test_the_parts_of_a_session_follow_it(alias: str) -> None:
    db = DjangoDb(alias)
    session("s")(db)
    db.upsert_compaction({"compaction_id": "c", "session_id": "s", "user_id": "maya", "created_at": 1})
    db.append_transcript_entries("claude", "p", "sdk", [{"uuid": "1"}], "s")
    assert db.reassign_session_owner("s", previous_user_id="maya", user_id="noah")
    assert {each.user_id for each in AgentRecord.objects.using(alias)} == {"noah"}
    assert people.erase("maya", db=alias).is_complete
    assert AgentRecord.objects.using(alias).count() == 2
