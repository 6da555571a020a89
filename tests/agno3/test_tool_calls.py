"""The tool ``clear_memory`` of agno 3 deletes its own user's memories; any other caller deletes nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextvars import Context
from typing import Any

import pytest
from agno.agent import Agent
from agno.memory import MemoryManager

from agno_memory.contrib.agno import DjangoDb, tool_calls
from tests.agno_helpers import WRAPPERS, add, in_other_thread, remaining
from tests.agno_model import ScriptedModel
from tests.databases import commits

pytestmark = [commits]

each_wrapper = pytest.mark.parametrize("wrap", WRAPPERS)


def manager(store: Any) -> MemoryManager:
    return MemoryManager(model=ScriptedModel(), db=store, delete_memories=True, clear_memories=True)


def tool(store: Any) -> Callable[[], Any]:
    """Return agno's own tool ``clear_memory`` on a store."""
    tools = manager(store)._get_db_tools(user_id="maya", db=store, input_string="", enable_clear_memory=True)
    return next(each for each in tools if each.__name__ == "clear_memory")


@each_wrapper
def test_the_tool_deletes_its_own_users_memories(wrap: Callable[[Any], Any]) -> None:
    add("default", "maya", "noah")
    manager(wrap(DjangoDb("default"))).update_memory_task("!clear_memory {}", user_id="maya")
    assert remaining("default") == ["noah"]


@each_wrapper
def test_so_does_its_async_twin(wrap: Callable[[Any], Any]) -> None:
    add("default", "maya", "noah")
    asyncio.run(manager(wrap(DjangoDb("default"))).aupdate_memory_task("!clear_memory {}", user_id="maya"))
    assert remaining("default") == ["noah"]


@each_wrapper
def test_an_agent_clears_its_own_user(wrap: Callable[[Any], Any]) -> None:
    add("default", "maya", "noah")
    store = wrap(DjangoDb("default"))
    options = {"enable_agentic_memory": True, "telemetry": False}
    chef = Agent(model=ScriptedModel(), db=store, memory_manager=manager(store), **options)
    chef.run("!update_user_memory " + json.dumps({"task": "!clear_memory {}"}), user_id="maya")
    assert remaining("default") == ["noah"]


@each_wrapper
def test_direct_calls_delete_nothing(wrap: Callable[[Any], Any]) -> None:
    add("default", "maya", "noah")
    store = wrap(DjangoDb("default"))

    def clear_memory() -> None:
        store.clear_memories()

    store.get_user_memories(user_id="maya")
    for call in (store.clear_memories, clear_memory, manager(store).clear):
        with pytest.raises(ValueError, match="does not name a user"):
            call()
    assert remaining("default") == ["maya", "noah"]


def test_a_programs_own_tool_of_this_name_deletes_nothing() -> None:
    add("default", "maya", "noah")
    store = DjangoDb("default")
    errors = []

    def clear_memory() -> str:
        """Clear."""
        try:
            store.clear_memories()
        except ValueError as error:
            errors.append(error)
        return "done"

    chef = Agent(
        model=ScriptedModel(),
        db=store,
        tools=[clear_memory],
        update_memory_on_run=True,
        add_memories_to_context=True,
        telemetry=False,
    )
    chef.run("!clear_memory {}", user_id="maya")
    assert len(errors) == 1
    assert remaining("default") == ["maya", "noah"]


def test_a_tool_without_a_user_or_in_another_thread_deletes_nothing() -> None:
    add("default", "maya", "noah")
    with pytest.raises(ValueError, match="does not name a user"):
        Context().run(tool(DjangoDb("default")))
    store = in_other_thread(DjangoDb("default"))
    store.get_user_memories(user_id="maya")
    with pytest.raises(ValueError, match="does not name a user"):
        tool(store)()
    assert remaining("default") == ["maya", "noah"]


def test_a_tool_beyond_the_frames_looked_at_deletes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    add("default", "maya", "noah")
    store = DjangoDb("default")
    store.get_user_memories(user_id="maya")
    monkeypatch.setattr(tool_calls, "MAX_FRAMES", 1)
    with pytest.raises(ValueError, match="does not name a user"):
        tool(store)()
    assert remaining("default") == ["maya", "noah"]
