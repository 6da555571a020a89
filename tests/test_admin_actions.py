"""Bulk actions on every database: on the selected memories or on all that match, confirmed and logged."""

from __future__ import annotations

import csv
import datetime
import io
import json
from collections.abc import Iterable
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.db import connections
from django.http import StreamingHttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agno_memory import streaming
from agno_memory.bulk import BulkMemory
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.test import at, values
from agno_memory.test.helpers import with_settings
from tests.admin import LIST, add, add_many, memory_url, page, shown, staff
from tests.databases import commits, each_database

pytestmark = [commits, each_database]

EVERYTHING = {"select_across": "1"}


def choose(client: Client, action: str, memories: Iterable[UserMemory], query: str = "", **data: str) -> Any:
    """Select memories and run an action, as the list does."""
    ticked = [memory.key for memory in memories]
    return client.post(
        LIST + query, {"action": action, "index": "0", "select_across": "0", ACTION_CHECKBOX_NAME: ticked, **data}
    )


def confirm(client: Client, asked: Any, **answers: str) -> Any:
    """Submit the confirmation page of an action, with its hidden fields."""
    context = asked.context
    return client.post(
        asked.wsgi_request.get_full_path(),
        {
            "action": context["bulk_action"].name,
            "select_across": context["select_across"],
            ACTION_CHECKBOX_NAME: context["selected"],
            "post": "yes",
            "until": context["form"]["until"].value(),
            **answers,
        },
    )


def run(client: Client, action: str, memories: Iterable[UserMemory], query: str = "", **answers: str) -> Any:
    across = EVERYTHING if answers.pop("across", "") else {}
    asked = choose(client, action, memories, query, **across)
    assert asked.status_code == 200
    response = confirm(client, asked, **answers)
    assert response.status_code == 302, response.context["form"].errors
    return asked


def messages(client: Client) -> str:
    return " ".join(str(message) for message in client.get(LIST).context["messages"])


def plain(text: str) -> str:
    """Return a text without the characters that isolate its parts."""
    return text.translate({0x2068: None, 0x2069: None})


def topics() -> dict[str, list[str]]:
    return {memory.memory: memory.topics for memory in UserMemory.objects.all()}


def test_delete_selected_asks_first(site: str) -> None:
    gone, kept, client = add("gone <b>"), add("kept"), staff()
    asked = choose(client, "delete_selected", [gone])
    content = asked.content.decode()
    assert "<strong>1</strong> memory will be deleted" in content
    assert "gone &lt;b&gt;" in content
    assert UserMemory.objects.count() == 2
    assert confirm(client, asked).status_code == 302
    assert list(UserMemory.objects.all()) == [kept]
    assert "Delete memories: 1 memory processed." in messages(client)
    (entry,) = LogEntry.objects.all()
    assert (entry.action_flag, entry.object_id, entry.object_repr) == (DELETION, gone.key, f"{gone.memory_id} · maya")


def test_all_that_match_are_those_of_the_filters(site: str) -> None:
    add_many(60, "maya", topics=["old"]), add_many(3, "noah", topics=["old"]), add("other", "maya")
    client = staff()
    ticked = Memory().get_user_memories("maya", limit=1)
    asked = run(client, "delete_selected", ticked, "?user_id=maya&topic=old&q=number", across="yes")
    assert asked.context["count"] == 60
    assert sorted(memory.memory for memory in Memory().get_user_memories("maya")) == ["other"]
    assert UserMemory.objects.for_user("noah").count() == 3
    assert LogEntry.objects.filter(action_flag=DELETION).count() == 60


def test_memories_written_after_the_page_are_left_alone(site: str) -> None:
    one, two, client = add("one"), add("two"), staff()
    asked = choose(client, "delete_selected", [one, two], **EVERYTHING)
    Memory().replace_user_memory(one.memory_id, UserMemory(memory="one, and new"), "maya")
    add("three")
    confirm(client, asked)
    assert shown(client) == ["three", "one, and new"]


