"""Agents of agno 1.8 that learn, correct and forget, on every database; the seed's last example is the first."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from agno.agent import Agent
from agno.memory.v2.memory import Memory as AgnoMemory
from agno.memory.v2.schema import UserMemory as AgnoUserMemory
from agno.team import Team

from agno_memory.contrib.agno import DjangoMemoryDb, DjangoStorage
from agno_memory.db import SqliteMemoryDb
from agno_memory.exceptions import SessionExists
from agno_memory.memory import Memory
from agno_memory.models import AgentSession, UserMemory
from tests.agno_model import ScriptedModel
from tests.databases import commits, each_database, errors, handles_allowed, race

pytestmark = [commits]

LIKES_TEA = '!add_memory {"memory": "Likes tea, Größe 🎈", "topics": ["drinks", "tea"]}'


def remembering(alias: str) -> AgnoMemory:
    return AgnoMemory(model=ScriptedModel(), db=DjangoMemoryDb(alias), delete_memories=True, clear_memories=True)


def agent(alias: str, **options: Any) -> Agent:
    defaults = {"enable_user_memories": True, "add_history_to_messages": True, "telemetry": False}
    memory, storage = remembering(alias), DjangoStorage(alias)
    return Agent(agent_id="chef", model=ScriptedModel(), memory=memory, storage=storage, **defaults | options)


def memories_of(alias: str, user_id: str = "maya") -> list[str]:
    return [memory.memory for memory in Memory(db=alias).get_user_memories(user_id)]


def answer(run: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(run.content)
    return content


def test_the_seeds_last_example_with_other_import_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with handles_allowed():
        memory_db = DjangoMemoryDb(SqliteMemoryDb(table_name="memories", db_file="tmp/memory.db"))
        memory = AgnoMemory(model=ScriptedModel(), db=memory_db)
        agent = Agent(model=ScriptedModel(), memory=memory, storage=DjangoStorage(), enable_user_memories=True)
        agent.run(LIKES_TEA, user_id="user@example.com", session_id="s")
        assert [found.memory for found in memory.get_user_memories("user@example.com")] == ["Likes tea, Größe 🎈"]
        memory_id = memory.add_user_memory(AgnoUserMemory(memory="x"), user_id="user@example.com")
        memory.replace_user_memory(memory_id, AgnoUserMemory(memory="Updated information"), user_id="user@example.com")
        found = memory.get_user_memory(memory_id, user_id="user@example.com")
        assert found is not None
        assert found.memory == "Updated information"
        memory.delete_user_memory(memory_id, user_id="user@example.com")
        assert len(memory.get_user_memories("user@example.com")) == 1
        memory.clear()
        assert memory.get_user_memories("user@example.com") == []
    assert AgentSession.objects.get().runs.count() == 1


@each_database
def test_staff_see_an_agents_memory_and_the_agent_knows_their_correction(alias: str) -> None:
    agent(alias).run(LIKES_TEA, user_id="maya", session_id="s")
    learned = UserMemory.objects.using(alias).get()
    assert (learned.memory, learned.topics, learned.user_id) == ("Likes tea, Größe 🎈", ["drinks", "tea"], "maya")
    learned.memory = "Likes coffee"
    learned.save()
    assert answer(agent(alias).run("Hello", user_id="maya", session_id="s")) == {"knows": ["Likes coffee"], "turns": 2}
    session = AgentSession.objects.using(alias).get()
    assert (session.user_id, session.agent_id, session.runs.count()) == ("maya", "chef", 2)


@each_database
def test_agentic_memory_corrects_forgets_and_clears_its_user(alias: str) -> None:
    for memory_id, user in (("m", "maya"), ("n", "maya"), ("m", "noah"), ("n", "noah")):
        Memory(db=alias).add_user_memory(UserMemory(memory_id=memory_id, memory=memory_id, metadata={"a": 1}), user)
    chef = agent(alias, enable_user_memories=False, enable_agentic_memory=True)

    def ask(tool: str, **arguments: Any) -> None:
        task = json.dumps({"task": f"!{tool} {json.dumps(arguments)}"})
        chef.run(f"!update_user_memory {task}", user_id="maya", session_id="s")

    ask("update_memory", memory_id="m", memory="Likes coffee", topics=["drinks"])
    corrected = Memory(db=alias).get_user_memory("m", "maya")
    assert corrected is not None
    assert (corrected.memory, corrected.topics, corrected.metadata) == ("Likes coffee", ["drinks"], {"a": 1})
    ask("delete_memory", memory_id="n")
    assert memories_of(alias) == ["Likes coffee"]
    chef.new_session()
    assert memories_of(alias) == ["Likes coffee"]
    ask("clear_memory")
    assert (memories_of(alias), sorted(memories_of(alias, "noah"))) == ([], ["m", "n"])


@each_database
def test_async_teams_and_parallel_agents(alias: str) -> None:
    asyncio.run(agent(alias).arun(LIKES_TEA, user_id="maya", session_id="s"))
    assert memories_of(alias) == ["Likes tea, Größe 🎈"]
    team = Team(
        team_id="kitchen",
        members=[Agent(model=ScriptedModel())],
        model=ScriptedModel(),
        memory=remembering(alias),
        storage=DjangoStorage(alias),
        enable_user_memories=True,
        telemetry=False,
    )
    team.run('!add_memory {"memory": "Likes soup"}', user_id="noah", session_id="t")
    assert memories_of(alias, "noah") == ["Likes soup"]
    assert AgentSession.objects.using(alias).get(session_id="t").team_id == "kitchen"

    def work(thread: int, number: int) -> object:
        arguments = json.dumps({"memory": f"Fact {thread}"})
        return agent(alias).run(f"!add_memory {arguments}", user_id="zoe", session_id=f"s{thread}")

    (outcomes,) = race(1, work, threads=4)
    assert errors(outcomes) == []
    assert sorted(memories_of(alias, "zoe")) == [f"Fact {thread}" for thread in range(4)]


@each_database
def test_two_users_with_one_session_id(alias: str) -> None:
    agent(alias).run("Hello", user_id="maya", session_id="s")
    with pytest.raises(SessionExists):
        agent(alias).run("Hello", user_id="noah", session_id="s")
    session = AgentSession.objects.using(alias).get()
    assert (session.user_id, session.runs.count()) == ("maya", 1)
