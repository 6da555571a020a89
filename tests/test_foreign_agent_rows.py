"""Rows of agents (sessions, runs, traces, spans, documents, metrics) that another program wrote: nothing fails.

Beside test_foreign_rows.py, it covers db/damaged.py, readable_models.py, and the readers of agents' JSON.
"""

from __future__ import annotations

import datetime
import json
from itertools import islice
from typing import Any

import pytest
from django.db import DatabaseError, connections
from django.db.models import Model
from django.test import Client

from agno_memory import people
from agno_memory.admin import agent_pages, sessions, traces
from agno_memory.admin.urls import page_url
from agno_memory.agent_metrics import AgentMetrics
from agno_memory.agent_records import AgentRecords
from agno_memory.agent_sessions import AgentSessions
from agno_memory.agent_traces import AgentTraces
from agno_memory.db.damaged import damaged_fields
from agno_memory.models import AgentMetric, AgentRecord, AgentRun, AgentSession, AgentSpan, AgentTrace
from agno_memory.test.helpers import with_settings
from agno_memory.times import EPOCH
from agno_memory.transfer.copiers import COPIERS
from tests.admin import page, staff
from tests.databases import RUNNING, attempt, commits
from tests.foreign import BEGUN, MODELS, add_foreign, add_sound
from tests.test_admin_person import person

pytestmark = commits

PAGES: dict[type[Model], str] = {
    AgentSession: "/admin/agno_memory/agentsession/",
    AgentTrace: "/admin/agno_memory/agenttrace/",
    AgentRecord: "/admin/agno_memory/agentrecord/",
}
# A standalone MongoDB reads as a replica set does.
each_kind = pytest.mark.parametrize("alias", [alias for alias in RUNNING if alias != "standalone"])


def failures(client: Client, urls: list[str]) -> dict[str, Any]:
    """Return the URLs that fail, with the errors or the statuses."""
    outcomes = {url: attempt(lambda url=url: _status(client, url)) for url in urls}  # type: ignore[misc]
    return {url: outcome for url, outcome in outcomes.items() if outcome != 200}


def _status(client: Client, url: str) -> int:
    response = client.get(url)
    return int(response.status_code) if b"".join(response) else 0


@each_kind
def test_no_door_fails(alias: str, site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_pages.AgentPages, "list_per_page", 1_000)
    monkeypatch.setattr(sessions, "RUNS_PER_PAGE", 1_000)
    monkeypatch.setattr(traces, "STEPS_SHOWN", 1_000)
    add_sound(alias, "maya", "m")
    add_sound(alias, "zoe", "z")
    numbers = add_foreign(alias, "maya", "m")
    client = staff()
    for model, url in PAGES.items():
        content = page(client, url)
        assert "zoe" in content
        rows = list(model._default_manager.all())
        assert len(rows) > numbers[model] + 2
        changes = [page_url(model, "change", row.pk, site=None) for row in rows]
        changes += [page_url(model, "history", row.pk, site=None) for row in rows[:3]]
        assert failures(client, changes) == {}
        is_damaged = any(row.damaged_fields for row in rows)  # type: ignore[attr-defined]
        assert ("am-damaged" in content) == is_damaged
    # The sound runs beside them.
    assert "Tea?" in page(client, page_url(AgentSession, "change", "m", site=None))
    urls = [person("maya"), person("zoe"), "/api/sessions/?user_id=zoe", "/api/sessions/z/?user_id=zoe"]
    urls += ["/api/sessions/m/?user_id=maya", "/api/sessions/z/runs/?user_id=zoe"]
    assert failures(client, urls) == {}
    for url, model in (("/api/sessions/", AgentSession), ("/api/sessions/m/runs/", AgentRun)):
        assert read_pages(client, f"{url}?user_id=maya&page_size=25") <= numbers[model] + 1
    response = client.post(person("maya") + "export/", {"format": "conversations"})
    lines = b"".join(response).decode().splitlines()
    exported = {each["session_id"]: each for each in map(json.loads, lines)}
    assert {each["user_id"] for each in exported.values()} == {"maya"}
    assert "Tea?" in {message["text"] for run in exported["m"]["runs"] for message in run["messages"]}
    assert AgentMetrics(alias).calculate() is not None


def read_pages(client: Client, url: str) -> int:
    """Return the number of the results on all pages of a list."""
    number = 0
    for _page in range(50):
        response = client.get(url).json()
        number += len(response["results"])
        if response["next"] is None:
            return number
        url = response["next"]
    raise AssertionError("the list has no end")


VERSIONED = (AgentSession, AgentTrace, AgentRecord)
UNREAD_TIMES = {"default": "2036-11-20T10:00:00", "postgres": "infinity"}


