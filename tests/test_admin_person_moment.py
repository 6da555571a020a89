"""The memories of a person as they were at an earlier moment."""

from __future__ import annotations

import datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils.timezone import localtime

from agno_memory.admin import UserMemoryAdmin
from agno_memory.admin.person import PAGE_SIZE
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.test import at
from agno_memory.times import now
from tests.admin import LIST, add, add_many, counted, link, page, staff
from tests.databases import commits, each_database

pytestmark = [commits, each_database]

PERSON = f"{LIST}person/maya/"
DAY = datetime.timedelta(days=1)


def query(moment: datetime.datetime) -> dict[str, str]:
    """Return the query string of a browser's field for a time."""
    return {"as_of": localtime(moment).replace(tzinfo=None).isoformat(timespec="milliseconds")}


def at_url(moment: datetime.datetime) -> str:
    return f"{PERSON}?{urlencode(query(moment))}"


def texts(client: Client, moment: datetime.datetime) -> list[str]:
    response = client.get(PERSON, query(moment))
    assert response.status_code == 200
    return [memory.memory for memory, _url in response.context["memories"]]


@pytest.fixture
def moments(site: str) -> dict[str, datetime.datetime]:
    """Write memories on three days, and return a moment of each."""
    base = now() - 5 * DAY
    with at(base):
        kept, changed, gone = add("kept"), add("before <b>"), add("secret, deleted since")
        add("of noah", "noah")
    with at(base + 2 * DAY):
        Memory().replace_user_memory(changed.memory_id, UserMemory(memory="after"), "maya")
        Memory().delete_user_memory(gone.memory_id, "maya")
        add("later")
    assert kept.memory == "kept"
    return {"never": base - DAY, "first": base + DAY, "second": base + 3 * DAY}


def test_the_memories_of_a_moment(moments: dict[str, datetime.datetime]) -> None:
    client = staff()
    assert texts(client, moments["never"]) == []
    assert sorted(texts(client, moments["first"])) == ["before <b>", "kept", "secret, deleted since"]
    assert sorted(texts(client, moments["second"])) == ["after", "kept", "later"]
    content = page(client, at_url(moments["first"]))
    assert "before &lt;b&gt;" in content
    assert "noah" not in content
    assert f'href="{PERSON}">Now</a>' in content
    versions = client.get(link("Open", content), follow=True)
    assert versions.status_code == 200
    assert "Versions" in versions.content.decode()


def test_memories_that_were_deleted_since_take_a_permission(moments: dict[str, datetime.datetime]) -> None:
    client = staff("view")
    assert sorted(texts(client, moments["first"])) == ["before <b>", "kept"]
    content = page(client, at_url(moments["first"]))
    assert "secret" not in content
    assert "were deleted since are left out" in content
    seeing = staff("view", "view_deleted", name="seeing")
    assert "secret" in page(seeing, at_url(moments["first"]))
    assert staff("add", name="adding").get(PERSON, query(moments["first"])).status_code == 403


def test_a_subclass_hides_them(moments: dict[str, datetime.datetime], monkeypatch: pytest.MonkeyPatch) -> None:
    original = UserMemoryAdmin.get_queryset
    monkeypatch.setattr(
        UserMemoryAdmin, "get_queryset", lambda self, request: original(self, request).filter(agent_id="bot")
    )
    assert texts(staff(), moments["first"]) == []


@pytest.mark.parametrize("value", ["nonsense", "2020-01-01T10:00", "0001-01-01T00:00", "9999-12-31T23:59"])
def test_a_moment_that_is_not_known_is_an_error_at_the_field(site: str, value: str) -> None:
    add("kept")
    response = staff().get(PERSON, {"as_of": value})
    assert response.status_code == 200
    form: Any = response.context["moment_form"]
    assert list(form.errors) == ["as_of"]
    assert b"kept" in response.content


def test_pages_keep_the_moment(site: str) -> None:
    with at(now() - 2 * DAY):
        added = add_many(PAGE_SIZE * 2 + 1)
    Memory().delete_user_memories([each.memory_id for each in added[::2]], "maya")
    client, url, seen = staff(), PERSON, list[str]()
    moment: dict[str, str] = query(now() - DAY)
    for _page in range(3):
        response = client.get(url, moment)
        seen += [memory.memory for memory, _url in response.context["memories"]]
        content = response.content.decode()
        if "Older" in content:
            url, moment = link("Older", content), {}
    assert len(seen) == len(set(seen)) == len(added)
    assert "Newer" in content


def test_the_number_of_queries_does_not_depend_on_the_memories(site: str) -> None:
    client = staff()
    with at(now() - 2 * DAY):
        added = add_many(20)
    url = at_url(now() - DAY)
    page(client, url)
    once = counted(client, url, ["default", site])
    for each in added:
        Memory().delete_user_memory(each.memory_id, "maya")
    assert counted(client, url, ["default", site]) == once
