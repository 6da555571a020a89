"""``AsyncDjangoDb``: its methods are those of ``DjangoDb``, awaited; the event loop does not wait for the database."""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import threading
from typing import Any

import pytest
from agno.agent import Agent
from agno.db.base import AsyncBaseDb
from agno.db.base import UserMemory as AgnoMemory
from agno.memory import MemoryManager
from agno.registry import Registry
from agno.session import AgentSession as AgnoSession

from agno_memory.contrib.agno import AsyncDjangoDb, DjangoDb
from agno_memory.contrib.agno.kept_connections import KeptConnections
from agno_memory.contrib.agno.v3.async_store import with_methods_of
from agno_memory.db.statements import Statement
from agno_memory.exceptions import SessionExists
from agno_memory.memory import Memory
from agno_memory.models import AgentRun, UserMemory
from tests.agno3 import test_agentos, test_agentos_stores, test_agents, test_recall, test_store, test_turns
from tests.agno3.awaited import AwaitedAgent, AwaitedDb, AwaitedTeam, run
from tests.agno3.test_agentos_stores import expected as expected  # a fixture
from tests.agno_helpers import add_many
from tests.agno_model import ScriptedModel
from tests.databases import PATIENCE_SECONDS, commits, each_database
from tests.test_kept_connections import kept as kept  # a fixture
from tests.test_kept_connections import others, wait_until

pytestmark = [commits]

# Methods that agno's base has for its own databases.
OF_AGNO = {"close", "to_dict", "from_dict"}
WITH_AGENTS = (test_agentos, test_agents, test_recall)
REUSED = (*WITH_AGENTS, test_store, test_turns)
# Tests of these modules that do not concern an async store, or have a counterpart below.
SYNC_ONLY = {
    # They call the store, or agno's methods that are not async, without await.
    "test_the_methods_of_the_memory_manager",
    "test_agno_finds_the_newest_and_the_oldest_memories_of_one_second",
    "test_no_call_clears_the_memories_of_every_user",
    "test_a_database_error_reaches_the_caller",
    "test_a_component_is_built_again_from_its_dictionary",
    "test_history_survives_a_restart_and_two_users_do_not_share_one_session_id",
    "test_the_memory_manager_learns_beside_the_memories_that_matter",
    "test_other_callers_get_all_memories",
    # agno asks whether a method is async, which a proxy hides.
    "test_through_a_proxy_of_the_store",
    # They are about the threads of DjangoDb, or about the class itself.
    "test_connections_of_worker_threads_are_closed",
    "test_a_call_on_a_running_loop_works",
    "test_no_method_raises_without_a_text",
    "test_its_id_is_the_same_in_every_process",
    "test_the_stores_of_the_other_major_name_the_release_to_install",
    # They count the statements of this thread, or change its connection.
    "test_each_call_for_a_user_is_one_statement",
    "test_an_unchanged_session_is_not_written_again_in_the_same_second",
    "test_the_number_of_statements",
    "test_a_turn_costs_the_same_in_a_long_conversation",
    "test_bulk_verbs_where_reads_prefer_secondaries",
    # Many calls of one rule, which is the other store's.
    "test_every_method_refuses_a_blank_user",
    # Random input, with fixtures for each test.
    "test_any_text_is_stored_exactly_or_refused",
}
clock, far_from_utc = test_turns.clock, test_store.far_from_utc


