"""The admin's pages of agents' documents on every database: list by kind, filters, one document, permissions."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from agno_memory.admin.record_filters import KINDS
from agno_memory.admin.records import values_of
from agno_memory.agent_records import AgentRecords
from agno_memory.models import AgentRecord
from tests.admin import counted, page, staff
from tests.databases import commits, each_database

pytestmark = [commits]

LIST = "/admin/agno_memory/agentrecord/"


def save(record_id: str = "r", kind: str = "learning", **values: Any) -> AgentRecord:
    content = {"user_id": "maya", "agent_id": "chef", "data": {"content": {"text": "Likes <b>tea</b>"}}, **values}
    return AgentRecords(kind).add_record(AgentRecord(record_id=record_id, **content))


def url(record: AgentRecord) -> str:
    return reverse("admin:agno_memory_agentrecord_change", args=(record.key,))


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
