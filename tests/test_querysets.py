"""Which methods of the querysets templates and managers cannot call; the contract has the questions about memories."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, NotSupportedError, models, transaction
from django.template import Context, Template

from agno_memory import replicas
from agno_memory.agent_sessions import AgentSessions
from agno_memory.bulk import BulkMemory
from agno_memory.conditions import conditions, mentions, metadata_conditions
from agno_memory.memory import Memory
from agno_memory.models import AgentRun, AgentSession, UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.revision_models import MemoryRevision
from agno_memory.search.stored_words import stored_words
from agno_memory.vector_models import MemoryVector
from tests.databases import commits, each_database

pytestmark = [commits]

# Methods that write. A template that names one must not call it.
WRITERS = {
    "update",
    "set_times",
    "bulk_update",
    "bulk_create",
    "erase",
    "erase_returning",
    "erase_of",
    "delete",
    "delete_kept",
    "expire",
    "keep",
    "move",
    "compute_terms",
    "update_topics",
}
# Methods that a manager must not have: without a filter they would meet all rows.
OF_QUERYSETS_ONLY = {
    "read",
    "run",
    "vectors",
    "revisions",
    "versions",
    "every_version",
    "deleted_page",
    "expired_page",
    "walk_versions",
    "erase",
    "erase_returning",
    "erase_of",
    "delete",
    "delete_kept",
    "expire",
    "keep",
    "move",
}
MODELS = list(apps.get_app_config("agno_memory").get_models())


def own_methods(model: type[models.Model]) -> dict[str, Any]:
    """Return the public methods that this project adds to the querysets of a model, or overrides."""
    classes = own_classes(model)
    found = {name: getattr(classes[0], name) for each in classes for name in vars(each) if not name.startswith("_")}
    return {name: each for name, each in found.items() if inspect.isfunction(each)}


def own_classes(model: type[models.Model]) -> list[type]:
    """Return the classes of this project among those of a model's querysets."""
    return [each for each in type(model._default_manager.all()).__mro__ if each.__module__.startswith("agno_memory")]


@pytest.mark.parametrize(("names", "mark"), [(WRITERS, "alters_data"), (OF_QUERYSETS_ONLY, "queryset_only")])
def test_each_class_marks_its_own_methods(names: set[str], mark: str) -> None:
    """Python does not inherit the mark of a method that is overridden."""
    classes = {each for model in MODELS for each in own_classes(model)}
    methods = [vars(each)[name] for each in classes for name in names & vars(each).keys()]
    assert [each.__qualname__ for each in methods if getattr(each, mark, False) is not True] == []
    assert len(methods) > len(names)


@pytest.mark.parametrize("model", MODELS)
def test_methods_that_write_are_marked(model: type[models.Model]) -> None:
    methods = own_methods(model)
    marked = {name for name, method in methods.items() if getattr(method, "alters_data", False)}
    assert marked == WRITERS & set(methods)
    django: dict[str, Any] = {name: getattr(models.QuerySet, name, None) for name in methods}
    assert {name for name, method in django.items() if getattr(method, "alters_data", False)} <= marked


@pytest.mark.parametrize("model", MODELS)
def test_managers_have_no_method_that_would_meet_all_rows(model: type[models.Model]) -> None:
    methods = own_methods(model)
    on_manager = {name for name in methods if hasattr(model._default_manager, name)}
    assert set(methods) - on_manager == OF_QUERYSETS_ONLY & set(methods)


def test_a_template_cannot_delete() -> None:
    Memory("default").add_user_memory(UserMemory(memory="x"), "maya")
    rows = UserMemory.objects.using("default").all()
    for name in ("erase", "delete", "compute_terms"):
        assert Template(f"{{{{ rows.{name} }}}}").render(Context({"rows": rows})) == ""
    assert rows.count() == 1


def test_a_write_asks_for_no_database_to_read_from() -> None:
    """A replica may lack the rows that are written."""
    memory = Memory("default")
    added = [memory.add_user_memory(UserMemory(memory="x"), "maya") for _ in range(4)]
    keys = [each.key for each in added]

    def rows(**filters: Any) -> UserMemoryQuerySet:
        """Return rows that nothing has written to yet: they would know it."""
        return UserMemory.objects.for_user("maya").filter(**filters)

    with mock.patch.object(replicas, "read_alias", side_effect=AssertionError):
        assert rows().update(agent_id="x") == rows().compute_terms() == 4
        assert rows(key=keys[0]).erase() == rows(key=keys[1]).delete()[0] == 1
        assert rows().erase_returning("maya", keys[2:3]) == keys[2:3]
        assert rows().erase_of("maya") == 1
        for model in (AgentSession, AgentRun, MemoryVector, MemoryRevision):
            written: Any = model._default_manager.all()
            assert written.all().update() == written.erase() == 0
        # As Django adds a row without the name of a database.
        sessions: Any = AgentSession.objects.all()
        sessions._insert([AgentSession(session_id="s")], AgentSession._meta.concrete_fields)
    assert AgentSession.objects.get().session_id == "s"


