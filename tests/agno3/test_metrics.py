"""Metrics of agno on every database, beside agno's own SqliteDb."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from agno.agent import Agent
from agno.db.sqlite import SqliteDb
from agno.session import AgentSession as AgnoSession
from agno.session import TeamSession
from django.core.exceptions import ValidationError
from django.db import DatabaseError

from agno_memory.agent_metrics import AgentMetrics
from agno_memory.contrib.agno import DjangoDb
from agno_memory.times import now, to_epoch
from tests.agno3.pairs import agnos_own
from tests.agno_model import ScriptedModel
from tests.databases import commits, each_database

pytestmark = [commits]

TODAY = now().date()


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[SqliteDb]:
    with agnos_own(tmp_path) as db:
        yield db


def fill(db: Any) -> None:
    """Talk as two people and without one today, and add sessions of earlier days."""
    for user, session, turns in (("maya", "s1", 2), ("maya", "s2", 1), ("noah", "s3", 1), (None, "s4", 1)):
        agent = Agent(id="chef", model=ScriptedModel(), db=db, telemetry=False)
        for _turn in range(turns):
            agent.run("Hello", user_id=user, session_id=session)
    for days, user in ((3, "maya"), (3, "noah"), (1, "maya")):
        begun = to_epoch(now()) - days * 86_400
        used = {"session_metrics": {"input_tokens": 10 * days, "total_tokens": 7}}
        content: dict[str, Any] = {"user_id": user, "session_data": used, "created_at": begun, "updated_at": begun}
        db.upsert_session(AgnoSession(session_id=f"{days} {user}", agent_id="chef", **content))
        db.upsert_session(TeamSession(session_id=f"team {days} {user}", team_id="kitchen", **content))


def comparable(metrics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return metrics in one order, without ids and times, which differ."""
    rows = [{key: row[key] for key in row if key not in ("id", "created_at", "updated_at")} for row in metrics]
    return sorted(rows, key=lambda row: (row["date"], row["user_id"] or ""))


PERIODS: list[dict[str, Any]] = [
    {},
    {"user_id": "maya"},
    {"user_id": ""},
    {"user_id": "nobody"},
    {"starting_date": TODAY - datetime.timedelta(days=2)},
    {"ending_date": TODAY - datetime.timedelta(days=1), "user_id": "maya"},
]


@each_database
def test_the_numbers_are_those_of_agnos_own_store(alias: str, theirs: SqliteDb) -> None:
    ours = DjangoDb(alias)
    assert ours.get_metrics() == theirs.get_metrics() == ([], None)
    assert ours.calculate_metrics() is theirs.calculate_metrics() is None
    for db in (ours, theirs):
        fill(db)
    calculated = [db.calculate_metrics() for db in (ours, theirs)]
    # The caller of calculate_metrics() sees "" for sessions without a user, that of get_metrics() None.
    assert comparable(calculated[0] or []) == comparable(calculated[1] or []) != []
    for period in PERIODS:
        (our_rows, our_time), (their_rows, their_time) = ours.get_metrics(**period), theirs.get_metrics(**period)
        assert comparable(our_rows) == comparable(their_rows), period
        assert (our_time is None) == (their_time is None), period
        assert {type(value) for row in our_rows for value in (row["created_at"], row["updated_at"])} <= {int}
    with pytest.raises(ValidationError):
        ours.get_metrics(user_id="x" * 256)


def test_a_read_computes_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    db = DjangoDb()
    clock = 1_000.0
    monkeypatch.setattr("agno_memory.contrib.agno.v3.metrics.time.monotonic", lambda: clock)
    with patch.object(AgentMetrics, "calculate", side_effect=DatabaseError("read only")) as calculate:
        # A store that cannot write still reads.
        assert db.get_metrics() == db.get_metrics() == ([], None)
        assert calculate.call_count == 1
        clock += 60
        db.get_metrics()
        assert calculate.call_count == 2