@pytest.mark.parametrize("alias", [alias for alias in RUNNING if alias in UNREAD_TIMES])
def test_pages_of_sessions_end_beside_a_time_that_no_datetime_is(alias: str, site: str) -> None:
    for name in ("a", "b", "c"):
        AgentSessions(alias).upsert_session(AgentSession(session_id=name), "maya")
    with connections[alias].cursor() as cursor:
        times = [UNREAD_TIMES[alias]] * 2
        cursor.execute(
            "UPDATE agno_memory_agentsession SET created_at = %s, updated_at = %s WHERE session_id = 'b'", times
        )
    with with_settings(BATCH_SIZE=1):
        assert [row.session_id for row in islice(AgentSession.objects.all().walk(), 10)] == ["a", "c", "b"]
    assert read_pages(staff(), "/api/sessions/?user_id=maya&page_size=1") == 3


mongodb_only = pytest.mark.parametrize("alias", [alias for alias in RUNNING if alias == "mongodb"])


def collection(alias: str, model: type[Model]) -> Any:
    return connections[alias].get_collection(model._meta.db_table)  # type: ignore[attr-defined]


@mongodb_only
def test_sessions_without_an_id_of_text_are_read_and_deleted_by_staff(alias: str, site: str) -> None:
    from bson import ObjectId

    add_sound(alias, "zoe", "z")
    table, runs = collection(alias, AgentSession), collection(alias, AgentRun)
    object_id = ObjectId()
    # A unique index allows one without an id.
    own_ids: list[dict[str, Any]] = [{}, {"session_id": object_id}, {"session_id": 5}]
    for own in own_ids:
        table.insert_one({"user_id": "maya", "session_type": "agent", **own})
    runs.insert_one({"session_id": object_id, "data": json.dumps({"content": "Found by its ObjectId"})})
    runs.insert_one({"data": "{}"})
    client = staff()
    listed = page(client, PAGES[AgentSession])
    assert failures(client, [person("maya")]) == {}
    for name in (str(object_id), "5", "(none)"):
        url = page_url(AgentSession, "change", name, site=None)
        assert url in listed
        content = page(client, url)
        assert ("Found by its ObjectId" in content) == (name == str(object_id))
        assert "Another program wrote this row." in content
        delete = page_url(AgentSession, "delete", name, site=None)
        assert client.get(delete).status_code == 200
        assert client.post(delete, {"post": "yes"}).status_code == 302
    assert [each["user_id"] for each in table.find()] == ["zoe"]
    assert runs.count_documents({}) == 2
    assert client.get(page_url(AgentSession, "change", "(none)", site=None)).status_code == 404
    assert client.get(page_url(AgentSession, "change", str(object_id), site=None)).status_code == 404


@mongodb_only
def test_rows_with_ids_of_other_types_are_erased_with_their_person(alias: str, site: str) -> None:
    from bson import ObjectId

    add_sound(alias, "zoe", "z")
    add_sound(alias, "maya", "m")
    add_foreign(alias, "maya", "m", names=False)
    strange: list[Any] = [ObjectId(), 5, {"x": 1}, BEGUN, True]
    for model, column in ((AgentSession, "session_id"), (AgentTrace, "trace_id")):
        for own in ({}, *({column: each} for each in strange)):
            collection(alias, model).insert_one({"user_id": "maya", **own})
    # Sessions have unique ids, so only one has none.
    collection(alias, AgentTrace).insert_one({"user_id": "zoe"})
    for each in strange[:2]:
        collection(alias, AgentRun).insert_one({"session_id": each, "data": "{}"})
        collection(alias, AgentSpan).insert_one({"trace_id": each, "span_id": "s"})
    collection(alias, AgentSpan).insert_one({"user_id": "maya", "span_id": "s"})
    # Runs and spans of no session and no trace belong to no person.
    collection(alias, AgentRun).insert_one({"data": "{}"})
    collection(alias, AgentSpan).insert_one({"span_id": "s"})
    before = people.count("zoe", alias)
    erasure = people.erase("maya", alias)
    assert erasure.is_complete, erasure.left
    assert people.count("zoe", alias) == before
    left = {model: collection(alias, model).count_documents({}) for model in MODELS}
    assert left == {AgentSession: 1, AgentRun: 2, AgentTrace: 2, AgentSpan: 2, AgentRecord: 1, AgentMetric: 1}


@mongodb_only
def test_a_save_leaves_what_it_cannot_read(alias: str, site: str) -> None:
    add_sound(alias, "maya", "m")
    table = collection(alias, AgentSession)
    damage = {"created_at": "soon", "agent_id": 5}
    table.update_one({"session_id": "m"}, {"$set": damage, "$unset": {"session_type": ""}})
    session = AgentSession.objects.using(alias).get(session_id="m")
    assert session.damaged_fields == ["session_type", "agent_id", "created_at"]
    assert (session.session_type, session.agent_id, session.created_at) == ("", "5", EPOCH)
    session.name = "Lunch"
    session.save()
    stored = table.find_one({"session_id": "m"})
    assert stored["name"] == "Lunch"
    assert {name: stored[name] for name in damage} == damage
    assert "session_type" not in stored
    session.agent_id = "cook"
    session.save(update_fields=["agent_id", "created_at"])
    stored = table.find_one({"session_id": "m"})
    assert (stored["agent_id"], stored["created_at"]) == ("cook", "soon")


