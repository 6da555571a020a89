"""The history of a memory: readable versions, and buttons that restore them."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from agno_memory import validators
from agno_memory.acting import acting
from agno_memory.admin import UserMemoryAdmin, versions
from agno_memory.admin.urls import quoted
from agno_memory.admin.versions import PAGE_SIZE
from agno_memory.bulk import BulkMemory
from agno_memory.db.keyset import position_token
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.revision_models import MemoryRevision
from agno_memory.test import at
from agno_memory.times import now, to_milliseconds
from tests.admin import LIST, add, counted, memory_url, page, staff
from tests.admin import now as read
from tests.databases import commits, each_database

pytestmark = [commits, each_database]

SECOND = datetime.timedelta(seconds=1)


def versions_url(memory: UserMemory, name: str = "") -> str:
    return f"{LIST}person/{quoted(memory.user_id)}/history/{quoted(memory.memory_id)}/{name}"


def replace(memory: UserMemory, text: str, **content: Any) -> UserMemory:
    return Memory().replace_user_memory(memory.memory_id, UserMemory(memory=text, **content), memory.user_id)


def delete(memory: UserMemory) -> UserMemory:
    Memory().delete_user_memory(memory.memory_id, memory.user_id)
    return memory


def restore(client: Client, memory: UserMemory, version: int, seen: int, **data: str) -> Any:
    posted = {"version": str(version), "seen": str(seen), **data}
    return client.post(versions_url(memory, "restore/"), posted, follow=True)


def entries(client: Client, url: str) -> list[Any]:
    response = client.get(url, follow=True)
    assert response.status_code == 200
    return list(response.context["versions"].entries)


def plain(content: str) -> str:
    """Return HTML as text, with the marks of words and without others."""
    kept = re.sub(r"<(/?(?:del|ins))\b[^>]*>", r"[\1]", content)
    return " ".join(re.sub(r"<[^>]*>", " ", kept).split())


def expire(memory: UserMemory) -> UserMemory:
    """Let a memory expire, as time does."""
    UserMemory.objects.filter(key=memory.key).update(expires_at=now() - SECOND)
    return memory


@pytest.fixture
def memory(site: str) -> UserMemory:
    return add("Lives in <b>Porto</b>", topics=["home"])


def test_the_words_that_changed_are_marked(memory: UserMemory) -> None:
    with acting("ann", reason="ticket <812>", through="support desk"):
        replace(memory, "Lives in Lisbon", topics=["home", "city"], pinned=True)
    content = plain(page(staff(), memory_url(memory, "history")))
    assert "Lives in [del]&lt;b&gt;Porto&lt;/b&gt;[/del][ins]Lisbon[/ins]" in content
    assert "home[ins], city[/ins]" in content
    assert "[del]no[/del][ins]yes[/ins]" in content
    assert "Replaced by ann through support desk" in content
    assert "ticket &lt;812&gt;" in content
    assert "Added" in content


def test_a_button_restores_a_version(memory: UserMemory) -> None:
    client = staff()
    replace(memory, "Lives in Lisbon")
    replace(memory, "Lives in Faro")
    response = restore(client, memory, 1, 3, reason="ticket 7")
    assert response.redirect_chain[-1][0] == memory_url(memory, "history")
    assert (
        "Version 1 of the memory \u2068Lives in &lt;b&gt;Porto&lt;/b&gt;\u2069 is restored."
        in response.content.decode()
    )
    restored = read(memory)
    assert (restored.memory, restored.version, restored.topics) == ("Lives in <b>Porto</b>", 4, ["home"])
    before = Memory().get_user_memory_history(memory.memory_id, "maya")[1]
    who = str(User.objects.get().pk)
    assert (before.action, before.actor, before.through, before.reason) == ("restored", who, "admin", "ticket 7")
    (entry,) = LogEntry.objects.all()
    assert (entry.object_id, entry.change_message) == (memory.key, "Restored version 1.")


def test_only_what_was_seen_is_replaced(memory: UserMemory) -> None:
    client = staff()
    replace(memory, "Lives in Lisbon")
    replace(memory, "Lives in Faro")
    response = restore(client, memory, 1, 2)
    assert "Nothing was restored" in response.content.decode()
    assert read(memory).memory == "Lives in Faro"
    response = restore(client, memory, 7, 3)
    assert "not kept any more" in response.content.decode()
    for data in ({}, {"version": "1"}, {"version": "x", "seen": "3"}, {"version": "1", "seen": "9" * 30}):
        assert client.post(versions_url(memory, "restore/"), data).status_code == 400
    # Versions begin at 1; the number of an event in the history is 0.
    for number in ("0", "00", "-1", "1.5", "\u0661"):
        for data in ({"version": number, "seen": "3"}, {"version": "1", "seen": number}):
            assert client.post(versions_url(memory, "restore/"), data).status_code == 400, data
    too_long = {"version": "1", "seen": "3", "reason": "x" * 1_001}
    assert client.post(versions_url(memory, "restore/"), too_long).status_code == 400
    assert client.get(versions_url(memory, "restore/")).status_code == 405
    assert read(memory).version == 3
    assert not LogEntry.objects.exists()


def test_a_deleted_memory_has_a_page_and_comes_back(memory: UserMemory) -> None:
    replace(memory, "Lives in Lisbon")
    with acting("ann"):
        delete(memory)
    client = staff()
    content = plain(page(client, versions_url(memory)))
    assert "Deleted memory:" in content
    assert "Deleted by ann" in content
    assert restore(client, memory, 2, 2).redirect_chain[-1][0] == memory_url(memory, "history")
    restored = read(memory)
    assert (restored.memory, restored.version, restored.created_at) == ("Lives in Lisbon", 3, memory.created_at)
    history = plain(page(client, memory_url(memory, "history")))
    assert re.search(r"Restored by staff \( \w+ \) through admin", history)
    assert "Deleted by ann" in history


def test_a_memory_that_has_expired_stays_if_it_is_restored(memory: UserMemory) -> None:
    expire(memory)
    client = staff()
    assert client.get(memory_url(memory)).status_code == 302
    assert "Expired memory:" in page(client, versions_url(memory))
    found = entries(client, versions_url(memory))
    assert [(entry.version, entry.may_restore) for entry in found] == [(2, True), (1, True)]
    restore(client, memory, 2, 2)
    assert Memory().get_user_memory(memory.memory_id, "maya") is not None
    assert read(memory).expires_at is None


def test_deleted_and_expired_memories_take_a_permission(memory: UserMemory) -> None:
    gone, expired = delete(add("secret-of-the-deleted")), expire(add("secret-of-the-expired"))
    client = staff("view", "change", name="without")
    for each in (gone, expired, UserMemory(memory_id="unknown", user_id="maya")):
        response = client.get(versions_url(each))
        assert response.status_code == 404
        assert b"secret" not in response.content
        assert client.post(versions_url(each, "restore/"), {"version": "1", "seen": "1"}).status_code == 404
    assert read(expired).memory == "secret-of-the-expired"
    seeing = staff("view", "view_deleted", name="seeing")
    assert "secret-of-the-deleted" in page(seeing, versions_url(gone))
    assert "secret-of-the-expired" in page(seeing, versions_url(expired))


def test_restoring_takes_the_permission_to_change(memory: UserMemory) -> None:
    replace(memory, "Lives in Lisbon")
    client = staff("view", "view_deleted", name="reader")
    assert "Restore" not in page(client, memory_url(memory, "history"))
    assert restore(client, memory, 1, 2).status_code == 403
    nothing = staff("add", name="nothing")
    assert nothing.get(versions_url(memory)).status_code == 403
    assert nothing.get(memory_url(memory, "history")).status_code == 403
    assert restore(nothing, memory, 1, 2).status_code == 403
    assert read(memory).version == 2
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = staff(name="boss").cookies
    assert restore(strict, memory, 1, 2).status_code == 403


def test_a_long_history_is_read_page_by_page(memory: UserMemory, site: str) -> None:
    for number in range(PAGE_SIZE + 4):
        replace(memory, f"Number {number}")
    client, url = staff(), memory_url(memory, "history")
    first = client.get(url).context["versions"]
    assert [entry.version for entry in first.entries] == list(range(PAGE_SIZE + 5, 5, -1))
    second = client.get(first.older_url).context["versions"]
    assert [entry.version for entry in second.entries] == [5, 4, 3, 2, 1]
    assert second.older_url == ""
    assert second.first_url == url
    # The last version of the first page shows what it changed.
    assert "<del" in first.entries[-1].changes[0].text
    assert not first.entries[-1].is_first
    assert client.get(f"{url}?before=nonsense").status_code == 200
    assert client.get(f"{url}?before=1.{'9' * 30}").status_code == 200


def test_the_largest_number_of_a_version_is_one(memory: UserMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        replace(memory, f"Number {number}")
    monkeypatch.setattr(validators, "MAX_COUNT", 5)
    # The limit of a page has the same maximum.
    monkeypatch.setattr(versions, "PAGE_SIZE", 4)
    client, url = staff(), memory_url(memory, "history")
    last = read(memory).last_updated

    def shown(number: int) -> list[int]:
        token = position_token(to_milliseconds(last), str(number))
        return [entry.version for entry in entries(client, f"{url}?before={token}")]

    assert (shown(5), shown(1)) == ([4, 3, 2, 1], [])
    # A number that no version has is not a position, so this is the first page.
    assert shown(6) == shown(-1) == [5, 4, 3, 2]
    for posted in ({"version": "6", "seen": "5"}, {"version": "4", "seen": "6"}):
        assert client.post(versions_url(memory, "restore/"), posted).status_code == 400
    monkeypatch.setattr(validators, "MAX_COUNT", 6)
    assert "is restored" in restore(client, memory, 4, 5).content.decode()
    assert (read(memory).memory, read(memory).version) == ("Number 2", 6)
    assert "Nothing was restored" in restore(client, memory, 4, 5).content.decode()


def test_an_event_of_the_history_is_not_restored(memory: UserMemory) -> None:
    BulkMemory(UserMemory.objects.filter(key=memory.key)).reassign("noah")
    moved = UserMemory.objects.get(user_id="noah")
    assert 0 in [entry.version for entry in entries(staff(), memory_url(moved, "history"))]
    assert staff(name="other").post(versions_url(moved, "restore/"), {"version": "0", "seen": "1"}).status_code == 400


def test_the_number_of_queries_does_not_depend_on_the_versions(memory: UserMemory, site: str) -> None:
    client, url = staff(), memory_url(memory, "history")
    with acting("author"):
        replace(memory, "once")
    page(client, url)
    once = counted(client, url, ["default", site])
    for number in range(10):
        with acting(f"author {number}"):
            replace(memory, f"Number {number}")
    assert counted(client, url, ["default", site]) == once


def test_an_id_that_is_used_again_shows_nothing_of_the_memory_before(memory: UserMemory) -> None:
    delete(memory)
    again = Memory().add_user_memory(UserMemory(memory_id=memory.memory_id, memory="new life"), "maya")
    content = page(staff("view", name="reader"), memory_url(again, "history"))
    assert "new life" in content
    assert "Porto" not in content


def test_another_persons_memory_with_the_id_is_another_one(memory: UserMemory) -> None:
    other = Memory().add_user_memory(UserMemory(memory_id=memory.memory_id, memory="of noah"), "noah")
    replace(other, "noahs secret")
    client = staff()
    assert "noah" not in page(client, memory_url(memory, "history"))
    restore(client, memory, 1, 1)
    assert read(other).version == 2


def test_a_subclass_hides_versions(memory: UserMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = Memory().add_user_memory(UserMemory(memory="secret-one", agent_id="other"), "maya")
    replace(hidden, "visible", agent_id="bot")
    gone = delete(Memory().add_user_memory(UserMemory(memory="secret-two", agent_id="other"), "maya"))
    original = UserMemoryAdmin.get_queryset
    monkeypatch.setattr(
        UserMemoryAdmin, "get_queryset", lambda self, request: original(self, request).filter(agent_id="bot")
    )
    assert isinstance(admin.site.get_model_admin(UserMemory), UserMemoryAdmin)
    client = staff()
    assert "secret" not in page(client, memory_url(hidden, "history"))
    assert client.get(versions_url(gone)).status_code == 404
    assert "not kept any more" in restore(client, hidden, 1, 2).content.decode()
    assert restore(client, gone, 1, 1).status_code == 404
    assert read(hidden).memory == "visible"


def test_what_was_before_the_kept_history_is_shown_whole(memory: UserMemory) -> None:
    with at(now() - datetime.timedelta(days=1)):
        replace(memory, "Lives in Lisbon", topics=["city"])
    replace(memory, "Lives in Faro", topics=["city"])
    MemoryRevision.objects.filter(version=1).erase()
    last = entries(staff(), memory_url(memory, "history"))[-1]
    assert (last.version, last.is_first, last.events) == (2, True, [])
    assert {change.label: str(change.text) for change in last.changes} == {
        "Memory": "Lives in Lisbon",
        "Topics": "city",
    }
