"""Memories are named by their first words where no log keeps them; forms, people and sessions lead to each other.

It covers admin/titles.py and related.py.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client

from agno_memory.agent_sessions import AgentSessions
from agno_memory.models import AgentSession, UserMemory
from tests.admin import ADD, LIST, add, counted, link, memory_url, page, save, staff
from tests.databases import commits, each_database

pytestmark = [commits]

on_sqlite = pytest.mark.parametrize("alias", ["default"])

SESSIONS = "/admin/agno_memory/agentsession/"
TITLE = "\u2068Takes the night train\u2069"


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
    form = page(client, memory_url(memory))
    person, session = link("<bdi>maya", form), link("<bdi>s/1", form)
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
    AgentSessions().upsert_session(AgentSession(session_id="s"), "7")
    client, other = staff(), memory_url(add("a", "maya"))
    page(client, other)
    without = counted(client, other, {alias})
    # The session and the account.
    assert counted(client, memory_url(add("a", "7", session_id="s")), {alias}) == without + 2
