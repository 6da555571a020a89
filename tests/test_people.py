"""One person as a whole: erasure leaves nothing, on every database, and accounts that change or go."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import OperationalError, connections, transaction
from django.test import RequestFactory, override_settings

from agno_memory import log_texts, people
from agno_memory.admin.actions import _selection
from agno_memory.admin.history import log_export
from agno_memory.agent_document_kinds import AUTH_TOKEN, LEARNING, SCHEDULE, SCHEDULE_RUN
from agno_memory.agent_metrics import AgentMetrics
from agno_memory.agent_record_moves import _copy_for, give_records
from agno_memory.agent_records import AgentRecords
from agno_memory.agent_sessions import AgentSessions
from agno_memory.agent_traces import AgentTraces
from agno_memory.conf import conf
from agno_memory.db import SqliteMemoryDb
from agno_memory.db.transactions import has_transactions
from agno_memory.exceptions import SessionExists, SessionNotFound
from agno_memory.management.commands.erase_user import listed
from agno_memory.memory import Memory
from agno_memory.models import AgentRecord, AgentRun, AgentSession, AgentTrace, UserMemory
from agno_memory.rest.people.openapi import ERASED
from agno_memory.services import ANYONE, NO_USER
from agno_memory.stats.cache import KEEP_LOCAL_SECONDS, KEEP_SECONDS, CachedFact, SnapshotCache
from agno_memory.vector_models import MemoryVector
from tests.databases import commits, each_database, handles_allowed
from tests.test_agent_traces import span, trace

pytestmark = [commits]

DOCS = Path(__file__).parent.parent / "docs"
NOTHING = {holding.name: 0 for holding in people.HOLDINGS}
# Of each person that fill() writes.
FILLED = {
    "memories": 1,
    "earlier versions": 1,
    "vectors": 1,
    "runs": 2,
    "sessions": 1,
    "spans": 3,
    "traces": 2,
    "metrics": 1,
    "records": 4,
    "log texts": 0,
}


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def log(name: str, message: str = "") -> LogEntry:
    staff, _ = User.objects.get_or_create(username="staff")
    kind = ContentType.objects.get_for_model(UserMemory)
    return LogEntry.objects.create(
        user=staff, content_type=kind, object_repr=name, action_flag=CHANGE, change_message=message
    )


def rows_about(owner: str, alias: str) -> dict[str, int]:
    """Return the numbers of an owner's rows by the models of the app, all of which have an owner."""
    models = apps.get_app_config("agno_memory").get_models()
    paths = {model: "session__user_id" if model is AgentRun else "user_id" for model in models}
    return {
        model.__name__: model._base_manager.using(alias).filter(**{path: owner}).count()
        for model, path in paths.items()
    }


def fill(alias: str, owner: str) -> None:
    memory = Memory(alias).add_user_memory(UserMemory(memory="Likes coffee", memory_id="m"), owner)
    Memory(alias).replace_user_memory("m", UserMemory(memory="Likes tea"), owner)
    vector = {"model": "letters", "text_hash": "", "dims": 1, "scale": 1.0, "data": b"\1"}
    MemoryVector.objects.using(alias).create(memory_key=memory.key, user_id=owner, **vector)
    sessions = AgentSessions(alias)
    sessions.upsert_session(AgentSession(session_id=f"of {owner}", agent_id="chef"), owner)
    for run_id in ("r1", "r2"):
        sessions.upsert_run(f"of {owner}", AgentRun(run_id=run_id, run_type="agent", data={"said": run_id}), owner)
    for kind in ("learning", "schedule"):
        AgentRecords(kind, alias).add_record(AgentRecord(record_id=f"of {owner}", user_id=owner, data={}))
    traces = AgentTraces(alias)
    traces.save_trace(trace(f"of {owner}"), owner)
    traces.save_spans([span("s", f"of {owner}", user_id=owner)])
    # Without a user: the session has got its own after the run.
    traces.save_trace(trace(f"first of {owner}", session_id=f"of {owner}"), NO_USER)
    traces.save_spans([span("s", f"first of {owner}"), span("t", f"first of {owner}", session_id=f"of {owner}")])
    for kind in ("approval", "own"):
        AgentRecords(kind, alias).add_record(AgentRecord(record_id=f"of {owner}", session_id=f"of {owner}", data={}))
    AgentMetrics(alias).calculate()


