"""The admin's pages of sessions on every database: list, search, conversation and permissions."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from agno_memory.admin import sessions as pages
from agno_memory.admin.agent_pages import MAX_LISTED
from agno_memory.admin.urls import quoted
from agno_memory.agent_sessions import AgentSessions
from agno_memory.models import AgentRun, AgentSession
from tests.admin import counted, page, staff
from tests.databases import commits, each_database

pytestmark = [commits]

LIST = "/admin/agno_memory/agentsession/"
RUN = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "old", "from_history": True},
        {"role": "user", "content": "Is <script>alert(1)</script> safe?"},
        {"role": "assistant", "tool_calls": [{"function": {"name": "look_up", "arguments": '{"a": "<b>"}'}}]},
        {"role": "tool", "tool_name": "look_up", "content": "found <i>"},
        {"role": "assistant", "content": "Größe 🎈"},
    ]
}


def save(session_id: str = "s", user_id: str = "maya", runs: int = 0, **values: Any) -> AgentSession:
    session = AgentSessions().upsert_session(AgentSession(session_id=session_id, agent_id="chef", **values), user_id)
    for number in range(runs):
        data = {"input": {"input_content": f"question {number};"}, "content": f"answer {number};"}
        AgentSessions().upsert_run(session_id, AgentRun(run_id=f"r{number}", run_type="agent", data=data), user_id)
    return session


def url(session_id: str = "s") -> str:
    return f"{LIST}{quoted(session_id)}/change/"


def listed(client: Client, **query: Any) -> list[str]:
    response = client.get(LIST, query)
    assert response.status_code == 200
    return [session.session_id for session in response.context["cl"].result_list]


@each_database
def test_a_session_is_a_conversation_with_its_tool_calls_folded(site: str) -> None:
    save(name="Dinner <b>", session_data={"secret": 1})
    AgentSessions().upsert_run("s", AgentRun(run_id="r", run_type="agent", status="COMPLETED", data=RUN), "maya")
    content = page(staff(), url())
    for there in ("Dinner &lt;b&gt;", "Is &lt;script&gt;", "Größe 🎈", "Turn 1", "COMPLETED", "found &lt;i&gt;"):
        assert there in content
    for missing in ("<script>alert", ">old<", "<b>", "<i>"):
        assert missing not in content
    assert content.count("<details") == 3
    assert "Calls the tool look_up" in content
    assert reverse("admin:agno_memory_usermemory_person", args=("maya",)) in content


@each_database
def test_a_long_conversation_comes_in_pages(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "RUNS_PER_PAGE", 3)
    save(runs=7)
    client = staff()
    latest = page(client, url())
    assert ("answer 6;" in latest, "answer 4;" in latest, "answer 3;" in latest) == (True, True, False)
    assert "?before=4" in latest
    older = page(client, url(), before="4")
    assert ("answer 3;" in older, "question 1;" in older, "answer 4;" in older) == (True, True, False)
    assert "?before" not in page(client, url(), before="1")
    assert "answer 6;" in page(client, url(), before="9" * 30)


@each_database
def test_sessions_are_found_by_id_owner_and_name(site: str) -> None:
    save("s1", name="Straße")
    save("s2", "noah", name="Dinner")
    save("s3", name="maya")
    client = staff()
    assert listed(client) == ["s3", "s2", "s1"]
    assert listed(client, q="s2") == ["s2"]
    assert listed(client, q="maya") == ["s3", "s1"]
    assert listed(client, q="STRASSE") == ["s1"]
    assert listed(client, q="nothing") == listed(client, q="x" * 2_000) == []
    assert listed(client, session_type__exact="team") == []


@each_database
def test_the_cost_does_not_grow(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    save(runs=1)
    client = staff()
    asked = [LIST, f"{LIST}?q=dinner", url()]
    before = [counted(client, each, {"default", site}) for each in asked]
    moment = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
    AgentSession.objects.bulk_create(
        AgentSession(session_id=f"old {number}", created_at=moment, updated_at=moment) for number in range(2_000)
    )
    session = AgentSession.objects.get(session_id="s")
    AgentRun.objects.bulk_create(
        AgentRun(session=session, run_id=f"more {number}", run_index=number, run_type="agent", data={})
        for number in range(1, 500)
    )
    assert [counted(client, each, {"default", site}) for each in asked] == before
    assert client.get(LIST).context["cl"].paginator.count == MAX_LISTED


@each_database
def test_pages_are_read_only_and_need_permission(site: str) -> None:
    save(name="Dinner", runs=1)
    viewer = staff("view", name="of memories")
    for client in (viewer, Client()):
        for address in (LIST, url()):
            assert client.get(address).status_code in (302, 403)
    User.objects.get(username="of memories").user_permissions.add(Permission.objects.get(codename="view_agentsession"))
    assert "answer 0;" in page(viewer, url())
    everything = staff(name="everything")
    assert everything.get(f"{LIST}add/").status_code == 403
    assert viewer.get(f"{LIST}s/delete/").status_code == 403
    everything.post(url(), {"name": "changed"})
    viewer.post(LIST, {"action": "delete_selected", "_selected_action": ["s"], "post": "yes"})
    assert AgentSession.objects.get().name == "Dinner"
    assert everything.get(url("none")).status_code == 404


@each_database
def test_staff_with_the_permission_delete_sessions_with_their_runs(site: str) -> None:
    for session_id in ("s1", "s2", "s3"):
        save(session_id, name="Dinner with <b>", runs=2)
    client = staff("view_agentsession", "delete_agentsession")
    assert f"{quoted('s1')}/delete/" in page(client, url("s1"))
    content = page(client, f"{LIST}s1/delete/")
    assert ("Dinner with &lt;b&gt;\u2069 · \u2068maya" in content, "Dinner with <b>" in content) == (True, False)
    deleted = client.post(f"{LIST}s1/delete/", {"post": "yes"})
    assert deleted.status_code == 302
    # The message waits in the session of the staff user.
    assert "Dinner" not in " ".join(str(each) for each in get_messages(deleted.wsgi_request))
    chosen = {"action": "delete_selected", "_selected_action": ["s2", "gone"]}
    assert "Dinner with &lt;b&gt;\u2069 · \u2068maya" in client.post(LIST, chosen).content.decode()
    writer = staff("delete_agentsession", name="deletes")
    content = page(writer, f"{LIST}s3/delete/")
    assert ("s3" in content, "Dinner" in content) == (True, False)
    assert client.post(LIST, {**chosen, "post": "yes"}).status_code == 302
    assert [session.session_id for session in AgentSession.objects.all()] == ["s3"]
    assert {run.session_id for run in AgentRun.objects.all()} == {"s3"}
    entries = LogEntry.objects.using("default").order_by("pk")
    assert [(entry.action_flag, entry.object_repr) for entry in entries] == [
        (DELETION, "s1 · maya"),
        (DELETION, "s2 · maya"),
    ]


@each_database
def test_sessions_that_a_subclass_hides_are_not_deleted(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    save("mine")
    save("theirs", "noah")
    client = staff()
    monkeypatch.setattr(
        pages.AgentSessionAdmin, "get_queryset", lambda self, request: AgentSession.objects.filter(user_id="maya")
    )
    client.post(LIST, {"action": "delete_selected", "_selected_action": ["mine", "theirs"], "post": "yes"})
    client.post(f"{LIST}theirs/delete/", {"post": "yes"})
    assert [session.session_id for session in AgentSession.objects.all()] == ["theirs"]


@each_database
def test_filters_by_person_component_and_date(site: str) -> None:
    save("s1")
    AgentSessions().upsert_session(AgentSession(session_id="s2", team_id="crew"), "noah")
    moment = datetime.datetime(2024, 3, 1, 5, 59, tzinfo=datetime.UTC)
    AgentSession.objects.bulk_create([AgentSession(session_id="s3", user_id="maya", updated_at=moment)])
    client = staff()
    assert listed(client, user_id="maya") == ["s1", "s3"]
    assert listed(client, component="chef") == ["s1"]
    assert listed(client, component="crew") == ["s2"]
    assert listed(client, user_id="noah", component="chef") == listed(client, component="nothing") == []
    # In Chicago, where the tests are.
    assert listed(client, updated="2024-02-29") == listed(client, updated_from="2024-02-29", updated_to="2024-03-01")
    assert listed(client, updated="2024-02") == ["s3"]
    assert listed(client, updated="today") == listed(client, updated="7d") == ["s2", "s1"]
    content = page(client, LIST)
    for there in ('href="?user_id=maya"', 'href="?component=crew"', 'name="updated_from"', 'href="?updated=7d"'):
        assert there in content
    assert client.get(LIST, {"updated": "x"}).status_code == 302


@each_database
def test_filters_suggest_people_and_components(site: str) -> None:
    save("s1")
    AgentSessions().upsert_session(AgentSession(session_id="s2", team_id="crew"), "noah")
    client = staff("view_agentsession")

    def found(name: str, text: str) -> Any:
        return client.get(f"{LIST}complete/{name}/", {"q": text}).json()["results"]

    assert found("people", "") == ["maya", "noah"]
    assert found("people", "no") == ["noah"]
    assert found("components", "c") == ["crew", "chef"]
    assert staff("view", name="other").get(f"{LIST}complete/people/").status_code == 403
    assert Client().get(f"{LIST}complete/people/").status_code == 302


@each_database
def test_filters_do_not_count_all_sessions(site: str) -> None:
    moment = datetime.datetime(2025, 1, 1, 12, tzinfo=datetime.UTC)
    AgentSession.objects.bulk_create(
        AgentSession(session_id=f"old {number}", user_id="maya", agent_id="chef", created_at=moment, updated_at=moment)
        for number in range(1_100)
    )
    client = staff()
    for query in ({"user_id": "maya"}, {"component": "chef"}, {"updated": "2025"}):
        assert client.get(LIST, query).context["cl"].paginator.count == MAX_LISTED
