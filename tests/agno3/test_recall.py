"""Agents of agno 3 get the memories that matter for a message, and search the others; those of their user only."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from agno.agent import Agent
from agno.memory import MemoryManager
from agno.models.message import Message
from agno.run import RunContext
from agno.team import Team

from agno_memory.contrib.agno import DjangoDb, MemorySearchTools
from agno_memory.exceptions import ValidationError
from agno_memory.memory import Memory
from tests.agno_helpers import WRAPPERS, add_many
from tests.agno_model import ScriptedModel
from tests.databases import commits, each_database

pytestmark = [commits]

QUESTION = "What should I cook? Is she allergic to peanuts?"
ALLERGY = "Is allergic to peanuts"


def agent(alias: str, recall: int | None = 20, **options: Any) -> Agent:
    defaults = {"add_memories_to_context": True, "telemetry": False}
    return Agent(id="chef", model=ScriptedModel(), db=DjangoDb(alias, recall=recall), **defaults | options)


def known(run: Any) -> list[str]:
    memories: list[str] = json.loads(run.content)["knows"]
    return memories


@each_database
def test_an_agent_of_a_person_with_2000_memories_gets_the_twenty_that_matter(alias: str) -> None:
    add_many(alias, "maya", ALLERGY, 2_000)
    add_many(alias, "noah", "Is allergic to peanuts and cooks", 30)
    memories = known(agent(alias).run(QUESTION, user_id="maya"))
    assert (len(memories), memories[0]) == (20, ALLERGY)
    assert not any("and cooks" in memory for memory in memories)
    assert memories[1:] == [f"Fact {number}" for number in range(2_000, 1_981, -1)]
    assert len(known(agent(alias, recall=None).run(QUESTION, user_id="maya"))) == 2_001


@pytest.mark.parametrize(
    "message",
    [
        QUESTION,
        Message(role="user", content=QUESTION),
        [Message(role="assistant", content="Fact 7"), Message(role="user", content=QUESTION)],
        [{"role": "user", "content": QUESTION}],
        {"dish": "with peanuts"},
    ],
    ids=type,
)
def test_the_message_in_each_form(message: Any) -> None:
    add_many("default", "maya", ALLERGY, 30)
    assert known(agent("default", 2).run(message, user_id="maya")) == [ALLERGY, "Fact 30"]


@pytest.mark.parametrize("message", ["", "What about it?", "Hello"])
def test_a_message_without_a_match_gets_the_newest(message: str) -> None:
    add_many("default", "maya", ALLERGY, 30)
    content = agent("default", 2).run([Message(role="user", content=message)], user_id="maya")
    assert known(content) == ["Fact 30", "Fact 29"]


def test_runs_at_the_same_time_get_the_memories_of_their_own_message_and_user() -> None:
    add_many("default", "maya", ALLERGY, 10)
    add_many("default", "noah", "Plays the cello", 10)
    chef = agent("default", 1)

    async def ask() -> list[Any]:
        questions = [("maya", "peanuts"), ("noah", "cello"), ("maya", "fact 3"), ("noah", "peanuts?")]
        return await asyncio.gather(
            *(chef.arun(question, user_id=user, session_id=question) for user, question in questions)
        )

    found = [known(run) for run in asyncio.run(ask())]
    assert found == [[ALLERGY], ["Plays the cello"], ["Fact 3"], ["Fact 10"]]


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_through_a_proxy_of_the_store(wrap: Any) -> None:
    add_many("default", "maya", ALLERGY, 30)
    chef = Agent(
        model=ScriptedModel(), db=wrap(DjangoDb("default", recall=1)), add_memories_to_context=True, telemetry=False
    )
    assert known(chef.run(QUESTION, user_id="maya")) == [ALLERGY]


def test_a_team() -> None:
    add_many("default", "maya", ALLERGY, 30)
    member = agent("default", 1)
    options = {"add_memories_to_context": True, "telemetry": False}
    team = Team(members=[member], model=ScriptedModel(), db=DjangoDb("default", recall=1), **options)
    assert known(team.run(QUESTION, user_id="maya")) == [ALLERGY]
    assert known(asyncio.run(team.arun(QUESTION, user_id="maya"))) == [ALLERGY]


def test_the_memory_manager_learns_beside_the_memories_that_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    add_many("default", "maya", ALLERGY, 30)
    prompts = []
    respond = ScriptedModel.respond

    def remember(self: ScriptedModel, messages: list[Any], tools: Any) -> Any:
        prompts.append(" ".join(str(message.content) for message in messages if message.role == "system"))
        return respond(self, messages, tools)

    monkeypatch.setattr(ScriptedModel, "respond", remember)
    manager = MemoryManager(model=ScriptedModel(), db=DjangoDb("default", recall=2))
    for learn in (manager.create_user_memories, manager.update_memory_task):
        learn("No more peanuts", user_id="maya")
    for learn in (manager.acreate_user_memories, manager.aupdate_memory_task):
        asyncio.run(learn("No more peanuts", user_id="maya"))
    assert [(ALLERGY in prompt, "Fact 30" in prompt, "Fact 29" in prompt) for prompt in prompts] == 4 * [
        (True, True, False)
    ]


def test_other_callers_get_all_memories() -> None:
    add_many("default", "maya", ALLERGY, 30)
    store = DjangoDb("default", recall=2)
    assert len(store.get_user_memories(user_id="maya")) == 31
    assert len(MemoryManager(db=store).get_user_memories(user_id="maya") or ()) == 31
    counts = []

    def instructions() -> str:
        counts.append(len(store.get_user_memories(user_id="maya")))
        return "Cook."

    assert len(known(agent("default", 2, instructions=instructions).run(QUESTION, user_id="maya"))) == 2
    assert counts == [31]


def test_a_store_keeps_its_recall_as_a_dictionary() -> None:
    assert DjangoDb.from_dict(DjangoDb(recall=7).to_dict()).recall == 7
    for wrong in (0, -1, True, "20"):
        with pytest.raises(ValueError, match="recall is a whole number from 1"):
            DjangoDb(recall=wrong)


# The tool


@each_database
def test_an_agent_searches_the_memories_of_its_user(alias: str) -> None:
    add_many(alias, "maya", ALLERGY, 3)
    add_many(alias, "noah", "Grows peanuts", 3)
    chef = agent(alias, 1, tools=[MemorySearchTools(alias)])
    call = "!search_memories " + json.dumps({"query": "peanuts"})
    for run in (chef.run(call, user_id="maya"), asyncio.run(chef.arun(call, user_id="maya"))):
        assert "[1] Is allergic to peanuts" in run.content
        assert "Grows" not in run.content
    assert "[1] Grows peanuts" in chef.run(call, user_id="noah").content
    assert "No memories of the user match" in chef.run(call).content


def test_a_model_cannot_name_another_user() -> None:
    add_many("default", "maya", ALLERGY, 3)
    chef = agent("default", 1, tools=[MemorySearchTools("default")])
    for forged in ({"user_id": "maya"}, {"run_context": {"user_id": "maya"}}):
        run = chef.run("!search_memories " + json.dumps({"query": "peanuts"} | forged), user_id="noah")
        assert ALLERGY not in run.content


def test_the_tool_refuses_a_blank_user_and_takes_agnos_user_for_none() -> None:
    add_many("default", "default", ALLERGY, 3)
    tools = MemorySearchTools("default")
    for blank in ("", " "):
        with pytest.raises(ValidationError):
            tools.search_memories(RunContext(run_id="r", session_id="s", user_id=blank), "peanuts")
    assert ALLERGY in tools.search_memories(RunContext(run_id="r", session_id="s"), "peanuts")


def test_a_bad_query_is_answered_with_a_sentence() -> None:
    Memory(db="default").clear()
    chef = agent("default", 1, tools=[MemorySearchTools("default")])
    for query in ("", " ", "\x00"):
        run = chef.run("!search_memories " + json.dumps({"query": query}), user_id="maya")
        assert "The query is empty" in run.content
    run = chef.run("!search_memories " + json.dumps({"query": '$where NEAR( " OR 1=1'}), user_id="maya")
    assert "No memories of the user match" in run.content