@pytest.fixture(autouse=True)
def async_store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests of another module use an async store."""
    module = inspect.getmodule(request.function)
    if module in REUSED:
        store = AsyncDjangoDb if module in WITH_AGENTS else AwaitedDb
        for name, kind in (("DjangoDb", store), ("Agent", AwaitedAgent), ("Team", AwaitedTeam)):
            monkeypatch.setattr(module, name, kind, raising=False)


for module in REUSED:
    for name, test in vars(module).items():
        if name.startswith("test_") and inspect.isfunction(test) and name not in SYNC_ONLY:
            globals()[name] = test


def public_methods(kind: type[Any]) -> dict[str, Any]:
    return {name: each for name, each in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}


def test_its_methods_are_those_of_agnos_base_and_of_the_other_store() -> None:
    ours, base, other = map(public_methods, (AsyncDjangoDb, AsyncBaseDb, DjangoDb))
    assert base.keys() | other.keys() == ours.keys()
    assert not inspect.isabstract(AsyncDjangoDb)
    for name in ours.keys() - OF_AGNO:
        # agno does not await the methods that its base has as others.
        is_awaited = name not in base or inspect.iscoroutinefunction(base[name])
        assert inspect.iscoroutinefunction(ours[name]) == is_awaited, name
        # Each is made from the other store's, with its arguments and its documentation.
        assert ours[name].__wrapped__ is other[name], name
        assert inspect.signature(ours[name]) == inspect.signature(other[name]), name


def test_what_the_other_store_gains_is_awaited_here() -> None:
    class Grown(DjangoDb):
        def get_dream(self, user_id: str) -> str:
            return f"{user_id}'s, in {threading.current_thread().name}"

    @with_methods_of(Grown)
    class AsyncGrown(AsyncDjangoDb):
        def __init__(self) -> None:
            super().__init__()
            self._store = Grown()

    dream = run(AsyncGrown().get_dream("maya"))
    assert dream.startswith("maya's, in agno_memory_async")


@each_database
def test_a_method_that_is_refused_and_an_error_of_the_service(alias: str) -> None:
    db = AsyncDjangoDb(alias)
    run(db.upsert_session(AgnoSession(session_id="s", user_id="maya")))
    with pytest.raises(SessionExists) as caught:
        run(db.upsert_session(AgnoSession(session_id="s", user_id="noah")))
    assert getattr(caught.value, "status_code") == 409  # noqa: B009  agno's, not ours
    assert run(db.get_session("s", user_id="noah")) is None
    refused = [name for name, each in public_methods(DjangoDb).items() if "not supported" in (each.__doc__ or "")]
    with pytest.raises(NotImplementedError, match=refused[0]):
        run(getattr(db, refused[0])())


@each_database
def test_agnos_agents_share_the_sessions_of_both_stores(alias: str) -> None:
    def agent(db: Any) -> Any:
        kind = AwaitedAgent if isinstance(db, AsyncDjangoDb) else Agent
        return kind(id="chef", model=ScriptedModel(), db=db, add_history_to_context=True, telemetry=False)

    for number, kind in enumerate((AsyncDjangoDb, DjangoDb, AsyncDjangoDb), start=1):
        answer = agent(kind(alias)).run("Hello", user_id="maya", session_id="s")
        assert json.loads(answer.content)["turns"] == number
    assert json.loads(agent(AsyncDjangoDb(alias)).run("Hello", user_id="noah", session_id="s").content)["turns"] == 1


def test_agentos_answers_as_on_agnos_own_store(expected: list[Any], subtests: Any) -> None:
    ours = run(test_agentos_stores.answers(AsyncDjangoDb("postgres")))
    for found, other in zip(ours, expected, strict=True):
        # agno has no components on an async database.
        status = 503 if "/components" in found[0] else other[1]
        with subtests.test(found[0]):
            assert found[1] == status
            assert status == 503 or found == other


def test_the_loop_runs_while_the_database_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    beats = 0
    enough = threading.Event()
    statement = Statement.run

    async def heart() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0)
            beats += 1
            # A store on this loop would wait for it for ever.
            enough.set()

    def slow(*args: Any) -> Any:
        enough.clear()
        assert enough.wait(PATIENCE_SECONDS)
        return statement(*args)

    async def runs() -> list[Any]:
        beating = asyncio.create_task(heart())
        agent = Agent(id="chef", model=ScriptedModel(), db=AsyncDjangoDb(), telemetry=False)
        done = await asyncio.gather(*(agent.arun("Hello", user_id="maya", session_id=f"s{n}") for n in range(10)))
        beating.cancel()
        return done

    monkeypatch.setattr(Statement, "run", slow)
    assert len(asyncio.run(runs())) == 10
    assert beats
    monkeypatch.undo()
    assert AgentRun.objects.count() == 10


def test_its_threads_and_connections_are_bounded(kept: KeptConnections) -> None:
    db = AsyncDjangoDb("postgres", threads=3)
    agent = Agent(id="chef", model=ScriptedModel(), db=db, telemetry=False)

    async def runs() -> None:
        await asyncio.gather(*(agent.arun("Hello", user_id="maya", session_id=f"s{n}") for n in range(100)))
        await db.close()

    asyncio.run(runs())
    assert AgentRun.objects.using("postgres").count() == 100
    assert 1 <= others() <= 3
    kept.close_all()
    wait_until(lambda: others() == 0)
    assert len(run(db.get_sessions(limit=200))) == 100


def test_the_store_of_an_agents_dictionary() -> None:
    db = AsyncDjangoDb("postgres", recall=7, threads=2)
    again = AsyncDjangoDb.from_dict(json.loads(json.dumps(db.to_dict())))
    assert (again.db, again.id, again.recall, again.threads) == ("postgres", db.id, 7, 2)
    config = Agent(id="chef", db=db, telemetry=False).to_dict()
    agent = Agent.from_dict(json.loads(json.dumps(config)), registry=Registry(dbs=[db]))
    assert agent.db is db
    with pytest.raises(ValueError, match="threads"):
        AsyncDjangoDb(threads=0)


@each_database
def test_the_memory_manager_learns_with_the_memories_that_matter(alias: str) -> None:
    add_many(alias, "maya", "Is allergic to nuts", 30)
    manager = MemoryManager(model=ScriptedModel(), db=AsyncDjangoDb(alias, recall=2))
    message = 'May I eat nuts? !add_memory {"memory": "Asks about nuts"}'
    run(manager.acreate_user_memories(message=message, user_id="maya"))
    assert Memory(db=alias).search_user_memories("asks", user_id="maya")
    assert len(run(manager.aget_user_memories("maya")) or []) == 32


def test_agno_does_not_await_these_methods_of_its_memory_manager() -> None:
    # If this fails, agno awaits them or refuses them: change docs/agno.md, "Async".
    manager = MemoryManager(db=AsyncDjangoDb())
    Memory(db="default").add_user_memory(UserMemory(memory_id="m", memory="Likes tea"), "maya")

    def write() -> None:
        manager.add_user_memory(AgnoMemory(memory="Likes milk"), user_id="maya")
        manager.replace_user_memory("m", AgnoMemory(memory="Likes milk"), user_id="maya")
        manager.delete_user_memory("m", user_id="maya")
        manager.clear()
        gc.collect()

    with pytest.warns(RuntimeWarning, match="never awaited"):
        write()
    assert [memory.memory for memory in Memory(db="default").get_user_memories("maya")] == ["Likes tea"]