@each_database
def test_erase_leaves_nothing_of_a_person_and_all_of_the_others(alias: str) -> None:
    fill(alias, "maya")
    fill(alias, "Maya")
    log("m · maya")
    assert all(rows_about("maya", alias).values()), "A new model needs a row in fill() and a holding."
    erasure = people.erase("maya", alias)
    assert erasure.erased == FILLED | {"log texts": 1}
    assert erasure.left == NOTHING == people.count("maya", alias)
    assert erasure.is_complete
    assert people.count("Maya", alias) == FILLED
    assert not any(rows_about("maya", alias).values())


def of_session(alias: str, session_id: str) -> dict[str, set[str]]:
    """Return the ids of the traces, steps and documents that name a session."""
    return {
        "traces": {each.trace_id for each in AgentTraces(alias).rows(ANYONE).filter(session_id=session_id)},
        "spans": {each.span_id for each in AgentTraces(alias).span_rows().filter(session_id=session_id)},
        "records": {each.record_id for each in AgentRecords(None, alias).rows(ANYONE).filter(session_id=session_id)},
    }


@each_database
def test_erase_takes_what_names_a_session_of_the_person_and_no_user(alias: str) -> None:
    fill(alias, "maya")
    traces = AgentTraces(alias)
    # A request begins a trace, which does not name the session itself.
    traces.save_trace(trace("request"), NO_USER)
    # Of another person, who has used the id of the session.
    traces.save_trace(trace("of noah", session_id="of maya"), "noah")
    traces.save_trace(trace("request of noah", session_id="of maya"), NO_USER)
    traces.save_spans(
        [
            span("http", "request"),
            span("run", "request", session_id="of maya"),
            # A killed run has no trace.
            span("orphan", "none", session_id="of maya"),
            span("his", "of noah", session_id="of maya"),
            span("his own", "request of noah", session_id="of maya", user_id="noah"),
            span("his step", "request of noah", session_id="of maya"),
        ]
    )
    AgentRecords("own", alias).add_record(AgentRecord(record_id="his", session_id="of maya", user_id="noah", data={}))
    # Another program gave it no id.
    AgentTrace.objects.using(alias).bulk_create([trace("", session_id="of maya")])
    expected = FILLED | {"traces": 4, "spans": 3 + 3}
    with override_settings(AGNO_MEMORY={"BATCH_SIZE": 1}):
        assert people.count("maya", alias) == expected
        assert people.erase("maya", alias) == (expected, NOTHING)
    his = {"traces": {"of noah", "request of noah"}, "spans": {"his", "his own", "his step"}, "records": {"his"}}
    assert of_session(alias, "of maya") == his
    assert {each.span_id for each in traces.span_rows()} == his["spans"]


@each_database
def test_an_erasure_that_is_interrupted_can_be_repeated(alias: str) -> None:
    fill(alias, "maya")
    names = ("spans", "traces", "records")
    for failing in ("traces", "records", "sessions"):
        holdings = [
            replace(each, erase=lambda person: 1 / 0) if each.name == failing else each for each in people.HOLDINGS
        ]
        with patch.object(people, "HOLDINGS", holdings), pytest.raises(ZeroDivisionError):
            people.erase("maya", alias)
        left = people.count("maya", alias)
        assert [left[name] > 0 for name in names] == [failing == "traces"] * 2 + [failing != "sessions"]
        assert left["sessions"] == 1
    assert people.erase("maya", alias).is_complete
    assert of_session(alias, "of maya") == {"traces": set(), "spans": set(), "records": set()}


@each_database
def test_a_second_count_looks_for_rows_of_the_sessions_that_were_erased(alias: str) -> None:
    fill(alias, "maya")
    holdings = [replace(each, erase=lambda person: None) if each.is_of_sessions else each for each in people.HOLDINGS]
    of_sessions = ("spans", "traces", "records")
    with patch.object(people, "HOLDINGS", holdings):
        erasure = people.erase("maya", alias)
    assert erasure.left == NOTHING | {name: FILLED[name] for name in of_sessions}
    fill(alias, "noah")
    delete = AgentSessions.delete_user_sessions

    def write_meanwhile(self: AgentSessions, user_id: object = None) -> int:
        # The run of an agent ends.
        AgentTraces(alias).save_trace(trace("late", session_id="of noah"), NO_USER)
        AgentRecords("own", alias).add_record(AgentRecord(record_id="late", session_id="of noah", data={}))
        return delete(self, user_id)

    with patch.object(AgentSessions, "delete_user_sessions", write_meanwhile):
        assert people.erase("noah", alias) == (FILLED, NOTHING)
    assert of_session(alias, "of noah") == {"traces": set(), "spans": set(), "records": set()}


