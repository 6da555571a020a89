"""Undo in the messages after writes: of one memory and of many, by the same staff user, unless written since."""

from __future__ import annotations

import datetime
import json
import re
from typing import Any
from unittest import mock

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils.timezone import localtime

from agno_memory import people
from agno_memory.admin import UserMemoryAdmin
from agno_memory.admin.history import logged_moves
from agno_memory.admin.undo import MAX_AGE
from agno_memory.bulk import BulkMemory
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.pruning import prune
from agno_memory.revision_models import MemoryRevision
from agno_memory.test.helpers import with_settings
from agno_memory.times import now, to_milliseconds
from tests.admin import ADD, LIST, ROUTERS, add, add_many, memory_url, page, save, staff
from tests.admin import now as read
from tests.databases import commits, each_database
from tests.test_admin_actions import choose, confirm, run

pytestmark = [commits, each_database]

BUTTON = re.compile(r'<form class="am-undo" method="post" action="([^"]+)">')


def button(client: Client, url: str = LIST) -> str:
    """Return the address that the button of the message submits to, or "" without one."""
    found = BUTTON.search(page(client, url))
    return found[1] if found else ""


def undo(client: Client, url: str = "", **headers: str) -> Any:
    return client.post(url or button(client), follow=True, headers=headers)


def state() -> dict[str, tuple[str, list[str]]]:
    return {memory.key: (memory.memory, memory.topics) for memory in UserMemory.objects.all()}


def test_a_saved_form_is_undone(site: str) -> None:
    memory, client = add("Drinks tea", topics=["drinks"]), staff()
    save(client, memory, memory="Drinks coffee", topics="coffee", pinned="on")
    response = undo(client)
    assert response.redirect_chain[-1][0] == memory_url(memory)
    assert "1 memory is restored." in response.content.decode()
    undone = read(memory)
    assert (undone.memory, undone.topics, undone.pinned, undone.version) == ("Drinks tea", ["drinks"], False, 3)
    before = Memory().get_user_memory_history(memory.memory_id, "maya")[1]
    assert (before.action, before.through) == ("restored", "admin")
    assert [entry.change_message for entry in LogEntry.objects.order_by("pk")][-1] == "Undone."


def test_an_expiry_that_is_over_is_undone(site: str) -> None:
    """Before the memory that has expired is pruned, and afterwards."""
    client = staff()
    for is_pruned in (False, True):
        memory = add("Drinks tea", topics=["drinks"], created_at=now() - datetime.timedelta(days=2))
        over = localtime(now() - datetime.timedelta(hours=1))
        save(client, memory, expires_at=f"{over:%Y-%m-%dT%H:%M:%S}")
        assert Memory().get_user_memory(memory.memory_id, "maya") is None
        url = button(client)
        if is_pruned:
            prune()
        assert "1 memory is restored." in undo(client, url).content.decode()
        undone = Memory().get_user_memory(memory.memory_id, "maya")
        assert undone is not None
        assert (undone.memory, undone.topics, undone.expires_at, undone.version) == ("Drinks tea", ["drinks"], None, 3)
        history = Memory().get_user_memory_history(memory.memory_id, "maya")
        ends = [(each.version, each.action) for each in history]
        assert ends == [(3, ""), (2, "expired" if is_pruned else "restored"), (1, "replaced")]


def test_a_form_without_changes_has_no_undo(site: str) -> None:
    memory, client = add(), staff()
    assert save(client, memory).status_code == 302
    content = page(client)
    assert "was changed successfully" in content
    assert "am-undo" not in content


def test_a_deletion_is_undone(site: str) -> None:
    memory, client = add("Drinks tea", topics=["drinks"]), staff()
    client.post(memory_url(memory, "delete"), {"post": "yes"})
    assert not UserMemory.objects.exists()
    response = undo(client)
    assert response.redirect_chain[-1][0] == memory_url(memory)
    undone = read(memory)
    assert (undone.memory, undone.topics, undone.created_at) == ("Drinks tea", ["drinks"], memory.created_at)


def test_an_addition_is_undone(site: str) -> None:
    client = staff()
    client.post(ADD, {"user_id": "maya", "memory": "Drinks tea"})
    assert UserMemory.objects.count() == 1
    assert "The memory is deleted again." in undo(client).content.decode()
    assert not UserMemory.objects.exists()
    client.post(ADD, {"user_id": "maya", "memory": "Drinks tea"})
    memory = UserMemory.objects.get()
    Memory().replace_user_memory(memory.memory_id, UserMemory(memory="Drinks coffee"), "maya")
    assert "Nothing was undone." in undo(client).content.decode()
    assert read(memory).memory == "Drinks coffee"


