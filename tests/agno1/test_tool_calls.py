"""The tools of agno 1.8 delete memories of their own user only, ``new_session()`` and unknown callers nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from typing import Any

import pytest
from agno.agent import Agent
from agno.memory.v2.manager import MemoryManager
from agno.memory.v2.memory import Memory as AgnoMemory

from agno_memory.contrib.agno import DjangoMemoryDb, tool_calls
from agno_memory.exceptions import MemoryNotFound
from tests.agno_helpers import WRAPPERS, add, in_other_thread, remaining
from tests.agno_model import ScriptedModel
from tests.databases import commits

pytestmark = [commits]

each_wrapper = pytest.mark.parametrize("wrap", WRAPPERS)


def remembering(store: Any) -> AgnoMemory:
    return AgnoMemory(model=ScriptedModel(), db=store, delete_memories=True, clear_memories=True)


def tools(store: Any) -> dict[str, Callable[..., str]]:
    """Return agno's own tools on a store, by their names."""
    made = MemoryManager(model=ScriptedModel())._get_db_tools(user_id="maya", db=store, input_string="")
    return {each.__name__: each for each in made}


@each_wrapper
def test_the_tools_delete_their_own_users_memories(wrap: Callable[[Any], Any]) -> None:
    add("default", "maya", "noah", "zoe")
    memory = remembering(wrap(DjangoMemoryDb("default")))
    memory.update_memory_task('!delete_memory {"memory_id": "noah"}', user_id="maya")
    assert remaining("default") == ["maya", "noah", "zoe"]
    memory.update_memory_task('!delete_memory {"memory_id": "zoe"}', user_id="zoe")
    assert remaining("default") == ["maya", "noah"]
    memory.update_memory_task("!clear_memory {}", user_id="maya")
    assert remaining("default") == ["noah"]


@each_wrapper
def test_so_do_their_async_twins(wrap: Callable[[Any], Any]) -> None:
    add("default", "maya", "noah")
    memory = remembering(wrap(DjangoMemoryDb("default")))
    asyncio.run(memory.aupdate_memory_task("!clear_memory {}", user_id="maya"))
    assert remaining("default") == ["noah"]


@each_wrapper
def test_another_session_deletes_nothing(wrap: Callable[[Any], Any]) -> None:
    add("default", "maya", "noah")
    agent = Agent(model=ScriptedModel(), memory=remembering(wrap(DjangoMemoryDb("default"))), telemetry=False)
    agent.run("Hello", user_id="maya")
    agent.new_session()
    assert remaining("default") == ["maya", "noah"]


@each_wrapper
def test_agnos_memory_and_the_program_delete_for_any_user(wrap: Callable[[Any], Any]) -> None:
    store = wrap(DjangoMemoryDb("default"))
    for clear in (remembering(store).clear, store.clear):
        add("default", "maya", "noah", "zoe")
        store.read_memories("maya")
        store.delete_memory("zoe")
        assert remaining("default") == ["maya", "noah"]
        clear()
        assert remaining("default") == []


def test_a_tool_without_a_user_or_in_another_thread_deletes_nothing() -> None:
    add("default", "maya", "noah")
    store = DjangoMemoryDb("default")
    with pytest.raises(ValueError, match="does not name a user"):
        Context().run(tools(store)["clear_memory"])
    assert "does not name a user" in Context().run(tools(store)["delete_memory"], "noah")
    store = in_other_thread(store)
    store.read_memories("maya")
    with pytest.raises(ValueError, match="does not name a user"):
        tools(store)["clear_memory"]()
    assert "does not name a user" in tools(store)["delete_memory"]("noah")
    assert remaining("default") == ["maya", "noah"]


def test_the_program_in_another_thread_names_the_user_first() -> None:
    add("default", "maya", "noah")
    store = DjangoMemoryDb("default")

    def work() -> None:
        with pytest.raises(ValueError, match="does not name a user"):
            store.delete_memory("maya")
        store.read_memories("maya")
        with pytest.raises(MemoryNotFound):
            store.delete_memory("noah")
        with pytest.raises(ValueError, match="does not name a user"):
            store.clear()
        store.delete_memory("maya")

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()
    assert remaining("default") == ["noah"]


def test_a_programs_own_function_of_a_tools_name_clears_nothing() -> None:
    add("default", "maya", "noah")
    store = DjangoMemoryDb("default")
    errors = []

    def clear_memory() -> str:
        """Clear."""
        try:
            store.clear()
        except ValueError as error:
            errors.append(error)
        return "done"

    store.read_memories("maya")
    clear_memory()
    agent = Agent(model=ScriptedModel(), memory=remembering(store), tools=[clear_memory], telemetry=False)
    agent.run("!clear_memory {}", user_id="maya")
    assert len(errors) == 2
    assert remaining("default") == ["maya", "noah"]


def test_a_programs_own_tool_deletes_memories_of_its_agents_user_only() -> None:
    add("default", "maya", "noah")
    store = DjangoMemoryDb("default")
    errors = []

    def forget(memory_id: str) -> str:
        """Forget."""
        try:
            store.delete_memory(memory_id)
        except MemoryNotFound as error:
            errors.append(error)
        return "done"

    agent = Agent(model=ScriptedModel(), memory=remembering(store), tools=[forget], telemetry=False)
    store.read_memories("maya")
    for memory_id in ("noah", "maya"):
        agent.run(f'!forget {{"memory_id": "{memory_id}"}}', user_id="maya")
    assert len(errors) == 1
    assert remaining("default") == ["noah"]


def test_a_caller_beyond_the_frames_looked_at_deletes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    add("default", "maya", "noah")
    store = DjangoMemoryDb("default")
    store.read_memories("maya")
    monkeypatch.setattr(tool_calls, "MAX_FRAMES", 1)
    for clear in (tools(store)["clear_memory"], remembering(store).clear, store.clear):
        with pytest.raises(ValueError, match="does not name a user"):
            clear()
    assert remaining("default") == ["maya", "noah"]
