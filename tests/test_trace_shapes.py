"""Every query of traces and spans with a cost that can grow uses an index, on every database."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections, models

from agno_memory.agent_metrics import AgentMetrics
from agno_memory.agent_traces import ANYONE, AgentTraces
from agno_memory.models import AgentMetric, AgentSpan, AgentTrace
from tests.databases import commits, each_database
from tests.test_agent_traces import BEGUN, span, trace
from tests.test_session_shapes import READS_ALL, SORTS, winning

pytestmark = [commits]

Question = Callable[[AgentTraces], "models.QuerySet[Any]"]
DAY = BEGUN.date()

IN_ORDER: dict[str, Question] = {
    "one trace": lambda traces: traces.rows(ANYONE).filter(trace_id="t5"),
    "a user's newest": lambda traces: traces.rows("user 5").newest()[:10],
    "everybody's newest": lambda traces: traces.rows(ANYONE).newest()[:10],
    "a session's": lambda traces: traces.rows(ANYONE).filter(session_id="s5").newest()[:10],
    "an agent's": lambda traces: traces.rows(ANYONE).filter(agent_id="agent 5").newest()[:10],
    "those that failed": lambda traces: traces.rows(ANYONE).filter(status="ERROR").newest()[:10],
    "those of a period": lambda traces: traces.rows(ANYONE).begun(BEGUN, BEGUN).newest()[:10],
    "a run's": lambda traces: traces.rows(ANYONE).filter(run_id="r5"),
    "a step": lambda traces: traces.span_rows().filter(span_id="s5"),
    "steps that a step called": lambda traces: traces.span_rows().filter(parent_span_id="p5"),
    "steps that name a session": lambda traces: traces.span_rows().filter(session_id="s5", run_id="r5"),
    "steps that name a user": lambda traces: traces.span_rows().for_user("user 5"),
    "the last complete day": lambda traces: (
        AgentMetric.objects.using(traces.read_alias).filter(is_complete=True).order_by("-day")[:1]
    ),
}
# A planner may sort a few rows.
FOUND: dict[str, Question] = {
    "a trace's steps": lambda traces: traces.span_rows().filter(trace_id="t5").in_order(),
    "a user's days": lambda traces: AgentMetrics(traces.read_alias).rows("user 5").order_by("day"),
    "created in a period": lambda traces: traces.rows(ANYONE).created(BEGUN, BEGUN),
    "steps of several traces": lambda traces: traces.span_rows().of_traces(["t5", "t6"]),
    "steps of a period": lambda traces: traces.span_rows().called(BEGUN, BEGUN),
}
# What belongs to a person through sessions alone, by the index that finds it.
THROUGH: dict[str, Question] = {
    "agno_trace_session": lambda traces: traces.rows(ANYONE).filter(session_id__in=["s5", "s6"]),
    "agno_span_session": lambda traces: traces.span_rows().filter(session_id__in=["s5", "s6"]),
    "agno_span_trace": lambda traces: traces.span_rows().of_traces(["t5", "t6"]).exclude(user_id=None),
}


@pytest.fixture
def plans(alias: str) -> Callable[[Question], str]:
    """Fill the tables with enough rows that the planner prefers an index if it can use one."""
    AgentTrace.objects.using(alias).bulk_create(
        trace(
            f"t{number}",
            begin=number * 1_000_000,
            end=number * 1_000_000 + 5,
            created_at=BEGUN + datetime.timedelta(seconds=number),
            run_id=f"r{number}",
            session_id=f"s{number % 50}",
            user_id=f"user {number % 50}",
            agent_id=f"agent {number % 50}",
            status="OK" if number % 50 else "ERROR",
        )
        for number in range(2000)
    )
    AgentSpan.objects.using(alias).bulk_create(
        span(
            f"s{number}",
            f"t{number // 4}",
            begin=number,
            parent_span_id=f"p{number}",
            user_id=f"user {number % 50}",
            session_id=f"s{number}",
        )
        for number in range(2000)
    )
    AgentMetric.objects.using(alias).bulk_create(
        AgentMetric(
            user_id=f"user {number % 50}", day=DAY + datetime.timedelta(days=number // 50), is_complete=True, data={}
        )
        for number in range(2000)
    )
    if connections[alias].vendor == "postgresql":
        with connections[alias].cursor() as cursor:
            cursor.execute("ANALYZE agno_memory_agenttrace, agno_memory_agentspan, agno_memory_agentmetric")
    return lambda question: question(AgentTraces(alias)).explain()


@each_database
def test_shapes(alias: str, plans: Callable[[Question], str], subtests: Any) -> None:
    vendor = connections[alias].vendor
    for name, question in (IN_ORDER | FOUND | THROUGH).items():
        with subtests.test(name):
            plan = winning(plans(question)) if vendor == "mongodb" else plans(question)
            assert not re.search(READS_ALL[vendor], plan), plan
            assert name not in THROUGH or name in plan, plan
            assert name in FOUND or not re.search(SORTS[vendor], plan), plan
