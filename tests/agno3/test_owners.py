"""No user sees, changes or deletes another user's documents by any method of the store, on every database."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from agno.db.base import ComponentType
from agno.db.schemas.evals import EvalRunRecord, EvalType
from agno.db.schemas.knowledge import KnowledgeRow

from agno_memory.contrib.agno import DjangoDb
from agno_memory.contrib.agno.v3.component_configs import ComponentConfigsMixin
from agno_memory.contrib.agno.v3.components import ComponentsMixin
from agno_memory.contrib.agno.v3.evaluations import EvaluationsMixin
from agno_memory.contrib.agno.v3.knowledge import KnowledgeMixin
from agno_memory.contrib.agno.v3.learnings import LearningsMixin
from agno_memory.exceptions import RecordExists, ValidationError
from agno_memory.models import AgentRecord
from tests.databases import commits, each_database

pytestmark = [commits]

SECRET = "Maya's secret"
# What methods need beside a user. The ids are those of Maya's documents.
ARGUMENTS: dict[str, Any] = {
    "id": "m",
    "component_id": "m",
    "component_type": ComponentType.AGENT,
    "config": {"name": "Mine"},
    "content": {"name": "Mine"},
    "eval_run_id": "m",
    "eval_run_ids": ["m"],
    "learning_type": "user_profile",
    "name": "Mine",
    "query": "secret",
    "version": 1,
}
METHODS = {
    name: parameters
    for mixin in (KnowledgeMixin, EvaluationsMixin, LearningsMixin, ComponentsMixin, ComponentConfigsMixin)
    for name, method in vars(mixin).items()
    if not name.startswith("_") and "user_id" in (parameters := inspect.signature(method).parameters)
}


def fill(db: DjangoDb, user_id: Any = "maya") -> None:
    db.upsert_knowledge_content(KnowledgeRow(id="m", name=SECRET, description="", user_id=str(user_id)))
    db.create_eval_run(
        EvalRunRecord(run_id="m", eval_type=EvalType.ACCURACY, eval_data={"text": SECRET}, eval_input={}, name=SECRET)
    )
    db.update_eval_run_user_id("m", user_id)
    db.upsert_learning("m", "user_profile", {"text": SECRET}, user_id=user_id)
    db.create_component_with_config("m", ComponentType.AGENT, SECRET, {"text": SECRET}, user_id=user_id)


def stored(alias: str) -> list[Any]:
    return list(AgentRecord.objects.using(alias).order_by("key").values_list("key", "user_id", "version", "data"))


def use(db: DjangoDb, name: str, user_id: str) -> Any:
    needed = [each for each, parameter in METHODS[name].items() if parameter.default is inspect.Parameter.empty]
    arguments = {each: ARGUMENTS[each] for each in needed if each not in ("self", "user_id")}
    return getattr(db, name)(**arguments, user_id=user_id)


@each_database
def test_no_method_shows_or_changes_another_users_document(alias: str, subtests: Any) -> None:
    db = DjangoDb(alias)
    fill(db)
    before = stored(alias)
    assert len(METHODS) >= 20
    for name in METHODS:
        with subtests.test(name):
            try:
                result = use(db, name, "noah")
            except (RecordExists, ValueError) as error:
                result = error
            assert SECRET not in str(result)
            assert stored(alias) == before


@each_database
def test_every_method_refuses_a_blank_user(alias: str, subtests: Any) -> None:
    db = DjangoDb(alias)
    fill(db)
    before = stored(alias)
    for name in METHODS:
        for blank in ("", " "):
            with subtests.test(name, blank=blank), pytest.raises(ValidationError):
                use(db, name, blank)
    assert stored(alias) == before


@each_database
def test_a_user_who_is_a_number_finds_their_documents(alias: str) -> None:
    db = DjangoDb(alias)
    fill(db, 7)
    found = [
        db.get_learning("user_profile", user_id="7"),
        db.get_component("m", user_id="7"),
        db.get_eval_run("m", user_id="7"),
    ]
    assert None not in found
    db.upsert_learning("m", "user_profile", {"text": "new"}, user_id=7)
    assert {owner for _key, owner, _version, _data in stored(alias) if owner} == {"7"}


@each_database
def test_ids_may_be_long(alias: str) -> None:
    db = DjangoDb(alias)
    user_id = "maya" * 60
    long = f"user_profile_{user_id}"
    for content in ({"n": 1}, {"n": 2}):
        db.upsert_learning(long, "user_profile", content, user_id=user_id)
    assert db.update_learning(long, {"n": 3})
    learning = db.get_learning_by_id(long)
    assert learning is not None
    assert (learning["learning_id"], learning["content"]) == (long, {"n": 3})
    assert db.delete_learning(long)
    assert not AgentRecord.objects.using(alias).exists()