def test_erase_blanks_each_kind_of_log_text_and_keeps_the_entries() -> None:
    about = [
        log("m · 2"),
        log("2", "Exported 3."),
        log("all of ?agent=chef&owner=2"),
        log("all of ?user_id__exact=2"),
        log("all of ?user_id__in=1%2C2"),
        log("m · 3", '[{"changed": {"name": "person", "object": "2", "fields": ["User id"]}}]'),
    ]
    others = [
        log("m · 22"),
        log("22"),
        log("all of ?owner=22"),
        log("all of ?user_id__in=1%2C22"),
        log("m2 · 3", '[{"added": {"name": "topic", "object": "2"}}]'),
    ]
    # A replica may lag.
    with override_settings(DATABASE_ROUTERS=["tests.routers.LogOnReplica", *settings.DATABASE_ROUTERS]):
        assert log_texts.count("2") == 6
        people.erase("2")
    for entry in about:
        entry.refresh_from_db()
        assert (entry.object_id, entry.object_repr, entry.change_message) == (None, "", "")
    for entry in others:
        before = entry.object_repr
        entry.refresh_from_db()
        assert entry.object_repr == before


def test_the_log_of_an_export_has_no_text_of_its_conditions() -> None:
    """An erasure would not find it: a topic or a value of metadata can be about anybody."""
    query = (
        "q=text%3Atea&owner=maya&topic=divorce+of+Zoe&topic=law&metadata=email%3Dzoe%40example.com"
        "&session_id=zoe%40example.com-1&agent_id=lawyer&updated_after=2026-01-01&memory__icontains=zoe"
    )
    request = RequestFactory().post(f"/?{query}", {"select_across": "1"})
    assert _selection(request) == (
        "all of ?owner=maya&q=...&topic=...&metadata=...&session_id=...&agent_id=lawyer"
        "&updated_after=2026-01-01&memory__icontains=..."
    )


@pytest.mark.parametrize("parameter", ["user_id", "owner", "user_id__exact", "user_id__in"])
@pytest.mark.parametrize(("owner", "is_short"), [("maya@example.com", True), ("é" * 25, True), ("é" * 32, False)])
def test_an_erasure_finds_the_person_of_an_export_with_a_long_query(owner: str, is_short: bool, parameter: str) -> None:
    """The person is in the log as a whole, or not at all."""
    person = urlencode({parameter: owner})
    lengths = (1, 160, 165, 200)
    for length in lengths:
        query = urlencode({"agent_id": "a" * length, parameter: owner, "o": "1"})
        request = RequestFactory().post(f"/?{query}", {"select_across": "1"})
        request.user = User.objects.get_or_create(username="staff")[0]
        name = log_export(request, _selection(request)).object_repr
        assert name == _selection(request)
        assert "o=1" in name
        assert (person in name, parameter in name) == (is_short, is_short)
    assert log_texts.count(owner) == len(lengths) * is_short


@pytest.mark.parametrize("alias", ["default", "postgres"])
@pytest.mark.parametrize(
    "write",
    [
        lambda alias: people.erase("maya", alias),
        lambda alias: people.erase_memories("maya", alias),
        lambda alias: people.reassign_memories("maya", "noah", alias),
        lambda alias: people.reassign("maya", "noah", alias),
    ],
    ids=["erase", "erase_memories", "reassign_memories", "reassign"],
)
def test_cached_facts_are_forgotten_when_the_write_is_committed(alias: str, write: Callable[[str], object]) -> None:
    def fact() -> CachedFact:
        return CachedFact("topics", UserMemory.objects.using(alias).all())

    fact().set(["maya@example.com"], 60)
    with transaction.atomic(using=alias):
        write(alias)
        assert fact().get() == ["maya@example.com"]
    assert fact().get() is None


