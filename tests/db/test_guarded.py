"""The gate that all statements of the ORM run through, however a method of Django comes to its query."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import pytest
from django.apps import apps
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, DataError, IntegrityError, OperationalError, connections
from django.db.models import (
    BinaryField,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    Field,
    FloatField,
    ForeignKey,
    IntegerField,
    JSONField,
    Model,
    QuerySet,
    TextField,
)
from django.db.models.signals import pre_delete
from django.db.models.sql import compiler
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from agno_memory.base_models import GuardedModel
from agno_memory.db.damaged import damaged_fields
from agno_memory.db.errors import with_django_errors
from agno_memory.db.guarded import EXECUTING, GuardedQuery
from agno_memory.db.table_models import model_for
from agno_memory.exact_times import ExactTimeField
from agno_memory.json_fields import TopicsField
from agno_memory.memory import Memory
from agno_memory.models import AgentRecord, AgentRun, AgentSession, UserMemory
from agno_memory.times import EPOCH
from tests.admin import ROUTERS, memories_on
from tests.databases import RUNNING, attempt, commits, each_database, handle, handles_allowed, place
from tests.db.test_connections import lose
from tests.db.test_errors import nobody_listens, traceback_text
from tests.uses import LAZY, NOT_ON_MONGODB, OF_INSTANCES, OF_ROWS, OTHERS, TABLE, Use, rows, run, session

pytestmark = [commits]

# Each way of Django, and the one that this app adds.
USES = (
    {f"rows.{name}": use for name, use in OF_ROWS.items()}
    | OF_INSTANCES
    | {"erase": lambda: AgentRun.objects.filter(key="x").erase()}
)
CANARY = "canary"
# The same, with a byte that is not UTF-8.
DAMAGED = (CANARY.encode() + b"\xff").hex()


@pytest.fixture
def on_alias(alias: str, transactional_db: None) -> Iterator[str]:
    with memories_on(alias):
        yield alias
    connections[alias].close()


# The gate has all of Django.


def test_there_is_a_use_of_each_method_of_a_queryset_that_runs_a_statement() -> None:
    assert public_methods(QuerySet) - LAZY == names_of(OF_ROWS)


def test_there_is_a_use_of_each_method_of_a_model_that_runs_a_statement() -> None:
    assert public_methods(Model) - OTHERS == names_of(OF_INSTANCES) - {"session.runs", "run.session"}


def public_methods(kind: type[Any]) -> set[str]:
    """Return the names of the public attributes of a class, without the async twins."""
    names = {name for name in dir(kind) if not name.startswith("_")}
    return {name for name in names if not (name.startswith("a") and name[1:] in names)}


def names_of(uses: dict[str, Use]) -> set[str]:
    return {name.partition(",")[0] for name in uses}


def test_the_gate_guards_each_method_of_a_compiler_that_asks_for_a_cursor() -> None:
    names = {name for each in compilers() for name, method in methods(each) if "connection.cursor()" in source(method)}
    assert {"execute_sql"} <= names <= set(EXECUTING)


@pytest.mark.skipif("mongodb" not in RUNNING, reason="this lane has no MongoDB")
def test_the_gate_guards_each_method_of_mongodbs_compilers_that_calls_the_driver() -> None:
    from django_mongodb_backend import compiler as module

    calls = ("self.collection.", "database.command(", ".get_cursor()", "query.delete()")
    names = {
        name
        for each in compilers(module)
        for name, method in methods(each)
        if any(call in source(method) for call in calls)
    }
    # insert() and update() are parts of execute_sql().
    assert {"execute_sql"} <= names <= {*EXECUTING, "insert", "update"}


def compilers(module: ModuleType = compiler) -> list[type[Any]]:
    return [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, compiler.SQLCompiler)]


def methods(kind: type[Any]) -> list[tuple[str, Callable[..., Any]]]:
    return [(name, each) for name, each in vars(kind).items() if inspect.isfunction(each)]


def source(method: Callable[..., Any]) -> str:
    return inspect.getsource(method)


def test_all_models_and_those_of_handles_run_through_it() -> None:
    memories = model_for("elsewhere")
    models = [*apps.get_app_config("agno_memory").get_models(), memories]
    models += [memories.vectors(None).model, memories.revisions(None).model]
    for model in models:
        assert issubclass(model, GuardedModel)
        for manager in (model._base_manager, model._default_manager):
            assert manager.model is model
            assert isinstance(manager.all().query, GuardedQuery)


@pytest.mark.parametrize("alias", ["default"])
def test_it_returns_what_django_returns(on_alias: str) -> None:
    for session_id in ("a", "b", "c"):
        session(session_id).save()
    found = rows().order_by("session_id")
    assert [each.session_id for each in found.iterator(chunk_size=1)] == ["a", "b", "c"]
    with CaptureQueriesContext(connections[on_alias]) as statements:
        assert list(found.filter(session_id__in=[])) == []
    assert len(statements) == 0


# Lost connections.


@pytest.mark.parametrize("alias", ["postgres"])
def test_after_a_lost_connection_each_use_connects_again(on_alias: str) -> None:
    session().save()
    Memory().add_user_memory(UserMemory(memory_id="a", memory="x"), "ann")
    outcomes = {}
    for name, use in USES.items():
        lose(on_alias)
        outcomes[name] = attempt(use), attempt(use)
    stays_lost = [name for name, (_first, second) in outcomes.items() if isinstance(second, DatabaseError)]
    assert stays_lost == []
    assert [name for name, (first, _second) in outcomes.items() if not isinstance(first, OperationalError)] == []


@pytest.mark.parametrize("alias", ["postgres"])
def test_a_constraint_is_checked_on_a_new_connection(on_alias: str) -> None:
    """Django takes an error of the database for a constraint that is not met."""
    lose(on_alias)
    # Without the fallback of reads, which would have dropped the connection.
    assert isinstance(attempt(AgentSession.objects.using(on_alias).count), OperationalError)
    AgentRecord(kind="note", record_id="a", unique_key="x").validate_constraints()


@pytest.mark.parametrize("alias", ["mongodb"])
def test_each_use_without_a_server_raises_djangos_error_with_a_text(alias: str, transactional_db: None) -> None:
    uses = {name: use for name, use in USES.items() if name.removeprefix("rows.") not in NOT_ON_MONGODB}
    with handles_allowed():
        url = f"mongodb://127.0.0.1:{nobody_listens()}/?serverSelectionTimeoutMS=5"
        down = handle("MongoMemoryDb", {"connection_string": url, "db_name": "notes"})
        with override_settings(DATABASE_ROUTERS=ROUTERS, AGNO_MEMORY={"DATABASE": down.alias}):
            # The driver waits half a second for each, and makes one client for all threads at the first.
            attempt(OF_ROWS["count"])
            with ThreadPoolExecutor(len(uses)) as pool:
                outcomes = dict(zip(uses, pool.map(attempt, uses.values()), strict=True))
    assert {name: came for name, came in outcomes.items() if not isinstance(came, OperationalError)} == {}
    assert [name for name, came in outcomes.items() if "refused" not in str(came)] == []


@pytest.mark.parametrize("alias", ["mongodb"])
def test_a_server_that_goes_away_during_a_deletion_raises_djangos_error(
    on_alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Django reads the rows by a query of the model, and deletes them by one of its own."""
    from pymongo.errors import AutoReconnect

    session().save()
    run().save()
    # Without a receiver, Django would not read the runs.
    monkeypatch.setattr(pre_delete, "has_listeners", lambda sender: sender is AgentRun)
    monkeypatch.setattr("pymongo.collection.Collection.delete_many", mock.Mock(side_effect=AutoReconnect("gone")))
    runs: Any = AgentRun.objects.filter(session_id="s")
    for delete in (runs.delete, runs.erase, run(key="x").delete, session().delete):
        error = attempt(delete)
        assert isinstance(error, OperationalError)
        assert str(error) == "gone"


