"""The admin's pages of traces on every database: list, search, filters, tree and permissions."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from agno_memory.admin import traces as pages
from agno_memory.admin.agent_pages import MAX_LISTED
from agno_memory.agent_sessions import AgentSessions
from agno_memory.agent_traces import NO_USER, AgentTraces
from agno_memory.memory import Memory
from agno_memory.models import AgentRun, AgentSession, AgentSpan, AgentTrace, UserMemory
from tests.admin import counted, link, page, staff
from tests.databases import commits, each_database
from tests.test_agent_traces import BEGUN, span, trace

pytestmark = [commits]

LIST = "/admin/agno_memory/agenttrace/"


def save(trace_id: str = "t", user: object = "maya", **values: Any) -> AgentTrace:
    content = {"session_id": "s", "run_id": f"run of {trace_id}", "agent_id": "chef", **values}
    return AgentTraces().save_trace(trace(trace_id, **content), user)


def url(row: AgentTrace) -> str:
    return reverse("admin:agno_memory_agenttrace_change", args=(row.key,))


def listed(client: Client, **query: Any) -> list[str]:
    response = client.get(LIST, query)
    assert response.status_code == 200
    return [row.trace_id for row in response.context["cl"].result_list]


@each_database
def test_a_trace_is_a_tree_of_steps_with_durations(site: str) -> None:
    row = save(status="ERROR", name="Chef <b>.run")
    attributes = {"input.value": "Is <script>alert(1)</script> safe?", "output.value": "Größe 🎈"}
    tokens = {"llm.model_name": "gpt-4o", "llm.token_count.prompt": 7, "llm.token_count.completion": 1}
    failed = {"status_code": "ERROR", "status_message": "No <i>tea</i>"}
    AgentTraces().save_spans(
        [
            span("root", end=2_000_000, attributes=attributes, span_type="AGENT"),
            span("model", begin=5, end=1_500_005, parent_span_id="root", attributes=tokens, span_type="LLM"),
            span("tool", begin=1_600_000, end=1_600_250, parent_span_id="root", name="look_up", **failed),
        ]
    )
    content = page(staff(), url(row))
    for there in ("Chef &lt;b&gt;", "Is &lt;script&gt;", "Größe 🎈", "2.0 s", "1.5 s", "0.25 ms", "gpt-4o", "8 tokens"):
        assert there in content
    assert "No &lt;i&gt;tea" in content
    for missing in ("<script>alert", "<b>", "<i>", 'style="'):
        assert missing not in content
    # The list of the root's own steps is inside it.
    assert content.count('<ol class="am-steps">') == 2
    assert reverse("admin:agno_memory_usermemory_person", args=("maya",)) in content


@each_database
def test_a_session_leads_to_its_traces_and_back(site: str) -> None:
    AgentSessions().upsert_session(AgentSession(session_id="s", agent_id="chef"), "maya")
    AgentSessions().upsert_run("s", AgentRun(run_id="run of t", run_type="agent", data={"content": "x"}), "maya")
    # As a request begins it: only a step names the session and the run.
    row = save(session_id=None, run_id=None)
    AgentTraces().save_spans([span(session_id="s", run_id="run of t")])
    save("other", session_id="another")
    save("whole")
    session = "/admin/agno_memory/agentsession/s/change/"
    client = staff()
    content = page(client, session)
    assert link("Trace, 2.0 s", content) == url(row)
    assert sorted(listed(client, session_id="s")) == ["t", "whole"]
    assert link("Traces of this session", content) == f"{LIST}?session_id=s"
    whole = AgentTrace.objects.get(trace_id="whole")
    assert link("Session", page(client, url(whole)).split("<dt>Session</dt>")[1]) == session
    sessions = staff("view_agentsession", name="sessions")
    assert "Trace" not in page(sessions, session)
    traces = staff("view_agenttrace", name="traces")
    content = page(traces, url(whole))
    assert (session in content, "person/maya" in content) == (False, False)


@each_database
def test_traces_are_found_by_ids_and_filters(site: str) -> None:
    save("t1")
    save("t2", "noah", begin=10, session_id="s2", agent_id=None, team_id="crew", status="ERROR")
    save("t3", NO_USER, begin=20, session_id=None, created_at=BEGUN)
    client = staff()
    assert listed(client) == ["t3", "t2", "t1"]
    by_text = {"t2": ["t2"], "maya": ["t1"], "run of t3": ["t3"], "s2": ["t2"], "t": [], "x" * 999: []}
    for text, found in by_text.items():
        assert listed(client, q=text) == found
    for filters in ({"user_id": "noah"}, {"component": "crew"}, {"status": "ERROR"}):
        assert listed(client, **filters) == ["t2"]
    assert listed(client, status="OK", component="chef") == ["t3", "t1"]
    assert listed(client, session_id="nothing") == []
    assert listed(client, started="2026-05-01") == ["t3", "t2", "t1"]
    assert listed(client, started="2026-04") == listed(client, started_to="2026-04-30") == []
    assert client.get(LIST, {"started": "x"}).status_code == client.get(LIST, {"name": "x"}).status_code == 302
    suggestions = client.get(f"{LIST}complete/components/", {"q": "c"}).json()["results"]
    assert suggestions == ["chef", "crew"]
    assert client.get(f"{LIST}complete/people/", {"q": ""}).json()["results"] == ["maya", "noah"]


@each_database
def test_the_cost_does_not_grow(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row = save()
    AgentTraces().save_spans([span()])
    client = staff()
    asked = [LIST, f"{LIST}?q=t", url(row)]
    before = [counted(client, each, {"default", site}) for each in asked]
    moment = BEGUN - datetime.timedelta(days=1)
    AgentTrace.objects.bulk_create(
        trace(f"old {number}", user_id="maya", begin=-number, created_at=moment) for number in range(1_100)
    )
    AgentSpan.objects.bulk_create(span(f"more {number}", begin=number) for number in range(1, 30))
    assert [counted(client, each, {"default", site}) for each in asked] == before
    assert client.get(LIST).context["cl"].paginator.count == MAX_LISTED
    monkeypatch.setattr(pages, "STEPS_SHOWN", 10)
    content = page(client, url(row))
    assert (content.count('<li class="am-step">'), "The first 10 steps." in content) == (10, True)


@each_database
def test_pages_are_read_only_and_need_permission(site: str) -> None:
    row = save()
    viewer = staff("view", name="of memories")
    for client in (viewer, Client()):
        for address in (LIST, url(row)):
            assert client.get(address).status_code in (302, 403)
    user = User.objects.get(username="of memories")
    user.user_permissions.add(Permission.objects.get(codename="view_agenttrace"))
    assert "Chef.run" in page(viewer, url(row))
    user.user_permissions.clear()
    for part in ("change/", "delete/", "history/"):
        # Without the permission, nobody learns which traces exist.
        assert [viewer.get(f"{LIST}{key}/{part}").status_code for key in (row.key, "missing")] == [403, 403]
    everything = staff(name="everything")
    for action in ("add/", f"{row.key}/delete/"):
        assert everything.get(f"{LIST}{action}").status_code == 403
    everything.post(url(row), {"name": "changed"})
    everything.post(LIST, {"action": "delete_selected", "_selected_action": [row.key], "post": "yes"})
    assert AgentTrace.objects.get().name == "Chef.run"
    assert everything.get(f"{LIST}none/change/").status_code == 404
    assert everything.get(f"{LIST}a%00b/change/").status_code == 404


@each_database
def test_traces_that_a_subclass_hides_are_neither_shown_nor_erased(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden, row = save("hidden"), save("mine")
    Memory().add_user_memory(UserMemory(memory="Likes tea"), "maya")
    monkeypatch.setattr(
        pages.AgentTraceAdmin, "get_queryset", lambda self, request: AgentTrace.objects.filter(trace_id="mine")
    )
    client = staff()
    assert listed(client) == ["mine"]
    assert [client.get(url(each)).status_code for each in (hidden, row)] == [404, 200]
    client.post("/admin/agno_memory/usermemory/person/maya/erase/")
    assert (UserMemory.objects.count(), AgentTrace.objects.count()) == (0, 2)