@each_database
def test_a_person_is_named_as_anywhere(alias: str) -> None:
    user = User(pk=7, username="maya")
    persons: tuple[object, ...] = (7, "7", user)
    for person in persons:
        fill(alias, "7")
        assert people.count(person, alias) == FILLED
        assert people.erase(person, alias) == (FILLED, NOTHING)
        for memory_id in ("a", "b"):
            Memory(alias).add_user_memory(UserMemory(memory="x", memory_id=memory_id), "7")
        Memory(alias).delete_user_memory("b", "7")
        # To the same person: nothing moves, also no deleted memory.
        assert people.reassign_memories(person, person, alias) == (0, [])
        assert people.reassign_memories(person, 8, alias) == (1, [])
        assert people.reassign_memories(8, person, alias) == (1, [])
        assert [each.memory_id for each in Memory(alias).rows_to_write("7").deleted_page(9)] == ["b"]
        assert people.erase_memories(person, alias) == 1
        people.erase("7", alias)


def test_erased_memories_leave_the_rest_of_a_person() -> None:
    fill("default", "maya")
    fill("default", "noah")
    assert people.erase_memories("maya") == 1
    gone = {"memories": 0, "earlier versions": 0, "vectors": 0}
    assert (people.count("maya"), people.count("noah")) == (FILLED | gone, FILLED)


def test_an_erased_text_is_not_in_the_file_of_a_handle(tmp_path: Path) -> None:
    file = tmp_path / "memories.sqlite3"
    with handles_allowed():
        memory = Memory(SqliteMemoryDb(table_name="memories", db_file=file))
        memory.add_user_memory(UserMemory(memory="Secret" * 30), "maya")
        memory.clear_user_memories("maya")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"SecretSecret" not in file.read_bytes()


# Accounts


@pytest.mark.parametrize(("policy", "left"), [("keep", 1), ("erase", 0)])
def test_a_deleted_account_keeps_or_erases(policy: str, left: int) -> None:
    user = User.objects.create(username="maya")
    owner = str(user.pk)
    fill("default", owner)
    with override_settings(AGNO_MEMORY={"ON_USER_DELETE": policy}):
        user.delete()
    assert people.count(owner)["memories"] == people.count(owner)["sessions"] == left


@pytest.mark.parametrize("value", [None, "", " ", "a" * 300])
def test_an_account_without_a_valid_id_is_deleted_and_nothing_is_erased(value: str | None) -> None:
    fill("default", conf.DEFAULT_USER_ID)
    user = User.objects.create(username="maya")
    # As a field of the site's own users, which may be NULL.
    setattr(user, "email", value)  # noqa: B010
    with override_settings(AGNO_MEMORY={"ON_USER_DELETE": "erase", "USER_ID_FIELD": "email"}):
        user.delete()
    assert not User.objects.exists()
    assert people.count(None) == FILLED


@each_database
def test_a_deletion_that_is_rolled_back_erases_nothing(alias: str) -> None:
    user = User.objects.create(username="maya")
    owner = str(user.pk)
    fill(alias, owner)
    settings = {"ON_USER_DELETE": "erase", "DATABASE": alias}
    with override_settings(AGNO_MEMORY=settings, DATABASE_ROUTERS=["agno_memory.routers.MemoryRouter"]):
        with transaction.atomic():
            User.objects.filter(pk=owner).delete()
            transaction.set_rollback(True)
        assert people.count(owner, alias)["memories"] == 1
        User.objects.filter(pk=owner).delete()
    assert people.count(owner, alias) == NOTHING


@pytest.mark.parametrize("alias", ["default", "postgres"])
def test_an_account_in_another_database_erases_when_its_deletion_is_committed(alias: str) -> None:
    fill(alias, "7")
    settings = {"ON_USER_DELETE": "erase", "DATABASE": alias}
    with override_settings(AGNO_MEMORY=settings, DATABASE_ROUTERS=["agno_memory.routers.MemoryRouter"]):
        with transaction.atomic(using="postgres"):
            people.account_deleted(User(pk=7, username="maya"), using="postgres")
            # Before, if the memories are in the same database.
            assert people.count("7", alias)["memories"] == (alias == "default")
        assert people.count("7", alias) == NOTHING