def test_topics(site: str) -> None:
    memories = [add("a", topics=["x"]), add("b", "noah", topics=["y", "new"]), add("c", "zoe")]
    client = staff()
    run(client, "add_topic", memories[:2], topic=" new ")
    assert topics() == {"a": ["x", "new"], "b": ["y", "new"], "c": []}
    assert "Add a topic: 1 memory processed." in messages(client)
    (entry,) = LogEntry.objects.all()
    assert (entry.action_flag, entry.object_id) == (CHANGE, memories[0].key)
    assert entry.get_change_message() == "Added topic “new”."
    run(client, "remove_topic", memories[:1], across="yes", topic="new")
    assert topics() == {"a": ["x"], "b": ["y"], "c": []}
    assert "Deleted topic “new”." in page(client, memory_url(memories[0], "history"))


@pytest.mark.parametrize("topic", ["", " ", "x" * 101, "\x00"])
def test_a_bad_topic_is_shown_at_the_field(site: str, topic: str) -> None:
    memory, client = add(), staff()
    response = confirm(client, choose(client, "add_topic", [memory]), topic=topic)
    assert list(response.context["form"].errors) == ["topic"]
    assert topics() == {"Likes tea": []}


def test_move(site: str) -> None:
    mine, client = add("moved", "maya"), staff()
    add("there", "noah")
    run(client, "move", [mine], user_id="noah")
    there, moved = Memory().get_user_memories("noah")
    assert (there.memory, values(moved)) == ("there", {**values(mine), "key": moved.key, "user_id": "noah"})
    assert Memory().get_user_memories("maya") == []
    (entry,) = LogEntry.objects.all()
    assert (entry.object_id, entry.object_repr) == (moved.key, f"{mine.memory_id} · maya")
    assert entry.get_change_message() == "Changed User id for person “noah”."
    assert "Move to another person: 1 memory processed." in messages(client)
    assert "Changed User id for person" in page(client, memory_url(moved, "history"))


def test_a_move_names_the_memories_that_stay(site: str) -> None:
    mine = [add(f"number {each}", "maya", memory_id=f"id-{each}") for each in range(8)]
    for each in range(7):
        add(f"other {each}", "noah", memory_id=f"id-{each}")
    client = staff()
    run(client, "move", mine, user_id="noah")
    text = plain(messages(client))
    assert "Move to another person: 1 memory processed." in text
    assert (
        "7 memories were not moved, because noah has other memories with their ids: "
        "id-0, id-1, id-2, id-3, id-4 and 2 more." in text
    )
    assert {memory.memory_id for memory in Memory().get_user_memories("maya")} == {f"id-{each}" for each in range(7)}
    assert [entry.object_repr for entry in LogEntry.objects.all()] == ["id-7 · maya"]


def test_a_move_of_one_id_of_two_people(site: str) -> None:
    """The older one takes the id."""
    with at(datetime.datetime(2025, 3, 1, tzinfo=datetime.UTC)):
        of_maya = add("of maya", "maya", memory_id="x")
    mine = [of_maya, add("of zoe", "zoe", memory_id="x")]
    add("there", "noah")
    client = staff()
    asked = choose(client, "move", mine)
    assert asked.context["count"] == 2
    confirm(client, asked, user_id="noah")
    texts = {message.level_tag: plain(str(message)) for message in client.get(LIST).context["messages"]}
    texts["success"], _space, undo = texts["success"].partition(" <form ")
    assert 'class="am-undo"' in undo
    assert texts == {
        "success": "Move to another person: 1 memory processed.",
        "warning": "1 memory was not moved, because noah has another memory with its id: x.",
    }
    owners = dict(UserMemory.objects.filter(memory_id="x").values_list("memory", "user_id"))
    assert owners == {"of maya": "noah", "of zoe": "zoe"}


def test_an_action_is_for_the_chosen_memory_among_those_with_one_id(site: str) -> None:
    mine, client = add("of maya", memory_id="x"), staff()
    add("of noah", "noah", memory_id="x")
    run(client, "add_topic", [mine], topic="new")
    run(client, "delete_selected", [mine])
    assert topics() == {"of noah": []}
    assert {(entry.object_id, entry.object_repr) for entry in LogEntry.objects.all()} == {(mine.key, "x · maya")}


def test_a_move_to_an_unknown_person_needs_confirmation(site: str) -> None:
    mine, client = add("moved", "maya"), staff()
    asked = choose(client, "move", [mine])
    response = confirm(client, asked, user_id="nao")
    assert list(response.context["form"].errors) == ["user_id"]
    assert confirm(client, asked, user_id=" ", is_new="on").context["form"].errors
    assert Memory().get_user_memories("maya") == [mine]
    assert confirm(client, asked, user_id="nao", is_new="on").status_code == 302
    assert [memory.memory for memory in Memory().get_user_memories("nao")] == ["moved"]


