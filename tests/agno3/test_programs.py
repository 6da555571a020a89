"""Small programs as in agno's documentation: what they print and what they keep is the same as on ``SqliteDb``."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from agno.agent import Agent
from agno.db.base import BaseDb, SessionType
from agno.eval.reliability import ReliabilityEval
from agno.knowledge.knowledge import Knowledge
from agno.memory import MemoryManager
from agno.models.response import ModelResponse
from agno.run import RunContext, RunStatus
from agno.team import Team
from agno.tools import tool
from agno.workflow import Condition, Loop, Parallel, Router, Step, StepInput, StepOutput, Workflow
from pydantic import BaseModel

from agno_memory.contrib.agno import DjangoDb
from tests.agno3.pairs import agnos_own
from tests.agno3.test_agentos_stores import Vectors
from tests.agno_model import ScriptedModel
from tests.databases import commits, each_database

pytestmark = [commits]

Program = Callable[[BaseDb], Any]
PROGRAMS: dict[str, Program] = {}
# Values that differ from run to run: ids that agno makes, times and what it measures.
VARYING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)?|\b1[789]\d{8}\b|\d+\.\d+(e-\d+)?"
)
MEASURED = re.compile(r".*_at|.*_time|.*duration|time_to_first_token|timer|db_id|content_hash")
TYPES = (SessionType.AGENT, SessionType.TEAM, SessionType.WORKFLOW)


def program(function: Program) -> Program:
    PROGRAMS[function.__name__] = function
    return function


def agent(db: BaseDb, **options: Any) -> Agent:
    """Return an agent, as a new process would make it."""
    return Agent(**{"id": "chef", "model": ScriptedModel(), "db": db, "telemetry": False, **options})


def ask(agent: Any, message: str, session_id: str = "s", user_id: str = "maya", **options: Any) -> Any:
    return agent.run(message, session_id=session_id, user_id=user_id, **options).content


def call(name: str, /, **arguments: Any) -> str:
    """Return a message at which the scripted model calls a tool."""
    return f"!{name} {json.dumps(arguments)}"


@program
def the_last_turns_are_in_the_context(db: BaseDb) -> Any:
    for number in range(4):
        ask(agent(db), f"Turn {number}")
    chef = agent(db, add_history_to_context=True, num_history_runs=2)
    return [ask(chef, "Hello"), [message.content for message in chef.get_chat_history("s")]]


@program
def a_tool_reads_the_chat_history(db: BaseDb) -> Any:
    ask(agent(db), "I like tea")
    return ask(agent(db, read_chat_history=True), call("get_chat_history"))


@program
def past_sessions_are_searched(db: BaseDb) -> Any:
    ask(agent(db), "I like tea", session_id="old")
    ask(agent(db), "Noah likes beer", session_id="noahs", user_id="noah")
    return ask(agent(db, search_past_sessions=True), call("search_past_sessions"))


@program
def a_tool_changes_the_session_state(db: BaseDb) -> Any:
    def add_item(run_context: RunContext, item: str) -> str:
        run_context.session_state["items"].append(item)
        return "Added"

    def shopper() -> Agent:
        return agent(db, tools=[add_item], session_state={"items": []})

    ask(shopper(), call("add_item", item="Größe 🎈"))
    ask(shopper(), call("add_item", item="tea"))
    ask(shopper(), "Hello", session_id="another")
    again = shopper()
    again.update_session_state({"shop": "corner"}, session_id="s")
    return [again.get_session_state("s"), again.get_session_state("another")]


@program
def an_agent_keeps_its_own_state(db: BaseDb) -> Any:
    chef = agent(db, enable_agentic_state=True, session_state={"step": 1})
    ask(chef, call("update_session_state", session_state_updates={"step": 2}))
    return agent(db).get_session_state("s")


@program
def a_state_of_the_call_and_of_the_store(db: BaseDb) -> Any:
    ask(agent(db), "Hello", session_state={"a": 1, "b": 1})
    ask(agent(db), "Hello", session_state={"b": 2})
    merged = agent(db).get_session_state("s")
    ask(agent(db, overwrite_db_session_state=True), "Hello", session_state={"c": 3})
    return [merged, agent(db).get_session_state("s")]


@dataclass
class Summarizer(ScriptedModel):
    """Writes summaries, and otherwise says the one that it sees."""

    def respond(self, messages: list[Any], tools: Any) -> ModelResponse:
        text = " ".join(str(message.content) for message in messages)
        found = re.search(r"<summary_of_previous_interactions>\s*(.*?)\s*</", text, re.DOTALL)
        answer = found[1] if found else json.dumps({"summary": "About tea", "topics": ["tea"]})
        return ModelResponse(role="assistant", content=answer)


@program
def sessions_are_summarized(db: BaseDb) -> Any:
    options = {"model": Summarizer(), "enable_session_summaries": True, "add_session_summary_to_context": True}
    ask(agent(db, **options), "I like tea")
    second = ask(agent(db, **options), "What do you know?")
    summary = agent(db).get_session_summary("s")
    return [second, summary.summary, summary.topics]


@program
def sessions_have_names_messages_and_metrics(db: BaseDb) -> Any:
    chef = agent(db)
    ask(chef, "Hello")
    chef.set_session_name("s", session_name="Tea time")
    roles = [message.role for message in chef.get_session_messages("s")]
    tokens = agent(db).get_session_metrics("s").total_tokens
    ask(chef, "Hello", session_id="gone")
    chef.delete_session("gone")
    return [agent(db).get_session_name("s"), roles, tokens, db.get_session("gone", SessionType.AGENT)]


@program
def what_is_stored_of_a_run(db: BaseDb) -> Any:
    def weather(city: str) -> str:
        return f"Sun in {city}"

    options = {"tools": [weather], "add_history_to_context": True}
    for number, stored in enumerate(({}, {"store_tool_messages": False}, {"store_history_messages": True})):
        ask(agent(db, **options, **stored), call("weather", city="Köln"), session_id=str(number))
        ask(agent(db, **options, **stored), "Hello", session_id=str(number))


@program
def runs_have_metadata_dependencies_and_events(db: BaseDb) -> Any:
    chef = agent(db, metadata={"team": "a"}, store_events=True)
    options = {"metadata": {"order": 7}, "dependencies": {"city": "Köln"}, "stream": True, "stream_events": True}
    streamed = [event.event for event in chef.run("Hello", session_id="s", user_id="maya", **options)]
    run = agent(db).get_last_run_output("s")
    return [streamed, [event.event for event in run.events], run.metadata]


class Dish(BaseModel):
    name: str
    minutes: int


@dataclass
class DishModel(ScriptedModel):
    def respond(self, messages: list[Any], tools: Any) -> ModelResponse:
        return ModelResponse(role="assistant", content='{"name": "Knödel", "minutes": 20}')


@program
def a_structured_answer(db: BaseDb) -> Any:
    dish = ask(agent(db, model=DishModel(), output_schema=Dish), "A dish")
    return [dish.name, dish.minutes, agent(db).get_last_run_output("s").content]


@program
def a_memory_manager_alone(db: BaseDb) -> Any:
    manager = MemoryManager(model=ScriptedModel(), db=db)
    manager.create_user_memories(call("add_memory", memory="Likes tea", topics=["drinks"]), user_id="maya")
    return [memory.memory for memory in manager.get_user_memories("maya") or []]


@program
def agentic_memory_and_memories_in_the_context(db: BaseDb) -> Any:
    task = call("add_memory", memory="Likes tea", topics=["drinks"])
    ask(agent(db, enable_agentic_memory=True), call("update_user_memory", task=task))
    # Of another user: the order of two memories of one is not agno's to say.
    ask(agent(db, update_memory_on_run=True), call("add_memory", memory="Likes trains", topics=["travel"]), "t", "noah")
    return [ask(agent(db, add_memories_to_context=True), "Hello", user, user) for user in ("maya", "noah", "lea")]


def team(db: BaseDb, **options: Any) -> Team:
    members = [agent(db, id="chef", name="Chef", role="Cooks"), agent(db, id="waiter", name="Waiter", role="Serves")]
    defaults = {"id": "kitchen", "name": "Kitchen", "members": members, "model": ScriptedModel(), "telemetry": False}
    return Team(**{**defaults, "db": db, **options})


@program
def a_team_delegates_and_remembers(db: BaseDb) -> Any:
    first = ask(team(db), call("delegate_task_to_member", member_id="chef", task="Make tea"))
    history = team(db, add_history_to_context=True, add_team_history_to_members=True, share_member_interactions=True)
    second = ask(history, call("delegate_task_to_member", member_id="waiter", task="Serve it"))
    return [first, second, ask(history, "Hello"), [message.content for message in history.get_chat_history("s")]]


@program
def a_team_shares_a_state(db: BaseDb) -> Any:
    def order(run_context: RunContext, dish: str) -> str:
        run_context.session_state["orders"].append(dish)
        return "Ordered"

    members = [agent(db, id="chef", name="Chef", tools=[order])]
    kitchen = team(db, members=members, session_state={"orders": []})
    ask(kitchen, call("delegate_task_to_member", member_id="chef", task=call("order", dish="Knödel")))
    return team(db).get_session_state("s")


def upper(step_input: StepInput) -> StepOutput:
    return StepOutput(content=str(step_input.previous_step_content or step_input.input).upper())


def count(step_input: StepInput, run_context: RunContext) -> StepOutput:
    state = run_context.session_state
    assert state is not None
    state["rounds"] = state.get("rounds", 0) + 1
    return StepOutput(content=f"Round {state['rounds']}")


def workflow(db: BaseDb, **options: Any) -> Workflow:
    return Workflow(**{"id": "menu", "name": "Menu", "db": db, "telemetry": False, **options})


@program
def a_workflow_of_each_kind_of_step(db: BaseDb) -> Any:
    cook = Step(name="cook", agent=Agent(id="cook", model=ScriptedModel(), telemetry=False))
    steps = [
        cook,
        Parallel(Step(name="a", executor=upper), Step(name="b", executor=upper), name="both"),
        Condition(name="long", evaluator=lambda step: False, steps=[cook]),
        Router(
            name="way", choices=[Step(name="up", executor=upper)], selector=lambda step: [Step("up", executor=upper)]
        ),
        Loop(name="again", steps=[Step(name="count", executor=count)], max_iterations=3),
    ]
    first = ask(workflow(db, steps=steps), "Hello")
    return [first, ask(workflow(db, steps=steps), "Hello"), workflow(db).get_session_state("s")]


@program
def a_workflow_with_its_history(db: BaseDb) -> Any:
    seen: list[Any] = []

    def look(step_input: StepInput) -> StepOutput:
        seen.append(step_input.get_workflow_history(2))
        return StepOutput(content=f"Seen {len(seen)}")

    menu = workflow(db, steps=[Step(name="look", executor=look)], add_workflow_history_to_steps=True)
    for number in range(3):
        ask(menu, f"Order {number}")
    return seen


@tool(requires_confirmation=True)  # type: ignore[untyped-decorator]
def pay(amount: int) -> str:
    return f"Paid {amount}"


@tool(requires_user_input=True, user_input_fields=["card"])  # type: ignore[untyped-decorator]
def charge(amount: int, card: str) -> str:
    return f"Charged {amount} to {card}"


@tool(external_execution=True)  # type: ignore[untyped-decorator]
def ship(address: str) -> str:
    raise AssertionError("It runs elsewhere.")


def paused(db: BaseDb, function: Any, message: str, answer: Callable[[Any], None]) -> Any:
    """Let a run wait for a person, and continue it with what is stored, in another process."""
    first = agent(db, tools=[function]).run(message, session_id="s", user_id="maya")
    stored = agent(db, tools=[function]).get_run_output(first.run_id, "s")
    assert (first.status, stored.status) == (RunStatus.paused, RunStatus.paused)
    for requirement in stored.active_requirements:
        answer(requirement)
    continued = agent(db, tools=[function]).continue_run(
        run_id=first.run_id, requirements=stored.requirements, session_id="s", user_id="maya"
    )
    return [continued.status.value, continued.content]


@program
def a_person_confirms_or_rejects(db: BaseDb) -> Any:
    confirmed = paused(db, pay, call("pay", amount=5), lambda need: need.confirm())
    return [confirmed, paused(db, pay, call("pay", amount=6), lambda need: need.reject("Too much"))]


@program
def a_person_gives_a_value(db: BaseDb) -> Any:
    return paused(db, charge, call("charge", amount=5), lambda need: need.provide_user_input({"card": "1234"}))


@program
def a_tool_runs_elsewhere(db: BaseDb) -> Any:
    message = call("ship", address="Köln")
    return paused(db, ship, message, lambda need: need.set_external_execution_result("Shipped"))


@program
def a_run_in_the_background(db: BaseDb) -> Any:
    async def use() -> Any:
        begun = await agent(db).arun("Hello", session_id="s", user_id="maya", background=True)
        status = begun.status.value
        for _ in range(200):
            found = await agent(db).aget_run_output(begun.run_id, "s")
            if found is not None and found.status == RunStatus.completed:
                return [status, found.content]
            await asyncio.sleep(0.02)
        return None

    return asyncio.run(use())


@program
def a_stream_is_cancelled(db: BaseDb) -> Any:
    chef = agent(db)
    events: list[str] = []
    for event in chef.run("Hello", session_id="s", user_id="maya", stream=True, stream_events=True):
        if not events:
            Agent.cancel_run(event.run_id)
        events.append(event.event)
    return [events, agent(db).get_last_run_output("s").status.value]


@program
def contents_of_a_knowledge_base(db: BaseDb) -> Any:
    def base() -> Knowledge:
        return Knowledge(name="recipes", contents_db=db, vector_db=Vectors())

    base().insert(name="Tea", text_content="Green tea is drunk hot.", metadata={"kind": "drink"})
    contents, total = base().get_content()
    found = [[content.name, content.metadata, content.status.value] for content in contents]
    base().remove_content_by_id(contents[0].id)
    return [found, total, base().get_content()[1]]


@program
def an_evaluation(db: BaseDb) -> Any:
    run = agent(db, tools=[weather_of]).run(call("weather_of", city="Köln"), session_id="s", user_id="maya")
    ReliabilityEval(name="Calls", db=db, agent_response=run, expected_tool_calls=["weather_of"], telemetry=False).run()
    (record,) = db.get_eval_runs()
    return [record.name, record.eval_type.value, record.eval_data]


def weather_of(city: str) -> str:
    return f"Sun in {city}"


@program
def an_agent_learns(db: BaseDb) -> Any:
    ask(agent(db, learning=True), call("update_profile", name="Maya"))
    return [[learning["user_id"], learning["content"]] for learning in db.get_learnings(user_id="maya")]


def kept(db: BaseDb) -> Any:
    """Return the sessions with their runs, and the memories."""
    sessions = [
        each
        for kind in TYPES
        for each in db.get_sessions(session_type=kind, deserialize=False)[0]
        if each["session_id"]
    ]
    memories = db.get_user_memories(deserialize=False)[0]
    return [
        sorted((plain(each) for each in sessions), key=lambda each: each["session_id"]),
        sorted((plain(dict(each)) for each in memories), key=lambda each: each["memory"]),
    ]


def plain(value: Any) -> Any:
    """Return a value without what differs from run to run."""
    if isinstance(value, dict):
        return {
            VARYING.sub("*", key): each is not None if MEASURED.fullmatch(key) else plain(each)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return VARYING.sub("*", value) if isinstance(value, str) else value


def unequal(ours: Any, theirs: Any, where: str = "") -> list[Any]:
    """Return the places in two values that are not equal, each with both."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = dict.fromkeys([*ours, *theirs])
        return [each for key in keys for each in unequal(ours.get(key), theirs.get(key), f"{where}.{key}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [each for number, pair in pairs for each in unequal(*pair, f"{where}.{number}")]
    return [] if ours == theirs else [(where, ours, theirs)]


def result(name: str, db: BaseDb) -> Any:
    return {"printed": plain(PROGRAMS[name](db)), "kept": kept(db)}


@cache
def expected(name: str, folder: Path) -> Any:
    with agnos_own(folder) as theirs:
        return result(name, theirs)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: tmp_path_factory.mktemp(name) for name in PROGRAMS}


@each_database
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_result_is_that_of_agnos_own_store(name: str, alias: str, folders: dict[str, Path]) -> None:
    assert unequal(result(name, DjangoDb(alias)), expected(name, folders[name])) == []
