"""``DjangoDb`` with its parts (memories, sessions, runs, rows, refusals), upserts and threads, on every database."""

from __future__ import annotations

import asyncio
import copy
import datetime
import inspect
import os
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
from agno.db.base import BaseDb, SessionType
from agno.db.base import UserMemory as AgnoMemory
from agno.memory import MemoryManager
from agno.run.agent import RunOutput
from agno.session import AgentSession as AgnoSession
from agno.session import WorkflowSession
from django.core.exceptions import ValidationError
from django.db import connections
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from agno_memory.contrib import agno as stores
from agno_memory.contrib.agno import DjangoDb
from agno_memory.contrib.agno.v3.memories import MemoriesMixin
from agno_memory.contrib.agno.v3.runs import RunsMixin
from agno_memory.contrib.agno.v3.sessions import SessionsMixin
from agno_memory.exceptions import AmbiguousMemory, MemoryNotFound, SessionExists, SessionNotFound
from agno_memory.memory import Memory
from agno_memory.models import AgentRun, AgentSession, UserMemory
from agno_memory.names import CONTENT_FIELDS
from tests.agno_helpers import add_with_every_field, field_of_memory, sample
from tests.databases import RUNNING, commits, disconnect, each_database

pytestmark = [commits]

# 1 June 2025, 12:30:15 UTC
BEGUN = 1_748_781_015


@pytest.fixture
def far_from_utc() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Pacific/Kiritimati"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def remember(db: DjangoDb, memory_id: str, user_id: str = "maya", **values: Any) -> AgnoMemory:
    content = {"memory": f"About {memory_id}", **values}
    written = db.upsert_user_memory(AgnoMemory(memory_id=memory_id, user_id=user_id, **content))
    assert isinstance(written, AgnoMemory)
    return written


def ids(found: Any) -> list[str]:
    return [memory.memory_id for memory in found]


@each_database
def test_another_users_memory_or_session_does_not_exist(alias: str) -> None:
    db = DjangoDb(alias)
    remember(db, "m", memory="Maya's")
    db.upsert_session(AgnoSession(session_id="s", user_id="maya"))
    refusals: list[tuple[Callable[[], object], type[Exception]]] = [
        (lambda: db.delete_user_memory("m", user_id="noah"), MemoryNotFound),
        (lambda: db.upsert_session(AgnoSession(session_id="s", user_id="noah")), SessionExists),
        (lambda: db.upsert_run(RunOutput(run_id="r", agent_id="a"), session_id="s", user_id="noah"), SessionNotFound),
        (lambda: db.rename_session("s", SessionType.AGENT, "x", user_id="noah"), SessionNotFound),
    ]
    for refused, error in refusals:
        with pytest.raises(error) as caught:
            refused()
        assert getattr(caught.value, "status_code") in (404, 409)  # noqa: B009  agno's, not ours
    db.delete_user_memories(["m"], user_id="noah")
    db.delete_sessions(["s"], user_id="noah")
    assert not db.delete_session("s", user_id="noah")
    assert db.get_user_memory("m", user_id="noah") is None
    assert db.get_session("s", user_id="noah") is None
    assert [memory.memory for memory in Memory(db=alias).get_user_memories("maya")] == ["Maya's"]
    assert (AgentSession.objects.using(alias).get().user_id, AgentRun.objects.using(alias).count()) == ("maya", 0)


@each_database
def test_two_users_with_one_memory_id(alias: str) -> None:
    db = DjangoDb(alias)
    users = ("maya", "noah")
    for user in users:
        remember(db, "m", user, memory=f"{user}'s")
    remember(db, "n", "noah")
    remember(db, "m", "noah", memory="Noah's new")
    db.upsert_memories([AgnoMemory(memory_id="m", memory="Maya's new", user_id="maya")])
    found = [db.get_user_memory("m", deserialize=False, user_id=user) for user in users]
    assert [row["memory"] for row in found if isinstance(row, dict)] == ["Maya's new", "Noah's new"]
    asked: list[Callable[[], object]] = [
        lambda: db.get_user_memory("m"),
        lambda: db.delete_user_memory("m"),
        lambda: db.delete_user_memories(["n", "m"]),
    ]
    for ask in asked:
        with pytest.raises(AmbiguousMemory, match="Name the user") as caught:
            ask()
        assert getattr(caught.value, "status_code") == 409  # noqa: B009  agno's, not ours
    assert sorted(ids(db.get_user_memories())) == ["m", "m", "n"]
    db.delete_user_memory("m", user_id="maya")
    assert sorted(ids(db.get_user_memories(user_id="noah"))) == sorted(ids(db.get_user_memories())) == ["m", "n"]
    remember(db, "m")
    db.delete_user_memories(["m", "n"], user_id="noah")
    assert db.get_user_memories(user_id="noah") == []
    # Now one user has the id.
    assert db.get_user_memory("m") is not None
    remember(db, "n", "noah")
    db.delete_user_memories(["n", "m"])
    assert db.get_user_memories() == []


