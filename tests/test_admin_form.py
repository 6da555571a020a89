"""The form of a memory: every write goes through the service, and nothing is lost.

It covers admin/memories.py, forms.py, widgets.py and the pages of conflicts.py.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry

from agno_memory import times
from agno_memory.admin import UserMemoryAdmin
from agno_memory.admin.memories import memory_fieldsets
from agno_memory.admin.widgets import TextField
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.names import CONTENT_FIELDS, FIELDS
from agno_memory.test import values
from tests.admin import ADD, add, add_many, counted, errors, form_data, memory_url, now, page, save, staff
from tests.databases import commits, each_database
from tests.samples import sample

pytestmark = [commits, each_database]

SECRET = "The secret text"


def test_the_form_has_every_field(site: str) -> None:
    """A field that is added to ``names.CONTENT_FIELDS`` is in the form without a change in the admin."""
    fields = [name for _title, options in UserMemoryAdmin.fieldsets for name in options["fields"]]
    assert sorted(fields) == sorted(FIELDS)
    *_, (_title, others), _automatic = memory_fieldsets(CONTENT_FIELDS)
    *_, (_title, with_mood), _automatic = memory_fieldsets((*CONTENT_FIELDS, "mood"))
    assert with_mood["fields"] == (*others["fields"], "mood")
    form = staff().get(ADD).context["adminform"].form
    assert list(form.fields)[:-2] == [*(name for name in fields if name in ("user_id", *CONTENT_FIELDS)), "memory_id"]
    for name, maximum in (("memory", 10_000), ("input", 100_000), ("feedback", 100_000)):
        assert form.fields[name].widget.attrs["data-am-count"] == maximum
        assert isinstance(form.fields[name], TextField)


@pytest.mark.parametrize("name", CONTENT_FIELDS)
def test_every_content_field_is_saved(site: str, name: str) -> None:
    saved, client = add("x"), staff()
    field = client.get(memory_url(saved)).context["adminform"].form.fields[name]
    value = field.prepare_value(sample(name))
    submitted = value.replace("\n", "\r\n") if isinstance(value, str) else value
    assert save(client, saved, **{name: submitted}).status_code == 302
    assert getattr(now(saved), name) == sample(name)
    # Another field changes, and this one stays.
    save(client, saved, **{"topics" if name == "memory" else "memory": "other"})
    assert getattr(now(saved), name) == sample(name)


def test_adds(site: str) -> None:
    client = staff()
    response = client.post(
        ADD,
        {
            "user_id": "maya",
            "memory": "Likes tea",
            "topics": 'drinks, "salt, pepper"',
            "metadata": '{"a": [1, "é"]}',
            "agent_id": "bot",
        },
    )
    assert response.status_code == 302
    (added,) = Memory().get_user_memories("maya")
    assert (added.memory, added.topics, added.metadata, added.agent_id) == (
        "Likes tea",
        ["drinks", "salt, pepper"],
        {"a": [1, "é"]},
        "bot",
    )
    assert (added.version, added.input, added.team_id) == (1, None, None)
    (entry,) = LogEntry.objects.all()
    assert (entry.action_flag, entry.object_id, entry.object_repr) == (ADDITION, added.key, f"{added.memory_id} · maya")


def test_a_memory_with_a_time_in_the_future_can_be_edited(site: str) -> None:
    """Another program wrote it, and staff cannot set the time."""
    memory, client = add(), staff()
    future = memory.created_at + datetime.timedelta(days=400)
    UserMemory.objects.filter(pk=memory.pk).set_times(future, future)
    assert save(client, memory, memory="Likes coffee", created_at="2020-01-01").status_code == 302
    assert (now(memory).memory, now(memory).created_at) == ("Likes coffee", future)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("memory_id", "x" * 256, "Ensure this value has at most 255 characters (it has 256)."),
        ("memory", "  ", "This cannot be blank."),
        ("memory", "", "This cannot be blank."),
        ("memory", "x" * 10_001, "Ensure this has at most 10000 characters (it has 10001)."),
        ("user_id", " ", "This cannot be blank."),
        ("topics", "x" * 101, "Ensure this has at most 100 characters (it has 101)."),
        ("topics", ",".join(map(str, range(51))), "Ensure there are at most 50 topics (there are 51)."),
        ("topics", 'a, "b', "Close the quotation mark."),
        ("metadata", "[1]", "Metadata must be a JSON object."),
        ("metadata", "{", "Enter a valid JSON."),
        ("metadata", '{"$a": 1}', "Metadata keys cannot begin with a dollar sign."),
        ("metadata", '{"a": NaN}', "Metadata numbers must fit into 64 bits."),
        ("agent_id", "x" * 256, "Ensure this value has at most 255 characters (it has 256)."),
        ("input", "x" * 100_001, "Ensure this has at most 100000 characters (it has 100001)."),
    ],
)
def test_shows_errors_at_the_field(site: str, field: str, value: str, message: str) -> None:
    response = staff().post(ADD, {"user_id": "maya", "memory": "Likes tea", field: value})
    assert errors(response) == {field: [message]}
    assert not UserMemory.objects.exists()


def test_changes(site: str) -> None:
    memory, client = add("Likes tea", topics=["drinks", "tea"], metadata={"a": 1}), staff()
    response = save(client, memory, memory="Likes coffee", topics="coffee, drinks")
    assert response.status_code == 302
    changed = now(memory)
    assert (changed.memory, changed.topics, changed.metadata, changed.version) == (
        "Likes coffee",
        ["coffee", "drinks"],
        {"a": 1},
        2,
    )
    assert changed.last_updated > memory.last_updated
    assert changed.search_text == "likes coffee"


def test_unchanged_fields_stay(site: str) -> None:
    """Browsers submit other line ends, and form fields strip spaces by default."""
    content = {
        "topics": ["a,b", 'say "x"', "two\nlines", "c\r\nd"],
        "input": "  one\r\ntwo\rthree\n",
        "metadata": {"deep": {"x": [1.5, None]}},
        "feedback": "\n\nx ",
    }
    memory, client = add(" text \nmore\r\n", **content), staff()
    assert save(client, memory).status_code == 302
    assert values(now(memory)) == values(memory)
    assert save(client, memory, agent_id="bot").status_code == 302
    assert values(now(memory)) == {
        **values(memory),
        "agent_id": "bot",
        "version": 2,
        "last_updated": now(memory).last_updated,
    }


def test_owner_and_machine_written_fields_are_not_taken(site: str) -> None:
    memory, client = add(), staff()
    save(
        client,
        memory,
        memory="x",
        user_id="noah",
        memory_id="other",
        version="9",
        created_at="2020-01-01",
        last_updated="2020-01-01",
    )
    changed = now(memory)
    assert (changed.user_id, changed.version, changed.created_at) == ("maya", 2, memory.created_at)
    assert UserMemory.objects.count() == 1


def test_the_log_names_changed_fields_but_not_the_text(site: str) -> None:
    memory, client = add(SECRET, topics=["food", "tea"]), staff()
    save(client, memory, memory=f"{SECRET}, changed", topics="tea, art", agent_id="bot")
    (entry,) = LogEntry.objects.filter(action_flag=CHANGE)
    assert entry.object_id == memory.key
    assert entry.get_change_message() == "Changed memory and agent id. Added topic “art”. Deleted topic “food”."
    history = page(client, memory_url(memory, "history"))
    assert "Added topic “art”" in history
    client.post(memory_url(memory, "delete"), {"post": "yes"})
    assert [SECRET in f"{entry.object_repr}{entry.change_message}" for entry in LogEntry.objects.all()] == [
        False,
        False,
    ]
    assert not UserMemory.objects.exists()
    assert LogEntry.objects.filter(action_flag=DELETION, object_id=memory.key).count() == 1


def test_conflict_shows_both_and_loses_nothing(site: str) -> None:
    memory, client = add("Likes tea", topics=["a"], agent_id="one"), staff()
    opened = form_data(client, memory_url(memory))
    Memory().replace_user_memory(
        memory.memory_id, UserMemory(memory="Likes strong <tea>", topics=["a", "b"], agent_id="two"), "maya"
    )
    response = save(client, memory, opened, memory="Likes weak tea")
    assert response.status_code == 200
    assert now(memory).memory == "Likes strong <tea>"
    content = response.content.decode()
    assert "This memory changed while you were editing it" in content
    assert "An agent or the application changed it." in content
    text = re.sub(r"</?(?:ins|del)>", "", content)
    assert "Likes strong &lt;tea&gt;" in text
    assert "Likes weak tea" in text
    # Again without the tick: still nothing is written.
    again = {
        bound.html_name: bound.field.prepare_value(bound.value()) or "" for bound in response.context["adminform"].form
    }
    again |= {f"initial-{name}": again[name] for name in ("topics", "agent_id", "metadata")} | {
        "initial-memory": "Likes strong <tea>"
    }
    assert (again["memory"], again["topics"], again["agent_id"]) == ("Likes weak tea", "a, b", "two")
    assert client.post(memory_url(memory), again).status_code == 200
    assert now(memory).memory == "Likes strong <tea>"
    # With the version, the form replaces that version and keeps the agent's changes of other fields.
    assert client.post(memory_url(memory), {**again, "save_over": "2"}).status_code == 302
    merged = now(memory)
    assert (merged.memory, merged.topics, merged.agent_id, merged.version) == ("Likes weak tea", ["a", "b"], "two", 3)


def test_conflict_after_a_conflict(site: str) -> None:
    memory, client = add("Likes tea"), staff()
    opened = form_data(client, memory_url(memory))
    for text in ("one", "two"):
        Memory().replace_user_memory(memory.memory_id, UserMemory(memory=text), "maya")
    assert save(client, memory, opened, memory="mine", save_over="2").status_code == 200
    assert now(memory).memory == "two"


@pytest.mark.parametrize("version", ["", "x", "0", "-1", "99999999999999999999"])
def test_a_save_needs_the_current_version(site: str, version: str) -> None:
    memory, client = add("Likes tea"), staff()
    assert save(client, memory, memory="mine", seen_version=version).status_code == 200
    assert now(memory).memory == "Likes tea"


def test_conflict_names_the_colleague(site: str) -> None:
    memory, client, colleague = add("Likes tea"), staff(), staff(name="colleague")
    opened = form_data(client, memory_url(memory))
    save(colleague, memory, memory="theirs")
    response = save(client, memory, opened, memory="mine")
    assert "<bdi>colleague</bdi> changed it" in response.content.decode()


@contextmanager
def seen_before(memory: UserMemory) -> Iterator[None]:
    """Let the first validation read the memory as it is now, even if it changes meanwhile."""
    get_object = UserMemoryAdmin.get_object
    before = [UserMemory.objects.get(pk=memory.pk)]

    def look(self: UserMemoryAdmin, *args: Any, **kwargs: Any) -> UserMemory | None:
        return before.pop() if before else get_object(self, *args, **kwargs)

    with mock.patch.object(UserMemoryAdmin, "get_object", look):
        yield


def test_write_between_validation_and_save(site: str) -> None:
    memory, client = add("Likes tea"), staff()
    data = form_data(client, memory_url(memory))
    with seen_before(memory):
        Memory().replace_user_memory(memory.memory_id, UserMemory(memory="theirs"), "maya")
        response = save(client, memory, data, memory="mine")
    assert response.status_code == 200
    assert "This memory changed while you were editing it" in response.content.decode()
    assert now(memory).memory == "theirs"
    assert not LogEntry.objects.exists()


def test_deleted_meanwhile(site: str) -> None:
    memory, client = add("Likes tea"), staff()
    opened = form_data(client, memory_url(memory))
    Memory().delete_user_memory(memory.memory_id, "maya")
    response = save(client, memory, opened, memory="What I wrote <b>")
    assert response.status_code == 409
    assert "What I wrote &lt;b&gt;" in response.content.decode()
    assert not UserMemory.objects.exists()
    assert client.get(memory_url(memory)).status_code == 302
    assert client.post(memory_url(memory, "delete"), {"post": "yes"}).status_code == 302


def test_deleted_between_validation_and_save(site: str) -> None:
    memory, client = add("Likes tea"), staff()
    data = form_data(client, memory_url(memory))
    with seen_before(memory):
        Memory().delete_user_memory(memory.memory_id, "maya")
        response = save(client, memory, data, memory="mine")
    assert (response.status_code, "mine" in response.content.decode()) == (409, True)
    assert not UserMemory.objects.exists()


def test_deletes(site: str) -> None:
    memory, client = add(), staff()
    kept = add("kept")
    assert "\u2068Likes tea\u2069" in page(client, memory_url(memory, "delete"))
    assert client.post(memory_url(memory, "delete"), {"post": "yes"}).status_code == 302
    assert list(UserMemory.objects.all()) == [kept]


def test_statements_do_not_grow(site: str) -> None:
    memory, client = add_many(10)[0], staff()
    urls = [memory_url(memory), memory_url(memory, "history"), memory_url(memory, "delete"), ADD]
    # Django keeps content types once it has read them.
    client.get(urls[0])
    few = [counted(client, url, ("default", site)) for url in urls]
    add_many(9_990)
    assert [counted(client, url, ("default", site)) for url in urls] == few
    assert few[0] <= 4


def test_the_staff_user_is_the_author_of_a_correction(site: str) -> None:
    saved, client = add("x"), staff()
    assert save(client, saved, memory="y").status_code == 302
    before = Memory().get_user_memory_history(saved.memory_id, saved.user_id)[1]
    assert (before.memory, before.through) == ("x", "admin")
    assert before.actor == client.session["_auth_user_id"]


def test_an_expired_memory_is_on_no_page(site: str) -> None:
    saved, client = add("Likes tea", expires_at=times.now()), staff()
    assert "Likes tea" not in page(client)
    assert client.get(memory_url(saved)).status_code == 302
