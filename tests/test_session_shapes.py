"""Every query of sessions and runs with a cost that can grow uses an index, on every database."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections, models

from agno_memory.agent_sessions import AgentSessions
from agno_memory.db.session_statements import TouchSession
from agno_memory.models import AgentRun, AgentSession
from tests.databases import commits, each_database

pytestmark = [commits]

BEGUN = datetime.datetime(2025, 6, 1, tzinfo=datetime.UTC)
Question = Callable[[AgentSessions], "models.QuerySet[Any]"]


def runs(sessions: AgentSessions) -> models.QuerySet[AgentRun]:
    return AgentRun.objects.using(sessions.read_alias)


TOUCH = TouchSession(fields=("updated_at",), moment="updated_at", scope=None)
IN_ORDER: dict[str, Question] = {
    "one session": lambda sessions: sessions.rows("user 5").filter(session_id="s5"),
    "one session to write": lambda sessions: TOUCH.rows(
        AgentSession, sessions.read_alias, {"session_id": "s5", "user_id": "user 5"}.__getitem__
    ),
    "a user's newest": lambda sessions: sessions.rows("user 5").newest()[:10],
    "a user's, by their beginning": lambda sessions: sessions.rows("user 5").order_by("-created_at", "-session_id")[
        :10
    ],
    "a user's, since": lambda sessions: sessions.rows("user 5").begun(BEGUN).latest_begun()[:10],
    "an agent's": lambda sessions: (
        AgentSession.objects.using(sessions.read_alias).of_component("agent 5", "agent").order_by("-created_at")[:10]
    ),
    "everybody's newest": lambda sessions: AgentSession.objects.using(sessions.read_alias).newest()[:10],
    "one run": lambda sessions: runs(sessions).filter(session_id="s5", run_id="r5"),
    "a run by its id": lambda sessions: runs(sessions).filter(run_id="r5"),
    "a session's runs": lambda sessions: runs(sessions).filter(session_id="s5").in_order()[:10],  # type: ignore[attr-defined]
    "a session's last runs": lambda sessions: (
        runs(sessions).filter(session_id="s5").conversation().order_by("-run_index", "-key")[:3]  # type: ignore[attr-defined]
    ),
}
FOUND: dict[str, Question] = {
    "of an agent or a team": lambda sessions: AgentSession.objects.using(sessions.read_alias).of_component("agent 5"),
    "runs of several sessions": lambda sessions: runs(sessions).filter(session_id__in=["s5", "s6"]),
}
# Parts of a plan that reads all rows, and of one that sorts the rows it has read.
READS_ALL = {"sqlite": r"SCAN (?!\S+ USING)", "postgresql": "Seq Scan", "mongodb": "COLLSCAN"}
SORTS = {"sqlite": "TEMP B-TREE", "postgresql": r"\bSort\b", "mongodb": '"stage": "SORT'}


@pytest.fixture
def plans(alias: str) -> Callable[[Question], str]:
    """Fill the tables with enough rows that the planner prefers an index if it can use one."""
    made = [
        AgentSession(
            session_id=f"s{number}",
            user_id=f"user {number % 50}",
            agent_id=f"agent {number % 50}",
            created_at=BEGUN + datetime.timedelta(hours=number),
        )
        for number in range(2000)
    ]
    AgentSession.objects.using(alias).bulk_create(made)
    AgentRun.objects.using(alias).bulk_create(
        [
            AgentRun(session=session, run_id=f"r{number}", run_index=number, run_type="agent", data={})
            for session in made[:100]
            for number in range(20)
        ]
    )
    if connections[alias].vendor == "postgresql":
        with connections[alias].cursor() as cursor:
            cursor.execute("ANALYZE agno_memory_agentsession, agno_memory_agentrun")
    return lambda question: question(AgentSessions(alias)).explain()


@each_database
def test_shapes(alias: str, plans: Callable[[Question], str], subtests: Any) -> None:
    vendor = connections[alias].vendor
    for name, question in (IN_ORDER | FOUND).items():
        with subtests.test(name):
            plan = winning(plans(question)) if vendor == "mongodb" else plans(question)
            assert not re.search(READS_ALL[vendor], plan), plan
            assert name in FOUND or not re.search(SORTS[vendor], plan), plan


def winning(plan: str) -> str:
    """Return the plan that MongoDB chose, without those that it rejected."""
    explained = json.loads(plan)
    return json.dumps(explained["queryPlanner"]["winningPlan"] if "queryPlanner" in explained else explained)
