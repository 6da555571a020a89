"""Learnings: as on agno's own store, with owners, on every database, and as ``learning=True`` uses them."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from agno.agent import Agent
from agno.db.base import BaseDb
from agno.learn import LearningMachine
from agno.learn.utils import build_learning_id

from agno_memory import people
from agno_memory.contrib.agno import DjangoDb
from agno_memory.exceptions import RecordExists, ValidationError
from agno_memory.models import AgentRecord
from agno_memory.test.helpers import at
from tests.agno3.pairs import Steps, agnos_own, differences
from tests.agno_model import ScriptedModel
from tests.databases import commits, each_database

pytestmark = [commits]

SINCE = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def learnt(id: str, learning_type: str = "user_profile", content: Any = None, **values: Any) -> Steps:
    return lambda db: db.upsert_learning(id, learning_type, {"about": id} if content is None else content, **values)


def by_id(found: Any) -> Any:
    """Return learnings, or a page of them, in an order that both stores define: written within one second, agno's may
    have any."""
    if isinstance(found, tuple):
        return by_id(found[0]), found[1]
    return sorted(found, key=lambda learning: learning["learning_id"])


def page(**arguments: Any) -> Steps:
    return lambda db: db.list_learnings(**{"sort_by": "learning_id", **arguments}, sort_order="asc")


def searched(query: str, **arguments: Any) -> Steps:
    return lambda db: by_id(db.search_learnings(query, **arguments))


def users(**arguments: Any) -> Steps:
    return lambda db: db.get_learnings_user_stats(**{"sort_by": "user_id", "sort_order": "asc", **arguments})


def deleted(db: BaseDb) -> Any:
    return [
        db.delete_learning("p2"),
        db.delete_learning("p2"),
        db.delete_user_learnings("maya", learning_type="user_memory"),
        by_id(db.get_learnings()),
        db.delete_user_learnings("maya"),
        db.delete_user_learnings("gone"),
        by_id(db.get_learnings()),
    ]


STEPS: list[Steps] = [
    learnt("p1", user_id="maya", namespace="user", metadata={"k": [1, None]}),
    learnt("p2", user_id="noah", namespace="user"),
    learnt("m1", "user_memory", {"memories": [{"text": "Café, Sarah Chen"}]}, user_id="maya", agent_id="chef"),
    learnt("s1", "session_context", {"summary": "100% multi-tenant"}, session_id="s", team_id="kitchen"),
    learnt(
        "e1", "entity_memory", {"facts": ["sarah_chen"]}, namespace="global", entity_id="sarah", entity_type="person"
    ),
    *(lambda db, each=each: db.get_learning_by_id(each) for each in ("p1", "s1", "e1", "gone")),
    lambda db: db.get_learning("user_profile", user_id="maya"),
    lambda db: db.get_learning("user_profile", user_id="gone"),
    lambda db: db.get_learning("user_memory", user_id="maya", agent_id="chef"),
    lambda db: db.get_learning("session_context", session_id="s", team_id="kitchen"),
    lambda db: db.get_learning("entity_memory", namespace="global", entity_id="sarah", entity_type="person"),
    lambda db: db.get_learning("entity_memory", namespace="user", entity_id="sarah"),
    lambda db: by_id(db.get_learnings()),
    lambda db: by_id(db.get_learnings(user_id="maya")),
    lambda db: by_id(db.get_learnings(learning_type="user_profile", namespace="user")),
    lambda db: db.get_learnings(learning_type="entity_memory", limit=1),
    *(
        searched(each)
        for each in ("cafe", "CAFÉ", "sarah chen", "SARAH_CHEN", "multi tenant", "0% multi", "%", "_ ", "")
    ),
    searched("sarah", user_id="maya"),
    searched("sarah", user_id="noah"),
    searched("about", learning_type="user_profile", namespace="user"),
    # An upsert replaces the content and the metadata, and nothing else.
    learnt("p1", "another", {"about": "new"}, user_id="maya", namespace="x", agent_id="y"),
    lambda db: db.get_learning_by_id("p1"),
    # A shared learning is every user's.
    learnt("s1", "session_context", {"summary": "new"}, user_id="noah"),
    lambda db: db.get_learning_by_id("s1"),
    lambda db: db.update_learning("p1", {"about": "newest"}, {"m": 1}),
    lambda db: db.update_learning("gone", {}),
    lambda db: db.get_learning_by_id("p1"),
    lambda db: by_id(db.list_learnings(limit=50)),
    lambda db: by_id(db.list_learnings(user_id="maya")),
    lambda db: by_id(db.list_learnings(user_id="maya", include_global=True)),
    lambda db: by_id(db.list_learnings(session_id="s", team_id="kitchen")),
    lambda db: by_id(db.list_learnings(entity_id="sarah", entity_type="person")),
    page(sort_by="user_id", user_id="maya", learning_type="user_memory"),
    page(sort_by="learning_type", limit=1, page=1),
    users(),
    users(limit=1, page=2),
    users(user_id="maya"),
    users(learning_type="user_memory"),
    users(page=1),
    deleted,
]


@each_database
def test_the_results_are_those_of_agnos_own_store(alias: str, tmp_path: Path) -> None:
    assert differences(STEPS, alias, tmp_path) == []


@each_database
def test_another_users_learning_does_not_change(alias: str) -> None:
    db = DjangoDb(alias)
    learnt("p", user_id="maya")(db)
    with pytest.raises(RecordExists) as caught:
        learnt("p", content={"about": "mine"}, user_id="noah")(db)
    assert getattr(caught.value, "status_code") == 409  # noqa: B009  agno's, not ours
    assert db.get_learning("user_profile", user_id="noah") is None
    assert db.get_learnings(user_id="noah") == db.search_learnings("p", user_id="noah") == []
    assert db.list_learnings(user_id="noah", include_global=True) == ([], 0)
    # Without a user, agno's own store deletes the shared learnings.
    learnt("shared")(db)
    assert db.delete_user_learnings("noah") == db.delete_user_learnings(None) == 0
    assert db.delete_learning("shared")
    with pytest.raises(ValidationError):
        db.delete_user_learnings("")
    assert db.get_learning("user_profile", user_id="maya") == {"content": {"about": "p"}}


@each_database
def test_the_last_written_is_first(alias: str) -> None:
    db = DjangoDb(alias)
    for second, each in enumerate(("a", "b", "c", "a")):
        # A server may write all four within one millisecond.
        with at(SINCE + datetime.timedelta(seconds=second)):
            learnt(each, user_id="maya")(db)
    expected = ["a", "c", "b"]
    assert [each["learning_id"] for each in db.get_learnings()] == expected
    assert [each["learning_id"] for each in db.search_learnings("about", limit=2)] == expected[:2]
    assert [each["learning_id"] for each in db.list_learnings()[0]] == expected
    assert db.get_learning("user_profile") == {"content": {"about": "a"}}
    assert AgentRecord.objects.using(alias).get(record_id="a").version == 2


@each_database
def test_an_agent_learns(alias: str, tmp_path: Path) -> None:
    def use(db: BaseDb) -> Any:
        machine = LearningMachine(user_profile=True, user_memory=True, session_context=True, entity_memory=True)
        chef = Agent(id="chef", model=ScriptedModel(), db=db, learning=machine, telemetry=False)
        for message in (
            '!update_profile {"name": "Maya"}',
            '!add_memory {"memory": "Likes tea, Größe 🎈"}',
            '!save_session_context {"summary": "About tea"}',
            '!remember_about {"entity": "Sarah Chen", "entity_type": "person", "facts": ["Cooks"]}',
        ):
            chef.run(message, user_id="maya", session_id="s")
        chef.run('!update_profile {"name": "Noah"}', user_id="noah", session_id="n")
        names = ("learning_type", "user_id", "session_id", "agent_id", "namespace", "entity_id", "entity_type")
        found = [{name: each[name] for name in names} for each in db.get_learnings()]
        profiles = [db.get_learning("user_profile", user_id=user) for user in ("maya", "noah")]
        texts = [profile and profile["content"].get("name") for profile in profiles]
        entities = [each["entity_id"] for each in db.search_learnings("sarah chen", learning_type="entity_memory")]
        return sorted(found, key=str), texts, entities

    with agnos_own(tmp_path) as theirs:
        ours = use(DjangoDb(alias))
        assert ours == use(theirs)
    assert ours[1:] == (["Maya", "Noah"], ["sarah_chen"])
    assert {"user_profile", "user_memory", "entity_memory"} <= {each["learning_type"] for each in ours[0]}


@each_database
def test_learning_true_works(alias: str) -> None:
    chef = Agent(id="chef", model=ScriptedModel(), db=DjangoDb(alias), learning=True, telemetry=False)
    chef.run('!update_profile {"name": "Maya"}', user_id="maya", session_id="s")
    assert [each["learning_type"] for each in DjangoDb(alias).get_learnings(user_id="maya")] == ["user_profile"]


@each_database
def test_a_renamed_person_keeps_the_learnings_and_the_next_one_of_the_name_has_none(alias: str) -> None:
    db = DjangoDb(alias)
    identities: list[dict[str, Any]] = [
        {"learning_type": "user_profile"},
        {"learning_type": "user_memory"},
        {"learning_type": "entity_memory", "namespace": "user", "entity_id": "porto", "entity_type": "city"},
        {"learning_type": "entity_memory", "namespace": "global", "entity_id": "rome", "entity_type": "city"},
    ]

    def write(user_id: str, content: str) -> None:
        for identity in identities[: None if user_id == "old" else 3]:
            # As agno's stores do.
            learning_id = build_learning_id(**identity, user_id=user_id)
            db.upsert_learning(learning_id, content={"user_id": user_id, "x": content}, user_id=user_id, **identity)

    write("old", "first")
    assert people.reassign("old", "new", alias).left["records"] == 0
    # A later write of the new name goes to the same learnings, and one of the old name to others.
    write("new", "second")
    identities.pop()
    write("old", "of another")
    assert [db.get_learning(user_id="new", **identity) for identity in identities] == [
        {"content": {"user_id": "new", "x": "second"}}
    ] * 3
    assert len(db.get_learnings(user_id="new")) == 4
    assert {each["user_id"] for each in db.get_learnings(user_id="new")} == {"new"}
    assert [each["content"]["x"] for each in db.get_learnings(user_id="old")] == ["of another"] * 3
