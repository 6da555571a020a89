"""The pages under themes that replace Django's templates: each with its real package. Its pictures were looked at.

django-unfold, which also has an admin class of its own, has further tests in test_admin_theme.py.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import helpers, sites
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client

from agno_memory.agent_sessions import AgentSessions
from agno_memory.models import AgentSession, UserMemory
from tests.admin import LIST, add, add_many, link, memory_url, names_on, page, shown, staff
from tests.databases import commits

pytestmark = [
    commits,
    pytest.mark.parametrize("alias", ["default"]),
    pytest.mark.parametrize("theme", ["grappelli", "jazzmin", "unfold"]),
    # A warning about unfold's own code, from Django 6.1 on.
    pytest.mark.filterwarnings("ignore:Overriding get_action_choices"),
]

SESSIONS = "/admin/agno_memory/agentsession/"
# A mark of a page of each theme.
MARKS = {"grappelli": "grp-content", "jazzmin": "jazzy-navbar", "unfold": "unfold"}


class Forms(HTMLParser):
    """Counts forms inside of forms: a browser drops their tags, and the end of the inner form ends the outer one."""

    depth = nested = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "form":
            self.depth += 1
            self.nested += self.depth > 1

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag == "form"


@pytest.fixture
def client(theme: str, site: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Client:
    # unfold replaces these attributes of Django permanently.
    for module, name in ((helpers, "AdminForm"), (helpers, "Fieldline"), (admin, "site"), (sites, "site")):
        monkeypatch.setattr(module, name, getattr(module, name))
    settings.INSTALLED_APPS = [theme, *settings.INSTALLED_APPS]
    settings.ROOT_URLCONF = "tests.themed" if theme == "unfold" else "tests.themed_templates"
    AgentSessions().upsert_session(AgentSession(session_id="s", agent_id="chef", name="Dinner"), "maya")
    return staff()


def test_each_page_is_there_with_its_title(theme: str, client: Client) -> None:
    memory = add("Takes the night train", topics=["trains"], agent_id="bot", session_id="s")
    titles = {
        LIST: "User memories",
        f"{LIST}?topic=trains&q=train&updated=7d": "User memories",
        memory_url(memory): "Takes the night train",
        memory_url(memory, "history"): "Takes the night train",
        memory_url(memory, "delete"): "Takes the night train",
        f"{LIST}person/maya/": "Memories of \u2068maya\u2069",
        f"{LIST}person/maya/duplicates/": "Possible duplicates of \u2068maya\u2069",
        f"{LIST}person/maya/?as_of=2099-01-01T10:00": "Earlier memories of \u2068maya\u2069",
        f"{LIST}person/maya/erase/": "Erase everything about \u2068maya\u2069?",
        f"{LIST}dashboard/": "Memory dashboard",
        f"{LIST}deleted/": "Deleted memories",
        SESSIONS: "Agent sessions",
        f"{SESSIONS}?user_id=maya&component=chef&updated=7d": "Agent sessions",
        f"{SESSIONS}s/change/": "Dinner",
        "/admin/agno_memory/agenttrace/": "Agent traces",
    }
    for address, title in titles.items():
        content = page(client, address)
        assert MARKS[theme] in content, address
        # Beside the title of the window.
        assert title in content.partition("</title>")[2], address
        assert memory.memory_id not in "".join(names_on(content)), address
        forms = Forms()
        forms.feed(content)
        assert forms.nested == 0, address


def test_filters_pages_and_links_work(theme: str, client: Client) -> None:
    add("Takes the night train", topics=["trains"], agent_id="bot"), add_many(60)
    content = page(client)
    assert shown(client, topic="trains", q="train", updated="today") == ["Takes the night train"]
    assert 'name="topic"' in content
    assert 'name="user_id"' in content
    assert link("trains", content)
    assert f"{LIST}dashboard/" in content
    assert "Takes the night train" in page(client, LIST + link("Next", content))
    assert not re.search(r"\d results?\b", content)


def test_an_action_asks_and_runs(theme: str, client: Client) -> None:
    memory = add("Takes the night train")
    chosen = {"action": "add_topic", "index": "0", "select_across": "0", ACTION_CHECKBOX_NAME: memory.key}
    asked = client.post(LIST, chosen)
    assert "Add a topic" in asked.content.decode().partition("</title>")[2]
    until = asked.context["form"]["until"].value()
    assert client.post(LIST, {**chosen, "post": "yes", "until": until, "topic": "new"}).status_code == 302
    assert UserMemory.objects.get().topics == ["new"]
    undo = re.search(r'action="([^"]+/undo/[^"]+)"', page(client))
    assert undo is not None
    client.post(undo[1])
    assert UserMemory.objects.get().topics == []