# The arguments that methods need beside a user.
ARGUMENTS: dict[str, Any] = {
    "memory_id": "m",
    "memory_ids": ["m"],
    "session_id": "s",
    "session_ids": ["s"],
    "session_type": SessionType.AGENT,
    "session_name": "Mine",
    "previous_user_id": "maya",
    "run_id": "r",
    "reason": "Too late",
    "run": RunOutput(run_id="r", agent_id="chef"),
}
METHODS = [
    (name, parameters)
    for mixin in (MemoriesMixin, SessionsMixin, RunsMixin)
    for name, method in vars(mixin).items()
    if not name.startswith("_") and "user_id" in (parameters := inspect.signature(method).parameters)
]


@each_database
@pytest.mark.parametrize(("name", "parameters"), METHODS, ids=[name for name, _parameters in METHODS])
@pytest.mark.parametrize("blank", ["", " "])
def test_every_method_refuses_a_blank_user(alias: str, name: str, parameters: Any, blank: str) -> None:
    db = DjangoDb(alias)
    remember(db, "m")
    db.upsert_session(AgnoSession(session_id="s", user_id="maya"))
    needed = [each for each in parameters if parameters[each].default is inspect.Parameter.empty]
    arguments = {each: ARGUMENTS[each] for each in needed if each not in ("self", "user_id")}
    with pytest.raises(ValidationError) as caught:
        getattr(db, name)(**arguments, user_id=blank)
    assert getattr(caught.value, "status_code") == 422  # noqa: B009  agno's, not ours
    assert ids(db.get_user_memories()) == ["m"]
    assert (AgentSession.objects.using(alias).get().name, AgentRun.objects.using(alias).count()) == ("", 0)


@each_database
@pytest.mark.parametrize("blank", ["", " "])
def test_nothing_is_written_for_a_blank_user(alias: str, blank: str) -> None:
    db = DjangoDb(alias)
    memory = AgnoMemory(memory_id="m", memory="x", user_id=blank)
    session = AgnoSession(session_id="s", user_id=blank)
    writes: list[Callable[[], object]] = [
        lambda: db.upsert_user_memory(memory),
        lambda: db.upsert_memories([memory]),
        lambda: db.upsert_session(session),
        lambda: db.upsert_sessions([session]),
    ]
    for write in writes:
        with pytest.raises(ValidationError):
            write()
    assert not UserMemory.objects.using(alias).exists()
    assert not AgentSession.objects.using(alias).exists()


@each_database
def test_ids_that_do_not_exist_are_ignored_by_bulk_deletions(alias: str) -> None:
    db = DjangoDb(alias)
    for user_id in ("maya", None):
        for name in ("a", "b"):
            remember(db, name)
            db.upsert_session(AgnoSession(session_id=name, user_id="maya"))
        assert not db.delete_session("gone", user_id=user_id)
        db.delete_sessions(["a", "gone"], user_id=user_id)
        db.delete_user_memories(["a", "gone"], user_id=user_id)
        assert list(AgentSession.objects.using(alias).values_list("session_id", flat=True)) == ["b"]
        assert ids(db.get_user_memories()) == ["b"]
        assert db.delete_session("b", user_id=user_id)
        db.delete_user_memories(["b", "b"], user_id=user_id)
        assert ids(db.get_user_memories()) == []


