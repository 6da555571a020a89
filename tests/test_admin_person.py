"""The page of a person: its content, permissions and cost; export, erasure, accounts and the timeline.

It covers admin/person.py, exports.py, accounts.py and timeline.py.
"""

from __future__ import annotations

import csv
import datetime
import html
import io
import json
import re
from typing import Any
from unittest import mock

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Permission, User
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse

from agno_memory import people
from agno_memory.admin import PersonLinkMixin
from agno_memory.admin.memories import UserMemoryAdmin
from agno_memory.admin.person import PAGE_SIZE, SAMPLE
from agno_memory.admin.person_sessions import SESSIONS_SHOWN
from agno_memory.admin.records import AgentRecordAdmin
from agno_memory.admin.sessions import AgentSessionAdmin
from agno_memory.admin.timeline import MAX_COLUMNS, division
from agno_memory.admin.traces import AgentTraceAdmin
from agno_memory.admin.urls import quoted, unquoted
from agno_memory.agent_sessions import AgentSessions
from agno_memory.memory import Memory
from agno_memory.models import AgentRun, AgentSession, UserMemory
from agno_memory.test import at
from tests.admin import LIST, add, add_many, counted, link, memory_url, page, staff
from tests.databases import commits, each_database

pytestmark = commits

on_sqlite = pytest.mark.parametrize("alias", ["default"])

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
OWNERS = (
    "maya", "..", ".", "../..", "a/b", "a%2Fb", "_2E", "_2E_2E", "50%", "a?b=c#d", " spaced ", "line\nbreak", "\\",
    EVIL, "\u7528\u6237", "\u202e\u05d0\u05d1", "\U0001f600", "x" * 255,
)  # fmt: skip


def person(owner: str, rest: str = "") -> str:
    return reverse("admin:agno_memory_usermemory_person", args=[quoted(owner)]) + rest


def talk(owner: str, runs: int = 1) -> None:
    """Add a session of a person with some runs."""
    session_id = f"of-{owner}"
    AgentSessions().upsert_session(AgentSession(session_id=session_id, agent_id="chef", name="Dinner"), owner)
    for number in range(runs):
        data = {"input": {"input_content": f"question {number};"}, "content": f"answer {number};"}
        AgentSessions().upsert_run(session_id, AgentRun(run_id=f"r{number}", run_type="agent", data=data), owner)


def tiles(content: str) -> dict[str, str]:
    return dict(re.findall(r'<dt>([^<]*)</dt><dd><span class="am-figure">([^<]*)<', content))


def texts(content: str) -> list[str]:
    return [html.unescape(text) for text in re.findall(r'<p class="am-text" dir="auto">(.*?)</p>', content, re.DOTALL)]


@each_database
def test_a_person_is_one_page(alias: str, site: str) -> None:
    with at(datetime.datetime(2026, 3, 5, 12, tzinfo=datetime.UTC)):
        first = add("Likes tea", "maya", topics=["tea", "a&b"], agent_id="bot")
    with at(datetime.datetime(2026, 3, 7, 12, tzinfo=datetime.UTC)):
        add("Likes rice", "maya", topics=["tea"])
    add("Is somebody else", "noah", topics=["other-topic"], agent_id="other-agent")
    content = page(staff(), person("maya"))
    assert texts(content) == ["Likes rice", "Likes tea"]
    assert re.findall(r'class="am-figure">([^<]*)<', content) == ["2", "March 5, 2026", "March 7, 2026"]
    assert "2 memories, from March 5, 2026 to March 7, 2026." in content
    assert link("a&amp;b", content) == f"{LIST}?user_id=maya&topic=a%26b"
    assert link("bot", content) == f"{LIST}?user_id=maya&agent_id=bot"
    assert memory_url(first) in content
    assert not any(name in content for name in ("somebody else", "noah", "other-"))


