"""AgentOS on this project's store, over HTTP, with its own client, on every database."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from agno.agent import Agent
from agno.client import AgentOSClient
from agno.db.base import SessionType
from agno.os import AgentOS
from httpx import HTTPStatusError

from agno_memory.contrib.agno import DjangoDb
from agno_memory.memory import Memory
from agno_memory.models import AgentRun, AgentSession, UserMemory
from tests.agno_model import ScriptedModel
from tests.databases import commits, each_database

pytestmark = [commits]


@asynccontextmanager
async def served(alias: str) -> AsyncIterator[AgentOSClient]:
    """Serve an AgentOS with one agent, on the loop of its client: agno keeps one HTTP client for both."""
    chef = Agent(
        id="chef", model=ScriptedModel(), db=DjangoDb(alias), update_memory_on_run=True, add_memories_to_context=True
    )
    app = AgentOS(id="os", agents=[chef], telemetry=False).get_app()
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done()
        await asyncio.sleep(0.01)
    try:
        yield AgentOSClient(base_url=f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        await serving


async def status(call: Any) -> int:
    with pytest.raises(HTTPStatusError) as caught:
        await call
    return caught.value.response.status_code


@each_database
def test_an_agent_runs_learns_and_is_listed(alias: str) -> None:
    async def use() -> None:
        async with served(alias) as client:
            await steps(client)

    async def steps(client: AgentOSClient) -> None:
        message = '!add_memory {"memory": "Likes tea", "topics": ["drinks"]}'
        await client.run_agent("chef", message=message, user_id="maya", session_id="s")
        events = [
            event async for event in client.run_agent_stream("chef", message="Hello", user_id="maya", session_id="s")
        ]
        assert any("Likes tea" in str(getattr(event, "content", "")) for event in events)
        assert [session.session_id for session in (await client.get_sessions(user_id="maya")).data] == ["s"]
        assert (await client.get_sessions(user_id="noah")).data == []
        assert len(await client.get_session_runs("s", user_id="maya")) == 2
        assert (await client.rename_session("s", session_name="Tea time", user_id="maya")).session_name == "Tea time"
        assert await status(client.rename_session("s", session_name="Mine", user_id="noah")) == 404
        # agno answers 204 for a session that the user does not have; it is there afterwards.
        await client.delete_session("s", user_id="noah")

    asyncio.run(use())
    assert UserMemory.objects.using(alias).get().agent_id == "chef"
    session = AgentSession.objects.using(alias).get()
    assert (session.user_id, session.name) == ("maya", "Tea time")
    assert AgentRun.objects.using(alias).count() == 2


@each_database
def test_memories_over_http(alias: str) -> None:
    async def use() -> None:
        async with served(alias) as client:
            await steps(client)

    async def steps(client: AgentOSClient) -> None:
        made = await client.create_memory("Likes tea", user_id="maya", topics=["drinks", "tea"])
        await client.create_memory("Likes beer", user_id="noah", topics=["drinks"])
        got = await client.get_memory(made.memory_id, user_id="maya")
        assert (got.memory, got.topics) == ("Likes tea", ["drinks", "tea"])
        listed = await client.list_memories(user_id="maya", topics=["drinks,tea"])
        assert [memory.memory for memory in listed.data] == ["Likes tea"]
        assert (await client.list_memories(user_id="noah", topics=["drinks,tea"])).data == []
        assert await status(client.list_memories(page=0)) == 422
        assert (await client.list_memories(search_content="TEA")).meta.total_count == 1
        await client.update_memory(made.memory_id, "Likes coffee", user_id="maya", topics=["drinks"])
        assert set(await client.get_memory_topics(user_id="maya")) == {"drinks"}
        counted = (await client.get_user_memory_stats()).data
        assert {row.user_id: row.total_memories for row in counted} == {"maya": 1, "noah": 1}
        # The memory of another user is neither changed nor deleted.
        assert await status(client.get_memory(made.memory_id, user_id="noah")) == 404
        assert await status(client.delete_memory(made.memory_id, user_id="noah")) == 404
        await client.delete_memories([made.memory_id], user_id="noah")
        assert await status(client.create_memory(" ", user_id="maya")) in (400, 422)
        # An update adds the memory for a user who does not have it. From then on, the id alone is ambiguous.
        await client.update_memory(made.memory_id, "Mine", user_id="noah")
        assert (await client.get_memory(made.memory_id, user_id="maya")).memory == "Likes coffee"
        assert await status(client.get_memory(made.memory_id)) == 409
        assert await status(client.delete_memory(made.memory_id)) == 409
        assert await status(client.delete_memories([made.memory_id])) == 409
        await client.delete_memory(made.memory_id, user_id="noah")
        await client.delete_memory(made.memory_id)

    asyncio.run(use())
    assert [memory.memory for memory in UserMemory.objects.using(alias)] == ["Likes beer"]


@each_database
def test_a_session_made_over_http(alias: str) -> None:
    async def use() -> None:
        async with served(alias) as client:
            await steps(client)

    async def steps(client: AgentOSClient) -> None:
        made = await client.create_session(session_name="Dinner", user_id="maya", agent_id="chef")
        found = await client.get_sessions(session_name="DINNER")
        assert [session.session_id for session in found.data] == [made.session_id]
        await client.delete_sessions([made.session_id], session_types=[SessionType.AGENT], user_id="maya")

    asyncio.run(use())
    assert not Memory(db=alias).get_user_memories("maya")
