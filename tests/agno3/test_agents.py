"""Agents of agno 3 that learn, correct and forget, on every database."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from agno.agent import Agent
from agno.db.base import UserMemory as AgnoMemory
from agno.memory import MemoryManager
from agno.registry import Registry
from agno.team import Team
from agno.workflow import Workflow
from django.db import OperationalError, connections
from django.http import HttpRequest, JsonResponse
from django.test import AsyncClient, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path

from agno_memory.contrib.agno import DjangoDb
from agno_memory.db.store import Store
from agno_memory.memory import Memory
from agno_memory.models import AgentRun, AgentSession, UserMemory
from tests.agno_model import ScriptedModel
from tests.databases import commits, each_database, race, results

pytestmark = [commits]

LIKES_TEA = '!add_memory {"memory": "Likes tea, Größe 🎈", "topics": ["drinks", "tea"]}'


def agent(alias: str, **options: Any) -> Agent:
    defaults = {"add_memories_to_context": True, "add_history_to_context": True, "telemetry": False}
    return Agent(id="chef", model=ScriptedModel(), db=DjangoDb(alias), **defaults | options)


def manager(alias: str) -> MemoryManager:
    return MemoryManager(model=ScriptedModel(), db=DjangoDb(alias), delete_memories=True, clear_memories=True)


def memories_of(alias: str, user_id: str = "maya") -> list[str]:
    return [memory.memory for memory in Memory(db=alias).get_user_memories(user_id)]


def answer(run: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(run.content)
    return content


@each_database
def test_staff_see_an_agents_memory_and_the_agent_knows_their_correction(alias: str) -> None:
    agent(alias, update_memory_on_run=True).run(LIKES_TEA, user_id="maya", session_id="s")
    learned = UserMemory.objects.using(alias).get()
    assert (learned.memory, learned.topics) == ("Likes tea, Größe 🎈", ["drinks", "tea"])
    assert (learned.user_id, learned.agent_id) == ("maya", "chef")
    learned.memory = "Likes coffee"
    learned.save()
    content = answer(agent(alias, update_memory_on_run=True).run("Hello", user_id="maya", session_id="s"))
    assert content == {"knows": ["Likes coffee"], "turns": 2}
    assert answer(agent(alias).run("Hello", user_id="noah"))["knows"] == []


@each_database
def test_agentic_memory_corrects_forgets_and_clears_its_user(alias: str) -> None:
    Memory(db=alias).add_user_memory(UserMemory(memory_id="m", memory="Likes tea", metadata={"a": 1}), "maya")
    Memory(db=alias).add_user_memory(UserMemory(memory_id="n", memory="Likes milk"), "maya")
    for memory_id in ("m", "n"):
        Memory(db=alias).add_user_memory(UserMemory(memory_id=memory_id, memory=f"Noah's {memory_id}"), "noah")
    chef = agent(alias, enable_agentic_memory=True, memory_manager=manager(alias))

    def ask(tool: str, **arguments: Any) -> None:
        task = json.dumps({"task": f"!{tool} {json.dumps(arguments)}"})
        chef.run(f"!update_user_memory {task}", user_id="maya")

    ask("update_memory", memory_id="m", memory="Likes coffee", topics=["drinks"])
    corrected = Memory(db=alias).get_user_memory("m", "maya")
    assert corrected is not None
    assert (corrected.memory, corrected.topics, corrected.metadata) == ("Likes coffee", ["drinks"], {"a": 1})
    ask("delete_memory", memory_id="n")
    assert memories_of(alias) == ["Likes coffee"]
    ask("clear_memory")
    assert (memories_of(alias), sorted(memories_of(alias, "noah"))) == ([], ["Noah's m", "Noah's n"])


@each_database
def test_history_survives_a_restart_and_two_users_do_not_share_one_session_id(alias: str) -> None:
    for _ in range(2):
        agent(alias).run("Hello", user_id="maya", session_id="s")
    assert answer(agent(alias).run("Hello", user_id="maya", session_id="s"))["turns"] == 3
    assert answer(agent(alias).run("Hello", user_id="noah", session_id="s"))["turns"] == 1
    session = AgentSession.objects.using(alias).get()
    assert (session.user_id, session.agent_id, session.runs.count()) == ("maya", "chef", 3)
    assert [run.run_index for run in session.runs.order_by("run_index")] == [0, 1, 2]
    assert DjangoDb(alias).get_session("s", user_id="noah") is None


@each_database
def test_teams_keep_their_sessions_and_memories(alias: str) -> None:
    def team() -> Team:
        return Team(
            id="kitchen",
            members=[Agent(id="chef", model=ScriptedModel())],
            model=ScriptedModel(),
            db=DjangoDb(alias),
            update_memory_on_run=True,
            add_memories_to_context=True,
            add_history_to_context=True,
            telemetry=False,
        )

    team().run(LIKES_TEA, user_id="maya", session_id="s")
    assert answer(team().run("Hello", user_id="maya", session_id="s")) == {"knows": memories_of(alias), "turns": 2}
    session = AgentSession.objects.using(alias).get()
    assert (session.session_type, session.team_id) == ("team", "kitchen")
    assert UserMemory.objects.using(alias).get().team_id == "kitchen"


@each_database
def test_the_methods_of_the_memory_manager(alias: str) -> None:
    keeper = manager(alias)
    memory_id = keeper.add_user_memory(AgnoMemory(memory="Likes tea", topics=["drinks"]), user_id="maya")
    assert memory_id is not None
    keeper.add_user_memory(AgnoMemory(memory="Likes beer"), user_id="noah")
    keeper.replace_user_memory(memory_id, AgnoMemory(memory="Likes coffee"), user_id="maya")
    found = keeper.get_user_memories("maya")
    assert found is not None
    assert [(memory.memory, memory.topics) for memory in found] == [("Likes coffee", ["drinks"])]
    keeper.clear_user_memories("maya")
    assert (memories_of(alias), memories_of(alias, "noah")) == ([], ["Likes beer"])


@each_database
def test_async_and_streaming(alias: str) -> None:
    async def converse() -> list[Any]:
        chef = agent(alias, update_memory_on_run=True)
        await chef.arun(LIKES_TEA, user_id="maya", session_id="s")
        events = [event async for event in chef.arun("Hello", user_id="maya", session_id="s", stream=True)]
        both = await asyncio.gather(
            *(agent(alias).arun("Hello", user_id=f"user {n}", session_id=f"t{n}") for n in "ab")
        )
        return [events, *both]

    events, *both = asyncio.run(converse())
    assert memories_of(alias) == ["Likes tea, Größe 🎈"]
    assert any("Likes tea" in str(getattr(event, "content", "")) for event in events)
    assert [answer(run)["turns"] for run in both] == [1, 1]
    assert AgentRun.objects.using(alias).filter(session_id="s").count() == 2


@each_database
def test_clear_memory_clears_its_own_agents_user_while_another_runs(alias: str) -> None:
    for user in ("maya", "noah"):
        Memory(db=alias).add_user_memory(UserMemory(memory=f"About {user}"), user)
    chef = agent(alias, enable_agentic_memory=True, memory_manager=manager(alias))
    task = json.dumps({"task": "!clear_memory {}"})

    async def both() -> None:
        clears = chef.arun(f"!update_user_memory {task}", user_id="maya", session_id="s")
        await asyncio.gather(clears, chef.arun("Hello", user_id="noah", session_id="t"))

    asyncio.run(both())
    assert (memories_of(alias), memories_of(alias, "noah")) == ([], ["About noah"])


async def chat(request: HttpRequest) -> JsonResponse:
    run = await agent(request.GET["alias"], update_memory_on_run=True).arun(
        request.GET["message"], user_id="maya", session_id="s"
    )
    return JsonResponse({"content": run.content})


urlpatterns = [path("chat/", chat)]


@each_database
@override_settings(ROOT_URLCONF=__name__)
def test_an_async_view_under_asgi(alias: str) -> None:
    async def ask() -> list[int]:
        client = AsyncClient()
        requests = [client.get("/chat/", {"alias": alias, "message": text}) for text in (LIKES_TEA, "Hello")]
        return [(await request).status_code for request in requests]

    assert asyncio.run(ask()) == [200, 200]
    assert memories_of(alias) == ["Likes tea, Größe 🎈"]
    assert AgentRun.objects.using(alias).count() == 2


@each_database
def test_parallel_agents_lose_nothing(alias: str) -> None:
    def work(thread: int, number: int) -> str:
        arguments = json.dumps({"memory": f"Fact {thread}"})
        chef = agent(alias, update_memory_on_run=True)
        return str(chef.run(f"!add_memory {arguments}", user_id="maya", session_id=f"s{thread}").content)

    (outcomes,) = race(1, work, threads=4)
    assert len(results(outcomes)) == 4
    assert sorted(memories_of(alias)) == [f"Fact {thread}" for thread in range(4)]
    assert AgentRun.objects.using(alias).count() == 4


def test_connections_of_worker_threads_are_closed() -> None:
    with connections["postgres"].cursor() as cursor:
        asyncio.run(agent("postgres", update_memory_on_run=True).arun(LIKES_TEA, user_id="maya", session_id="s"))
        agent("postgres", update_memory_on_run=True).run(LIKES_TEA, user_id="maya", session_id="s")
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        cursor.execute(others + " AND backend_type = 'client backend'")
        assert cursor.fetchone() == (0,)


@each_database
def test_a_turn_costs_the_same_in_a_long_conversation(alias: str, django_assert_max_num_queries: Any) -> None:
    chef = agent(alias, num_history_runs=2)

    def cost() -> int:
        with CaptureQueriesContext(connections[alias]) as queries:
            chef.run("Hello", user_id="maya", session_id="s")
        return len(queries)

    cost()
    first = cost()
    for _ in range(20):
        chef.run("Hello", user_id="maya", session_id="s")
    assert cost() == first


def test_a_database_error_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("the server is gone")

    monkeypatch.setattr(Store, "upsert", away)
    with pytest.raises(OperationalError, match="the server is gone"):
        DjangoDb("default").upsert_user_memory(AgnoMemory(memory_id="m", memory="x", user_id="maya"))


@each_database
@pytest.mark.parametrize("kind", [Agent, Team])
def test_a_component_is_built_again_from_its_dictionary(alias: str, kind: Any) -> None:
    db = DjangoDb(alias)
    members: dict[str, Any] = {"members": []} if kind is Team else {}
    config = kind(id="chef", db=db, telemetry=False, update_memory_on_run=True, **members).to_dict()
    assert json.loads(json.dumps(config)) == config
    again = kind.from_dict(config, registry=Registry(dbs=[DjangoDb(alias)]))
    again.model = ScriptedModel()
    again.run(LIKES_TEA, user_id="maya", session_id="s")
    assert (again.db.db, memories_of(alias)) == (alias, ["Likes tea, Größe 🎈"])
    workflow = Workflow(id="dinner", db=db, telemetry=False, steps=[]).to_dict()
    assert Workflow.from_dict(workflow, registry=Registry(dbs=[DjangoDb(alias)])).db.db == alias
