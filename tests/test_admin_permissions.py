"""Permissions: without one, a user sees no name, no count and no topic."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from agno_memory.models import UserMemory
from tests.admin import ADD, LIST, add, memory_url, page, staff
from tests.databases import commits

pytestmark = [commits, pytest.mark.parametrize("alias", ["default"])]

SECRETS = ("Likes tea", "maya-the-owner", "drinks-topic", "agent-bot")
NAMES = ("topics", "people", "agents")


@pytest.fixture
def memory(site: str) -> UserMemory:
    return add("Likes tea", "maya-the-owner", topics=["drinks-topic"], agent_id="agent-bot")


def addresses(memory: UserMemory) -> list[str]:
    completions = [f"{LIST}complete/{name}/" for name in NAMES]
    forms = [memory_url(memory, name) for name in ("change", "delete", "history")]
    of_person = f"{LIST}person/maya-the-owner/"
    earlier = f"{of_person}?as_of={datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M}"
    return [LIST, ADD, *forms, *completions, f"{LIST}?_popup=1", f"{of_person}duplicates/", earlier, f"{LIST}deleted/"]


def statuses(client: Client, memory: UserMemory) -> list[int]:
    found = []
    for url in addresses(memory):
        response = client.get(url)
        if response.status_code != 200:
            assert not any(secret in response.content.decode() for secret in SECRETS)
        found.append(response.status_code)
    return found


def act(client: Client, memory: UserMemory, action: str, **data: str) -> Any:
    known = {ACTION_CHECKBOX_NAME: memory.key, "select_across": "0", "until": "9999999999999", "post": "yes"}
    return client.post(LIST, {"action": action, **known, **data})


def test_staff_without_a_permission_see_nothing(memory: UserMemory) -> None:
    User.objects.create_user("other", is_staff=True)
    client = Client()
    client.force_login(User.objects.get(username="other"))
    assert set(statuses(client, memory)) == {403}
    index = page(client, "/admin/")
    assert not any(secret in index for secret in SECRETS)
    assert "emories" not in index
    assert client.get("/admin/agno_memory/").status_code in (403, 404)


def test_users_without_staff_status_are_sent_to_the_login(memory: UserMemory) -> None:
    visitor = Client()
    visitor.force_login(User.objects.create_user("visitor"))
    for client in (Client(), visitor):
        for url in addresses(memory):
            response = client.get(url)
            assert response.status_code == 302
            assert response["Location"].startswith("/admin/login/")
        assert client.post(memory_url(memory), {"memory": "x"}).status_code == 302
    assert UserMemory.objects.get().memory == "Likes tea"


def test_adding_alone_shows_nothing(memory: UserMemory) -> None:
    client = staff("add")
    assert statuses(client, memory) == [403, 200, *[403] * 10]
    assert not any(secret in page(client, ADD) for secret in SECRETS)
    assert client.post(ADD, {"user_id": "noah", "memory": "Likes rice"}).status_code == 302
    assert UserMemory.objects.for_user("noah").count() == 1


def test_viewing_alone_changes_nothing(memory: UserMemory) -> None:
    client = staff("view")
    assert statuses(client, memory) == [200, 403, 200, 403, *[200] * 7, 403]
    content = page(client)
    assert client.get(LIST).context["action_form"] is None
    assert "Likes tea" in content
    assert client.post(memory_url(memory), {"memory": "x"}).status_code == 403
    assert client.post(memory_url(memory, "delete"), {"post": "yes"}).status_code == 403
    for action, answer in (
        ("delete_selected", {}),
        ("add_topic", {"topic": "x"}),
        ("move", {"user_id": "x", "is_new": "on"}),
        ("remove_topic", {"topic": "drinks-topic"}),
        ("export_jsonl", {}),
    ):
        assert not act(client, memory, action, **answer).streaming
    unchanged = UserMemory.objects.get()
    assert (unchanged.version, unchanged.user_id, unchanged.topics) == (1, "maya-the-owner", ["drinks-topic"])
    assert not LogEntry.objects.exists()


def test_exporting_takes_a_permission_beside_that_to_view(memory: UserMemory) -> None:
    assert staff("export", name="exporter").get(LIST).status_code == 403
    client = staff("view", "export")
    choices = client.get(LIST).context["action_form"].fields["action"].choices
    assert [name for name, _label in choices if name] == ["export_jsonl", "export_csv"]
    assert b"Likes tea" in b"".join(act(client, memory, "export_jsonl").streaming_content)


def test_changing_alone_deletes_nothing(memory: UserMemory) -> None:
    client = staff("change")
    choices = client.get(LIST).context["action_form"].fields["action"].choices
    # In Django, permission to change includes permission to view.
    assert {"add_topic", "remove_topic", "move"} < {name for name, _label in choices}
    assert "delete_selected" not in {name for name, _label in choices}
    act(client, memory, "delete_selected")
    assert client.post(memory_url(memory, "delete"), {"post": "yes"}).status_code == 403
    act(client, memory, "add_topic", topic="new")
    assert UserMemory.objects.get().topics == ["drinks-topic", "new"]


def test_deleting_alone_deletes_and_shows_no_list(memory: UserMemory) -> None:
    client = staff("delete")
    assert client.get(LIST).status_code == 403
    assert act(client, memory, "delete_selected").status_code == 403
    assert UserMemory.objects.exists()


def test_deleting_and_viewing(memory: UserMemory) -> None:
    client = staff("delete", "view")
    assert act(client, memory, "delete_selected").status_code == 302
    assert not UserMemory.objects.exists()


def test_actions_ask_for_a_token(memory: UserMemory) -> None:
    client = staff()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert act(strict, memory, "delete_selected").status_code == 403
    assert strict.post(memory_url(memory), {"memory": "x"}).status_code == 403
    assert UserMemory.objects.get().version == 1