def test_a_failed_erasure_leaves_the_others_of_its_transaction(caplog: pytest.LogCaptureFixture) -> None:
    """The accounts are gone, so the log has the command that erases the rest."""
    erase = people.erase
    failures = iter([OperationalError("The server is electing a primary."), ValueError("of a receiver")])

    def fail_twice(owner: str) -> people.Erasure:
        for error in failures:
            raise error
        return erase(owner)

    fill("default", "7")
    fill("default", "8")
    policy = override_settings(AGNO_MEMORY={"ON_USER_DELETE": "erase"})
    with policy, patch.object(people, "erase", fail_twice), transaction.atomic(using="postgres"):
        for number in (7, 9, 8):
            people.account_deleted(User(pk=number, username=f"user {number}"), using="postgres")
    assert people.count("8") == NOTHING
    assert people.count("7") != NOTHING
    record, of_django = caplog.records
    assert record.getMessage().endswith("Run: manage.py erase_user 7")
    assert of_django.name.startswith("django.")


# Commands


def test_erase_user_counts_asks_and_reports() -> None:
    fill("default", "maya")
    with patch("builtins.input", return_value="no"), pytest.raises(CommandError, match="Nothing was erased"):
        call_command("erase_user", "maya", stdout=StringIO())
    assert people.count("maya")["memories"] == 1
    out = StringIO()
    call_command("erase_user", "maya", "--no-input", stdout=out)
    assert (
        "Erased 1 memories, 1 earlier versions, 1 vectors, 2 runs, 1 sessions, 3 spans, 2 traces, 1 metrics, "
        "4 records, 0 log texts.\n"
        "A second count found nothing." in out.getvalue()
    )


LOCMEM = "django.core.cache.backends.locmem.LocMemCache"


@pytest.mark.parametrize(
    ("backend", "is_local"),
    [
        (LOCMEM, True),
        ("django.core.cache.backends.dummy.DummyCache", False),
        ("django.core.cache.backends.filebased.FileBasedCache", False),
    ],
)
def test_erase_user_warns_of_a_cache_that_it_does_not_reach(backend: str, is_local: bool, tmp_path: Path) -> None:
    out, errors = StringIO(), StringIO()
    with override_settings(CACHES={"default": {"BACKEND": backend, "LOCATION": str(tmp_path)}}):
        call_command("erase_user", "maya", "--no-input", stdout=out, stderr=errors)
    assert "A second count found nothing." in out.getvalue()
    warnings = errors.getvalue().splitlines()
    assert ["LocMemCache" in line and "restart the servers" in line for line in warnings] == [True] * is_local


def test_a_cache_of_one_process_keeps_names_for_minutes(tmp_path: Path) -> None:
    file_based = {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(tmp_path)}
    for caches, seconds in (({"BACKEND": LOCMEM}, KEEP_LOCAL_SECONDS), (file_based, KEEP_SECONDS)):
        with override_settings(CACHES={"default": caches}), patch.object(cache, "set", wraps=cache.set) as written:
            SnapshotCache(UserMemory.objects.all()).refresh()
            assert seconds in [call.args[2] for call in written.call_args_list if len(call.args) > 2]


@each_database
def test_an_erasure_counts_the_person_again(alias: str) -> None:
    fill(alias, "maya")
    without_effect = [replace(holding, erase=lambda person: None) for holding in people.HOLDINGS]
    with patch.object(people, "HOLDINGS", without_effect):
        erasure = people.erase("maya", alias)
    assert erasure == (FILLED, FILLED)
    assert not erasure.is_complete


def test_erase_user_fails_if_something_is_left() -> None:
    left = people.Erasure(NOTHING, NOTHING | {"memories": 1})
    with patch.object(people, "erase", return_value=left), pytest.raises(CommandError, match="A second count found 1"):
        call_command("erase_user", "maya", "--no-input", stdout=StringIO())


# A renamed or merged account

# Vectors are computed again, for the new owner.
MOVED = {name: number for name, number in FILLED.items() if name != "vectors"}
# The history has an entry about the new owner.
GIVEN = FILLED | {"earlier versions": 2, "vectors": 0}