# Texts of memories, sessions, runs and all others.

# A required field of each model. PostgreSQL quotes the whole row if it is null.
REQUIRED = {
    "AgentMetric": "is_complete",
    "AgentRecord": "name",
    "AgentRun": "run_type",
    "AgentSession": "session_type",
    "AgentSpan": "span_kind",
    "AgentTrace": "status",
    "MemoryRevision": "action",
    "MemoryVector": "dims",
    "UserMemory": "pinned",
}
# By the first of the types that a field has.
VALUES: dict[type[Field[Any, Any]], Any] = {
    TopicsField: [CANARY],
    JSONField: {"x": CANARY},
    TextField: CANARY,
    CharField: "x",
    ForeignKey: "x",
    ExactTimeField: EPOCH,
    DateTimeField: EPOCH,
    DateField: EPOCH.date(),
    IntegerField: 1,
    FloatField: 1.0,
    BooleanField: True,
    BinaryField: CANARY.encode(),
}


def complete(model: type[Model]) -> Model:
    """Return an instance with a value in each field, the canary in those that can have it."""
    instance = model()
    for field in model._meta.concrete_fields:
        value = next(value for kind, value in VALUES.items() if isinstance(field, kind))
        setattr(instance, field.attname, value)
    return instance


def incomplete(model: type[Model]) -> Model:
    """Return the same without a required value."""
    instance = complete(model)
    setattr(instance, REQUIRED[model.__name__], None)
    return instance


