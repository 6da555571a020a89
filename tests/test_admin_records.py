"""The admin's pages of agents' documents on every database: list by kind, filters, one document, permissions."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from agno_memory import people
from agno_memory.admin.record_filters import KINDS
from agno_memory.admin.records import values_of
from agno_memory.admin.urls import page_url
from agno_memory.agent_records import AgentRecords
from agno_memory.agent_sessions import AgentSessions
from agno_memory.models import AgentRecord, AgentSession
from tests.admin import counted, link, page, staff
from tests.databases import commits, each_database

pytestmark = [commits]

LIST = "/admin/agno_memory/agentrecord/"


def save(record_id: str = "r", kind: str = "learning", **values: Any) -> AgentRecord:
    content = {"user_id": "maya", "agent_id": "chef", "data": {"content": {"text": "Likes <b>tea</b>"}}, **values}
    return AgentRecords(kind).add_record(AgentRecord(record_id=record_id, **content))


def url(record: AgentRecord) -> str:
    return page_url(AgentRecord, "change", record.key, site=None)


def decide_url(record: AgentRecord) -> str:
    return page_url(AgentRecord, "decide", record.key, site=None)


def facts(client: Client, record: AgentRecord) -> str:
    """Return the page of a document without its head and menus."""
    return page(client, url(record)).split("am-facts")[1]


def listed(client: Client, **query: Any) -> list[str]:
    response = client.get(LIST, query)
    assert response.status_code == 200
    return [record.record_id for record in response.context["cl"].result_list]


@each_database
def test_the_list_has_one_kind(site: str) -> None:
    for kind in KINDS:
        save(f"a {kind}", kind)
    save("secret", "service_account")
    client = staff()
    assert listed(client) == ["a learning"]
    for kind in KINDS:
        assert listed(client, kind=kind) == [f"a {kind}"]
        assert f"?kind={kind}" in page(client, LIST)
    for kind in ("service_account", "x"):
        assert client.get(LIST, {"kind": kind}).status_code == 302


@each_database
def test_documents_are_found_by_ids_and_filters(site: str) -> None:
    save("r1", name="Tea")
    save("r2", user_id="noah", agent_id=None, team_id="crew", session_id="s")
    save("r3", user_id=None)
    client = staff()
    for text, found in {"r2": ["r2"], "maya": ["r1"], "Tea": ["r1"], "s": ["r2"], "nothing": []}.items():
        assert listed(client, q=text) == found
    assert listed(client, user_id="noah") == listed(client, component="crew") == ["r2"]
    assert listed(client, component="chef", updated="today") == ["r3", "r1"]
    assert listed(client, updated="2020") == []
    assert client.get(LIST, {"data__contains": "tea"}).status_code == 302
    assert client.get(f"{LIST}complete/components/", {"q": "c"}).json()["results"] == ["chef", "crew"]


@each_database
def test_a_document_is_shown_with_its_values(site: str) -> None:
    data = {"learning_type": "profile", "content": {"likes": ["<i>tea</i>"]}, "empty": None}
    record = save(status="active", data=data)
    content = page(staff(), url(record))
    for there in ("Learnings", "maya", "active", "profile", "&quot;likes&quot;", "&lt;i&gt;tea"):
        assert there in content
    for missing in ("<i>", "empty"):
        assert missing not in content
    assert reverse("admin:agno_memory_usermemory_person", args=("maya",)) in content


@each_database
def test_documents_with_secrets_have_no_page(site: str) -> None:
    record = save("secret", "service_account", data={"token_hash": "abc"})
    assert staff().get(url(record)).status_code == 404


@each_database
def test_the_cost_does_not_grow(site: str) -> None:
    record = save()
    client = staff()
    asked = [LIST, f"{LIST}?user_id=maya", url(record)]
    before = [counted(client, each, {"default", site}) for each in asked]
    for number in range(60):
        save(f"more {number}")
    assert [counted(client, each, {"default", site}) for each in asked] == before


@each_database
def test_pages_are_read_only_and_need_permission(site: str) -> None:
    record = save()
    viewer = staff("view", name="of memories")
    for client in (viewer, Client()):
        for address in (LIST, url(record)):
            assert client.get(address).status_code in (302, 403)
    user = User.objects.get(username="of memories")
    user.user_permissions.add(Permission.objects.get(codename="view_agentrecord"))
    assert "Likes" in page(viewer, url(record))
    everything = staff(name="everything")
    for action in ("add/", f"{record.key}/delete/"):
        assert everything.get(f"{LIST}{action}").status_code == 403
    everything.post(url(record), {"name": "changed"})
    assert AgentRecord.objects.get().name == ""
    assert everything.get(f"{LIST}none/change/").status_code == 404


@pytest.mark.parametrize("data", [None, "text", ["a"], {"a": "x" * 30_000}])
def test_any_data_can_be_shown(data: Any) -> None:
    assert all(len(value.text) <= 20_000 for value in values_of(data))


@each_database
def test_documents_are_found_by_status(site: str) -> None:
    for status in ("pending", "approved"):
        save(status, "approval", status=status)
    client = staff()
    assert listed(client, kind="approval", status="pending") == ["pending"]
    content = page(client, f"{LIST}?kind=approval&status=pending")
    assert "?kind=approval&amp;status=approved" in content
    # Another kind has other statuses.
    assert '?kind=schedule"' in content
    assert "status=" not in page(client, LIST, kind="learning")


@each_database
def test_a_session_leads_to_its_documents_and_back(site: str) -> None:
    AgentSessions().upsert_session(AgentSession(session_id="s", session_type="agent"), "maya")
    save("r1", "approval", session_id="s")
    save("r2", "approval", session_id="t")
    save("secret", "compaction", session_id="s")
    client = staff()
    session_url = reverse("admin:agno_memory_agentsession_change", args=("s",))
    content = page(client, session_url)
    approvals = link("Approvals", content)
    assert [each.record_id for each in client.get(approvals).context["cl"].result_list] == ["r1"]
    assert "Learnings" not in content
    r1 = AgentRecord.objects.get(record_id="r1")
    assert link("Session", facts(client, r1)) == session_url
    assert session_url not in page(client, url(AgentRecord.objects.get(record_id="r2")))
    viewer = staff("view_agentsession", name="of sessions")
    assert "Approvals" not in page(viewer, session_url)
    of_records = staff("view_agentrecord", name="of records")
    assert session_url not in page(of_records, url(r1))


@each_database
def test_a_schedule_leads_to_its_runs_and_back(site: str) -> None:
    schedule = save("daily", "schedule")
    run = save("run", "schedule_run", parent_id="daily")
    save("run of another", "schedule_run", parent_id="gone")
    client = staff()
    runs = link("Runs of this schedule", page(client, url(schedule)))
    assert [each.record_id for each in client.get(runs).context["cl"].result_list] == ["run"]
    assert link("Schedule", facts(client, run)) == url(schedule)
    assert ">Schedule<" not in facts(client, AgentRecord.objects.get(record_id="run of another"))


def waiting(**data: Any) -> AgentRecord:
    return save("a", "approval", status="pending", data={"status": "pending", "tool_name": "send_money", **data})


def decided(client: Client, record: AgentRecord, decision: str = "approved") -> str:
    """Return the page that follows a decision."""
    response = client.post(decide_url(record), {"decision": decision}, follow=True)
    assert response.status_code == 200
    return str(response.content.decode())


@pytest.mark.parametrize("decision", ["approved", "rejected"])
@each_database
def test_staff_with_the_permission_decide(site: str, decision: str) -> None:
    record = waiting()
    client = staff("change_agentrecord")
    content = page(client, url(record))
    assert (f'action="{decide_url(record)}"' in content, "send_money" in content) == (True, True)
    assert f"The call is {decision}." in decided(client, record, decision)
    found = AgentRecord.objects.get()
    assert (found.status, found.data["status"]) == (decision, decision)
    assert found.data["resolved_by"] == str(User.objects.get().pk)
    assert "decide/" not in page(client, url(record))
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.object_repr, entry.change_message) == (record.key, "a · maya", decision)


@each_database
def test_a_decision_is_final(site: str) -> None:
    record = waiting()
    client = staff()
    decided(client, record, "rejected")
    assert "does not wait" in decided(client, record)
    assert (AgentRecord.objects.get().status, LogEntry.objects.count()) == ("rejected", 1)


@each_database
def test_a_call_that_needs_values_can_be_rejected(site: str) -> None:
    record = waiting(pause_type="user_input")
    client = staff()
    content = page(client, url(record))
    assert ('value="approved"' in content, 'value="rejected"' in content) == (False, True)
    assert "needs values" in decided(client, record)
    assert AgentRecord.objects.get().status == "pending"
    decided(client, record, "rejected")
    assert AgentRecord.objects.get().status == "rejected"


@each_database
def test_a_decision_needs_permission_and_a_form(site: str) -> None:
    record = waiting()
    learning = save(status="pending")
    address = decide_url(record)
    viewer = staff("view_agentrecord", name="viewer")
    assert "decide/" not in page(viewer, url(record))
    assert viewer.post(address, {"decision": "approved"}).status_code == 403
    assert staff("view", name="of memories").post(address, {"decision": "approved"}).status_code == 403
    assert Client().post(address, {"decision": "approved"}).status_code == 302
    client = staff(name="everything")
    assert client.get(address).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="everything"))
    assert strict.post(address, {"decision": "approved"}).status_code == 403
    assert client.post(decide_url(learning), {"decision": "approved"}).status_code == 404
    assert client.post(f"{LIST}none/decide/", {"decision": "approved"}).status_code == 404
    for nonsense in ("", "pending"):
        assert "A decision is" in decided(client, record, nonsense)
    assert set(AgentRecord.objects.values_list("version", flat=True)) == {1}


@each_database
def test_documents_that_a_subclass_hides_are_not_decided(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    record = waiting()
    client = staff()
    record_admin = admin.site.get_model_admin(AgentRecord)
    monkeypatch.setattr(record_admin, "get_queryset", lambda request: AgentRecord.objects.filter(user_id="noah"))
    assert client.post(decide_url(record), {"decision": "approved"}).status_code == 404


@each_database
def test_the_log_of_a_decision_forgets_an_erased_person(site: str) -> None:
    decided(staff(), waiting())
    assert people.erase("maya").is_complete
    assert (LogEntry.objects.get().object_repr, LogEntry.objects.get().change_message) == ("", "")
