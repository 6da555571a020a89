"""AgentOS answers refused input with a status of its own, on each of its pages, not with 500."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from agno.agent import Agent
from agno.exceptions import AgnoError
from agno.os import AgentOS
from agno.session import AgentSession as AgnoSession
from django.core.exceptions import ValidationError
from httpx import ASGITransport, AsyncClient

from agno_memory.contrib.agno import DjangoDb
from agno_memory.exceptions import MemoryNotFound, SessionExists
from tests.agno_model import ScriptedModel
from tests.databases import commits, each_database

pytestmark = [commits]

PAGES = (
    "/traces",
    "/trace_session_stats",
    "/metrics",
    "/memories",
    "/memory_topics",
    "/user_memory_stats",
    "/sessions",
    "/learnings",
    "/learnings/users",
)


@each_database
def test_no_page_answers_500_to_a_user_that_is_refused(alias: str) -> None:
    db = DjangoDb(alias)

    async def ask() -> dict[str, list[int]]:
        chef = Agent(id="chef", model=ScriptedModel(), db=db, telemetry=False)
        app: Any = AgentOS(id="os", agents=[chef], telemetry=False).get_app()
        transport = ASGITransport(app, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://os") as client:
            return {
                page: [(await client.get(page, params={"user_id": user})).status_code for user in ("x" * 256, "a\x00b")]
                for page in PAGES
            }

    logging.disable()
    try:
        assert asyncio.run(ask()) == {page: [422, 422] for page in PAGES}
    finally:
        logging.disable(logging.NOTSET)


@each_database
def test_a_nul_character_in_a_filter_of_traces_finds_nothing(alias: str) -> None:
    db = DjangoDb(alias)
    filters = dict.fromkeys(("run_id", "session_id", "agent_id", "team_id", "workflow_id", "status"), "a\x00b")
    assert db.get_traces(**filters) == ([], 0)
    assert db.get_traces(filter_expr={"op": "CONTAINS", "key": "name", "value": "\x00"}) == ([], 0)
    assert db.get_trace("a\x00b") is db.get_span("a\x00b") is None
    assert db.get_spans("a\x00b") == []
    assert db.get_span_stats(name="\x00", agent_id="\x00") == ([], 0)


def test_an_error_keeps_its_class_and_text() -> None:
    db = DjangoDb()
    calls: list[tuple[type[Exception], int, Any]] = [
        (ValidationError, 422, lambda: db.get_user_memories(user_id="")),
        (MemoryNotFound, 404, lambda: db.delete_user_memory("none", "maya")),
        (SessionExists, 409, lambda: db.upsert_session(AgnoSession(session_id="s", user_id="noah"))),
    ]
    db.upsert_session(AgnoSession(session_id="s", user_id="maya"))
    for kind, status, call in calls:
        for _time in range(2):
            with pytest.raises(kind) as caught:
                call()
            error: Any = caught.value
            assert isinstance(error, AgnoError)
            assert (error.status_code, type(error).__name__) == (status, kind.__name__)
            assert str(error)
    with pytest.raises(ValueError, match="page") as caught:
        db.get_sessions(page=1)
    assert getattr(caught.value, "status_code") == 422  # noqa: B009  agno's, not ours
