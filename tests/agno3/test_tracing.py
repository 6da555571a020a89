"""``setup_tracing`` with the store, and AgentOS's pages of traces and metrics, on every database beside SqliteDb."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from agno.agent import Agent
from agno.db.sqlite import SqliteDb
from agno.os import AgentOS
from agno.tracing import setup_tracing
from agno.utils.log import agent_logger
from django.db import connections
from httpx import ASGITransport, AsyncClient
from openinference.instrumentation.agno import AgnoInstrumentor
from opentelemetry import trace as trace_api
from opentelemetry.util._once import Once

from agno_memory import people
from agno_memory.agent_traces import ANYONE, AgentTraces
from agno_memory.contrib.agno import AsyncDjangoDb, DjangoDb
from agno_memory.models import AgentTrace
from tests.agno3.pairs import agnos_own
from tests.agno3.test_docs import blocks
from tests.agno_model import ScriptedModel
from tests.databases import commits, each_database

pytestmark = [commits]

SEARCH = {"filter": {"op": "CONTAINS", "key": "name", "value": "CHEF"}}


@contextmanager
def forgetting_tracing() -> Iterator[None]:
    """Forget the provider of traces afterwards, of which a process has only one."""
    try:
        yield
    finally:
        AgnoInstrumentor().uninstrument()
        trace_api._TRACER_PROVIDER = None
        trace_api._TRACER_PROVIDER_SET_ONCE = Once()


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[SqliteDb]:
    with agnos_own(tmp_path) as db:
        yield db


def look_up(word: str) -> str:
    """Look a word up."""
    if word == "error":
        raise RuntimeError("No such word")
    return f"{word}: found"


def agent(db: Any) -> Agent:
    return Agent(id="chef", name="Chef", model=ScriptedModel(), db=db, tools=[look_up], telemetry=False)


def talk(db: Any) -> None:
    with forgetting_tracing():
        setup_tracing(db=db)
        chef = agent(db)
        chef.run('!look_up {"word": "tea"}', user_id="maya", session_id="s1")
        chef.run('!look_up {"word": "error"}', user_id="maya", session_id="s1")
        for _ in chef.run("Hello", user_id="noah", session_id="s2", stream=True):
            pass


ROUTES = (
    "/traces",
    "/traces?user_id=maya",
    "/traces?session_id=s2&status=OK",
    "/traces?limit=1&page=2",
    "/traces?start_time=2020-01-01T00:00:00Z&end_time=2020-01-02T00:00:00Z",
    "/traces/filter-schema",
    "/trace_session_stats",
    "/trace_session_stats?user_id=noah",
    "/traces/none",
    "/metrics",
    "/metrics?user_id=maya",
)


async def answers(db: Any) -> list[Any]:
    """Return the answers of AgentOS to all questions about traces and metrics, without what differs from run to run."""
    app: Any = AgentOS(id="os", agents=[agent(db)], telemetry=False).get_app()
    async with AsyncClient(transport=ASGITransport(app), base_url="http://os") as client:
        found = [await client.get(route) for route in ROUTES]
        for each in (await client.get("/traces")).json()["data"]:
            found.append(await client.get(f"/traces/{each['trace_id']}"))
            tree = found[-1].json()["tree"]
            found.append(await client.get(f"/traces/{each['trace_id']}", params={"span_id": tree[0]["id"]}))
        found.append(await client.post("/traces/search", json=SEARCH))
        found.append(await client.post("/traces/search", json={**SEARCH, "group_by": "session"}))
        found.append(await client.post("/metrics/refresh"))
    return [(response.request.url.path, response.status_code, alike(response.json())) for response in found]


CHANGING = re.compile(r"[0-9a-f]{32}|[0-9a-f]{16}|[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)?")
TIMED = ("duration", "search_time_ms", "id", "key")


def alike(value: Any) -> Any:
    """Return a value of JSON without ids, times and durations."""
    if isinstance(value, dict):
        return {key: type(each) if key in TIMED else alike(each) for key, each in value.items()}
    if isinstance(value, list):
        return [alike(each) for each in value]
    return CHANGING.sub("#", value) if isinstance(value, str) else value


@each_database
def test_agentos_answers_as_with_agnos_own_store(
    alias: str, theirs: SqliteDb, caplog: pytest.LogCaptureFixture
) -> None:
    ours = DjangoDb(alias)
    agent_logger.addHandler(caplog.handler)
    try:
        talk(ours)
        failed = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
        # The error of the tool is the test's own.
        assert [text for text in failed if "No such word" not in text and "look_up" not in text] == []
    finally:
        agent_logger.removeHandler(caplog.handler)
    talk(theirs)
    our_answers, their_answers = asyncio.run(answers(ours)), asyncio.run(answers(theirs))
    for mine, agnos in zip(our_answers, their_answers, strict=True):
        path = mine[0]
        assert (path.count("/"), mine[1:]) == (agnos[0].count("/"), agnos[1:]), path
    assert {code for _path, code, _body in our_answers} == {200, 404}
    assert AgentTrace.objects.using(alias).count() == 3
    people.erase("maya", alias)
    assert {trace.user_id for trace in AgentTrace.objects.using(alias)} == {"noah"}
    connections.close_all()


@each_database
def test_the_async_store_keeps_and_shows_the_same(alias: str) -> None:
    db = AsyncDjangoDb(alias)

    async def use() -> list[Any]:
        with forgetting_tracing():
            setup_tracing(db=db)
            await agent(db).arun('!look_up {"word": "tea"}', user_id="maya", session_id="s1")
            # The exporter leaves its writes to tasks.
            others = asyncio.all_tasks() - {asyncio.current_task()}
            await asyncio.gather(*others)
        return await answers(db)

    shown = asyncio.run(use())
    assert {(path, code) for path, code, _body in shown if code != 200} == {("/traces/none", 404)}
    assert shown == asyncio.run(answers(DjangoDb(alias)))
    (trace,) = AgentTraces(alias).rows("maya")
    assert AgentTraces(alias).count_spans([trace])[trace.trace_id].total == 2
    connections.close_all()


@each_database
def test_a_run_over_http_is_found_from_its_session_and_erased(alias: str) -> None:
    """FastAPI begins the trace, before agno knows the user."""
    db = DjangoDb(alias)

    async def use() -> None:
        app: Any = AgentOS(id="os", agents=[agent(db)], telemetry=False).get_app()
        async with AsyncClient(transport=ASGITransport(app), base_url="http://os") as client:
            form = {"message": '!look_up {"word": "tea"}', "user_id": "maya", "session_id": "s1", "stream": "false"}
            assert (await client.post("/agents/chef/runs", data=form)).status_code == 200

    with forgetting_tracing():
        setup_tracing(db=db)
        asyncio.run(use())
    spans = AgentTraces(alias).span_rows()
    assert "tea: found" in str([span.attributes for span in spans])
    (step,) = spans.filter(session_id="s1")
    assert [trace.trace_id for trace in AgentTraces(alias).rows(ANYONE).of_session("s1")] == [step.trace_id]
    assert people.erase("maya", alias).is_complete
    assert "tea" not in str([span.attributes for span in spans.all()])
    connections.close_all()


def test_the_example_of_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    openai = ModuleType("agno.models.openai")
    openai.OpenAIChat = ScriptedModel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "agno.models.openai", openai)
    (block,) = blocks("Traces and metrics")
    with forgetting_tracing():
        exec(compile(block, "docs/agno.md", "exec"), {})
    trace = AgentTraces().rows("maya").get()
    assert (trace.session_id, AgentTraces().count_spans([trace])[trace.trace_id].total > 0) == ("dinner", True)
