"""Components with versions and links: as on agno's own store, with owners, on every database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from agno.agent import Agent
from agno.db.base import (
    BaseDb,
    ComponentDependencyError,
    ComponentType,
    ComponentVersionConflictError,
)
from agno.registry import Registry
from agno.team import Team

from agno_memory import people
from agno_memory.contrib.agno import DjangoDb
from agno_memory.models import AgentRecord
from tests.agno3.pairs import Steps, agnos_own, comparable, differences
from tests.agno_model import ScriptedModel
from tests.databases import commits, each_database, errors, race, results

pytestmark = [commits]

AGENT, TEAM, WORKFLOW = ComponentType


def call(method: str, /, *arguments: Any, **named: Any) -> Steps:
    return lambda db: getattr(db, method)(*arguments, **named)


def made(component_id: str, user_id: str | None = None, kind: ComponentType = AGENT, **values: Any) -> Steps:
    values = {"name": component_id.title(), "config": {"name": component_id, "n": [1, None]}, **values}
    return call("create_component_with_config", component_id, kind, user_id=user_id, **values)


def link(child: str, version: int | None = 1, kind: str = "member", **values: Any) -> dict[str, Any]:
    named = {"link_kind": kind, "link_key": child, "child_component_id": child, "child_version": version}
    return {**named, "position": 0, "meta": {"k": 1}, **values}


def by_id(method: str, /, **arguments: Any) -> Steps:
    """Return a step that lists components by their ids: of those made in one second, agno sorts by the id."""

    def listed(db: BaseDb) -> Any:
        found, count = getattr(db, method)(**arguments)
        return sorted((each["component_id"], each["deleted_at"] is None) for each in found), count

    return listed


def state(*component_ids: str) -> list[Steps]:
    """Return steps that read all of some components."""
    return [
        step
        for each in component_ids
        for step in (
            call("get_component", each, include_deleted=True),
            call("list_configs", each, include_config=True, include_deleted=True),
            call("get_config", each),
            call("get_current_config", each),
            call("get_latest_config", each),
            call("get_latest_configs", {each, "other"}),
            call("get_links", each, 1),
            call("get_dependents", each),
            call("load_component_graph", each),
        )
    ]


COMPONENTS: list[Steps] = [
    # agno's own store checks a version only if its table of versions exists.
    made("first", kind=WORKFLOW),
    call("upsert_component", "new"),
    call("upsert_component", "chef", component_type=AGENT, name="Chef", description="Cooks", metadata={"a": {"b": 1}}),
    call("upsert_component", "chef", component_type=TEAM),
    call("upsert_component", "chef", description=""),
    call("upsert_component", "chef", current_version=1),
    call("upsert_component", "mayas", component_type=AGENT, user_id="maya"),
    call("upsert_component", "mayas", name="Mine", user_id="noah"),
    call("upsert_component", "mayas", name="Größe", user_id="maya"),
    # Without a user, but another user's call changes only their own components.
    call("upsert_component", "chef", name="Mine", user_id="noah"),
    made("noahs", "noah", stage="published"),
    made("noahs", "maya"),
    made("draft", "noah", stage="other"),
    made("draft", "noah"),
    *(
        call("get_component", each, user_id=user_id)
        for each in ("chef", "mayas", "noahs", "draft", "gone")
        for user_id in (None, "maya", "noah")
    ),
    call("get_component", "chef", component_type=TEAM),
    by_id("list_components"),
    by_id("list_components", user_id="maya"),
    by_id("list_components", component_type=AGENT, exclude_component_ids={"chef"}, name="Noahs"),
    by_id("list_components", component_type=TEAM),
    lambda db: db.list_components(limit=1, offset=10),
    call("delete_component", "noahs", user_id="maya"),
    call("delete_component", "noahs", user_id="noah", expected_current_version=2),
    call("delete_component", "noahs", user_id="noah", expected_current_version=1),
    call("delete_component", "noahs", user_id="noah"),
    # An archived component is seen by its owner alone, and takes no writes.
    *(call("get_component", "noahs", user_id=user_id, include_deleted=True) for user_id in (None, "maya", "noah")),
    by_id("list_components", user_id="maya", include_deleted=True),
    by_id("list_components", user_id="noah", include_deleted=True),
    call("upsert_component", "noahs", name="x"),
    call("upsert_config", "noahs", config={}),
    call("set_current_version", "noahs", 1),
    call("delete_config", "noahs", 1),
    made("noahs", "noah"),
    *state("noahs"),
    call("restore_component", "noahs", user_id="maya"),
    call("restore_component", "noahs"),
    call("restore_component", "noahs"),
    call("restore_component", "gone"),
    *state("noahs", "chef", "gone"),
    call("delete_component", "noahs", hard_delete=True, cascade_stats={}),
    call("delete_component", "noahs", hard_delete=True),
    made("noahs", "maya"),
    *state("noahs"),
]

CONFIGS: list[Steps] = [
    call("upsert_config", "gone", config={}),
    made("a", "maya", label="first", notes="n"),
    call("upsert_config", "a"),
    call("upsert_config", "a", config={"name": "B"}, user_id="noah"),
    call("upsert_config", "a", config={"name": "B"}, label="first"),
    call("upsert_config", "a", config={"name": "B"}, label="second", user_id="maya"),
    call("upsert_config", "a", config={"name": "C"}, expected_latest_version=1),
    call("upsert_config", "a", config={"name": "C", "description": None}, expected_latest_version=2),
    call("upsert_config", "a", version=2, notes="edited", label="first"),
    call("upsert_config", "a", version=2, notes="edited", label="second"),
    call("upsert_config", "a", version=9, notes="x"),
    call("upsert_config", "a", stage="unknown", config={}),
    *state("a"),
    call("get_config", "a", label="second"),
    call("get_config", "a", version=2),
    call("list_configs", "a"),
    call("set_current_version", "a", 2),
    # The first publication, with the expectation that there is none.
    call("upsert_config", "a", version=3, stage="published", expected_current_version=1),
    call("upsert_config", "a", version=3, stage="published", expected_current_version=0),
    *state("a"),
    call("upsert_config", "a", version=3, notes="x"),
    call(
        "upsert_config", "a", config={"name": "D", "metadata": {"m": 1}}, stage="published", expected_current_version=3
    ),
    call("set_current_version", "a", 3, expected_current_version=3),
    call("set_current_version", "a", 3, user_id="noah"),
    call("set_current_version", "a", 3, expected_current_version=4, user_id="maya"),
    call("set_current_version", "a", 9),
    call("set_current_version", "gone", 1),
    *state("a"),
    call("upsert_component", "a", current_version=4),
    call("upsert_component", "a", current_version=1),
    call("delete_config", "a", 3),
    call("delete_config", "a", 1, user_id="noah"),
    call("delete_config", "a", 1, user_id="maya"),
    call("delete_config", "a", 1),
    call("delete_config", "a", 9),
    call("upsert_config", "a", version=1, notes="x"),
    call("get_config", "a", version=1),
    call("get_config", "a", version=1, include_deleted=True),
    call("set_current_version", "a", 1),
    call("upsert_component", "a", current_version=1),
    # The label of a deleted version is free, its number is not.
    call("upsert_config", "a", config={}, label="first"),
    *state("a"),
    made("one"),
    call("delete_config", "one", 1),
]

LINKS: list[Steps] = [
    made("chef", "maya"),
    made("waiter", "noah", stage="published"),
    made("kitchen", "maya", TEAM, links=[link("chef", None)]),
    made("kitchen", "maya", TEAM, links=[link("kitchen")]),
    made("kitchen", "maya", TEAM, links=[link("chef")], stage="published"),
    made("kitchen", "maya", TEAM, links=[link("chef"), link("waiter", position=1), link("in code", kind="other")]),
    *state("kitchen", "chef", "waiter"),
    call("get_links", "kitchen", 1, link_kind="member"),
    call("get_links", "kitchen", 2),
    call("get_dependents", "chef", version=2),
    call("get_dependents", "waiter", parent_user_id="noah"),
    call("get_dependents", "waiter", parent_user_id="maya", active_parents_only=True),
    # No circle, also over another component.
    call("upsert_config", "chef", config={}, links=[link("kitchen")]),
    call("upsert_config", "chef", config={}, links=[link("waiter")]),
    made("dinner", kind=WORKFLOW, links=[link("kitchen", kind="step_team")]),
    call("upsert_config", "waiter", config={}, links=[link("dinner")]),
    call("load_component_graph", "dinner", version=1),
    # A published version consists of published ones.
    call("upsert_config", "kitchen", version=1, stage="published"),
    call("upsert_config", "chef", version=1, stage="published"),
    call("upsert_config", "kitchen", version=1, stage="published"),
    call("upsert_config", "kitchen", config={"v": 2}, links=[link("chef"), link("chef", link_key="again")]),
    call("get_links", "kitchen", 2),
    call("upsert_config", "kitchen", version=2, links=[]),
    call("get_links", "kitchen", 2),
    call("upsert_config", "kitchen", config={}, stage="published", links=[link("chef", 9)]),
    *state("kitchen", "dinner", "chef"),
    # What others consist of cannot be deleted.
    call("delete_component", "chef"),
    call("delete_component", "chef", hard_delete=True),
    call("delete_component", "chef", user_id="maya"),
    call("delete_component", "waiter", user_id="noah"),
    call("delete_component", "waiter"),
    call("restore_component", "waiter"),
    call("delete_config", "chef", 2),
    call("delete_component", "kitchen"),
    call("delete_component", "kitchen", require_no_dependents=False),
    call("get_dependents", "chef"),
    call("get_dependents", "chef", active_parents_only=True),
    call("delete_component", "chef"),
    call("restore_component", "kitchen"),
    call("upsert_config", "dinner", config={}, links=[link("chef")]),
    call("delete_component", "chef", hard_delete=True),
    call("restore_component", "chef"),
    call("restore_component", "kitchen"),
    call("delete_component", "chef", require_no_dependents=False),
    call("set_current_version", "kitchen", 1),
    *state("kitchen", "dinner", "chef"),
    call("delete_component", "kitchen", hard_delete=True, require_no_dependents=False),
    *state("kitchen", "dinner", "chef", "waiter"),
]


@each_database
@pytest.mark.parametrize("steps", [COMPONENTS, CONFIGS, LINKS], ids=["components", "configs", "links"])
def test_the_results_are_those_of_agnos_own_store(alias: str, steps: list[Steps], tmp_path: Path) -> None:
    assert differences(steps, alias, tmp_path) == []


@each_database
def test_an_agent_and_a_team_are_saved_loaded_and_deleted(alias: str, tmp_path: Path) -> None:
    def use(db: BaseDb) -> Any:
        registry = Registry(models=[ScriptedModel(id="scripted")], dbs=[db])
        chef = Agent(id="chef", name="Chef", description="Cooks", model=ScriptedModel(id="scripted"), db=db)
        kitchen = Team(id="kitchen", members=[chef], model=ScriptedModel(id="scripted"), db=db)
        saved = [chef.save(), chef.save(stage="draft"), kitchen.save()]
        loaded = [Agent.load("chef", db=db, registry=registry), Team.load("kitchen", db=db, registry=registry)]
        assert all(each is not None and each.db is db for each in loaded)
        cooks, team = loaded
        assert isinstance(cooks, Agent)
        assert isinstance(team, Team)
        answers = [each.run("Hello", user_id="maya", session_id=str(each.id)).content for each in (cooks, team)]
        members = [member.id for member in team.members]
        with pytest.raises(ComponentDependencyError):
            chef.delete()
        deleted = [kitchen.delete(), chef.delete(), Agent.load("chef", db=db)]
        return saved, cooks.name, cooks.description, answers, members, deleted

    with agnos_own(tmp_path) as theirs:
        assert comparable(use(DjangoDb(alias))) == comparable(use(theirs))


@each_database
def test_of_several_writers_one_gets_a_version(alias: str) -> None:
    db = DjangoDb(alias)
    made("a")(db)
    append = call("upsert_config", "a", config={}, expected_latest_version=1)
    (outcomes,) = race(1, lambda thread, _round: append(db), threads=4)
    assert [each["version"] for each in results(outcomes)] == [2]
    assert {type(each) for each in errors(outcomes)} == {ComponentVersionConflictError}
    publish = call("upsert_config", "a", version=2, stage="published", expected_current_version=0)
    (outcomes,) = race(1, lambda thread, _round: publish(db), threads=4)
    assert len(results(outcomes)) == 1
    component = db.get_component("a")
    assert component is not None
    assert component["current_version"] == 2
    # Without an expectation each gets a number of its own, or an error where it was taken meanwhile.
    (outcomes,) = race(1, lambda thread, _round: call("upsert_config", "a", config={})(db), threads=4)
    numbers = [each["version"] for each in results(outcomes)]
    assert sorted(numbers) == list(range(3, 3 + len(numbers)))
    assert {type(each) for each in errors(outcomes)} <= {ComponentVersionConflictError}


@each_database
def test_of_several_users_one_gets_an_id(alias: str) -> None:
    db = DjangoDb(alias)
    users = [f"user {number}" for number in range(4)]
    (outcomes,) = race(1, lambda thread, _round: made("a", users[thread])(db), threads=4)
    ((component, _config),) = results(outcomes)
    assert {type(each) for each in errors(outcomes)} == {ValueError}
    for user in users:
        found = db.get_component("a", user_id=user)
        assert (found is not None) == (component["user_id"] == user)


@each_database
def test_erasing_a_person_erases_versions_and_links(alias: str) -> None:
    db = DjangoDb(alias)
    for step in (made("chef"), made("kitchen", "maya", TEAM, links=[link("chef")])):
        step(db)
    db.upsert_config("kitchen", config={"secret": "Maya's"}, links=[link("chef")], user_id="maya")
    assert people.count("maya", alias)["records"] == 5
    assert people.erase("maya", alias).is_complete
    assert {each.kind for each in AgentRecord.objects.using(alias)} == {"component", "component_config"}
    assert db.get_dependents("chef") == []