@pytest.mark.parametrize(
    ("action", "answers"),
    [("delete_selected", {}), ("add_topic", {"topic": "new"}), ("remove_topic", {"topic": "drinks"})],
)
def test_each_bulk_action_is_undone(site: str, action: str, answers: dict[str, str]) -> None:
    memories = [*add_many(4, "maya", topics=["a", "drinks"]), *add_many(3, "noah", topics=["drinks"])]
    other, client, before = add("other", topics=["drinks"]), staff(), state()
    run(client, action, memories, **answers)
    # The same staff user writes another memory in between.
    client.post(memory_url(other, "delete"), {"post": "yes"})
    changed = state()
    assert changed != before
    first, _second = (found[1] for found in BUTTON.finditer(page(client)))
    response = undo(client, first, referer=f"http://testserver{LIST}?topic=a")
    assert response.redirect_chain[-1][0] == f"http://testserver{LIST}?topic=a"
    assert "7 memories are restored." in response.content.decode()
    assert state() == {key: value for key, value in before.items() if key != other.key}
    # A second time, there is nothing to undo.
    assert "7 memories were left as they are" in undo(client, first).content.decode()


def test_a_move_is_undone(site: str) -> None:
    """Of memories of two people to a third one, who has memories already; each goes back, in several batches."""
    memories = [*add_many(5, "maya"), *add_many(3, "noah" * 50)]
    there, client = add_many(2, "third"), staff()
    before = state()
    with with_settings(BATCH_SIZE=2):
        run(client, "move", memories, user_id="third")
        url = button(client)
        # A later move to the same person has an undo of its own.
        late = add("late", "zoe")
        run(client, "move", [late], user_id="third")
        content = undo(client, url, referer=f"http://testserver{LIST}?topic=a").content.decode()
    assert "8 memories are moved back." in content
    assert "left as" not in content
    assert {key: value for key, value in state().items() if key in before} == before
    assert set(UserMemory.objects.filter(user_id="third")) == {*there, UserMemory.objects.get(memory="late")}
    history = Memory().get_user_memory_history(memories[0].memory_id, "maya")
    assert [(each.action, each.through) for each in history][:2] == [("", ""), ("reassigned", "admin")]
    logged = {entry.get_change_message() for entry in LogEntry.objects.order_by("-pk")[:8]}
    assert logged == {f"Changed User id for person “{user}”." for user in ("maya", "noah" * 50)}
    again = undo(client, url).content.decode()
    assert "8 memories were left as they are" in again
    assert "moved back" not in again


def test_the_undo_of_a_move_leaves_what_changed_since(site: str) -> None:
    """A memory that was written, one whose person was erased, one whose id is taken, and one that was moved on."""
    memories = [add(name, owner) for name, owner in zip("abcde", ("maya", "erased", "ida", "zoe", "lee"), strict=True)]
    client = staff()
    run(client, "move", memories, user_id="noah", is_new="on")
    url = button(client)
    Memory().replace_user_memory(memories[0].memory_id, UserMemory(memory="written"), "noah")
    people.erase("erased")
    Memory().add_user_memory(UserMemory(memory_id=memories[2].memory_id, memory="another"), "ida")
    run(client, "move", UserMemory.objects.filter(memory="d"), user_id="fourth", is_new="on")
    content = undo(client, url).content.decode()
    assert "1 memory is moved back." in content
    assert "4 memories were left as they are" in content
    owners = {(each.memory, each.user_id) for each in UserMemory.objects.all()}
    moved = {("written", "noah"), ("b", "noah"), ("c", "noah"), ("another", "ida"), ("d", "fourth"), ("e", "lee")}
    assert owners == moved