@pytest.mark.parametrize("owner", OWNERS)
@on_sqlite
def test_every_owner_has_an_address(alias: str, owner: str, site: str) -> None:
    add("Likes tea", owner)
    add("Is somebody else", "noah")
    client = staff()
    assert unquoted(quoted(owner)) == owner
    assert texts(page(client, person(owner))) == ["Likes tea"]
    # The list and the dashboard lead there.
    assert person(owner) in html.unescape(page(client, LIST))
    assert person(owner) in html.unescape(page(client, f"{LIST}dashboard/"))
    assert person(owner) == html.unescape(re.findall(r'href="([^"]*/person/[^"]*)"', page(client, LIST))[1])
    assert client.post(person(owner, "export/"), {"format": "csv"}).status_code == 200
    assert client.post(person(owner, "erase/")).status_code == 302
    assert [memory.user_id for memory in UserMemory.objects.all()] == ["noah"]


@on_sqlite
def test_a_person_without_memories(alias: str, site: str) -> None:
    client = staff()
    assert "There are no memories of this person." in page(client, person("nobody"))
    assert "There is nothing to erase about this person." in page(client, person("nobody", "erase/"))
    for impossible in ("x" * 256, "  ", "a\x00b"):
        assert client.get(person(impossible)).status_code == 404


@each_database
def test_memories_come_page_by_page(alias: str, site: str) -> None:
    add_many(2 * PAGE_SIZE + 5)
    add("Is somebody else", "noah")
    client = staff()
    seen, content = [], page(client, person("maya"))
    assert "Newer" not in content
    for size in (PAGE_SIZE, PAGE_SIZE, 5):
        assert len(texts(content)) == size
        seen += texts(content)
        last = content
        if "Older" in content:
            content = page(client, person("maya") + link("Older", content).removeprefix(person("maya")))
    assert seen == [memory.memory for memory in UserMemory.objects.for_user("maya").newest()]
    assert "Older" not in last
    assert texts(page(client, link("Newer", last))) == seen[PAGE_SIZE : 2 * PAGE_SIZE]
    assert texts(page(client, link("Newest", last))) == seen[:PAGE_SIZE]


@on_sqlite
def test_pages_begin_after_any_id(alias: str, site: str) -> None:
    for number in range(PAGE_SIZE + 1):
        add(f"number {number}", memory_id=f"{number:02}".ljust(255, "x"))
    content = page(staff(), person("maya"))
    assert texts(page(staff(name="other"), link("Older", content))) == ["number 0"]


@pytest.mark.parametrize(
    "position", ["", "x", "after.1.", "after.x.y.z", "after.9999999999999999999.k.a", "after.1.k.a\x00", "after.1.k"]
)
@on_sqlite
def test_a_token_without_a_position_is_the_first_page(alias: str, position: str, site: str) -> None:
    add()
    assert page(staff(), person("maya"), position=position)


@each_database
def test_its_cost_is_that_of_a_page(alias: str, site: str) -> None:
    add_many(10, topics=["tea"], agent_id="bot")
    client = staff()
    few = counted(client, person("maya"), {alias, "default"})
    add_many(9_990, topics=["tea"], agent_id="bot")
    many = counted(client, person("maya"), {alias, "default"})
    # Session, user; first, last, count; topics, end of the sample; timeline; one page of memories; conversations.
    assert (few, many) == (2 + 3 + 2 + 1 + 1 + 1,) * 2
    content = page(client, person("maya"))
    assert "10,000" in content
    assert f"Topics and agents of the {SAMPLE:,} memories updated last." in content
    # Session, user; memories; earlier versions; vectors; sessions, and their ids; traces and spans that name the
    # person, twice, and traces, some of which may have no id; metrics; records; types and entries of the log.
    assert counted(client, person("maya", "erase/"), {alias, "default"}) == 2 + 1 + 1 + 1 + 2 + 4 + 1 + 1 + 1 + 2
    # An account is one more.
    assert counted(client, person("1"), {alias, "default"}) == 6


# Export


