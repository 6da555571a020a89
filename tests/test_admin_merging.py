"""The action that merges memories of one person, and its page that asks for the text to keep."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.test import Client

from agno_memory.admin.merging import MAX_MERGED
from agno_memory.conf import conf
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.revision_models import MemoryRevision
from tests.admin import LIST, add, add_many, staff
from tests.databases import commits, each_database
from tests.test_admin_actions import choose, messages
from tests.test_admin_undo import state, undo

pytestmark = [commits, each_database]


def confirm(client: Client, asked: Any, **answers: str) -> Any:
    """Submit the page of the action, with its hidden fields."""
    form = asked.context["form"]
    return client.post(
        asked.wsgi_request.get_full_path(),
        {
            "action": "merge",
            "select_across": "0",
            ACTION_CHECKBOX_NAME: asked.context["selected"],
            "post": "yes",
            "until": form["until"].value(),
            "keep": form["keep"].value(),
            **answers,
        },
    )


def refusal(client: Client, memories: Iterable[UserMemory], **data: str) -> str:
    """Return the message of an action that shows no page."""
    assert choose(client, "merge", memories, **data).status_code == 302
    return messages(client)


@pytest.fixture
def memories(site: str) -> list[UserMemory]:
    texts = {"Likes <b>tea</b>": ["drinks"], "Likes green tea": ["drinks", "tea"], "Loves tea": list[str]()}
    return [add(text, topics=topics) for text, topics in texts.items()]


def test_the_newest_stays_with_the_chosen_text(memories: list[UserMemory]) -> None:
    other, client = add("other"), staff()
    asked = choose(client, "merge", memories)
    content = asked.content.decode()
    assert "<strong>3</strong> memories become one" in content
    assert "Likes &lt;b&gt;tea&lt;/b&gt;" in content
    assert asked.context["topics"] == ["drinks", "tea"]
    assert UserMemory.objects.count() == 4
    assert confirm(client, asked, keep=memories[1].key, reason="ticket 7").status_code == 302
    assert set(MemoryRevision.objects.values_list("reason", flat=True)) == {"ticket 7"}
    merged = UserMemory.objects.exclude(key=other.key).get()
    assert (merged.memory_id, merged.memory) == (memories[2].memory_id, "Likes green tea")
    assert sorted(merged.topics) == ["drinks", "tea"]
    assert merged.created_at == memories[0].created_at
    entries = {(entry.object_id, entry.action_flag, entry.change_message) for entry in LogEntry.objects.all()}
    assert entries == {
        (memories[2].key, CHANGE, "Merged with others."),
        (memories[0].key, DELETION, "Merged into another memory."),
        (memories[1].key, DELETION, "Merged into another memory."),
    }
    assert "3 memories are merged." in messages(client)


def test_another_text(memories: list[UserMemory]) -> None:
    client = staff()
    asked = choose(client, "merge", memories[:2])
    for text in ("", " ", "x" * (conf.MAX_MEMORY_LENGTH + 1)):
        response = confirm(client, asked, keep="other", memory=text)
        assert response.status_code == 200
        assert response.context["form"].errors
    assert confirm(client, asked, keep="nonsense").context["form"].errors
    assert UserMemory.objects.count() == 3
    confirm(client, asked, keep="other", memory="Likes any tea")
    assert sorted(UserMemory.objects.values_list("memory", flat=True)) == ["Likes any tea", "Loves tea"]


def test_a_merge_is_undone(memories: list[UserMemory]) -> None:
    client, before = staff(), state()
    confirm(client, choose(client, "merge", memories), keep=memories[0].key)
    assert len(state()) == 1
    assert "3 memories are restored." in undo(client).content.decode()
    assert state() == before


def test_only_texts_that_were_read_are_merged(memories: list[UserMemory]) -> None:
    client = staff()
    asked = choose(client, "merge", memories)
    Memory().replace_user_memory(memories[0].memory_id, UserMemory(memory="Hates tea"), "maya")
    again = confirm(client, asked)
    assert "has changed since this page was shown" in again.content.decode()
    assert "Hates tea" in again.content.decode()
    assert UserMemory.objects.count() == 3
    # The page has been read again.
    Memory().delete_user_memory(memories[1].memory_id, "maya")
    assert confirm(client, again).status_code == 302
    assert "One of these memories is not there any more." in messages(client)
    assert UserMemory.objects.count() == 2
    asked = choose(client, "merge", [memories[0], memories[2]])
    assert confirm(client, asked).status_code == 302
    assert UserMemory.objects.count() == 1


def test_two_to_twenty_memories_of_one_person_are_merged(memories: list[UserMemory]) -> None:
    client = staff()
    assert "at least two" in refusal(client, memories[:1])
    assert "one person" in refusal(client, [*memories, add("of noah", "noah")])
    many = add_many(MAX_MERGED + 1)
    assert f"at most {MAX_MERGED}" in refusal(client, many)
    assert f"at most {MAX_MERGED}" in refusal(client, many[:1], select_across="1")
    assert UserMemory.objects.count() == MAX_MERGED + 5


def test_topics_that_do_not_fit_are_an_error_of_the_page(site: str) -> None:
    half = conf.MAX_TOPICS // 2 + 1
    memories = [add(f"number {each}", topics=[f"{each} {topic}" for topic in range(half)]) for each in range(2)]
    client = staff()
    response = confirm(client, choose(client, "merge", memories))
    assert response.status_code == 200
    assert response.context["form"].non_field_errors()
    assert UserMemory.objects.count() == 2


@pytest.mark.parametrize("permissions", [("view",), ("change",), ("view", "delete")])
def test_merging_takes_the_permissions_to_change_and_to_delete(
    memories: list[UserMemory], permissions: tuple[str, ...]
) -> None:
    client = staff(*permissions)
    assert "Merge selected memories" not in client.get(LIST).content.decode()
    data = {"action": "merge", "post": "yes", "until": "9999999999999", "keep": memories[0].key}
    client.post(LIST, {**data, ACTION_CHECKBOX_NAME: [each.key for each in memories]})
    assert UserMemory.objects.count() == 3
    assert "Merge selected memories" in staff("change", "delete", name="both").get(LIST).content.decode()