def test_the_undo_of_a_move_leaves_another_memory_with_the_same_id(site: str) -> None:
    """Several people may use one id: a memory of another person that was moved to the same one since stays."""
    day = datetime.timedelta(days=1)
    maya, noah = (
        add(user, user, memory_id="profile", created_at=now() - day * n) for n, user in ((2, "maya"), (1, "noah"))
    )
    client = staff()
    run(client, "move", [maya], user_id="zoe", is_new="on")
    url = button(client)
    run(client, "move", UserMemory.objects.for_user("zoe"), user_id="lee", is_new="on")
    run(client, "move", [noah], user_id="zoe", is_new="on")
    assert "1 memory was left as it is" in undo(client, url).content.decode()
    assert {(each.memory, each.user_id) for each in UserMemory.objects.all()} == {("maya", "lee"), ("noah", "zoe")}
    BulkMemory(UserMemory.objects.for_user("zoe")).reassign("noah")
    BulkMemory(UserMemory.objects.for_user("lee")).reassign("zoe")
    assert "1 memory is moved back." in undo(client, url).content.decode()
    assert {(each.memory, each.user_id) for each in UserMemory.objects.all()} == {("maya", "maya"), ("noah", "noah")}


def test_the_undo_of_a_move_ignores_other_entries_of_the_log(site: str) -> None:
    """Entries of other code, owners that only other programs write, and a page of a machine with another clock."""
    memories, client = add_many(3), staff()
    asked = choose(client, "move", memories)
    ahead = str(to_milliseconds(now() + datetime.timedelta(minutes=5)))
    with with_settings(BATCH_SIZE=1):
        confirm(client, asked, user_id="noah", is_new="on", until=ahead)
        url, entry = button(client), LogEntry.objects.earliest("pk")
        change = json.loads(entry.change_message)[0]["changed"]
        entry.delete()
        values: tuple[Any, ...] = ([], {}, 5, "", None)
        odd = [{**change, name: value} for name in ("object", "from", "state") for value in values]
        for message in (*values, [5], [[]], [{"changed": 5}], *([{"changed": each}] for each in odd)):
            entry.pk, entry.change_message = None, json.dumps(message)
            entry.save()
        # The next call completes one that was interrupted after its first batch.
        with (
            mock.patch("agno_memory.admin.moving.log_moved", side_effect=InterruptedError),
            pytest.raises(InterruptedError),
        ):
            client.post(url)
        assert UserMemory.objects.for_user("maya").count() == 1
        assert "1 memory is moved back." in undo(client, url).content.decode()
    assert UserMemory.objects.for_user("maya").count() == 2


