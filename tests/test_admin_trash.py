"""The page of deleted memories, and their restoration: one by one, or those that are selected."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agno_memory.acting import acting
from agno_memory.admin import UserMemoryAdmin
from agno_memory.admin.trash import PAGE_SIZE
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.pruning import prune
from agno_memory.revision_models import MemoryRevision
from agno_memory.test import at
from agno_memory.test.helpers import with_settings
from agno_memory.times import now
from tests.admin import LIST, add, add_many, counted, link, page, staff
from tests.admin import now as read
from tests.databases import commits, each_database

pytestmark = [commits, each_database]

TRASH = f"{LIST}deleted/"


def delete(memory: UserMemory) -> UserMemory:
    Memory().delete_user_memory(memory.memory_id, memory.user_id)
    return memory


def texts(client: Client, url: str = TRASH, **query: str) -> list[str]:
    response = client.get(url, query)
    assert response.status_code == 200
    return [each.version.memory for each in response.context["memories"]]


def key(memory: UserMemory) -> str:
    """Return the key of the last version of a deleted memory."""
    return str(MemoryRevision.objects.get(memory_key=memory.key, is_deleted=True).key)


def restore(client: Client, *memories: UserMemory, **data: Any) -> Any:
    return client.post(TRASH, {ACTION_CHECKBOX_NAME: [key(each) for each in memories], **data}, follow=True)


def test_deleted_memories_are_listed_the_last_one_first(site: str) -> None:
    add("kept")
    texts_and_owners = ("first <b>", "maya"), ("second", "noah"), ("third", "maya")
    for number, (text, owner) in enumerate(texts_and_owners):
        # Deletions of one millisecond have no order of their own.
        with acting("ann", reason="ticket <812>"), at(now() - datetime.timedelta(seconds=9 - number)):
            delete(add(text, owner, topics=["home"]))
    client = staff()
    assert texts(client) == ["third", "second", "first <b>"]
    assert texts(client, user_id="maya") == ["third", "first <b>"]
    assert texts(client, user_id="zoe") == []
    content = page(client, TRASH)
    assert "first &lt;b&gt;" in content
    assert "ticket &lt;812&gt;" in content
    assert "Deleted" in content
    assert "kept" not in content
    assert client.get(TRASH, {"user_id": "x" * 300}).status_code == 404
    assert client.get(TRASH, {"before": "nonsense"}).status_code == 200


def test_selected_memories_are_restored(site: str) -> None:
    one, two, three = (delete(add(f"number {each}", topics=["home"])) for each in range(3))
    client = staff()
    response = restore(client, one, three, reason="a mistake")
    assert "2 memories are restored." in response.content.decode()
    assert {each.memory for each in UserMemory.objects.all()} == {"number 0", "number 2"}
    assert texts(client) == [two.memory]
    last = Memory().get_user_memory_history(one.memory_id, "maya")[1]
    assert last.restored is not None
    assert (last.restored["through"], last.restored["reason"]) == ("admin", "a mistake")
    entries = LogEntry.objects.all()
    assert {(entry.object_id, entry.change_message) for entry in entries} == {
        (one.key, "Restored."),
        (three.key, "Restored."),
    }


def test_a_button_restores_one(site: str) -> None:
    one, two = delete(add("one")), delete(add("two"))
    client = staff()
    response = client.post(TRASH, {"one": key(one), ACTION_CHECKBOX_NAME: key(two)}, follow=True)
    assert "1 memory is restored." in response.content.decode()
    assert [each.memory for each in UserMemory.objects.all()] == ["one"]


def test_an_id_that_is_used_again_keeps_its_memory(site: str) -> None:
    gone = delete(add("before", memory_id="x"))
    add("after", memory_id="x")
    response = restore(staff(), gone)
    assert "1 memory was left as it is" in response.content.decode()
    assert [each.memory for each in UserMemory.objects.all()] == ["after"]


def test_the_page_takes_permissions(site: str) -> None:
    gone = delete(add("secret-of-the-deleted"))
    for permissions in (("view", "change", "delete"), ("view_deleted",)):
        client = staff(*permissions, name=permissions[-1])
        for response in (client.get(TRASH), restore(client, gone)):
            assert response.status_code == 403
            assert b"secret" not in response.content
    assert "secret" not in page(staff("view", "change", name="without"))
    seeing = staff("view", "view_deleted", name="seeing")
    content = page(seeing, TRASH)
    assert "secret-of-the-deleted" in content
    assert "Restore" not in content
    assert restore(seeing, gone).status_code == 403
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = staff(name="boss").cookies
    assert restore(strict, gone).status_code == 403
    assert not UserMemory.objects.exists()


def test_a_subclass_hides_deleted_memories(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = delete(add("secret", agent_id="other"))
    original = UserMemoryAdmin.get_queryset
    monkeypatch.setattr(
        UserMemoryAdmin, "get_queryset", lambda self, request: original(self, request).filter(agent_id="bot")
    )
    client = staff()
    assert texts(client) == []
    assert "0 memories are restored." in restore(client, gone).content.decode()
    assert not UserMemory.objects.exists()


def test_pages_follow_each_other(site: str) -> None:
    """Deletions of one millisecond included."""
    with at(now() - datetime.timedelta(hours=1)):
        added = add_many(PAGE_SIZE * 2 + 3)
        Memory().delete_user_memories([each.memory_id for each in added], "maya")
    client = staff()
    seen, url = [], f"{TRASH}?user_id=maya"
    for _page in range(3):
        seen += texts(client, url)
        content = page(client, url)
        url = link("Older", content) if "Older" in content else ""
    assert sorted(seen) == sorted(each.memory for each in added)
    assert url == ""
    assert link("Newest", content) == f"{TRASH}?user_id=maya"


def test_too_many_and_odd_keys_are_refused(site: str) -> None:
    client = staff()
    for keys in (["x"] * (PAGE_SIZE + 1), ["\x00"]):
        assert client.post(TRASH, {ACTION_CHECKBOX_NAME: keys}).status_code == 400
    assert client.post(TRASH, {"reason": "x" * 1_001}).status_code == 400
    assert client.put(TRASH).status_code == 405


def test_the_number_of_queries_does_not_depend_on_the_deleted_memories(site: str) -> None:
    client = staff()
    with acting("author"):
        delete(add())
    page(client, TRASH)
    once = counted(client, TRASH, ["default", site])
    for number in range(10):
        with acting(f"author {number}"):
            delete(add(f"number {number}", f"person {number}"))
    assert counted(client, TRASH, ["default", site]) == once


def test_each_list_of_deleted_memories_is_bounded(site: str) -> None:
    delete(add())
    client = staff()
    with CaptureQueriesContext(connections[site]) as context:
        page(client, TRASH)
    reads = [each["sql"] for each in context if "agno_memory_memoryrevision" in each["sql"]]
    assert len(reads) == 1
    assert f"LIMIT {PAGE_SIZE + 1}" in reads[0] or f"'$limit': {PAGE_SIZE + 1}" in reads[0]


def test_memories_that_have_expired_are_among_the_deleted_ones(site: str) -> None:
    start = now() - datetime.timedelta(minutes=9)
    with at(start):
        gone = delete(add("deleted"))
        one, two, three = (
            add(f"over {each}", owner, expires_at=start + datetime.timedelta(minutes=each))
            for each, owner in ((1, "maya"), (2, "maya"), (3, "noah"))
        )
    client = staff()
    assert texts(client) == ["over 3", "over 2", "over 1", "deleted"]
    keys = re.findall(r'name="_selected_action" value="([^"]*)"', page(client, TRASH, user_id="maya"))
    assert keys == [f"{two.key} {two.memory_id}", f"{one.key} {one.memory_id}", key(gone)]
    response = client.post(TRASH, {ACTION_CHECKBOX_NAME: [keys[0], keys[2]]}, follow=True)
    assert "2 memories are restored." in response.content.decode()
    assert texts(client) == ["over 3", "over 1"]
    assert read(two).expires_at is None
    prune()
    assert texts(client) == ["over 3", "over 1"]
    assert "1 memory is restored." in client.post(TRASH, {"one": key(one)}, follow=True).content.decode()
    assert texts(client) == [three.memory]


def test_all_deleted_memories_are_restored_in_batches(site: str) -> None:
    added = add_many(PAGE_SIZE + 3)
    Memory().delete_user_memories([each.memory_id for each in added], "maya")
    with at(now() - datetime.timedelta(minutes=9)):
        add("over", expires_at=now() + datetime.timedelta(minutes=1))
    client = staff()
    other, content = delete(add("another person's", "noah")), page(client, TRASH, user_id="maya")
    (until,) = re.findall(r'name="every" value="(\d+)"', content)
    later = delete(add("deleted after the page was opened"))
    MemoryRevision.objects.filter(memory_key=later.key).update(valid_until=now() + datetime.timedelta(minutes=1))
    with with_settings(BATCH_SIZE=20):
        response = client.post(f"{TRASH}?user_id=maya", {"every": until, "reason": "ticket 9"}, follow=True)
    assert f"{PAGE_SIZE + 4} memories are restored." in response.content.decode()
    assert UserMemory.objects.count() == PAGE_SIZE + 4
    assert sorted(texts(client)) == [other.memory, later.memory]
    assert 'name="every"' not in page(client, TRASH)
    # A box without a time selects nothing.
    for every in ("", "x", "9" * 30):
        assert client.post(TRASH, {"every": every}).status_code == 302
    assert len(texts(client)) == 2
    entry = LogEntry.objects.get(object_id=added[0].key)
    assert entry.change_message == "Restored."