@each_database
def test_reassign_gives_everything_about_a_person_and_leaves_nothing(alias: str) -> None:
    fill(alias, "old")
    fill(alias, "other")
    log("m · old")
    others = rows_about("other", alias)
    session = AgentSession.objects.using(alias).get(user_id="old")
    metric = AgentMetrics(alias).rows_to_write("old").get()
    result = people.reassign("old", "new", alias)
    assert result == (MOVED | {"log texts": 1}, NOTHING, {})
    assert not any(rows_about("old", alias).values())
    assert people.count("new", alias) == GIVEN | {"log texts": 1}
    assert rows_about("other", alias) == others
    # The times of a conversation stay, and another writer sees that it has changed.
    after = AgentSession.objects.using(alias).get(user_id="new")
    assert (after.session_id, after.created_at, after.updated_at) == ("of old", session.created_at, session.updated_at)
    assert after.version == session.version + 1
    assert [run.run_id for run in AgentSessions(alias).get_runs("of old", "new")] == ["r1", "r2"]
    assert AgentMetrics(alias).rows_to_write("new").get().data == metric.data
    assert people.erase("new", alias).is_complete
    assert rows_about("other", alias) == others


@each_database
def test_a_merge_keeps_what_the_new_owner_has(alias: str) -> None:
    for owner in ("old", "new"):
        fill(alias, owner)
        for session_id in ("a", "b"):
            AgentSessions(alias).upsert_session(AgentSession(session_id=f"{session_id} of {owner}"), owner)
        AgentMetrics(alias).calculate()
    stays = NOTHING | {"memories": 1, "earlier versions": 1, "vectors": 1}
    with override_settings(AGNO_MEMORY={"BATCH_SIZE": 1}):
        moved, left, conflicts = people.reassign("old", "new", alias)
    assert (left, conflicts) == (stays, {"memories": ["m"]})
    assert moved == MOVED | {"memories": 0, "earlier versions": 0, "sessions": 3}
    both = {name: 2 * number for name, number in FILLED.items()}
    kept = {"memories": 1, "earlier versions": 1, "vectors": 1, "metrics": 1}
    assert people.count("new", alias) == both | {"sessions": 6} | kept
    assert AgentMetrics(alias).rows_to_write("new").get().data["agent_sessions_count"] == 6
    # The numbers are those that a count finds.
    before = AgentMetrics(alias).rows_to_write("new").get().data
    AgentMetrics(alias).calculate()
    assert AgentMetrics(alias).rows_to_write("new").get().data == before


def documents(owner: str, number: int) -> list[AgentRecord]:
    """Return a learning and a token with the person in their ids, a schedule with its run, and a document of a site."""
    profile = {"learning_id": f"user_profile_{owner}", "learning_type": "user_profile", "user_id": owner}
    token = {"provider": "mail", "user_id": owner, "service": "read", "token_data": number}
    schedule = {"id": f"daily {number}", "name": "daily", "user_id": owner, "enabled": True, "endpoint": "/"}
    return [
        LEARNING.record(profile | {"content": {"user_id": owner, "name": number}}),
        AUTH_TOKEN.record(token),
        SCHEDULE.record(schedule),
        SCHEDULE_RUN.record({"id": f"run {number}", "schedule_id": f"daily {number}"}, owner),
        AgentRecord(kind="own", record_id=f"own {number}", user_id=owner, data={"user_id": "else"}),
    ]


@each_database
def test_documents_with_the_person_in_their_id_or_name_get_another_one(alias: str) -> None:
    def add(owner: str, number: int) -> None:
        for record in documents(owner, number):
            AgentRecords(record.kind, alias).add_record(record)

    def stored(owner: str) -> dict[str, Any]:
        rows = AgentRecords(None, alias).rows_to_write(owner)
        return {each.key: (each.kind, each.record_id, each.unique_key, each.data) for each in rows}

    add("new", 1)
    expected = stored("new")
    people.erase("new", alias)
    add("old", 1)
    with patch("agno_memory.agent_record_moves.SIZE", 2):
        assert people.reassign("old", "new", alias).left == NOTHING
        assert stored("new") == expected
        # The next account with the name before has its own documents. Those that the new owner has too stay, with their
        # parts.
        add("old", 2)
        _moved, left, conflicts = people.reassign("old", "new", alias)
    assert left == NOTHING | {"records": 4}
    assert {"daily 2", "run 2", "user_profile_old"} < set(conflicts["records"])
    assert sorted(each[0] for each in stored("old").values()) == ["auth_token", "learning", "schedule", "schedule_run"]
    own = AgentRecords("own", alias)
    assert stored("new") == expected | {own.key_of("own 2"): ("own", "own 2", None, {"user_id": "else"})}


