"""Memories are named by their first words where no log keeps them; forms, people and sessions lead to each other.

It covers admin/titles.py and related.py.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client

from agno_memory.admin.titles import MAX_TURN
from agno_memory.admin.urls import quoted
from agno_memory.agent_records import AgentRecords
from agno_memory.agent_sessions import AgentSessions
from agno_memory.agent_traces import AgentTraces
from agno_memory.keys import uuid7
from agno_memory.memory import Memory
from agno_memory.models import AgentRecord, AgentRun, AgentSession, UserMemory
from agno_memory.times import now as moment
from tests.admin import ADD, LIST, add, counted, link, memory_url, names_on, page, save, staff
from tests.databases import commits, each_database
from tests.test_agent_traces import trace as traced

pytestmark = [commits]

on_sqlite = pytest.mark.parametrize("alias", ["default"])

SESSIONS = "/admin/agno_memory/agentsession/"
TRACES = "/admin/agno_memory/agenttrace/"
RECORDS = "/admin/agno_memory/agentrecord/"
TITLE = "\u2068Takes the night train\u2069"
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SCHEDULE = str(uuid7())
SECOND = datetime.timedelta(seconds=1)


def heading(client: Client, memory: UserMemory, name: str) -> str:
    """Return a page without its form, which has the text of the memory."""
    return page(client, memory_url(memory, name)).partition('id="content-main"')[0]


def message(response: Any) -> str:
    return " ".join(str(each) for each in get_messages(response.wsgi_request))


@each_database
def test_titles_and_messages_have_the_first_words(site: str) -> None:
    client, memory = staff(), add("Takes the\nnight  train", memory_id="memory_123")
    for name in ("change", "history", "delete"):
        assert TITLE in heading(client, memory, name), name
    assert "\u2068maya\u2069" in heading(client, memory, "change")
    assert f"<title>{TITLE} · \u2068maya\u2069 | Change user memory" in page(client, memory_url(memory))
    assert f"Change history: {TITLE}" in page(client, memory_url(memory, "history"))
    saved = client.post(memory_url(memory), {"memory": "Sleeps well", "seen_version": "1", "metadata": "{}"})
    assert "\u2068Sleeps well\u2069" in message(saved)
    assert "memory_123" not in message(saved)
    added = client.post(ADD, {"user_id": "maya", "memory": "x" * 200})
    assert f"\u2068{'x' * 59}…\u2069" in message(added)


def selected(client: Client, action: str, *rows: Any, address: str = LIST) -> str:
    """Return the page that asks for confirmation of an action."""
    chosen = {"action": action, "index": "0", "select_across": "0", ACTION_CHECKBOX_NAME: [row.pk for row in rows]}
    response = client.post(address, chosen)
    assert response.status_code == 200, response
    return str(response.content.decode())


def walked(client: Client) -> dict[str, str]:
    """Return every page about some objects that have UUIDs alone as ids, most of them without names."""
    cook = AgentSessions().upsert_session(AgentSession(agent_id="chef"), "maya")
    run = AgentRun(run_id="r", run_type="agent", data={"input": {"input_content": "What shall\nI cook?"}})
    AgentSessions().upsert_run(cook.session_id, run, "maya")
    empty = AgentSessions().upsert_session(AgentSession(agent_id="chef"), "maya")
    origin = {"session_id": cook.session_id, "agent_id": "chef", "topics": ["food"]}
    soup, twin = add("Likes soup", **origin), add("Likes soup", **origin)
    gone, old = add("Likes cake", **origin), add("Likes jam", expires_at=moment() + SECOND)
    Memory().delete_user_memory(gone.memory_id, "maya")
    UserMemory.objects.filter(key=old.key).update(expires_at=moment() - SECOND)
    Memory().replace_user_memory(soup.memory_id, UserMemory(memory="Likes hot soup", **origin), "maya")
    trace = AgentTraces().save_trace(traced(str(uuid7()), name="", session_id=cook.session_id, run_id=None), "maya")
    records = [
        AgentRecords(kind).add_record(AgentRecord(session_id=cook.session_id, user_id="maya", **values))
        for kind, values in (
            ("learning", {}),
            ("schedule", {"record_id": SCHEDULE, "name": "Every morning"}),
            ("schedule_run", {"parent_id": SCHEDULE}),
            ("approval", {"name": "send_money", "status": "pending"}),
        )
    ]
    versions, person = f"{LIST}person/maya/history/", f"{LIST}person/maya/"
    addresses = [
        *("/admin/agno_memory/", LIST, f"{LIST}?q={soup.memory_id}", f"{LIST}?session_id={cook.session_id}"),
        *(f"{LIST}?state=expired", f"{LIST}deleted/", f"{LIST}dashboard/", ADD, person, f"{person}?ask=soup"),
        *(f"{person}duplicates/", f"{person}erase/", f"{person}?as_of={moment():%Y-%m-%dT%H:%M:%S}"),
        *(memory_url(soup, name) for name in ("change", "history", "delete")),
        *(f"{versions}{quoted(each.memory_id)}/" for each in (gone, old)),
        *(f"{SESSIONS}{query}" for query in ("", f"?q={cook.session_id}")),
        *(f"{SESSIONS}{quoted(each.pk)}/{name}/" for each in (cook, empty) for name in ("change", "history", "delete")),
        *(f"{TRACES}{query}" for query in ("", f"?session_id={cook.session_id}")),
        *(f"{TRACES}{quoted(trace.key)}/{name}/" for name in ("change", "history")),
        *(f"{RECORDS}?kind={each.kind}" for each in records),
        *(f"{RECORDS}?session_id={cook.session_id}", f"{RECORDS}?kind=schedule_run&parent_id={SCHEDULE}"),
        *(f"{RECORDS}{quoted(each.key)}/{name}/" for each in records for name in ("change", "history")),
    ]
    asked = {
        f"{action} {model}": selected(client, action, *rows, address=address)
        for model, address, rows, actions in (
            ("memories", LIST, (soup, twin), ("delete_selected", "add_topic", "remove_topic", "move", "merge")),
            ("sessions", SESSIONS, (cook, empty), ("delete_selected",)),
        )
        for action in actions
    }
    return {address: page(client, address) for address in addresses} | asked


@on_sqlite
def test_no_page_names_anything_by_its_id(alias: str, site: str) -> None:
    pages = walked(staff())
    shown = {address: [name for name in names_on(content) if UUID.search(name)] for address, content in pages.items()}
    assert not {address: names for address, names in shown.items() if names}
    for words, places in {
        "\u2068Likes hot soup\u2069": [LIST, "Select this object for an action"],
        "What shall I cook?": [SESSIONS, "delete_selected sessions", "Change history: \u2068What shall I cook?\u2069"],
        "Every morning": [f"{RECORDS}?kind=schedule", "Change history: \u2068Every morning\u2069"],
    }.items():
        everything = "".join(names_on("".join(pages.values())))
        assert words in everything
        assert all(place in pages or place in everything for place in places), words


@on_sqlite
def test_the_label_of_each_box_has_the_first_words(alias: str, site: str) -> None:
    add("Likes <b>soup</b>")
    AgentSessions().upsert_session(AgentSession(name="Dinner"), "maya")
    label = 'aria-label="Select this object for an action - {}"'
    client = staff()
    assert label.format("\u2068Likes &lt;b&gt;soup&lt;/b&gt;\u2069") in page(client)
    assert label.format("\u2068Dinner\u2069") in page(client, SESSIONS)


@on_sqlite
def test_the_title_of_a_history_has_the_words_in_place_of_any_id(alias: str, site: str) -> None:
    # The id is also a part of Django's own words.
    memory = add("Takes the night train", memory_id="h")
    assert f"Change history: {TITLE}" in page(staff(), memory_url(memory, "history"))


@each_database
def test_a_session_without_a_name_has_the_first_words_of_the_person(site: str) -> None:
    client, address = staff(), f"{SESSIONS}s/change/"
    AgentSessions().upsert_session(AgentSession(session_id="s"), "maya")
    assert "<h1>\u2068Session\u2069</h1>" in page(client, address)
    run = {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Is it\nlate?"}]}
    AgentSessions().upsert_run("s", AgentRun(run_id="r0", run_type="agent", data=run), "maya")
    AgentSessions().upsert_run("s", AgentRun(run_id="r1", run_type="agent", data={"input": "later"}), "maya")
    assert "<h1>\u2068Is it late?\u2069</h1>" in page(client, address)
    assert ">Is it\nlate?</span>" in page(client, SESSIONS)
    # A long document is not read for the sake of a title.
    AgentRun.objects.filter(run_id="r0").update(data=run | {"more": "x" * MAX_TURN})
    assert "<h1>\u2068Session\u2069</h1>" in page(client, address)


@each_database
def test_neither_the_log_nor_a_message_keeps_the_words_of_a_deleted_memory(site: str) -> None:
    client, memory = staff(), add("Takes the night train", memory_id="memory_123")
    save(client, memory, memory="Takes the night train to Vienna")
    client.post(ADD, {"user_id": "maya", "memory": "Takes the night train"})
    page(client)
    response = client.post(memory_url(memory, "delete"), {"post": "yes"})
    assert "night" not in message(response)
    entries = LogEntry.objects.values_list("object_repr", "change_message")
    assert len(entries) == 3
    assert "night" not in str(list(entries))


@on_sqlite
def test_staff_who_may_not_read_see_no_words(alias: str, site: str) -> None:
    memory = add("Takes the night train", memory_id="memory_123")
    assert "night" not in page(staff("delete", name="deletes"), memory_url(memory, "delete"))
    response = staff("add", name="adds").post(ADD, {"user_id": "maya", "memory": "Takes the night train"})
    assert "night" not in message(response)


@on_sqlite
def test_a_title_is_data(alias: str, site: str) -> None:
    memory, client = add("<script>alert(1)</script>\u2069\u202eevil"), staff()
    for name in ("change", "history", "delete"):
        assert "<script>alert" not in page(client, memory_url(memory, name))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;evil\u2069" in heading(client, memory, "change")


@each_database
def test_form_person_and_session_lead_to_each_other(site: str) -> None:
    AgentSessions().upsert_session(AgentSession(session_id="s/1", name="Dinner"), "maya")
    memory, client = add("Likes tea", session_id="s/1"), staff()
    form = page(client, memory_url(memory)).split('class="am-related"')[1].split("</p>")[0]
    person, session = link("<bdi>maya", form), link("<bdi>Dinner", form)
    assert (person, session) == (f"{LIST}person/maya/", f"{SESSIONS}s_2F1/change/")
    assert link("Open", page(client, person)) == memory_url(memory)
    assert link("Dinner", page(client, person)) == session
    assert link("maya", page(client, session)) == person
    assert "Likes tea" in page(client, link("Memories of this session", page(client, session)))


@on_sqlite
def test_no_link_leads_to_nothing(alias: str, site: str) -> None:
    AgentSessions().upsert_session(AgentSession(session_id="theirs"), "noah")
    missing, theirs = add("a", session_id="gone"), add("b", session_id="theirs")
    client = staff()
    for memory in (missing, theirs):
        assert SESSIONS + "" not in page(client, memory_url(memory)).split('class="am-related"')[1].split("</p>")[0]
    # Nor to a page that needs another permission.
    mine = AgentSessions().upsert_session(AgentSession(session_id="mine"), "maya")
    assert "Session:" not in page(staff("view", name="viewer"), memory_url(add("c", session_id=mine.session_id)))
    sessions = staff("view_agentsession", name="sessions")
    content = page(sessions, f"{SESSIONS}mine/change/")
    assert "Memories of this session" not in content
    assert "person/maya" not in content + page(sessions, SESSIONS)


@on_sqlite
def test_links_take_a_query_each(alias: str, site: str) -> None:
    for session_id, name in (("s", "Dinner"), ("unnamed", "")):
        AgentSessions().upsert_session(AgentSession(session_id=session_id, name=name), "7")
    client, other = staff(), memory_url(add("a", "maya"))
    page(client, other)
    without = counted(client, other, {alias})
    # The session and the account.
    assert counted(client, memory_url(add("a", "7", session_id="s")), {alias}) == without + 2
    # And the first words of a session without a name.
    assert counted(client, memory_url(add("a", "7", session_id="unnamed")), {alias}) == without + 3