@each_database
def test_all_memories_are_exported(alias: str, site: str) -> None:
    mine = [add("=1+1", "a/b", topics=["tea"]), add("two\nlines", "a/b", metadata={"a": 1})]
    add("Is somebody else", "noah")
    client = staff("view", "export")
    response: Any = client.post(person("a/b", "export/"), {"format": "jsonl"})
    assert "attachment" in response["Content-Disposition"]
    lines = [json.loads(line) for line in response.getvalue().decode().splitlines()]
    assert [line["memory_id"] for line in lines] == [memory.memory_id for memory in mine]
    response = client.post(person("a/b", "export/"), {"format": "csv"})
    rows = list(csv.reader(io.StringIO(response.getvalue().decode("utf-8-sig"), newline="")))
    assert [row[2] for row in rows] == ["memory", "'=1+1", "two\nlines"]
    entries = LogEntry.objects.using("default").order_by("pk")
    assert [(entry.action_flag, entry.object_repr) for entry in entries] == [(CHANGE, "a/b")] * 2
    assert all("2" in str(entry.change_message) for entry in entries)
    assert not any("lines" in str(vars(entry)) for entry in entries)


@each_database
def test_an_export_has_the_history(alias: str, site: str) -> None:
    """That of deleted memories only with the permission to see them."""
    memory, gone = add("one", "maya"), add("gone", "maya")
    Memory().replace_user_memory(memory.memory_id, UserMemory(memory="two"), "maya")
    Memory().delete_user_memory(gone.memory_id, "maya")
    for client, expected in (
        (staff("view", "export"), ["one"]),
        (staff("view", "export", "view_deleted", name="auditor"), ["gone", "one"]),
    ):
        response: Any = client.post(person("maya", "export/"), {"format": "jsonl"})
        first, *earlier = [json.loads(line) for line in response.getvalue().decode().splitlines()]
        assert first["memory"] == "two"
        assert sorted(each["memory"] for each in earlier) == expected
        assert all(each["valid_until"] for each in earlier)
        response = client.post(person("maya", "export/"), {"format": "csv"})
        assert len(response.getvalue().decode().splitlines()) == 2


@on_sqlite
def test_an_export_needs_a_post_with_a_format(alias: str, site: str) -> None:
    add()
    client = staff()
    assert client.get(person("maya", "export/"), {"format": "csv"}).status_code == 405
    assert client.post(person("maya", "export/"), {"format": "xml"}).status_code == 400
    assert client.post(person("maya", "export/")).status_code == 400
    assert not LogEntry.objects.exists()


# Conversations


@each_database
def test_the_page_has_the_latest_conversations_and_their_export(alias: str, site: str) -> None:
    for number in range(SESSIONS_SHOWN + 1):
        AgentSessions().upsert_session(AgentSession(session_id=f"s{number:02}", name=f"<b> {number}"), "maya")
    talk("maya", runs=2)
    talk("noah")
    client = staff("view", "export", "view_agentsession")
    content = page(client, person("maya"))
    assert link("Dinner", content) == "/admin/agno_memory/agentsession/of-maya/change/"
    assert content.count('class="am-conversation"') == SESSIONS_SHOWN
    assert link("All conversations", content) == "/admin/agno_memory/agentsession/?user_id=maya"
    assert ("noah" in content, "<b>" in content) == (False, False)
    response: Any = client.post(person("maya", "export/"), {"format": "conversations"})
    lines = [json.loads(line) for line in response.getvalue().decode().splitlines()]
    # Those of one millisecond are ordered by their ids.
    by_id = {line["session_id"]: line for line in lines}
    assert list(by_id)[-1] in ("of-maya", f"s{SESSIONS_SHOWN:02}")
    assert (len(lines), {line["user_id"] for line in lines}) == (SESSIONS_SHOWN + 2, {"maya"})
    messages = [message["text"] for run in by_id["of-maya"]["runs"] for message in run["messages"]]
    assert messages == ["question 0;", "answer 0;", "question 1;", "answer 1;"]
    entry = LogEntry.objects.using("default").get()
    assert (entry.object_repr, entry.change_message) == ("maya", f"Exported {len(lines)}.")


@on_sqlite
def test_conversations_take_permission_to_view_them(alias: str, site: str) -> None:
    talk("maya")
    client = staff("view", "export")
    content = page(client, person("maya"))
    assert ("Dinner" in content, "onversations" in content) == (False, False)
    assert client.post(person("maya", "export/"), {"format": "conversations"}).status_code == 403


