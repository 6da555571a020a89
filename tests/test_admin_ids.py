"""Ids that several people use: in forms, URLs, the log and the pages of the list."""

from __future__ import annotations

import datetime
from itertools import chain
from typing import Any
from unittest import mock

import pytest
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.test import Client

from agno_memory.admin import keyset
from agno_memory.admin.urls import quoted
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.test import at
from tests.admin import ADD, LIST, add, errors, link, memory_url, now, page, save, staff
from tests.databases import commits, each_database

pytestmark = [commits, each_database]


def test_adds_with_an_id(site: str) -> None:
    """Another person may have the same one, this person may not."""
    theirs, client = add("Likes rice", "noah", memory_id="memory_123"), staff()
    data = {"user_id": "maya", "memory": "Likes tea", "memory_id": " memory_123 "}
    assert client.get(ADD).context["adminform"].form["memory_id"].value() == ""
    assert client.post(ADD, data).status_code == 302
    (mine,) = Memory().get_user_memories("maya")
    assert (mine.memory_id, mine.memory) == ("memory_123", "Likes tea")
    response = client.post(ADD, {**data, "memory": "Likes coffee"})
    assert errors(response) == {"memory_id": ["This person has a memory with this id."]}
    assert UserMemory.objects.count() == 2
    assert (now(mine).memory, now(theirs).memory) == ("Likes tea", "Likes rice")


def test_an_id_that_is_taken_between_validation_and_save(site: str) -> None:
    add("theirs", memory_id="x")
    client, unseen = staff(), [None]
    find = Memory.get_user_memory

    def look(self: Memory, *args: Any) -> UserMemory | None:
        return unseen.pop() if unseen else find(self, *args)

    with mock.patch.object(Memory, "get_user_memory", look):
        response = client.post(ADD, {"user_id": "maya", "memory": "mine", "memory_id": "x"})
    assert errors(response) == {"memory_id": ["This person has a memory with this id."]}
    assert [memory.memory for memory in UserMemory.objects.all()] == ["theirs"]
    assert not LogEntry.objects.exists()


def test_pages_of_one_id_of_two_people(site: str) -> None:
    """A URL has the key. A page shows the words and the person, and the form the id beside them."""
    mine, theirs, client = add("Likes tea", memory_id="a/b"), add("Likes rice", "noah", memory_id="a/b"), staff()
    for memory in (mine, theirs):
        for name in ("change", "history", "delete"):
            content = page(client, memory_url(memory, name))
            assert memory.memory in content
            assert ("a/b" in content) is (name == "change")
            assert [person in content for person in ("maya", "noah")] == [memory is mine, memory is theirs]
    save(client, theirs, memory="Likes noodles")
    assert (now(mine).memory, now(theirs).memory) == ("Likes tea", "Likes noodles")
    client.post(memory_url(mine, "delete"), {"post": "yes"})
    assert [memory.memory for memory in UserMemory.objects.all()] == ["Likes noodles"]
    entries = LogEntry.objects.values_list("action_flag", "object_id", "object_repr")
    assert set(entries) == {(CHANGE, theirs.key, "a/b · noah"), (DELETION, mine.key, "a/b · maya")}


@pytest.mark.parametrize("memory_id", ["memory_123", "a/b", "..", 'say "x"', "食事"])
def test_a_url_with_the_id(site: str, memory_id: str) -> None:
    """Other programs do not know the key, and older entries of the log do not have it."""
    mine, client = add("Likes tea", memory_id=memory_id), staff()
    url = f"{LIST}{quoted(memory_id)}/change/"
    assert client.get(url)["Location"] == memory_url(mine)
    add("Likes rice", "noah", memory_id=memory_id)
    content = client.get(url, follow=True).content.decode()
    assert "Several people have a memory with this id." in content
    assert "Likes tea" in content
    assert "Likes rice" in content
    assert client.get(f"{LIST}nothing/change/")["Location"] == "/admin/"


def test_an_older_entry_of_the_log_leads_to_the_memory(site: str) -> None:
    """Its object id is the id of the memory."""
    memory, client = add("Likes tea", memory_id="memory_123"), staff()
    save(client, memory, memory="Likes coffee")
    LogEntry.objects.update(object_id=memory.memory_id, object_repr=memory.memory_id)
    entry = LogEntry.objects.get()
    assert f'href="{entry.get_admin_url()}">{memory.memory_id}</a>' in page(client, "/admin/")
    assert client.get(str(entry.get_admin_url()))["Location"] == memory_url(memory)


def test_the_log_has_room_for_any_id(site: str) -> None:
    memory, client = add("Likes tea", "y" * 255, memory_id="x" * 255), staff()
    save(client, memory, memory="Likes coffee")
    (entry,) = LogEntry.objects.all()
    assert (entry.object_id, len(entry.object_repr)) == (memory.key, 199)
    assert entry.object_repr.startswith("xxx")
    assert entry.object_repr.endswith("y…")
    assert client.get(str(entry.get_admin_url())).status_code == 200


def every_page(client: Client, url: str, label: str = "Next") -> list[list[str]]:
    """Return the user ids on each page, from a URL to the last page in a direction."""
    pages = []
    while True:
        response = client.get(url)
        pages.append([memory.user_id for memory in response.context["cl"].result_list])
        content = response.content.decode()
        if label not in content:
            return pages
        url = LIST + link(label, content)


def add_one_id_of_many_people(number: int) -> list[str]:
    """Add memories with one id at one time, so that only their keys tell them apart, and return the user ids."""
    people = [f"person {each:03}" for each in range(number)]
    with at(datetime.datetime(2025, 3, 1, 6, tzinfo=datetime.UTC)):
        for person in people:
            add("Likes tea", person, memory_id="memory_123")
    return people


@pytest.mark.parametrize("order", ["-5", "5"])
def test_one_id_of_many_people_at_one_time(site: str, order: str) -> None:
    """No page repeats or leaves out a memory."""
    people, client = add_one_id_of_many_people(120), staff()
    pages = every_page(client, f"{LIST}?o={order}")
    assert [len(each) for each in pages] == [50, 50, 20]
    assert sorted(chain(*pages)) == people
    second = LIST + link("Next", page(client, f"{LIST}?o={order}"))
    third = LIST + link("Next", page(client, second))
    assert every_page(client, third, "Previous") == pages[::-1]


def test_search_further_among_one_id_of_many_people(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyset, "WINDOW", 10)
    monkeypatch.setattr(keyset, "FAR_WINDOW", 15)
    people = add_one_id_of_many_people(60)
    pages = every_page(staff(), f"{LIST}?q=tea", "Search further")
    assert [len(each) for each in pages] == [10, 15, 15, 15, 5]
    assert sorted(chain(*pages)) == people