@each_database
def test_agno_finds_the_newest_and_the_oldest_memories_of_one_second(alias: str) -> None:
    db = DjangoDb(alias)
    facts = [f"fact {number}" for number in range(5)]
    for number, fact in enumerate(facts):
        remember(db, f"m{number}", memory=fact)
        # Two of them have the same millisecond.
        moment = datetime.datetime.fromtimestamp(BEGUN, datetime.UTC) + datetime.timedelta(milliseconds=number // 2)
        UserMemory.objects.using(alias).filter(memory=fact).set_times(moment, moment)

    def search(method: Any, limit: int) -> list[str]:
        found = MemoryManager(db=db).search_user_memories(retrieval_method=method, limit=limit, user_id="maya")
        return [memory.memory for memory in found]

    for limit in range(1, 6):
        assert search("last_n", limit) == facts[-limit:]
        assert search("first_n", limit) == facts[:limit]
    listed = db.get_user_memories(user_id="maya")
    assert [memory.memory for memory in listed if isinstance(memory, AgnoMemory)] == facts[::-1]
    assert {memory.updated_at for memory in copy.deepcopy(listed) if isinstance(memory, AgnoMemory)} == {BEGUN}


@each_database
def test_no_call_clears_the_memories_of_every_user(alias: str) -> None:
    db = DjangoDb(alias)
    remember(db, "m")
    remember(db, "n", "noah")
    with pytest.raises(ValueError, match="does not name a user"):
        db.clear_memories()
    db.get_user_memories()
    with pytest.raises(ValueError, match="does not name a user"):
        db.clear_memories()
    db.get_user_memories(user_id="maya")
    with pytest.raises(ValueError, match="does not name a user"):
        MemoryManager(db=db).clear()
    assert ids(db.get_user_memories()) == ["n", "m"]


@each_database
def test_times_are_utc_and_do_not_drift(alias: str, far_from_utc: None) -> None:
    db = DjangoDb(alias)
    before = int(time.time())
    written = remember(db, "m")
    for _ in range(3):
        found = db.get_user_memory("m")
        assert isinstance(found, AgnoMemory)
        assert before <= (found.created_at or 0) <= time.time()
        assert found.created_at == written.created_at
        found.memory += "!"
        db.upsert_user_memory(found)
    moved = AgnoMemory(memory_id="old", memory="x", user_id="maya", created_at=BEGUN, updated_at=BEGUN + 60)
    db.upsert_memories([moved], preserve_updated_at=True)
    row = db.get_user_memory("old", deserialize=False)
    assert isinstance(row, dict)
    assert (row["created_at"], row["updated_at"]) == (BEGUN, BEGUN + 60)
    # A memory that agno has kept elsewhere was made then; one that this store has was made when it says.
    for _ in range(2):
        db.upsert_user_memory(AgnoMemory(memory_id="copied", memory="x", user_id="maya", created_at=BEGUN))
        db.upsert_user_memory(AgnoMemory(memory_id="old", memory="y", user_id="maya", created_at=BEGUN - 60))
    rows = [db.get_user_memory(each, deserialize=False) for each in ("copied", "old")]
    assert [row["created_at"] for row in rows if isinstance(row, dict)] == [BEGUN, BEGUN]
    db.upsert_sessions([AgnoSession(session_id="s", created_at=BEGUN, updated_at=BEGUN)], preserve_updated_at=True)
    session = db.get_session("s")
    assert (session.created_at, session.updated_at) == (BEGUN, BEGUN)


@each_database
def test_each_call_for_a_user_is_one_statement(alias: str) -> None:
    db = DjangoDb(alias)
    remember(db, "m", topics=["tea"], feedback="good", agent_id="chef")
    remember(db, "n")
    calls: dict[str, tuple[Callable[[], Any], Any]] = {
        "replace": (lambda: remember(db, "m", memory="Changed").feedback, "good"),
        "read one": (lambda: db.get_user_memory("m", user_id="maya").memory, "Changed"),
        "list": (lambda: sorted(ids(db.get_user_memories(user_id="maya", limit=5))), ["m", "n"]),
        "by topic": (lambda: ids(db.get_user_memories(user_id="maya", topics=["tea"], agent_id="chef")), ["m"]),
        "by text": (lambda: ids(db.get_user_memories(user_id="maya", search_content="CHANGED")), ["m"]),
        "delete": (lambda: db.delete_user_memory("n", user_id="maya"), None),
    }
    for name, (call, expected) in calls.items():
        with CaptureQueriesContext(connections[alias]) as queries:
            assert call() == expected, name
        # agno replaces the text and keeps the topics: the words of searches follow both, by a second statement. A write
        # also keeps the version before it, in a transaction where that is no single statement.
        assert len(queries) <= {"replace": 5, "delete": 4}.get(name, 1), name


@each_database
def test_memories_match_all_filters(alias: str) -> None:
    db = DjangoDb(alias)
    remember(db, "a", topics=["Größe", "日本"], memory="Straße", agent_id="chef")
    remember(db, "b", topics=["Größe"], memory="STRASSE, 100%_", team_id="kitchen")
    remember(db, "c", "noah", topics=["日本", "Größe"])
    assert ids(db.get_user_memories()) == ["c", "b", "a"]
    assert ids(db.get_user_memories(user_id="maya", topics=["Größe", "日本"])) == ["a"]
    assert ids(db.get_user_memories(topics=["Größe", "日本"])) == ["c", "a"]
    assert ids(db.get_user_memories(search_content="strasse")) == ["b", "a"]
    assert ids(db.get_user_memories(search_content="%_")) == ["b"]
    assert ids(db.get_user_memories(agent_id="chef")) == ids(db.get_user_memories(topics=["日本"], user_id="maya"))
    assert ids(db.get_user_memories(team_id="kitchen", agent_id="chef")) == []
    assert ids(db.get_user_memories(sort_by="memory_id", sort_order="asc", limit=2, page=2)) == ["c"]
    rows, total = db.get_user_memories(limit=1, page=2, deserialize=False)
    assert ([row["memory_id"] for row in rows], total) == (["b"], 3)
    assert db.get_all_memory_topics("maya") == ["Größe", "日本"]
    later = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)
    UserMemory.objects.using(alias).filter(memory_id="c").set_times(later, later)
    counted, users = db.get_user_memory_stats(limit=1)
    assert (users, counted) == (
        2,
        [{"user_id": "noah", "total_memories": 1, "last_memory_updated_at": int(later.timestamp())}],
    )
    for limit, page in ((None, 1), (10, 0)):
        with pytest.raises(ValueError, match="page"):
            db.get_user_memories(limit=limit, page=page)