def test_the_undo_of_a_move_reaches_what_its_staff_user_may_change(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    memory, client = add("one", "maya"), staff()
    with with_settings(HISTORY_DAYS=0):
        # It takes no history.
        run(client, "move", [memory], user_id="noah", is_new="on")
        url = button(client)
    assert "noah" not in url
    request, (entry,) = client.get(LIST).wsgi_request, LogEntry.objects.all()
    way = json.loads(entry.change_message)[0]["changed"]["through"]
    # A replica may lag.
    with override_settings(DATABASE_ROUTERS=["tests.routers.LogOnReplica", *ROUTERS]):
        moves = list(logged_moves(request, way, entry.action_time))
    assert [[(move.owner, move.before) for move in page] for page in moves] == [[("noah", "maya")]]
    assert staff(name="other").post(url).status_code == 403
    monkeypatch.setattr(UserMemoryAdmin, "has_change_permission", lambda self, request, obj=None: False)
    assert client.post(url).status_code == 403
    monkeypatch.undo()
    original = UserMemoryAdmin.get_queryset
    monkeypatch.setattr(
        UserMemoryAdmin, "get_queryset", lambda self, request: original(self, request).filter(agent_id="bot")
    )
    assert "1 memory was left as it is" in undo(client, url).content.decode()
    monkeypatch.undo()
    assert UserMemory.objects.get().user_id == "noah"
    undo(client, url)
    assert UserMemory.objects.get().user_id == "maya"


def test_memories_that_were_written_since_stay(site: str) -> None:
    one, two = add("one", topics=["a"]), add("two", topics=["a"])
    client = staff()
    run(client, "remove_topic", [one, two], topic="a")
    Memory().replace_user_memory(one.memory_id, UserMemory(memory="one, and new"), "maya")
    content = undo(client).content.decode()
    assert "1 memory is restored." in content
    assert "1 memory was left as it is" in content
    assert {(each.memory, *each.topics) for each in UserMemory.objects.all()} == {("one, and new",), ("two", "a")}


def test_a_later_write_of_the_same_memory_has_its_own_undo(site: str) -> None:
    memory, client = add("one"), staff()
    save(client, memory, memory="two")
    first = button(client)
    save(client, memory, memory="three")
    second = button(client)
    assert "left as it is" in undo(client, first).content.decode()
    assert read(memory).memory == "three"
    undo(client, second)
    assert read(memory).memory == "two"


def test_a_button_works_for_its_staff_user_for_an_hour(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    memory, client = add("one"), staff()
    save(client, memory, memory="two")
    url = button(client)
    assert client.get(url).status_code == 405
    assert staff(name="other").post(url).status_code == 403
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert strict.post(url).status_code == 403
    assert Client().post(url).status_code == 302
    for wrong in (f"{LIST}undo/nonsense/", url.replace("undo/", "undo/x")):
        assert "has expired" in undo(client, wrong).content.decode()
    monkeypatch.setattr("agno_memory.admin.undo.MAX_AGE", datetime.timedelta(seconds=-1))
    assert "has expired" in undo(client, url).content.decode()
    assert read(memory).memory == "two"
    assert datetime.timedelta(minutes=10) < MAX_AGE <= datetime.timedelta(days=1)


def test_undo_takes_the_permission_to_restore(site: str) -> None:
    memory = add()
    deleting = staff("view", "delete", name="deleting")
    deleting.post(memory_url(memory, "delete"), {"post": "yes"})
    assert button(deleting) == ""
    adding = staff("view", "add", name="adding")
    adding.post(ADD, {"user_id": "maya", "memory": "Drinks tea"})
    assert button(adding) == ""
    changing = staff("change", name="changing")
    changed = UserMemory.objects.get()
    save(changing, changed, memory="Drinks coffee")
    url = button(changing)
    changing_user = LogEntry.objects.latest("pk").user
    changing_user.user_permissions.clear()
    assert changing.post(url).status_code == 403
    assert read(changed).memory == "Drinks coffee"


def test_without_a_history_there_is_no_undo(site: str) -> None:
    memory, client = add(), staff()
    with with_settings(HISTORY_DAYS=0):
        client.post(memory_url(memory, "delete"), {"post": "yes"})
        assert button(client) == ""


def test_a_subclass_hides_memories_from_an_undo(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    memory, client = add("secret", agent_id="other"), staff()
    client.post(memory_url(memory, "delete"), {"post": "yes"})
    url = button(client)
    original = UserMemoryAdmin.get_queryset
    monkeypatch.setattr(
        UserMemoryAdmin, "get_queryset", lambda self, request: original(self, request).filter(agent_id="bot")
    )
    undo(client, url)
    assert not UserMemory.objects.exists()


def test_the_history_names_the_bulk_action(site: str) -> None:
    memories, client = add_many(3), staff()
    run(client, "add_topic", memories, topic="new")
    ways = set(MemoryRevision.objects.values_list("through", flat=True))
    assert len(ways) == 1
    assert re.fullmatch(r"admin, action [0-9a-f]{8}", ways.pop())


def test_each_bulk_action_takes_a_reason(site: str) -> None:
    memories, client = add_many(3), staff()
    run(client, "add_topic", memories, topic="new", reason=" ticket 7 ")
    run(client, "move", memories[:1], user_id="noah", is_new="on", reason="ticket 8")
    run(client, "delete_selected", memories[1:], reason="")
    versions = set(MemoryRevision.objects.values_list("is_deleted", "reason"))
    assert versions == {(False, "ticket 7"), (False, "ticket 8"), (True, "")}
    asked = choose(client, "delete_selected", UserMemory.objects.all())
    assert confirm(client, asked, reason="x" * 1_001).context["form"].errors
    assert UserMemory.objects.count() == 1


def test_many_are_undone_in_few_statements(site: str) -> None:
    """Three thousand memories take three batches, and the address stays short."""
    ticked = add_many(3_000, topics=["a"])[:1]
    client, before = staff(), state()
    run(client, "delete_selected", ticked, across="yes")
    url = button(client)
    assert len(url) < 400
    contexts = [CaptureQueriesContext(connections[alias]) for alias in {"default", site}]
    for context in contexts:
        context.__enter__()
    response = client.post(url)
    for context in contexts:
        context.__exit__(None, None, None)
    assert response.status_code == 302
    # SQLite takes fifty memories with one statement.
    assert sum(len(context) for context in contexts) - (3_000 // 50 if site == "default" else 0) < 100
    assert state() == before