# Erasure


@each_database
def test_erasing_shows_the_number_and_erases_no_others(alias: str, site: str) -> None:
    add_many(1_234, "maya")
    add("Is somebody else", "noah")
    talk("maya", runs=2)
    talk("noah")
    client = staff("view", "delete", "delete_agentsession")
    assert link("Erase everything", page(client, person("maya"))) == person("maya", "erase/")
    content = page(client, person("maya", "erase/"))
    assert "Everything about <bdi>maya</bdi> will be erased." in content
    assert tiles(content) == {
        "Memories": "1,234",
        "Earlier versions and deleted memories": "0",
        "Vectors of texts": "0",
        "Turns of conversations": "2",
        "Conversations": "1",
        "Steps of traces": "0",
        "Traces": "0",
        "Numbers of use": "0",
        "Documents of agents": "0",
        "Texts in the log": "0",
    }
    assert UserMemory.objects.count() == 1_235
    response = client.post(person("maya", "erase/"), follow=True)
    assert response.redirect_chain == [(LIST, 302)]
    report = response.content.decode()
    numbers = (
        "Memories 1,234, Earlier versions and deleted memories 0, Vectors of texts 0, Turns of conversations 2, "
        "Conversations 1, Steps of traces 0"
    )
    assert f"Erased about \u2068maya\u2069: {numbers}, " in report
    assert "A second count found nothing." in report
    assert [memory.user_id for memory in UserMemory.objects.all()] == ["noah"]
    assert [session.user_id for session in AgentSession.objects.all()] == ["noah"]


@each_database
def test_after_an_erasure_the_log_has_the_numbers_and_no_person(alias: str, site: str) -> None:
    memory = add("Likes tea", "maya@example.com")
    client = staff()
    client.post(memory_url(memory, "delete"), {"post": "yes"})
    talk("maya@example.com")
    assert tiles(page(client, person("maya@example.com", "erase/")))["Texts in the log"] == "1"
    client.post(person("maya@example.com", "erase/"))
    deleted, erased = LogEntry.objects.order_by("pk")
    assert (erased.action_flag, erased.object_repr, erased.object_id) == (DELETION, "(erased person)", None)
    assert erased.change_message.startswith("Erased 0 memories, 1 earlier versions, 0 vectors, 1 runs, 1 sessions, ")
    assert erased.change_message.endswith(" records, 1 log texts.")
    assert "maya" not in f"{vars(deleted)} {vars(erased)}"
    assert people.Erasure(people.count("maya@example.com"), people.count("maya@example.com")).is_complete


@on_sqlite
def test_an_erasure_reports_the_rest_that_a_second_count_found(alias: str, site: str) -> None:
    add("Likes tea", "maya")
    counts = people.count("maya")
    with mock.patch.object(people, "erase", return_value=people.Erasure(counts, counts)):
        report = staff().post(person("maya", "erase/"), follow=True).content.decode()
    assert "A second count found Memories 1," in report
    assert "found nothing" not in report


@on_sqlite
def test_without_permission_for_sessions_an_erasure_is_of_memories(alias: str, site: str) -> None:
    add("Likes tea", "maya")
    talk("maya")
    client = staff("view", "delete")
    content = page(client, person("maya", "erase/"))
    assert tiles(content) == {"Memories": "1"}
    assert "They stay." in content
    client.post(person("maya", "erase/"))
    assert (UserMemory.objects.count(), AgentSession.objects.count()) == (0, 1)


@on_sqlite
def test_a_subclass_that_shows_less_erases_less(alias: str, site: str) -> None:
    add("Likes tea", "maya", team_id="mine")
    add("Is hidden", "maya", team_id="theirs")

    def narrowed(self: Any, request: Any) -> Any:
        return UserMemory.objects.filter(team_id="mine")

    client = staff()
    with mock.patch.object(UserMemoryAdmin, "get_queryset", narrowed):
        assert texts(page(client, person("maya"))) == ["Likes tea"]
        assert tiles(page(client, person("maya", "erase/"))) == {"Memories": "1"}
        client.post(person("maya", "erase/"))
    assert [memory.memory for memory in UserMemory.objects.all()] == ["Is hidden"]


