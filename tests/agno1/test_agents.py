"""Agents of agno 1.8 that learn, correct and forget, on every database; the seed's last example is the first."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from agno.agent import Agent
from agno.memory.v2.db.schema import MemoryRow
from agno.memory.v2.memory import Memory as AgnoMemory
from agno.memory.v2.schema import UserMemory as AgnoUserMemory
from agno.storage.session.agent import AgentSession as AgnoSession
from agno.storage.session.v2.workflow import WorkflowSession
from agno.team import Team
from django.core.exceptions import ValidationError

from agno_memory.contrib.agno import DjangoMemoryDb, DjangoStorage
from agno_memory.db import SqliteMemoryDb
from agno_memory.exceptions import MemoryExists, MemoryNotFound, SessionExists
from agno_memory.memory import Memory
from agno_memory.models import AgentRun, AgentSession, UserMemory
from agno_memory.names import CONTENT_FIELDS
from tests.agno1.scripted import Scripted
from tests.agno_helpers import add_with_every_field, field_of_memory, sample
from tests.databases import commits, each_database, errors, handles_allowed, race

pytestmark = [commits]

LIKES_TEA = '!add_memory {"memory": "Likes tea, Größe 🎈", "topics": ["drinks", "tea"]}'


def remembering(alias: str) -> AgnoMemory:
    return AgnoMemory(model=Scripted(), db=DjangoMemoryDb(alias), delete_memories=True, clear_memories=True)


def agent(alias: str, **options: Any) -> Agent:
    given = {"enable_user_memories": True, "add_history_to_messages": True, "telemetry": False, **options}
    return Agent(agent_id="chef", model=Scripted(), memory=remembering(alias), storage=DjangoStorage(alias), **given)


def known(alias: str, user_id: str = "maya") -> list[str]:
    return [memory.memory for memory in Memory(db=alias).get_user_memories(user_id)]


def said(run: Any) -> dict[str, Any]:
    answered: dict[str, Any] = json.loads(run.content)
    return answered


def test_the_seeds_last_example_with_other_import_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with handles_allowed():
        memory_db = DjangoMemoryDb(SqliteMemoryDb(table_name="memories", db_file="tmp/memory.db"))
        memory = AgnoMemory(model=Scripted(), db=memory_db)
        agent = Agent(model=Scripted(), memory=memory, storage=DjangoStorage(), enable_user_memories=True)
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
def test_what_an_agent_learns_is_there_and_what_staff_correct_it_knows(alias: str) -> None:
    agent(alias).run(LIKES_TEA, user_id="maya", session_id="s")
    learned = UserMemory.objects.using(alias).get()
    assert (learned.memory, learned.topics, learned.user_id) == ("Likes tea, Größe 🎈", ["drinks", "tea"], "maya")
    learned.memory = "Likes coffee"
    learned.save()
    assert said(agent(alias).run("Hello", user_id="maya", session_id="s")) == {"knows": ["Likes coffee"], "turns": 2}
    session = AgentSession.objects.using(alias).get()
    assert (session.user_id, session.agent_id, session.runs.count()) == ("maya", "chef", 2)


@each_database
def test_agentic_memory_corrects_forgets_and_clears_its_user(alias: str) -> None:
    for memory_id, user in (("m", "maya"), ("n", "maya"), ("noah's", "noah")):
        Memory(db=alias).add_user_memory(UserMemory(memory_id=memory_id, memory=memory_id, metadata={"a": 1}), user)
    chef = agent(alias, enable_user_memories=False, enable_agentic_memory=True)

    def ask(tool: str, **arguments: Any) -> None:
        task = json.dumps({"task": f"!{tool} {json.dumps(arguments)}"})
        chef.run(f"!update_user_memory {task}", user_id="maya", session_id="s")

    ask("update_memory", memory_id="m", memory="Likes coffee", topics=["drinks"])
    corrected = Memory(db=alias).get_user_memory("m", "maya")
    assert corrected is not None
    assert (corrected.memory, corrected.topics, corrected.metadata) == ("Likes coffee", ["drinks"], {"a": 1})
    ask("update_memory", memory_id="noah's", memory="x")
    ask("delete_memory", memory_id="noah's")
    assert known(alias, "noah") == ["noah's"]
    ask("delete_memory", memory_id="n")
    assert known(alias) == ["Likes coffee"]
    chef.new_session()
    assert known(alias) == ["Likes coffee"]
    ask("clear_memory")
    assert (known(alias), known(alias, "noah")) == ([], ["noah's"])


@each_database
def test_async_teams_and_parallel_agents(alias: str) -> None:
    asyncio.run(agent(alias).arun(LIKES_TEA, user_id="maya", session_id="s"))
    assert known(alias) == ["Likes tea, Größe 🎈"]
    team = Team(
        team_id="kitchen",
        members=[Agent(model=Scripted())],
        model=Scripted(),
        memory=remembering(alias),
        storage=DjangoStorage(alias),
        enable_user_memories=True,
        telemetry=False,
    )
    team.run('!add_memory {"memory": "Likes soup"}', user_id="noah", session_id="t")
    assert known(alias, "noah") == ["Likes soup"]
    assert AgentSession.objects.using(alias).get(session_id="t").team_id == "kitchen"

    def work(thread: int, number: int) -> object:
        told = json.dumps({"memory": f"Fact {thread}"})
        return agent(alias).run(f"!add_memory {told}", user_id="zoe", session_id=f"s{thread}")

    (outcomes,) = race(1, work, threads=4)
    assert errors(outcomes) == []
    assert sorted(known(alias, "zoe")) == [f"Fact {thread}" for thread in range(4)]


@each_database
def test_two_users_with_one_session_id(alias: str) -> None:
    agent(alias).run("Hello", user_id="maya", session_id="s")
    with pytest.raises(SessionExists):
        agent(alias).run("Hello", user_id="noah", session_id="s")
    session = AgentSession.objects.using(alias).get()
    assert (session.user_id, session.runs.count()) == ("maya", 1)


@each_database
def test_the_store_of_memories(alias: str) -> None:
    db = DjangoMemoryDb(alias)
    row = MemoryRow(id="m", user_id="maya", memory={"memory": "Größe", "topics": ["a"], "input": "said"})
    written = db.upsert_memory(row)
    assert (written.id, db.memory_exists(row)) == ("m", True)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?", written.memory["last_updated"])
    for name in ("n", "o"):
        db.upsert_memory(MemoryRow(id=name, user_id="maya", memory={"memory": name}))
    assert [found.id for found in db.read_memories("maya")] == ["o", "n", "m"]
    assert [found.id for found in db.read_memories("maya", limit=2, sort="asc")] == ["m", "n"]
    assert db.read_memories("noah") == []
    with pytest.raises(MemoryExists):
        db.upsert_memory(MemoryRow(id="m", user_id="noah", memory={"memory": "x"}))
    with pytest.raises(ValidationError):
        db.upsert_memory(MemoryRow(id="p", user_id="noah", memory={"memory": " "}))
    with pytest.raises(MemoryNotFound):
        db.delete_memory("none")
    db.delete_memory("m")
    with pytest.raises(NotImplementedError, match="migrate"):
        db.drop_table()
    assert db.table_exists()
    assert db.clear()
    assert not UserMemory.objects.using(alias).exists()


@each_database
@pytest.mark.parametrize("name", CONTENT_FIELDS)
def test_every_content_field_survives_an_agents_upsert(alias: str, name: str) -> None:
    add_with_every_field(alias)
    content = {} if name == "memory" else {"memory": "Other"}
    DjangoMemoryDb(alias).upsert_memory(MemoryRow(id="m", user_id="maya", memory=content))
    assert field_of_memory(alias, name) == sample(name)
    assert field_of_memory(alias, "memory") == content.get("memory", sample("memory"))


@each_database
def test_the_store_of_sessions(alias: str) -> None:
    storage = DjangoStorage(alias)
    runs = [{"run_id": f"r{number}", "session_id": "s", "content": f"Größe {number}"} for number in range(3)]
    given = AgnoSession(
        session_id="s",
        user_id="maya",
        agent_id="chef",
        memory={"memories": {}, "runs": runs},
        session_data={"session_name": "Dinner", "$odd": "\x00"},
        extra_data={"a": 1},
        team_session_id="t",
        created_at=1_748_781_015,
    )
    storage.upsert(given)
    found = storage.read("s")
    assert found is not None
    assert found.to_dict() == {**given.to_dict(), "updated_at": found.updated_at}
    stamps = dict(AgentRun.objects.using(alias).values_list("run_id", "updated_at"))
    runs[1]["content"] = "changed"
    given.memory = {"memories": {}, "runs": [*runs[:2], {"run_id": "r3", "session_id": "s"}]}
    storage.upsert(given)
    after = dict(AgentRun.objects.using(alias).values_list("run_id", "updated_at"))
    assert (set(after), after["r0"]) == ({"r0", "r1", "r3"}, stamps["r0"])
    assert [run["run_id"] for run in storage.read("s").memory["runs"]] == ["r0", "r1", "r3"]
    assert storage.read("s", user_id="noah") is None
    storage.upsert(AgnoSession(session_id="later", user_id="maya", agent_id="baker", created_at=1_800_000_000))
    assert storage.get_all_session_ids("maya") == ["later", "s"]
    assert storage.get_all_session_ids(entity_id="chef") == ["s"]
    assert [each.session_id for each in storage.get_recent_sessions(limit=1)] == ["later"]
    assert [each.session_id for each in storage.get_all_sessions("noah")] == []
    storage.mode = "workflow_v2"
    storage.upsert(WorkflowSession(session_id="w", workflow_id="flow", workflow_name="Flow", user_id="maya"))
    assert (storage.get_all_session_ids(), storage.read("w").workflow_name) == (["w"], "Flow")
    with pytest.raises(NotImplementedError, match="migrate"):
        storage.drop()
    storage.delete_session("s")
    assert not AgentRun.objects.using(alias).exists()
