"""Agents of agno 1.8 get the memories that matter for a message, and search the others; those of their user only."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from agno.agent import Agent
from agno.memory.v2.memory import Memory as AgnoMemory
from agno.models.message import Message
from agno.team import Team

from agno_memory.contrib.agno import DjangoMemoryDb, MemorySearchTools
from tests.agno_helpers import WRAPPERS, add_many
from tests.agno_model import ScriptedModel
from tests.databases import commits, each_database

pytestmark = [commits]

QUESTION = "What should I cook? Is she allergic to peanuts?"
ALLERGY = "Is allergic to peanuts"


def remembering(store: Any) -> AgnoMemory:
    return AgnoMemory(model=ScriptedModel(), db=store)


def agent(store: Any, **options: Any) -> Agent:
    defaults = {"add_memory_references": True, "telemetry": False}
    return Agent(agent_id="chef", model=ScriptedModel(), memory=remembering(store), **defaults | options)


def known(run: Any) -> list[str]:
    memories: list[str] = json.loads(run.content)["knows"]
    return memories


@each_database
def test_an_agent_of_a_person_with_2000_memories_gets_the_twenty_that_matter(alias: str) -> None:
    add_many(alias, "maya", ALLERGY, 2_000)
    add_many(alias, "noah", "Is allergic to peanuts and cooks", 30)
    memories = known(agent(DjangoMemoryDb(alias, recall=20)).run(QUESTION, user_id="maya"))
    assert (len(memories), memories[0]) == (20, ALLERGY)
    assert not any("and cooks" in memory for memory in memories)
    assert memories[1:] == [f"Fact {number}" for number in range(2_000, 1_981, -1)]
    assert len(known(agent(DjangoMemoryDb(alias)).run(QUESTION, user_id="maya"))) == 2_001


@pytest.mark.parametrize(
    "message",
    [QUESTION, Message(role="user", content=QUESTION), {"role": "user", "content": QUESTION}, [QUESTION]],
    ids=type,
)
def test_the_message_in_each_form(message: Any) -> None:
    add_many("default", "maya", ALLERGY, 30)
    chef = agent(DjangoMemoryDb("default", recall=2))
    assert known(chef.run(message, user_id="maya")) == [ALLERGY, "Fact 30"]


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_through_a_proxy_of_the_store_and_async(wrap: Any) -> None:
    add_many("default", "maya", ALLERGY, 30)
    chef = agent(wrap(DjangoMemoryDb("default", recall=1)))
    assert known(chef.run(QUESTION, user_id="maya")) == [ALLERGY]
    assert known(asyncio.run(chef.arun(QUESTION, user_id="maya"))) == [ALLERGY]


def test_a_team() -> None:
    add_many("default", "maya", ALLERGY, 30)
    store = DjangoMemoryDb("default", recall=1)
    options = {"add_memory_references": True, "telemetry": False}
    team = Team(members=[agent(store)], model=ScriptedModel(), memory=remembering(store), **options)
    assert known(team.run(QUESTION, user_id="maya")) == [ALLERGY]


def test_the_manager_learns_beside_the_memories_that_matter_and_other_callers_get_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_many("default", "maya", ALLERGY, 30)
    prompts = []
    respond = ScriptedModel.respond

    def remember(self: ScriptedModel, messages: list[Any], tools: Any) -> Any:
        prompts.append(" ".join(str(message.content) for message in messages if message.role == "system"))
        return respond(self, messages, tools)

    monkeypatch.setattr(ScriptedModel, "respond", remember)
    store = DjangoMemoryDb("default", recall=2)
    memory = remembering(store)
    for learn in (memory.create_user_memories, memory.update_memory_task):
        learn("No more peanuts", user_id="maya")
    asyncio.run(memory.acreate_user_memories("No more peanuts", user_id="maya"))
    found = [(ALLERGY in prompt, "Fact 30" in prompt, "Fact 29" in prompt) for prompt in prompts]
    assert found == 3 * [(True, True, False)]
    assert len(memory.get_user_memories("maya")) == len(store.read_memories("maya")) == 31


def test_a_wrong_number_is_refused() -> None:
    for wrong in (0, -1, True, "20"):
        with pytest.raises(ValueError, match="recall is a whole number from 1"):
            DjangoMemoryDb(recall=wrong)


@each_database
def test_an_agent_searches_the_memories_of_its_user(alias: str) -> None:
    add_many(alias, "maya", ALLERGY, 3)
    add_many(alias, "noah", "Grows peanuts", 3)
    chef = agent(DjangoMemoryDb(alias), tools=[MemorySearchTools("maya", alias)])
    for query in ({"query": "peanuts"}, {"query": "peanuts", "user_id": "noah"}):
        call = "!search_memories " + json.dumps(query)
        # The tool belongs to one user, and the agent has the state of its last run.
        for run in (chef.run(call, user_id="maya"), asyncio.run(chef.arun(call, user_id="noah"))):
            assert "Grows" not in run.content
    assert "[1] Is allergic to peanuts" in chef.run('!search_memories {"query": "peanuts"}', user_id="maya").content