@pytest.mark.parametrize("until", ["", "x", "99999999999999999999"])
def test_an_action_needs_a_valid_time(site: str, until: str) -> None:
    memory, client = add(), staff()
    response = confirm(client, choose(client, "delete_selected", [memory]), until=until)
    assert response.status_code == 200
    assert UserMemory.objects.count() == 1


def test_nothing_chosen(site: str) -> None:
    add()
    client = staff()
    assert choose(client, "delete_selected", []).status_code == 302
    assert choose(client, "nothing", [add()]).status_code == 302
    assert UserMemory.objects.count() == 2


def body(response: StreamingHttpResponse) -> str:
    return b"".join(response.streaming_content).decode()  # type: ignore[arg-type]


def test_export_json_lines(site: str) -> None:
    add("other", "noah")
    memories = [add("Likes tea\nand salt", topics=["食"], metadata={"a": 1}), add("=HYPERLINK(1)")]
    client = staff()
    response = choose(client, "export_jsonl", memories[:1], "?user_id=maya", **EVERYTHING)
    assert response["Content-Type"] == "application/x-ndjson"
    assert "attachment" in response["Content-Disposition"]
    lines = [json.loads(line) for line in body(response).splitlines()]
    assert [line["memory"] for line in lines] == ["Likes tea\nand salt", "=HYPERLINK(1)"]
    assert (lines[0]["topics"], lines[0]["metadata"], lines[0]["user_id"]) == (["食"], {"a": 1}, "maya")
    (entry,) = LogEntry.objects.all()
    assert (entry.object_repr, entry.change_message, entry.object_id) == ("all of ?user_id=maya", "Exported 2.", None)


def test_export_csv(site: str) -> None:
    memories = [add('Likes tea, and\n"salt"'), add("=HYPERLINK(1)"), add("not chosen")]
    response = choose(staff(), "export_csv", memories[:2])
    rows = list(csv.DictReader(io.StringIO(body(response).lstrip("\ufeff"), newline="")))
    assert [row["memory"] for row in rows] == ['Likes tea, and\n"salt"', "'=HYPERLINK(1)"]
    assert LogEntry.objects.get().change_message == "Exported 2."


def test_an_export_that_is_broken_off_is_logged(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "BLOCK_SIZE", 1)
    response = choose(staff(), "export_jsonl", add_many(5), **EVERYTHING)
    assert LogEntry.objects.get().change_message == "Export started."
    next(iter(response.streaming_content))
    response.close()
    del response
    assert LogEntry.objects.get().change_message == "Exported 0."


def test_many_are_done_in_few_statements(site: str) -> None:
    """A thousand memories take ten batches of a hundred."""
    ticked = add_many(1_000, topics=["a"])[:1]
    client = staff()
    asked = choose(client, "add_topic", ticked, **EVERYTHING)
    contexts = [CaptureQueriesContext(connections[alias]) for alias in {"default", site}]
    for context in contexts:
        context.__enter__()
    with with_settings(BATCH_SIZE=100):
        confirm(client, asked, topic="b")
    for context in contexts:
        context.__exit__(None, None, None)
    assert sum(len(context) for context in contexts) < 110
    assert UserMemory.objects.about("a", "b").count() == 1_000
    assert LogEntry.objects.count() == 1_000


def test_a_failure_in_between_keeps_what_was_done_and_logged(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    add_many(2_500)
    client = staff()
    client.raise_request_exception = False
    asked = choose(client, "add_topic", Memory().get_user_memories("maya", limit=1), **EVERYTHING)
    announced = BulkMemory._announce_replaced

    def fails(self: BulkMemory, batch: list[UserMemory]) -> None:
        if UserMemory.objects.about("b").count() > 1_000:
            raise RuntimeError("the server goes down")
        announced(self, batch)

    monkeypatch.setattr(BulkMemory, "_announce_replaced", fails)
    assert confirm(client, asked, topic="b").status_code == 500
    assert UserMemory.objects.about("b").count() == 2_000
    monkeypatch.undo()
    confirm(client, asked, topic="b")
    assert UserMemory.objects.about("b").count() == 2_500