@pytest.mark.parametrize("alias", ["default", "postgres"])
def test_an_erasure_that_fails_ends_the_transaction_of_its_caller(alias: str) -> None:
    AgentSessions(alias).upsert_session(AgentSession(session_id="s"), "maya")
    rows = AgentSession.objects.using(alias).all()
    with transaction.atomic(using=alias):
        rows.update(name="x")
        with mock.patch.object(type(rows), "_raw_delete", side_effect=DatabaseError), pytest.raises(DatabaseError):
            rows.erase()
        assert transaction.get_rollback(using=alias)
    assert rows.get().name == ""


def test_the_rows_of_a_user_are_asked_for_by_any_name_of_the_user() -> None:
    for owner in ("7", "default"):
        Memory("default").add_user_memory(UserMemory(memory="x"), owner)
    users: dict[Any, str] = {7: "7", "7": "7", User(pk=7): "7", None: "default"}
    for user, owner in users.items():
        assert [each.user_id for each in UserMemory.objects.for_user(user)] == [owner]
    with pytest.raises(ValidationError):
        UserMemory.objects.for_user(AnonymousUser())


@each_database
def test_rows_of_an_instance_are_those_of_its_database(alias: str) -> None:
    session = AgentSessions(alias).upsert_session(AgentSession(session_id="s"), "maya")
    assert session.runs.all().db == alias


@each_database
def test_bulk_create_does_not_ignore_an_id_that_is_taken(alias: str) -> None:
    rows = UserMemory.objects.using(alias)
    rows.bulk_create([UserMemory(memory_id="m", user_id="maya", memory="first")])
    with pytest.raises(IntegrityError):
        rows.bulk_create([UserMemory(memory_id="m", user_id="maya", memory="second")])
    assert [each.memory for each in rows.all()] == ["first"]


def test_a_delete_of_a_slice_a_union_or_distinct_rows_changes_nothing() -> None:
    memory = Memory("default")
    memory.add_user_memory(UserMemory(memory="x"), "maya")
    rows = memory.rows_to_write("maya")
    for refused in (rows[:1], rows.union(rows), rows.distinct("user_id")):
        with pytest.raises((TypeError, NotSupportedError), match="delete"):
            refused.delete()
    assert (rows.count(), rows.revisions().count()) == (1, 0)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("version", "changes by itself at every write"),
        ("last_updated", "changes by itself at every write"),
        ("search_terms", "follows memory and topics"),
    ],
)
def test_an_update_names_the_reason_for_refusing_a_field(name: str, reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        UserMemory.objects.using("default").update(**{name: 1})


@each_database
def test_a_change_of_many_computes_the_words_of_the_new_texts_and_topics(alias: str) -> None:
    memory = Memory(alias)
    memory.add_user_memory(UserMemory(memory="x", topics=["tea", "music"]), "maya")
    rows = memory.rows_to_write("maya")
    bulk = BulkMemory(rows)
    changes: list[Callable[[], int]] = [
        lambda: bulk.remove_topic("tea"),
        lambda: bulk.add_topic("travel"),
        lambda: rows.update(memory="Drinks tea"),
        lambda: rows.update(topics=["work"]),
    ]
    for change in changes:
        assert change() == 1
        (stored,) = UserMemory.objects.using(alias).all()
        (terms,) = UserMemory.objects.using(alias).values_list("search_terms", flat=True)
        assert terms == stored_words(stored.memory, stored.topics)


@pytest.mark.parametrize("alias", ["default", "postgres"])
def test_an_update_that_fails_changes_nothing(alias: str) -> None:
    memory = Memory(alias)
    memory.add_user_memory(UserMemory(memory="x"), "maya")
    rows = memory.rows_to_write("maya")
    with mock.patch.object(UserMemoryQuerySet, "_compute_terms", side_effect=KeyError), pytest.raises(KeyError):
        rows.update(memory="y")
    assert [each.memory for each in rows.all()] == ["x"]
    assert rows.revisions().count() == 0


@pytest.mark.parametrize("method", ["sorted_by", "newest"])
def test_stats_of_rows_that_are_deleted_in_between(method: str) -> None:
    memory = Memory("default")
    memory.add_user_memory(UserMemory(memory="x"), "maya")
    rows = memory.rows("maya")
    with mock.patch.object(UserMemoryQuerySet, method, lambda rows, *order: rows.none()):
        assert rows.stats() == (0, None, None)


def test_filters_are_conditions() -> None:
    assert conditions(metadata={"plan": "pro"}, agent_id="x") == {"metadata__has": {"plan": ["pro"]}, "agent_id": "x"}
    assert conditions(metadata=None, agent_id=None) == {}
    pairs = [f"key{number}=a" for number in range(11)]
    assert list(metadata_conditions(pairs[:10])["metadata__has"]) == [f"key{number}" for number in range(10)]
    with pytest.raises(ValidationError):
        metadata_conditions(pairs)
    for texts in (("",), ("tea", " ")):
        with pytest.raises(ValidationError):
            mentions(*texts)
