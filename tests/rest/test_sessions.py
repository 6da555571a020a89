"""Sessions over HTTP: one's own and, with permissions, those of others, on every database."""

from __future__ import annotations

import datetime
import json
from typing import Any

from django.db import connections
from django.test.utils import CaptureQueriesContext

from agno_memory import people
from agno_memory.agent_sessions import ANYONE, AgentSessions
from agno_memory.models import AgentRun, AgentSession, UserMemory
from agno_memory.rest.pagination import encoded
from agno_memory.stats.cache import CachedFact
from tests.rest.api import Caller, add, caller, each_database_commits

RUN = {
    "messages": [
        {"role": "system", "content": "You are a secret agent."},
        {"role": "user", "content": "Größe?"},
        {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "look_up", "arguments": "{}"}}]},
        {"role": "tool", "content": "found", "tool_name": "look_up"},
    ]
}


def save(session_id: str, user_id: str = "ana", runs: int = 0, **values: Any) -> None:
    given = {"name": f"About {session_id}", "session_data": {"secret": 1}, "agent_id": "chef", **values}
    AgentSessions().upsert_session(AgentSession(session_id=session_id, **given), user_id)
    for number in range(runs):
        AgentSessions().upsert_run(session_id, AgentRun(run_id=f"r{number}", run_type="agent", data=RUN), user_id)