@each_database
@pytest.mark.parametrize("name", CONTENT_FIELDS)
def test_every_content_field_survives_an_agents_upsert(alias: str, name: str) -> None:
    add_with_every_field(alias)
    text: Any = None if name == "memory" else "Other"
    DjangoDb(alias).upsert_user_memory(AgnoMemory(memory_id="m", memory=text, user_id="maya"))
    assert field_of_memory(alias, name) == sample(name)
    assert field_of_memory(alias, "memory") == (text or sample("memory"))


@each_database
def test_a_field_that_agno_does_not_set_keeps_its_value(alias: str) -> None:
    Memory(db=alias).add_user_memory(
        UserMemory(memory_id="m", memory="x", topics=["a"], metadata={"b": 1}, session_id="s", feedback="Good"), "maya"
    )
    db = DjangoDb(alias)
    remember(db, "m", memory="y")
    kept = Memory(db=alias).get_user_memory("m", "maya")
    assert kept is not None
    assert (kept.memory, kept.topics, kept.metadata, kept.session_id) == ("y", ["a"], {"b": 1}, "s")
    assert (kept.feedback, kept.version) == ("Good", 2)
    remember(db, "m", topics=[], input="\x00" + "x" * 200_000)
    kept.refresh_from_db()
    assert (kept.topics, len(kept.input or "")) == ([], 100_000)
    with pytest.raises(ValidationError):
        remember(db, "m", memory=" ")


@each_database
def test_sessions_are_read_as_they_were_written(alias: str) -> None:
    db = DjangoDb(alias)
    data = {"session_name": "Dinner", "session_state": {"$set": 1, "nul": "\x00", "n": [1.5, None]}}
    session = AgnoSession(session_id="s", user_id="maya", agent_id="chef", session_data=data, metadata={"a": 1})
    assert db.upsert_session(session).runs is None
    assert db.upsert_session(session, deserialize=False)["runs"] == []
    run = RunOutput(run_id="r", agent_id="chef", content="Größe 🎈", session_id="s", user_id="maya")
    db.upsert_run(run, session_id="s", user_id="maya", run_index=0)
    found = db.get_session("s", SessionType.AGENT, user_id="maya")
    assert isinstance(found, AgnoSession)
    assert (found.session_data, found.metadata, found.agent_id) == (data, {"a": 1}, "chef")
    assert [each.content for each in found.runs or []] == ["Größe 🎈"]
    renamed = db.rename_session("s", SessionType.AGENT, "Lunch", user_id="maya")
    assert renamed.session_data == {**data, "session_name": "Lunch"}
    assert [session.session_id for session in db.get_sessions(session_name="LUNCH")] == ["s"]
    rows, total = db.get_sessions(session_type=SessionType.AGENT, component_id="chef", limit=1, deserialize=False)
    assert (total, rows[0]["session_data"]["session_name"], len(rows[0]["runs"])) == (1, "Lunch", 1)
    assert db.get_sessions(start_timestamp=int(time.time()) + 100) == []
    db.upsert_session(WorkflowSession(session_id="w", workflow_id="flow", user_id="maya"))
    assert isinstance(db.get_session("w"), WorkflowSession)
    assert db.get_session("none") is None
    assert not db.delete_session("none")
    loaded = db.get_run("r")
    assert isinstance(loaded, RunOutput)
    assert [each.run_id for each in db.get_runs(session_id="s", user_id="maya")] == ["r"]
    assert db.get_runs(user_id="noah") == []
    (row,), _ = db.get_runs(session_id="s", deserialize=False)
    assert (row["user_id"], row["session_id"], row["run_data"]["content"]) == ("maya", "s", "Größe 🎈")
    assert db.delete_run("r")