@mongodb_only
def test_a_change_of_a_document_leaves_what_it_cannot_read(alias: str, site: str) -> None:
    add_sound(alias, "maya", "m")
    table = collection(alias, AgentRecord)
    table.update_one({"record_id": "m-l"}, {"$set": {"sort_number": "x", "due_at": "soon"}})

    def rename(record: AgentRecord) -> bool:
        record.name = "new"
        return True

    assert AgentRecords("learning", alias).change_record("m-l", rename, "maya") is not None
    stored = table.find_one({"record_id": "m-l"})
    assert (stored["name"], stored["sort_number"], stored["due_at"]) == ("new", "x", "soon")


@mongodb_only
def test_a_trace_is_merged_with_one_that_has_no_times(alias: str, site: str) -> None:
    add_sound(alias, "maya", "m")
    table = collection(alias, AgentTrace)
    table.update_one({"trace_id": "m"}, {"$set": {"start_time": "x"}, "$unset": {"end_time": ""}})
    new = AgentTrace(trace_id="m", name="Chef.run", status="OK", duration_ms=0, created_at=BEGUN)
    new.start_time, new.end_time = BEGUN, BEGUN + datetime.timedelta(seconds=2)
    merged = AgentTraces(alias).save_trace(new, "maya")
    assert (merged.start_time, merged.end_time, merged.duration_ms) == (BEGUN, new.end_time, 2_000)


@mongodb_only
def test_a_run_follows_those_with_a_number(alias: str, site: str) -> None:
    add_sound(alias, "maya", "m")
    collection(alias, AgentRun).insert_one({"session_id": "m", "run_index": "last", "data": "{}"})
    run = AgentSessions(alias).upsert_run(
        "m", AgentRun(run_id="new", run_type="agent", data={"content": "Yes"}), "maya"
    )
    assert run.run_index == 1


@pytest.mark.parametrize("version", ["x", None, {"a": 1}])
@mongodb_only
def test_rows_without_a_version_are_written_and_reassigned(alias: str, version: Any, site: str) -> None:
    add_sound(alias, "maya", "m")
    for model in VERSIONED:
        collection(alias, model).update_many({}, {"$set": {"version": version}})
    service, traces, records = AgentSessions(alias), AgentTraces(alias), AgentRecords("learning", alias)
    run = AgentRun(run_id="new", run_type="agent", data={"content": "Yes"})
    times = {"start_time": BEGUN, "end_time": BEGUN, "duration_ms": 1, "created_at": BEGUN}
    refusing = {
        "run": attempt(lambda: service.upsert_run("m", run, "maya")),
        "upsert": attempt(lambda: service.upsert_session(AgentSession(session_id="m"), "maya")),
    }
    # MongoDB itself does not count from another value.
    assert {name: type(each) for name, each in refusing.items()} == {"run": DatabaseError, "upsert": DatabaseError}
    outcomes = {
        "reassign": attempt(lambda: service.reassign_session("m", "maya", "zoe")),
        "trace": attempt(lambda: traces.save_trace(AgentTrace(trace_id="m", name="a", status="OK", **times), "maya")),
        "record": attempt(lambda: records.change_record("m-l", lambda record: True, "maya")),
    }
    assert {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, Exception)} == {}
    found = {model: collection(alias, model).distinct("version") for model in VERSIONED}
    assert found == {model: [2] for model in VERSIONED}
    assert service.upsert_run("m", run, "zoe").run_index == 1
    people.reassign("maya", "noah", alias)
    assert people.erase("zoe", alias).is_complete
    assert people.erase("noah", alias).is_complete


@mongodb_only
def test_a_copy_leaves_out_and_names_what_it_cannot_read(alias: str, site: str) -> None:
    add_sound(alias, "maya", "m")
    add_foreign(alias, "maya", "m")
    for kind in ("sessions", "traces", "records", "metrics"):
        for each in COPIERS[kind]:
            copier = each(alias, "default")
            damaged = [row for row in each.model._default_manager.using(alias) if damaged_fields(row)]
            list(copier.run())
            assert len(damaged) > 10
            assert len(copier.totals.conflicts) >= len(damaged)
            copied = each.model._default_manager.using("default")
            assert copied.count() == copier.totals.copied > 0
            assert not any(damaged_fields(row) for row in copied)