@each_database
def test_no_value_of_this_app_is_read_as_that_of_another_program(on_alias: str) -> None:
    complete(AgentSession).save(force_insert=True)
    for model in apps.get_app_config("agno_memory").get_models():
        if model is not AgentSession:
            complete(model).save(force_insert=True)
        assert damaged_fields(model._default_manager.get()) == []


def assert_without_content(error: object) -> None:
    assert isinstance(error, DatabaseError)
    texts = [str(error), traceback_text(error), "".join(traceback.format_exception(error))]
    assert [text for text in texts if CANARY in text or not text] == []


@each_database
def test_the_error_of_a_refused_row_has_no_content(on_alias: str) -> None:
    for model in apps.get_app_config("agno_memory").get_models():
        manager: Any = model._default_manager
        refusals: list[Use] = [
            lambda manager=manager, model=model: manager.bulk_create([incomplete(model)]),  # type: ignore[misc]
            lambda model=model: incomplete(model).save(force_insert=True),  # type: ignore[misc]
        ]
        for refusal in refusals:
            error = attempt(refusal)
            assert isinstance(error, IntegrityError), model
            assert_without_content(error)
            if on_alias == "postgres":
                assert CANARY in detail(error) or CANARY.encode().hex() in detail(error)


def detail(error: object) -> str:
    """Return the part of an error of PostgreSQL that quotes the row."""
    cause: Any = getattr(error, "__cause__", None)
    return str(cause.diag.message_detail)


@each_database
def test_the_error_of_a_refused_change_has_no_content(on_alias: str) -> None:
    session(name=CANARY).save()
    run(data={"x": CANARY}).save()
    memory = Memory().add_user_memory(UserMemory(memory_id="a", memory=CANARY), "ann")
    sessions: Any = AgentSession.objects
    runs: Any = AgentRun.objects
    memories: Any = UserMemory.objects
    bad: dict[str, Any] = {"session_type": None, "name": CANARY}
    refusals: dict[str, Use] = {
        "save": lambda: session(**bad).save(),
        "create": lambda: sessions.create(**bad),
        "get_or_create": lambda: sessions.get_or_create(bad, session_id="x"),
        "runs.create": lambda: runs.create(session_id="s", run_id="x", data={"x": CANARY}),
        "memories.create": lambda: memories.create(memory=CANARY, user_id="ann", pinned=None),
        # Keys that are taken. MongoDB's error has the documents.
        "taken": lambda: session(name=CANARY).save(force_insert=True),
        "taken, in bulk": lambda: sessions.bulk_create([session(name=CANARY)]),
        "taken, a run": lambda: runs.bulk_create([run(data={"x": CANARY})]),
        "taken, a memory": lambda: memories.bulk_create([UserMemory(memory_id="a", memory=CANARY, user_id="ann")]),
    }
    if connections[on_alias].vendor != "mongodb":
        # There no field is required.
        refusals["update_or_create"] = lambda: sessions.update_or_create(bad, session_id="s")
        refusals["bulk_update"] = lambda: sessions.bulk_update([session(**bad)], list(bad))
        refusals["update"] = lambda: sessions.update(session_type=None)
        refusals["update, memories"] = lambda: memories.filter(pk=memory.pk).update(pinned=None)
    for name, refusal in refusals.items():
        error = attempt(refusal)
        assert isinstance(error, IntegrityError), name
        assert_without_content(error)