@on_sqlite
@pytest.mark.parametrize("model_admin", [AgentSessionAdmin, AgentTraceAdmin, AgentRecordAdmin])
def test_a_subclass_that_hides_what_agents_keep_erases_memories_alone(
    alias: str, site: str, model_admin: type[admin.ModelAdmin[Any]]
) -> None:
    add("Likes tea", "maya")
    client = staff()
    assert "Conversations" in tiles(page(client, person("maya", "erase/")))
    get_queryset = model_admin.get_queryset

    def narrowed(self: Any, request: Any) -> Any:
        return get_queryset(self, request).exclude(agent_id="hidden")

    with mock.patch.object(model_admin, "get_queryset", narrowed):
        assert tiles(page(client, person("maya", "erase/"))) == {"Memories": "1"}


# Permissions


@on_sqlite
def test_who_may_do_what(alias: str, site: str) -> None:
    add("Likes tea", "maya", topics=["drinks-topic"])
    allowed = {
        ("view",): (200, 403, 403),
        ("change",): (200, 403, 403),
        ("export",): (403, 403, 403),
        ("view", "export"): (200, 403, 200),
        ("add",): (403, 403, 403),
        ("delete",): (403, 403, 403),
        ("view", "delete"): (200, 200, 403),
    }
    for permissions, statuses in allowed.items():
        client = staff(*permissions, name=" ".join(permissions))
        seen, erasing = client.get(person("maya")), client.get(person("maya", "erase/"))
        exported: Any = client.post(person("maya", "export/"), {"format": "csv"})
        assert (seen.status_code, erasing.status_code, exported.status_code) == statuses, permissions
        assert ("drinks-topic" in seen.content.decode()) is (statuses[0] == 200)
        assert ("Export as CSV" in seen.content.decode()) is (statuses[2] == 200)
        assert ("Erase everything" in seen.content.decode()) is ("delete" in permissions and "view" in permissions)
        # The response does not reveal whether the person exists.
        assert client.get(person("nobody")).status_code == statuses[0]
        if statuses[1] == 403:
            assert client.post(person("maya", "erase/")).status_code == 403
        b"".join(exported) if exported.streaming else None
    assert UserMemory.objects.count() == 1


@on_sqlite
def test_other_users_are_sent_to_the_login(alias: str, site: str) -> None:
    add("Likes tea", "maya")
    visitor = Client()
    visitor.force_login(User.objects.create_user("visitor"))
    for client in (Client(), visitor):
        for rest in ("", "erase/", "export/"):
            for response in (client.get(person("maya", rest)), client.post(person("maya", rest), {"format": "csv"})):
                assert response.status_code == 302
                assert response["Location"].startswith("/admin/login/")
    assert UserMemory.objects.count() == 1


@on_sqlite
def test_posts_need_a_csrf_token(alias: str, site: str) -> None:
    add()
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root"))
    for rest in ("erase/", "export/"):
        assert client.post(person("maya", rest), {"format": "csv"}).status_code == 403
    content = page(client, person("maya", "erase/"))
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', content)[-1]
    assert client.post(person("maya", "erase/"), {"csrfmiddlewaretoken": token}).status_code == 302
    assert UserMemory.objects.count() == 0


# Text is data


@on_sqlite
def test_text_is_data(alias: str, site: str) -> None:
    add(EVIL, EVIL, topics=[EVIL, "\u202eevil"], agent_id=EVIL)
    add("x" * 10_000, EVIL)
    add("</p></li>\u202e\u2067\n\tkept", EVIL)
    client = staff()
    for rest in ("", "erase/"):
        content = page(client, person(EVIL, rest))
        assert "<script>alert" not in content
        assert "<img src=x" not in content
        ours = content[content.index('class="am-dashboard"') :]
        assert not re.search(r"\sstyle=|<style|<script|\son\w+=\"", ours)
    assert texts(page(client, person(EVIL))) == ["</p></li>\u202e\u2067\n\tkept", "x" * 10_000, EVIL]
    content = client.post(person(EVIL, "erase/"), follow=True).content.decode()
    assert "<script>alert" not in content