@each_database
def test_a_session_that_is_written_meanwhile_is_given_or_refused_as_a_whole(alias: str) -> None:
    fill(alias, "old")
    sessions = AgentSessions(alias)
    before = sessions.get_session("of old", "old")
    assert before is not None
    people.reassign("old", "new", alias)
    # A run of the person that ends afterwards, and a write of the session as it was.
    with pytest.raises(SessionNotFound):
        sessions.upsert_run("of old", AgentRun(run_id="r3", run_type="agent", data={"said": "r3"}), "old")
    with pytest.raises(SessionExists):
        sessions.upsert_session(before, "old")
    AgentTraces(alias).save_trace(trace("of old"), "old")
    assert people.count("old", alias) == NOTHING
    assert people.count("new", alias) == GIVEN


@each_database
def test_a_reassignment_that_is_interrupted_can_be_repeated(alias: str) -> None:
    fill(alias, "old")
    for number in range(3):
        AgentSessions(alias).upsert_session(AgentSession(session_id=str(number)), "old")
    calls = []

    def fail(*args: Any) -> list[str]:
        calls.append(args)
        if len(calls) == 3:
            raise ZeroDivisionError
        return give_records(*args)

    one_by_one = override_settings(AGNO_MEMORY={"BATCH_SIZE": 1})
    failing = patch("agno_memory.agent_session_changes.give_records", fail)
    with one_by_one, failing, pytest.raises(ZeroDivisionError):
        people.reassign("old", "new", alias)
    left = people.count("old", alias)["sessions"]
    # A batch is all or nothing where the database has transactions.
    assert left == (2 if has_transactions(connections[alias]) else 1)
    assert people.reassign("old", "new", alias).moved["sessions"] == left
    assert not any(rows_about("old", alias).values())
    assert people.count("new", alias) == GIVEN | {"sessions": 4}


def test_the_log_names_the_new_owner() -> None:
    owner, encoded = "new@example.com", "new%40example.com"
    about = {
        "m · 2": f"m · {owner}",
        "2": owner,
        "all of ?agent=chef&owner=2&q=...": f"all of ?agent=chef&owner={encoded}&q=...",
        "all of ?user_id__exact=2": f"all of ?user_id__exact={encoded}",
        "all of ?user_id__in=1%2C2&...": f"all of ?user_id__in=1%2C{encoded}&...",
        # As long as a name may be.
        f"all of ?owner=2&a={'b' * 20}&c={'d' * 150}&...": f"all of ?owner={encoded}&a={'b' * 20}&...",
        f"all of ?owner=2&a={'b' * 20}&c={'d' * 154}": f"all of ?owner={encoded}&a={'b' * 20}&...",
    }
    moved = '[{"changed": {"name": "person", "object": "%s", "fields": ["User id"]}}]'
    entries = {log(name): expected for name, expected in about.items()}
    message, other = log("m · 3", moved % 2), log("m · 22", moved % 22)
    assert log_texts.rename("2", owner) == len(entries) + 1
    for entry, expected in entries.items():
        entry.refresh_from_db()
        assert entry.object_repr == expected
    message.refresh_from_db()
    assert (message.object_repr, message.change_message) == ("m · 3", moved % owner)
    other.refresh_from_db()
    assert (other.object_repr, other.change_message) == ("m · 22", moved % 22)
    assert (log_texts.count("2"), log_texts.count(owner)) == (0, len(entries) + 1)


@each_database
def test_the_log_leads_to_a_memory_that_was_reassigned(alias: str) -> None:
    memories = [Memory(alias).add_user_memory(UserMemory(memory="x", memory_id=each), "old") for each in ("a", "b")]
    entries = [log(f"{each.memory_id} · old") for each in memories]
    for entry, memory in zip(entries, memories, strict=True):
        LogEntry.objects.filter(pk=entry.pk).update(object_id=memory.key)
    Memory(alias).add_user_memory(UserMemory(memory="y", memory_id="b"), "new")
    people.reassign("old", "new", alias)
    keys = {each.memory_id: each.key for each in Memory(alias).get_user_memories("new")}
    for entry in entries:
        entry.refresh_from_db()
    # The memory "b" stays.
    assert [entry.object_id for entry in entries] == [keys["a"], memories[1].key]


