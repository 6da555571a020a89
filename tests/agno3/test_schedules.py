"""Schedules, their runs and their claims: as on agno's own store, with owners, on every database."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from agno.agent import Agent
from agno.db.base import BaseDb, ComponentType
from agno.db.schemas.scheduler import Schedule, ScheduleRun
from agno.os import AgentOS

from agno_memory import people
from agno_memory.contrib.agno import AsyncDjangoDb, DjangoDb
from agno_memory.exceptions import RecordExists, RecordNotFound, ValidationError
from agno_memory.models import AgentRecord
from tests.agno3.pairs import Steps, differences
from tests.agno_model import ScriptedModel
from tests.databases import commits, each_database, race, results

pytestmark = [commits]

DUE = 1_700_000_000
LATER = 4_000_000_000


def schedule(schedule_id: str, **values: Any) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "id": schedule_id,
        "name": f"Name of {schedule_id}",
        "cron_expr": "0 9 * * *",
        "endpoint": "/agents/chef/runs",
        "payload": {"message": "Größe 🎈", "n": [1, None]},
        "next_run_at": DUE,
        "created_at": DUE,
    }
    return Schedule(**defaults | values).to_dict()


def schedule_run(run_id: str, schedule_id: str = "s1", **values: Any) -> dict[str, Any]:
    return ScheduleRun(**{"id": run_id, "schedule_id": schedule_id, "created_at": DUE, **values}).to_dict()


def made(schedule_id: str, **values: Any) -> Steps:
    return lambda db: db.create_schedule(schedule(schedule_id, **values))


def ran(run_id: str, schedule_id: str = "s1", **values: Any) -> Steps:
    return lambda db: db.create_schedule_run(schedule_run(run_id, schedule_id, **values))


def claims(count: int = 6, **arguments: Any) -> Steps:
    """Return a step that claims what is due. The time of a claim is now."""

    def claim(db: BaseDb) -> Any:
        found = [db.claim_due_schedule("worker", **arguments) for _ in range(count)]
        return [each and {**each, "locked_at": each["locked_at"] is not None} for each in found]

    return claim


def free(db: BaseDb) -> Any:
    """Release claims as the worker does, and as a worker does whose claim has ended."""
    claimed = db.get_schedule("s1")
    assert claimed is not None
    return [
        db.release_schedule("s1", LATER, worker_id="another"),
        db.release_schedule("s1", LATER, worker_id="worker", locked_at=claimed["locked_at"] + 1),
        db.release_schedule("s1", LATER, worker_id="worker", locked_at=claimed["locked_at"]),
        db.get_schedule("s1"),
        db.release_schedule("s4"),
        db.release_schedule("on demand", LATER),
        db.release_schedule("gone", LATER),
        db.get_schedule("s4"),
        db.get_schedule("on demand"),
    ]


STEPS: list[Steps] = [
    made("s1"),
    made("s2", user_id="maya", created_at=DUE + 1, enabled=False, description="d"),
    made("s3", user_id="noah", created_at=DUE + 2, next_run_at=LATER),
    made("s4", user_id="maya", created_at=DUE + 3, next_run_at=DUE + 1, endpoint="/teams/kitchen/runs/"),
    made("s5", created_at=DUE + 4, next_run_at=None),
    made("on demand", created_at=DUE + 5, next_run_at=DUE + 2, cron_expr=""),
    # A name is unique within one owner.
    made("s6", name="Name of s1", user_id="maya", created_at=DUE + 6, next_run_at=None),
    *(lambda db, each=each: db.get_schedule(each) for each in ("s1", "s2", "gone")),
    lambda db: db.get_schedule("s2", user_id="maya"),
    lambda db: db.get_schedule("s2", user_id="noah"),
    lambda db: db.get_schedule("s1", user_id="maya"),
    lambda db: db.get_schedule_by_name("Name of s1"),
    lambda db: db.get_schedule_by_name("Name of s1", user_id="maya"),
    lambda db: db.get_schedule_by_name("Name of s1", user_id="noah"),
    lambda db: db.get_schedule_by_name("Name of s2"),
    lambda db: db.get_schedules(),
    lambda db: db.get_schedules(enabled=True, user_id="maya"),
    lambda db: db.get_schedules(enabled=False),
    lambda db: db.get_schedules(limit=2, page=2),
    lambda db: db.get_schedules(user_id="gone"),
    lambda db: db.update_schedule("s1", name="New", description="D", payload={"x": 1}),
    lambda db: db.update_schedule("s2", user_id="noah", name="Mine"),
    lambda db: db.update_schedule("s2", user_id="maya", enabled=True, disabled_reason="r"),
    lambda db: db.update_schedule("s2", enabled=False, disabled_reason="because"),
    lambda db: db.update_schedule("s2", enabled=True),
    lambda db: db.update_schedule("s2", enabled=False, next_run_at=None),
    lambda db: db.update_schedule("gone", name="x"),
    lambda db: db.update_schedule("s1", locked_by="me"),
    lambda db: db.update_schedule("s1", target_id="x"),
    lambda db: db.stamp_schedule_provenance("s1", managed_by="studio", created_by_run_id="r"),
    lambda db: db.stamp_schedule_provenance("s1", user_id="maya"),
    lambda db: db.stamp_schedule_provenance("gone", managed_by="studio"),
    lambda db: db.get_schedule("s1"),
    claims(),
    claims(lock_grace_seconds=-10),
    free,
    claims(2),
    ran("r1", triggered_at=DUE, completed_at=DUE + 5, status="success", input={"message": "🎈"}),
    ran("r2", triggered_at=DUE + 60, created_at=DUE + 60, user_id="maya"),
    ran("r3", "s4", triggered_at=None, user_id="maya"),
    ran("r4", "s5", triggered_at=DUE, attempt=1, created_at=DUE + 9),
    ran("r5", "s5", triggered_at=DUE + 1, attempt=2, created_at=DUE + 8),
    lambda db: db.update_schedule_run("r2", status="failed", error="e", run_id="run", session_id="s", status_code=500),
    lambda db: db.update_schedule_run("r2", completed_at=DUE + 90, output={"content": "c"}, requirements=[{"a": 1}]),
    lambda db: db.update_schedule_run("gone", status="failed"),
    lambda db: db.get_schedule_run("r2"),
    lambda db: db.get_schedule_run("r2", user_id="maya"),
    lambda db: db.get_schedule_run("r2", user_id="noah"),
    lambda db: db.get_schedule_run("gone"),
    lambda db: db.get_schedule_runs("s1"),
    lambda db: db.get_schedule_runs("s1", limit=1, page=2),
    lambda db: db.get_schedule_runs("s1", user_id="maya"),
    lambda db: db.get_schedule_runs("gone"),
    lambda db: db.get_latest_schedule_runs(["s1", "s4", "s5", "s3", "gone"]),
    lambda db: db.get_latest_schedule_runs([]),
    lambda db: db.delete_schedule_runs("s1", before=DUE + 5),
    lambda db: db.delete_schedule_runs("s1", before=DUE + 6),
    lambda db: db.delete_schedule_runs("s4", before=LATER),
    lambda db: db.get_schedule_runs("s1"),
    made("t1", endpoint="/other", target_type="agent", target_id="waiter", managed_by="studio", created_at=DUE + 7),
    made("t2", endpoint="/agents/waiter/runs", user_id="noah", created_at=DUE + 8),
    made("t3", endpoint="/agents/waiter/runs/", user_id="maya", created_at=DUE + 9),
    made("t4", endpoint="/teams/waiter/runs", target_type="team", target_id="waiter", created_at=DUE + 10),
    made("t5", endpoint="/agents/waiter2/runs", created_at=DUE + 11),
    lambda db: db.disable_schedules_for_target("agent", "waiter", reason="gone"),
    lambda db: db.disable_schedules_for_target("agent", "waiter"),
    lambda db: db.get_schedules(enabled=False),
    lambda db: db.delete_schedule("s4", user_id="noah"),
    lambda db: db.get_schedule_runs("s4"),
    lambda db: [db.delete_schedule("s4", user_id="maya"), db.delete_schedule("s5"), db.delete_schedule("gone")],
    lambda db: db.get_schedule_runs("s4"),
    # The name is free again.
    made("s7", name="Name of s4", user_id="maya", created_at=DUE + 12),
    lambda db: db.get_schedules(),
]


@each_database
def test_the_results_are_those_of_agnos_own_store(alias: str, tmp_path: Path) -> None:
    assert differences(STEPS, alias, tmp_path) == []


@each_database
def test_two_schedules_of_one_owner_never_have_one_name(alias: str) -> None:
    db = DjangoDb(alias)
    made("s", name="Daily", user_id="maya")(db)
    for taken in ({"schedule_id": "s"}, {"schedule_id": "t", "name": "Daily", "user_id": "maya"}):
        with pytest.raises(RecordExists) as caught:
            made(**taken)(db)
        assert getattr(caught.value, "status_code") == 409  # noqa: B009  agno's, not ours
    made("u", name="Weekly", user_id="maya")(db)
    with pytest.raises(RecordExists):
        db.update_schedule("u", name="Daily")
    assert [each["name"] for each in db.get_schedules()[0]] == ["Weekly", "Daily"]
    (outcome,) = race(1, lambda thread, _: made(f"v{thread}", name="Without a user")(DjangoDb(alias)))
    assert len(results(outcome)) == 1
    assert all(isinstance(each, dict | RecordExists) for each in outcome)
    # The old name of one that was renamed is free.
    db.update_schedule("u", name="Monthly")
    made("x", name="Weekly", user_id="maya")(db)


@each_database
def test_of_several_workers_one_gets_each_schedule(alias: str) -> None:
    db = DjangoDb(alias)
    names = {f"s{number}" for number in range(12)}
    for each in sorted(names):
        made(each)(db)

    def claim(thread: int, _number: int) -> list[str]:
        own = DjangoDb(alias)
        found = iter(lambda: own.claim_due_schedule(f"worker {thread}"), None)
        return [each["id"] for each in found if each["locked_by"] == f"worker {thread}"]

    (outcome,) = race(1, claim)
    claimed = sorted(each for ids in results(outcome) for each in ids)
    assert len(results(outcome)) == len(outcome)
    assert claimed == sorted(names)


@each_database
def test_a_claim_of_a_worker_that_was_killed_ends(alias: str) -> None:
    db = DjangoDb(alias)
    made("s", locked_by="killed", locked_at=DUE)(db)
    (outcome,) = race(1, lambda thread, _: DjangoDb(alias).claim_due_schedule(str(thread), lock_grace_seconds=60))
    (claimed,) = [each for each in results(outcome) if each is not None]
    # The worker that was thought dead does not end the claim of the other one.
    assert not db.release_schedule("s", LATER, worker_id="killed", locked_at=DUE)
    assert db.release_schedule("s", LATER, worker_id=claimed["locked_by"], locked_at=claimed["locked_at"])
    assert db.claim_due_schedule("w") is None


@each_database
def test_what_is_disabled_meanwhile_is_not_claimed(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    db = DjangoDb(alias)
    made("s")(db)
    made("t", next_run_at=DUE + 1)(db)
    store = type(db._schedules().records)
    claim_record = store.claim_record

    def late(self: Any, rows: Any, change: Any) -> Any:
        found = list(rows)
        db.update_schedule("s", enabled=False)
        return claim_record(self, found, change)

    monkeypatch.setattr(store, "claim_record", late)
    claimed = db.claim_due_schedule("w")
    assert claimed is not None
    assert claimed["id"] == "t"
    disabled = db.get_schedule("s")
    assert disabled is not None
    assert (disabled["enabled"], disabled["locked_by"]) == (False, None)


@each_database
def test_another_users_schedule_does_not_exist(alias: str) -> None:
    db = DjangoDb(alias)
    made("s", user_id="maya")(db)
    ran("r", "s", user_id="maya")(db)
    before = db.get_schedule("s"), db.get_schedule_run("r")
    assert db.get_schedule("s", user_id="noah") is None
    assert db.get_schedule_by_name("Name of s", user_id="noah") is None
    assert db.get_schedule_by_name("Name of s") is None
    assert db.get_schedules(user_id="noah") == db.get_schedule_runs("s", user_id="noah") == ([], 0)
    assert db.get_schedule_run("r", user_id="noah") is None
    assert db.update_schedule("s", user_id="noah", enabled=False) is None
    assert db.delete_schedule("s", user_id="noah") is False
    for change in ({"user_id": "noah"}, {"id": "x"}, {"schedule_id": "x"}):
        with pytest.raises(ValueError, match=r"cannot change\."):
            db.update_schedule_run("r", **change)
    with pytest.raises(ValidationError):
        db.get_schedules(user_id="")
    assert (db.get_schedule("s"), db.get_schedule_run("r")) == before
    people.erase("maya", db=alias)
    assert not AgentRecord.objects.using(alias).exists()


@each_database
def test_a_run_needs_its_schedule(alias: str) -> None:
    db = DjangoDb(alias)
    with pytest.raises(RecordNotFound):
        ran("r", "gone")(db)
    assert not AgentRecord.objects.using(alias).exists()


@each_database
def test_archiving_a_component_disables_its_schedules(alias: str) -> None:
    db = DjangoDb(alias)
    db.create_component_with_config("chef", ComponentType.AGENT, "Chef", {}, stage="published")
    made("s", user_id="maya")(db)
    made("t", endpoint="/agents/waiter/runs")(db)
    stats: dict[str, int] = {}
    assert db.delete_component("chef", cascade_stats=stats)
    assert stats == {"schedules_disabled": 1}
    disabled, other = db.get_schedule("s"), db.get_schedule("t")
    assert disabled is not None
    assert other is not None
    assert (disabled["enabled"], disabled["disabled_reason"]) == (False, "target_archived:agent:chef")
    assert other["enabled"]


@pytest.mark.parametrize("store", [DjangoDb, AsyncDjangoDb])
@each_database
def test_agentos_runs_what_is_due(store: Any, alias: str) -> None:
    """``AgentOS(scheduler=True)`` starts, claims the schedule, calls the agent over HTTP and writes the run."""
    made("s", user_id="maya", cron_expr="0 9 * * *", payload={"message": "Hello", "stream": False})(DjangoDb(alias))
    db = store(alias)
    chef = Agent(id="chef", model=ScriptedModel(), db=db, telemetry=False)
    agent_os = AgentOS(id="os", agents=[chef], db=db, scheduler=True, scheduler_poll_interval=1, telemetry=False)
    app = agent_os.get_app()
    found: list[Any] = []

    def is_free() -> bool:
        schedule = DjangoDb(alias).get_schedule("s")
        return schedule is not None and schedule["locked_by"] is None

    async def serve() -> None:
        async with app.router.lifespan_context(app):
            executor = app.state.scheduler_executor
            executor.poll_interval = 0.05
            # In this process, instead of a port.
            executor._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:7777")
            for _attempt in range(100):
                await asyncio.sleep(0.1)
                found[:] = await asyncio.to_thread(lambda: DjangoDb(alias).get_schedule_runs("s")[0])
                # The schedule is released after the run was written; the end of the server would interrupt it.
                if found and found[0]["status"] != "running" and await asyncio.to_thread(is_free):
                    return

    asyncio.run(serve())
    (run,) = found
    assert (run["status"], run["user_id"], run["error"]) == ("success", "maya", None)
    released = DjangoDb(alias).get_schedule("s")
    assert released is not None
    assert (released["locked_by"], released["next_run_at"] > DUE) == (None, True)