@on_sqlite
def test_marks_of_direction_do_not_leave_a_title(alias: str, site: str) -> None:
    owner = "\u2069\u202emaya\u2067"
    add("Likes tea", owner)
    content = page(staff(), person(owner))
    assert "<h1>Memories of \u2068maya\u2069</h1>" in content
    assert f"<bdi>{owner}</bdi>" in content


# Accounts


class LinkedUserAdmin(PersonLinkMixin, UserAdmin):  # type: ignore[type-arg]
    pass


@on_sqlite
def test_an_account_is_a_click_away(alias: str, site: str) -> None:
    client = staff()
    ana = User.objects.create_user("ana", pk=77)
    url = reverse("admin:auth_user_change", args=[ana.pk])
    add(user_id=ana)
    assert link("ana", page(client, person("77"))) == url
    for other in (" 77", "077", "7", "x", str(10**30), "77.0"):
        assert "Account:" not in page(client, person(other))
    with override_settings(AGNO_MEMORY={"DATABASE": alias, "USER_ID_FIELD": "username"}):
        assert link("ana", page(client, person("ana"))) == url
        assert "Account:" not in page(client, person("ANA"))
    with override_settings(AGNO_MEMORY={"DATABASE": alias, "USER_ID_FIELD": "is_anonymous"}):
        assert "Account:" not in page(client, person("False"))
    # Seeing memories is not seeing users.
    assert "Account:" not in page(staff("view", name="viewer"), person("77"))


@on_sqlite
def test_memories_are_a_click_away_from_an_account(alias: str, site: str) -> None:
    ana = User.objects.create_user("ana")
    users = LinkedUserAdmin(User, admin.site)
    request = RequestFactory().get("/")
    request.user = User.objects.create_superuser("root")
    fieldsets = users.get_fieldsets(request, ana)
    assert fieldsets[-1][1] == {"fields": ("person_link",)}
    assert f'href="{person(str(ana.pk))}"' in users.person_link(ana)
    # An account without an id has no memories.
    with override_settings(AGNO_MEMORY={"USER_ID_FIELD": "email"}):
        assert users.person_link(User(email="")) == "-"
    # Not for a new user, and not for staff without permission to view memories.
    assert "person_link" not in str(users.get_fieldsets(request))
    request.user = User.objects.create_user("other", is_staff=True)
    request.user.user_permissions.set(Permission.objects.filter(codename="change_user"))
    assert "person_link" not in str(users.get_fieldsets(request, ana))


@on_sqlite
def test_the_page_of_an_account_has_the_link(alias: str, site: str) -> None:
    ana = User.objects.create_user("a/na")
    request = RequestFactory().get("/")
    request.user = User.objects.create_superuser("root")
    response: Any = LinkedUserAdmin(User, admin.site).change_view(request, str(ana.pk))
    content = response.render().content.decode()
    assert link("Memories of this person", content) == person(str(ana.pk))
    added: Any = LinkedUserAdmin(User, admin.site).add_view(request)
    assert "Memories of this person" not in added.render().content.decode()


# Time


@pytest.mark.parametrize(
    ("days", "heading"),
    [
        (0, "Day"),
        (47, "Day"),
        (48, "Week starting on"),
        (300, "Week starting on"),
        (400, "Month"),
        (3000, "Year"),
    ],
)
def test_columns_are_as_long_as_needed(days: float, heading: str) -> None:
    first = datetime.date(2024, 2, 29)
    last = first + datetime.timedelta(days=days)
    unit, bounds = division(first, last)
    assert unit.heading() == heading
    assert bounds[0] <= first
    assert bounds[-2] <= last < bounds[-1]
    assert len(bounds) <= MAX_COLUMNS + 1
    assert bounds == sorted(set(bounds))


def test_a_very_long_time_shows_the_last_years() -> None:
    _unit, bounds = division(datetime.date(1, 1, 1), datetime.date(2026, 11, 25))
    assert (len(bounds), bounds[-1]) == (MAX_COLUMNS + 1, datetime.date(2027, 1, 1))
