"""The page of a person's memories that say the same."""

from __future__ import annotations

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agno_memory.admin import UserMemoryAdmin, duplicates
from agno_memory.admin.duplicates import MAX_GROUPS
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from tests.admin import LIST, add, add_many, counted, memory_url, page, staff
from tests.databases import commits, each_database

pytestmark = [commits, each_database]

DUPLICATES = f"{LIST}person/maya/duplicates/"


def groups(client: Client, url: str = DUPLICATES) -> list[list[str]]:
    response = client.get(url)
    assert response.status_code == 200
    return [[memory.memory for memory, _url in group.memories] for group in response.context["groups"]]


def test_memories_that_say_the_same_are_in_a_group(site: str) -> None:
    first = add("Likes <b>green tea</b> in the morning")
    for text in ("likes <b>GREEN tea</b> in the morning", "Has a dog", "Plays chess"):
        add(text)
    add("Has a dog", "noah")
    client = staff()
    expected = ["likes <b>GREEN tea</b> in the morning", "Likes <b>green tea</b> in the morning"]
    assert groups(client) == [expected]
    content = page(client, DUPLICATES)
    assert "Likes &lt;b&gt;green tea" in content
    assert "dog" not in content
    assert memory_url(first) in content
    assert "Possible duplicates" in page(client, f"{LIST}person/maya/")
    assert groups(client, f"{LIST}person/nobody/duplicates/") == []


def test_a_group_leads_to_its_merge(site: str) -> None:
    memories = [add("Has a dog"), add("has a dog")]
    client = staff()
    content = page(client, DUPLICATES)
    assert f'action="{LIST}?user_id=maya"' in content
    keys = [each.key for each in memories]
    assert all(f'value="{key}" checked' in content for key in keys)
    asked = client.post(f"{LIST}?user_id=maya", {"action": "merge", ACTION_CHECKBOX_NAME: keys})
    assert "become one" in asked.content.decode()


def test_the_page_takes_the_permission_to_view(site: str) -> None:
    add("secret"), add("Secret")
    assert staff("add").get(DUPLICATES).status_code == 403
    content = page(staff("view", name="viewing"), DUPLICATES)
    assert "secret" in content
    assert "Merge" not in content
    assert Client().get(DUPLICATES).status_code == 302
    assert staff(name="boss").post(DUPLICATES).status_code == 405


def test_a_subclass_hides_duplicates(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    add("secret", agent_id="other"), add("Secret", agent_id="other")
    original = UserMemoryAdmin.get_queryset
    monkeypatch.setattr(
        UserMemoryAdmin, "get_queryset", lambda self, request: original(self, request).filter(agent_id="bot")
    )
    assert groups(staff()) == []


def test_the_page_is_bounded(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "MAX_COMPARED", 30)
    oldest = add("Has a dog")
    add_many(29)
    add("has a dog")
    client = staff()
    assert groups(client) == []
    with CaptureQueriesContext(connections[site]) as context:
        content = page(client, DUPLICATES)
    assert "The 30 memories updated last were compared." in content
    reads = [each["sql"] for each in context if "agno_memory_usermemory" in each["sql"]]
    assert len(reads) == 1
    assert "LIMIT 31" in reads[0] or "'$limit': 31" in reads[0]
    Memory().delete_user_memory(oldest.memory_id, "maya")
    assert "were compared" not in page(client, DUPLICATES)


def test_many_groups_and_many_of_one_group_are_shown_in_part(site: str) -> None:
    texts = [f"Number {number}" for number in range(MAX_GROUPS + 1)]
    Memory().add_user_memories([UserMemory(memory=text) for text in texts * 2], "maya")
    Memory().add_user_memories([UserMemory(memory="Has a dog") for _number in range(25)], "maya")
    client = staff()
    found = client.get(DUPLICATES).context["groups"]
    assert len(found) == MAX_GROUPS
    assert {(len(group.memories), group.others) for group in found} == {(2, 0), (20, 5)}
    assert "There are more." in page(client, DUPLICATES)


def test_the_number_of_queries_does_not_depend_on_the_memories(site: str) -> None:
    client = staff()
    add("Has a dog"), add("has a dog")
    page(client, DUPLICATES)
    once = counted(client, DUPLICATES, ["default", site])
    for number in range(5):
        add(f"Number {number}"), add(f"number {number}")
    assert counted(client, DUPLICATES, ["default", site]) == once