def at(day: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(f"{day}T00:00:00+00:00")


def get(caller: Caller, path: str, **query: Any) -> Any:
    response = caller.call("GET", path, **query)
    assert response.status_code == 200, response.content
    return response.json()


@each_database_commits
def test_ones_own_sessions(alias: str, ana: Caller) -> None:
    save("s/1", runs=1)
    save("noah's", "noah", runs=1)
    listed = get(ana, "sessions/")
    assert [session["session_id"] for session in listed["results"]] == ["s/1"]
    one = get(ana, "sessions/s%2F1/")
    assert one == listed["results"][0]
    assert (one["name"], one["agent_id"], one["session_type"]) == ("About s/1", "chef", "agent")
    (run,) = get(ana, "sessions/s%2F1/runs/")["results"]
    assert run["messages"] == [
        {"role": "user", "text": "Größe?", "calls": [], "tool": ""},
        {"role": "assistant", "text": "", "calls": [{"name": "look_up", "arguments": "{}"}], "tool": ""},
        {"role": "tool", "text": "found", "calls": [], "tool": "look_up"},
    ]
    renamed = ana.call("PATCH", "sessions/s%2F1/", {"name": "Another"})
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Another")
    for body in ({"name": " "}, {"name": 5}, {}, {"name": "x", "user_id": "noah"}, {"name": "x" * 2_000}):
        assert ana.call("PATCH", "sessions/s%2F1/", body).status_code == 400
    assert ana.call("DELETE", "sessions/s%2F1/").status_code == 204
    assert [session.session_id for session in AgentSessions().rows(ANYONE)] == ["noah's"]


@each_database_commits
def test_a_session_of_another_user_is_not_found(alias: str, ana: Caller, admin: Caller) -> None:
    save("s", "noah", runs=1)
    for who in (ana, admin):
        for session_id in ("s", "none", "%00"):
            assert who.call("GET", f"sessions/{session_id}/").status_code == 404
            assert who.call("GET", f"sessions/{session_id}/runs/").status_code == 404
            assert who.call("PATCH", f"sessions/{session_id}/", {"name": "x"}).status_code == 404
            assert who.call("DELETE", f"sessions/{session_id}/").status_code == 404
        assert get(who, "sessions/")["results"] == []
    assert ana.call("GET", "sessions/?user_id=noah").status_code == 403
    assert Caller().call("GET", "sessions/").status_code in (401, 403)
    assert AgentSessions().get_runs("s", "noah").count() == 1


@each_database_commits
def test_staff_read_and_delete_the_sessions_of_others_with_the_permissions_of_sessions(alias: str) -> None:
    save("s", "noah", runs=1)
    save("kept", "noah", runs=1)
    of_memories = caller("of memories", "view", "change", "delete")
    reader, deleter = caller("reader", "view_agentsession"), caller("deleter", "delete_agentsession")
    for path in ("sessions/?user_id=noah", "sessions/s/?user_id=noah", "sessions/s/runs/?user_id=noah"):
        assert [who.call("GET", path).status_code for who in (of_memories, deleter, reader)] == [403, 403, 200]
    assert [session["session_id"] for session in get(reader, "sessions/?user_id=noah")["results"]] == ["kept", "s"]
    for who, status in ((of_memories, 403), (reader, 403), (deleter, 204), (deleter, 404)):
        assert who.call("DELETE", "sessions/s/?user_id=noah").status_code == status
    assert [session.session_id for session in AgentSessions().rows(ANYONE)] == ["kept"]


@each_database_commits
def test_sessions_are_exported_with_the_messages_that_people_see(alias: str, ana: Caller) -> None:
    save("second", runs=2)
    save("first")
    save("noah's", "noah", runs=1)
    AgentSession.objects.filter(session_id="first").update(created_at=at("2026-01-01"))
    for accept in ("application/x-ndjson", "*/*"):
        response: Any = ana.call("GET", "sessions/export/", headers={"Accept": accept})
        assert (response.status_code, response["Content-Type"]) == (200, "application/x-ndjson; charset=utf-8")
        assert response["Content-Disposition"] == 'attachment; filename="sessions.ndjson"'
        assert response["Cache-Control"] == "private, no-store"
        first, second = map(json.loads, b"".join(response).decode().splitlines())
    assert (first["session_id"], first["runs"], second["session_id"]) == ("first", [], "second")
    assert (second["user_id"], second["name"]) == ("ana", "About second")
    runs = get(ana, "sessions/second/runs/")["results"]
    assert [(run["run_id"], run["messages"]) for run in second["runs"]] == [
        (run["run_id"], run["messages"]) for run in runs
    ]
    # An export of others takes the permission of exports beside that to view.
    for names in (["view_agentsession"], ["export"], ["view", "export"]):
        assert caller("-".join(names), *names).call("GET", "sessions/export/?user_id=noah").status_code == 403
    both = caller("both", "view_agentsession", "export")
    assert b"noah's" in b"".join(both.call("GET", "sessions/export/?user_id=noah"))
    refused = ana.call("GET", "sessions/export/?topic=x")
    assert (refused.status_code, refused["Content-Type"]) == (400, "application/json")


@each_database_commits
def test_erasing_a_person_counts_each_kind_and_needs_both_permissions(alias: str) -> None:
    save("s", "noah", runs=2)
    save("ana's", "ana", runs=1)
    add("noah")
    cached = CachedFact("topics", UserMemory.objects.all())
    cached.set(["noah"], 60)
    for who in (caller("m", "delete"), caller("s", "delete_agentsession"), caller("v", "view", "view_agentsession")):
        assert who.call("DELETE", "users/noah/?confirm=noah").status_code == 403
        assert who.call("DELETE", "users/noah/").status_code == 403
        assert who.call("GET", "users/noah/").status_code == 403
    both = caller("both", "delete", "delete_agentsession")
    nothing = {holding.name.replace(" ", "_"): 0 for holding in people.HOLDINGS}
    erased = nothing | {"memories": 1, "runs": 2, "sessions": 1}
    # Before the erasure, by GET and by each request without the confirmation.
    assert both.call("GET", "users/noah/").json() == {"user_id": "noah", "counts": erased}
    assert both.call("GET", "users/nobody/").json() == {"user_id": "nobody", "counts": nothing}
    for query in ("", "?confirm=ana"):
        refused = both.call("DELETE", f"users/noah/{query}")
        assert refused.status_code == 400
        message, numbers = refused.json()["confirm"]
        assert "erases everything about noah" in message
        assert numbers == (
            "Memories: 1, Earlier versions and deleted memories: 0, Vectors of texts: 0, Turns of conversations: 2, "
            "Conversations: 1, Steps of traces: 0, Traces: 0, Numbers of use: 0, Documents of agents: 0, "
            "Texts in the log: 0"
        )
    refused = both.call("DELETE", "users/noah/memories/")
    numbers = "Memories: 1, Earlier versions and deleted memories: 0, Vectors of texts: 0"
    assert (refused.status_code, refused.json()["confirm"][1]) == (400, numbers)
    response = both.call("DELETE", "users/noah/?confirm=noah")
    assert response.json() == {"erased": erased, "left": nothing}
    assert CachedFact("topics", UserMemory.objects.all()).get() is None
    assert not UserMemory.objects.exists()
    assert [session.user_id for session in AgentSessions().rows(ANYONE)] == ["ana"]


@each_database_commits
def test_erasing_memories_keeps_sessions_and_no_cached_names(alias: str, ana: Caller) -> None:
    save("s", "ana")
    add("ana")
    # Nobody needs a permission to count what is about themselves.
    assert {"memories": 1, "sessions": 1}.items() <= ana.call("GET", "users/me/").json()["counts"].items()
    CachedFact("people", UserMemory.objects.all()).set(["ana"], 60)
    assert ana.call("DELETE", "users/me/memories/?confirm=ana").json() == {"deleted": 1}
    assert CachedFact("people", UserMemory.objects.all()).get() is None
    assert AgentSessions().rows("ana").exists()


@each_database_commits
def test_exporting_memories_of_others_takes_a_permission_of_its_own(alias: str, ana: Caller) -> None:
    add("noah", "Likes tea")
    viewer, exporter = caller("viewer", "view"), caller("exporter", "export")
    assert viewer.call("GET", "memories/?user_id=noah").status_code == 200
    assert viewer.call("GET", "memories/export/?user_id=noah").status_code == 403
    assert b"Likes tea" in b"".join(exporter.call("GET", "memories/export/?user_id=noah"))
    assert ana.call("GET", "memories/export/").status_code == 200


@each_database_commits
def test_pages_cost_the_same_wherever_they_begin(alias: str, ana: Caller) -> None:
    for number in range(5):
        save(f"s{number}", runs=5 if number == 0 else 0)
    # Two at the same moment.
    moment = AgentSession.objects.get(session_id="s2").updated_at
    AgentSession.objects.filter(session_id="s3").update(updated_at=moment)
    for path, key, expected in (
        ("sessions/", "session_id", ["s4", "s3", "s2", "s1", "s0"]),
        ("sessions/s0/runs/", "run_id", ["r0", "r1", "r2", "r3", "r4"]),
    ):
        found, costs, url = [], set(), f"{path}?page_size=2"
        while url:
            with CaptureQueriesContext(connections[alias]) as queries:
                page = ana.call("GET", url).json()
            costs.add(len(queries))
            found += [row[key] for row in page["results"]]
            url = (page["next"] or "").partition("/api/")[2]
        assert found == expected
        assert len(costs) == 1
        for cursor in ("x", encoded("run_index", "f", "-1.a"), encoded("user_id", "f", "0.maya")):
            assert ana.call("GET", f"{path}?cursor={cursor}").status_code == 400
    # Indexes of runs are integers of 32 bits.
    for index, status in {0: 200, 2**31 - 1: 200, 2**31: 400}.items():
        cursor = encoded("run_index", "f", f"{index}.a")
        assert ana.call("GET", f"sessions/s0/runs/?cursor={cursor}").status_code == status