@given(text=st.text(min_size=1, max_size=50), topics=st.lists(st.text(min_size=1, max_size=20), max_size=3))
def test_any_text_is_stored_exactly_or_refused(text: str, topics: list[str]) -> None:
    for alias in RUNNING:
        db = DjangoDb(alias)
        try:
            remember(db, "m", memory=text, topics=topics)
        except ValidationError:
            continue
        found = db.get_user_memories(user_id="maya", topics=topics or None)
        assert [memory.memory for memory in found] == [text]
        db.delete_user_memory("m", user_id="maya")


def test_a_call_on_a_running_loop_works() -> None:
    async def use() -> AgnoMemory | None:
        db = DjangoDb()
        remember(db, "m")
        return db.get_user_memory("m")

    found = asyncio.run(use())
    assert found is not None
    assert found.memory == "About m"


def test_unsupported_methods_name_an_alternative() -> None:
    db = DjangoDb()
    for name in ("get_task", "get_products", "transition_project"):
        with pytest.raises(NotImplementedError, match=r"memory_manager=MemoryManager\(db=DjangoDb"):
            getattr(db, name)("x")


def test_no_method_raises_without_a_text() -> None:
    db = DjangoDb()
    refused = [name for name in dir(db) if callable(getattr(db, name)) and is_unsupported(getattr(db, name))]
    assert {"upsert_tool_result", "create_product", "create_mcp_oauth_client"} <= set(refused)
    for name, method in inspect.getmembers(BaseDb, inspect.isfunction):
        if "raise NotImplementedError\n" in inspect.getsource(method):
            assert name in refused or getattr(DjangoDb, name) is not method, name


def is_unsupported(method: Any) -> bool:
    return (method.__doc__ or "").startswith("Raise NotImplementedError")


def test_its_id_is_the_same_in_every_process() -> None:
    assert (DjangoDb().id, DjangoDb("memories").id, DjangoDb(id="mine").id) == (
        "agno_memory",
        "agno_memory_memories",
        "mine",
    )
    again = DjangoDb.from_dict(DjangoDb("memories", id="mine").to_dict())
    assert (again.db, again.id) == ("memories", "mine")


def test_the_stores_of_the_other_major_name_the_release_to_install() -> None:
    with pytest.raises(ImportError, match=r"DjangoStorage is for agno 1\.8\.4, and agno 3"):
        stores.DjangoStorage  # noqa: B018
    with pytest.raises(AttributeError):
        stores.DjangoTable  # noqa: B018


@pytest.mark.parametrize("alias", ["mongodb"])
@pytest.mark.parametrize("preference", ["secondaryPreferred", "nearest"])
def test_bulk_verbs_where_reads_prefer_secondaries(alias: str, preference: str) -> None:
    """MongoDB refuses such a preference in a transaction, so these read from the primary."""
    url = str(connections.settings[alias]["HOST"])
    url = f"{url}{'&' if '?' in url else '?'}readPreference={preference}"
    try:
        with mock.patch.dict(connections.settings[alias], {"HOST": url}):
            disconnect(alias)
            check_bulk_verbs(DjangoDb(alias))
            assert connections[alias].connection.read_preference.name.lower() in preference.lower()
    finally:
        disconnect(alias)


def check_bulk_verbs(db: DjangoDb) -> None:
    memories = [AgnoMemory(memory_id=each, memory="x", user_id="maya") for each in "abcd"]
    assert ids(db.upsert_memories(memories)) == [*"abcd"]
    db.upsert_memories(memories, preserve_updated_at=True)
    db.delete_user_memories(["a"], user_id="maya")
    db.delete_user_memories(["b", "gone"])
    assert sorted(ids(db.get_user_memories(user_id="maya"))) == [*"cd"]
    sessions = [AgnoSession(session_id=each, user_id="maya") for each in "st"]
    assert [each.session_id for each in db.upsert_sessions(sessions)] == [*"st"]
    db.upsert_run(RunOutput(run_id="r", agent_id="a"), session_id="s", user_id="maya")
    db.delete_sessions(["s", "gone"], user_id="maya")
    assert db.get_session("s", SessionType.AGENT) is None