@each_database
def test_documents_are_given_though_a_call_was_killed_and_another_one_writes_them(alias: str) -> None:
    AgentRecords("learning", alias).add_record(documents("old", 1)[0])
    # As after a kill between the addition and the deletion, without transactions.
    AgentRecords("learning", alias).add_record(documents("new", 1)[0])
    AgentRecords("own", alias).add_record(documents("old", 1)[4])
    writes: list[AgentRecord] = []

    def copy_for(record: AgentRecord, owner: str | None) -> AgentRecord:
        if record.kind == "own" and not writes:
            writes.append(
                AgentRecords("own", alias).replace_record(
                    AgentRecord(record_id=record.record_id, user_id="old", data={"written": "meanwhile"}), "old"
                )
            )
        return _copy_for(record, owner)

    with patch("agno_memory.agent_record_moves._copy_for", copy_for):
        assert AgentRecords(None, alias).reassign_user_records("old", "new") == []
    assert len(writes) == 1
    assert not AgentRecords(None, alias).rows_to_write("old").exists()
    found = {each.kind: each.data for each in AgentRecords(None, alias).rows_to_write("new")}
    # Here the other call is in the transaction of the attempt, so it is undone with it.
    own = {"user_id": "else"} if has_transactions(connections[alias]) else {"written": "meanwhile"}
    assert found == {"learning": documents("new", 1)[0].data, "own": own}


@each_database
def test_reassign_memories_moves_all_but_conflicts(alias: str) -> None:
    memory = Memory(alias)
    for memory_id in ("a", "b"):
        memory.add_user_memory(UserMemory(memory="Likes tea", memory_id=memory_id), "old name")
    memory.add_user_memory(UserMemory(memory="Other", memory_id="b"), "new")
    # A memory that had the id before goes with it.
    memory.delete_user_memory("a", "old name")
    memory.add_user_memory(UserMemory(memory="Likes coffee", memory_id="a"), "old name")
    out = StringIO()
    with pytest.raises(CommandError) as error:
        call_command("reassign_memories", "old name", "new", database=alias, stdout=out)
    assert (error.value.returncode, str(error.value)) == (
        3,
        "These stay with 'old name', and the next account with this id has them: 1 memories. 'new' has other memories "
        f"with their ids, such as 'b'. `manage.py erase_user 'old name' --database {alias}` erases them.",
    )
    assert out.getvalue() == "1 memories, 1 earlier versions were moved from 'old name' to 'new'.\n"
    assert [each.memory_id for each in memory.get_user_memories("old name")] == ["b"]
    assert memory.rows_to_write("new").revisions().filter(user_id="new", memory="Likes tea").exists()


def test_objects_that_are_written_meanwhile_are_left_and_were_not_moved() -> None:
    written = NOTHING | {"memories": 1}
    with patch.object(people, "count", side_effect=[NOTHING, written]):
        assert people.reassign("old", "new") == (dict.fromkeys(MOVED, 0), written, {})


@each_database
def test_reassign_memories_prints_all_that_it_moved(alias: str) -> None:
    fill(alias, "old name")
    out = StringIO()
    call_command("reassign_memories", "old name", "new", database=alias, stdout=out)
    moved = listed({name: number for name, number in MOVED.items() if number})
    assert out.getvalue() == f"{moved} were moved from 'old name' to 'new'.\n"
    for source, target in (("old name", "new"), ("new", "new")):
        out = StringIO()
        call_command("reassign_memories", source, target, database=alias, stdout=out)
        assert out.getvalue() == f"0 memories were moved from {source!r} to {target!r}.\n"
    assert people.count("new", alias) == GIVEN


def test_the_documents_name_each_kind_in_an_answer() -> None:
    def kinds(document: str, pattern: str) -> list[str]:
        [answer] = re.findall(pattern, (DOCS / document).read_text(), re.DOTALL)
        return re.findall(r'"([\w ]+)":', answer)

    # As in the answers of the REST API.
    names = [name.replace(" ", "_") for name in NOTHING]
    assert kinds("people.md", r"\nerasure\.erased\n(.*?)\nerasure") == list(NOTHING)
    assert kinds("rest.md", r'\n\{"erased":\{(.*?)\}') == names == list(ERASED)


@pytest.mark.parametrize("command", [("erase_user", " "), ("reassign_memories", "old", " ")])
def test_a_blank_user_is_an_error(command: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        call_command(*command, stdout=StringIO())