@pytest.mark.parametrize("alias", ["postgres"])
@pytest.mark.parametrize("kind", ["json", "integer"])
def test_the_error_of_a_conversion_has_no_content(on_alias: str, kind: str) -> None:
    session(name=CANARY).save()
    statement = f"SELECT *, name::{kind} AS other FROM {TABLE}"
    for error in (attempt(lambda: list(rows().raw(statement))), attempt(lambda: rows().raw(statement).columns)):
        assert isinstance(error, DataError)
        assert_without_content(error)
        assert str(error) == f"invalid input syntax for type {kind}"


@pytest.mark.parametrize("alias", ["postgres"])
def test_the_error_of_a_version_that_cannot_be_kept_has_no_content(alias: str, tmp_path: Path) -> None:
    with handles_allowed():
        db = handle(*place(alias, tmp_path), table="unkept")
        memory = Memory(db).add_user_memory(UserMemory(memory_id="a", memory=CANARY))
        with connections[db.alias].cursor() as cursor:
            cursor.execute("ALTER TABLE unkept_revisions ADD CONSTRAINT damage CHECK (length(memory) < 3)")
        memory.memory = "x"
        for error in (
            attempt(lambda: memory.save(using=db.alias)),
            attempt(lambda: Memory(db).rows().update(agent_id="x")),
            attempt(lambda: Memory(db).rows().delete()),
        ):
            assert_without_content(error)
            assert CANARY in detail(error)
        db.drop()


@pytest.mark.parametrize("alias", ["default"])
def test_the_error_of_a_text_that_cannot_be_decoded_has_no_content(on_alias: str) -> None:
    """As in a corrupt file, which SQLite quotes."""
    refused = set()
    session().save()
    run().save()
    for name, use in USES.items():
        with connections[on_alias].cursor() as cursor:
            cursor.execute(f"UPDATE {AgentSession._meta.db_table} SET name = CAST(x'{DAMAGED}' AS TEXT)")
            cursor.execute(f"UPDATE {AgentRun._meta.db_table} SET status = CAST(x'{DAMAGED}' AS TEXT)")
        outcome = attempt(use)
        if isinstance(outcome, Exception) and not isinstance(outcome, ObjectDoesNotExist):
            refused.add(name)
            assert_without_content(outcome)
    reading = {"aggregate", "first", "get", "in_bulk", "iterator", "raw", "select_related", "union", "update_or_create"}
    reading |= {"values", "values_list", "values_list, named"}
    assert refused >= {*(f"rows.{name}" for name in reading), "refresh_from_db", "run.session", "session.runs"}


def test_the_other_lines_of_postgresql_go_in_any_language() -> None:
    """The server translates "DETAIL"."""

    class Diagnosis:
        message_primary = "la ligne viole la contrainte"

    class RefusedError(Exception):
        diag = Diagnosis()

    text = f"{Diagnosis.message_primary}\nDÉTAIL : ({CANARY})"

    def refuse() -> None:
        raise IntegrityError(text) from RefusedError(text)

    error = attempt(lambda: with_django_errors(connections["default"], refuse))
    assert_without_content(error)
    assert str(error) == Diagnosis.message_primary
