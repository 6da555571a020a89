"""The main parts, for each release of agno 3: ``make test-agno-versions`` runs them with the oldest and the newest."""

from __future__ import annotations

import asyncio
import os
from importlib.metadata import version
from typing import Any

import agno
import pytest
from agno.agent import Agent
from agno.db.base import SessionType
from agno.os import AgentOS
from agno.team import Team
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured

from agno_memory.contrib.agno import AsyncDjangoDb, DjangoDb, with_agentos
from agno_memory.contrib.agno.v3 import agentos
from agno_memory.memory import Memory
from agno_memory.models import AgentRun
from tests.agno_model import ScriptedModel
from tests.databases import commits, each_database

pytestmark = [commits]

LIKES_TEA = '!add_memory {"memory": "Likes tea", "topics": ["drinks"]}'


def agent(db: Any) -> Agent:
    return Agent(
        id="chef",
        model=ScriptedModel(),
        db=db,
        update_memory_on_run=True,
        add_memories_to_context=True,
        add_history_to_context=True,
        telemetry=False,
    )


def test_the_version_is_the_one_that_was_asked_for() -> None:
    wanted = os.environ.get("AGNO_VERSION")
    assert wanted is None or (version("agno") == wanted and wanted in agno.__file__)


@each_database
def test_agents_teams_sessions_and_memories(alias: str) -> None:
    db = DjangoDb(alias)
    agent(db).run(LIKES_TEA, user_id="maya", session_id="s")
    answer = agent(db).run("Hello", user_id="maya", session_id="s")
    assert "Likes tea" in answer.content
    assert '"turns": 2' in answer.content
    assert "Likes tea" not in agent(db).run("Hello", user_id="noah", session_id="n").content
    team = Team(id="kitchen", members=[agent(db)], model=ScriptedModel(), db=db, telemetry=False)
    team.run("Hello", user_id="maya", session_id="t")
    sessions, total = db.get_sessions(user_id="maya", deserialize=False)
    assert ({each["session_id"] for each in sessions}, total) == ({"s", "t"}, 2)
    session = db.get_session("s", SessionType.AGENT, user_id="maya")
    assert [len(session.runs), session.agent_id] == [2, "chef"]
    assert [memory.memory for memory in Memory(db=alias).get_user_memories("maya")] == ["Likes tea"]
    assert db.delete_session("s", user_id="noah") is False
    assert db.delete_session("s", user_id="maya") is True
    assert AgentRun.objects.using(alias).filter(session_id="s").count() == 0


@each_database
def test_async_agents(alias: str) -> None:
    db = AsyncDjangoDb(alias)

    async def use() -> str:
        await agent(db).arun(LIKES_TEA, user_id="maya", session_id="s")
        answer = await agent(db).arun("Hello", user_id="maya", session_id="s")
        await db.close()
        return str(answer.content)

    answer = asyncio.run(use())
    assert "Likes tea" in answer
    assert '"turns": 2' in answer


@pytest.mark.parametrize(
    ("release", "is_old"), [("3.0.0", True), ("3.0.10", True), ("3.0.11", False), ("3.1.0rc1", False)]
)
def test_an_agentos_that_does_not_protect_its_routes_at_a_path(
    release: str, is_old: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent_os = AgentOS(id="os", agents=[agent(DjangoDb())], telemetry=False)
    monkeypatch.setattr(agentos, "version", lambda package: release)
    if is_old:
        with pytest.raises(ImproperlyConfigured, match=rf"agno 3\.0\.11 or later, not {release}:"):
            with_agentos(get_asgi_application(), agent_os)
    else:
        with_agentos(get_asgi_application(), agent_os)
