"""The pages under themes that replace Django's templates: each with its real package. Its pictures were looked at.

django-unfold, which also has an admin class of its own, has further tests in test_admin_theme.py.
"""

from __future__ import annotations

import html
import re
import uuid
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib import admin
from django.contrib.admin import helpers, sites
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.staticfiles import finders
from django.test import Client
from playwright.sync_api import Page, Route

import agno_memory
from agno_memory.agent_sessions import AgentSessions
from agno_memory.models import AgentRun, AgentSession, UserMemory
from tests.admin import LIST, add, add_many, link, memory_url, names_on, page, shown, staff
from tests.browser import DESKTOP, PHONE, browser
from tests.databases import commits

pytestmark = [
    commits,
    pytest.mark.parametrize("alias", ["default"]),
    pytest.mark.parametrize("theme", ["grappelli", "jazzmin", "unfold"]),
    # A warning about unfold's own code, from Django 6.1 on.
    pytest.mark.filterwarnings("ignore:Overriding get_action_choices"),
]

STATIC = Path(agno_memory.__file__).parent / "static" / "agno_memory"
SESSIONS = "/admin/agno_memory/agentsession/"
# A mark of a page of each theme.
MARKS = {"grappelli": "grp-content", "jazzmin": "jazzy-navbar", "unfold": "unfold"}


STYLES = ("admin.css", "dashboard.css")
# Returns the sizes and the colours of a page.
LOOK = """names => {
  const all = (selector, value) => Array.from(document.querySelectorAll(selector), value);
  const node = document.body.appendChild(document.createElement("i"));
  node.style.backgroundColor = names.primary;
  const page = document.documentElement;
  return {
    overflow: page.scrollWidth - page.clientWidth,
    inside: all(names.lists, each => each.scrollWidth - each.clientWidth),
    rows: all("#result_list tbody tr", each => each.getBoundingClientRect().top),
    text: getComputedStyle(document.body).color,
    links: all(names.links, each => getComputedStyle(each).color),
    primary: getComputedStyle(node).backgroundColor,
    buttons: all(".am-primary", each => getComputedStyle(each).backgroundColor),
    messages: all(".am-message", each => getComputedStyle(each).borderTopStyle),
  };
}"""
PRIMARY = {"grappelli": "#205067", "jazzmin": "var(--bs-primary)", "unfold": "var(--color-primary-600)"}
NAMES = {
    "lists": "#changelist-form .results, .table-responsive, .grp-changelist-results",
    "links": ".am-bars a, .am-session p > a",
}


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
        "/admin/agno_memory/agentrecord/": "Agent records",
    }
    for address, title in titles.items():
        content = page(client, address)
        assert MARKS[theme] in content, address
        # Beside the title of the window.
        assert title in content.partition("</title>")[2], address
        assert memory.memory_id not in "".join(names_on(content)), address
        # A link inside of a page leads somewhere.
        for target in re.findall(r'href="#([^"]+)"', content):
            assert f'id="{target}"' in content, (address, target)
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


def test_a_closed_panel_of_filters_leaves_the_active_ones_in_sight(theme: str, client: Client) -> None:
    add("Takes the night train", topics=["trains", "a<b"], agent_id="bot", session_id="s")
    query: dict[str, Any] = {
        "topic": ["trains", "a<b"],
        "user_id": "maya",
        "updated_from": "2020-01-01",
        "session_id": "s",
    }
    content = page(client, LIST, **query)
    assert shown(client, LIST, **query) == ["Takes the night train"]
    found = re.findall(r'<a class="am-chip" href="([^"]*)"> By ([^<]*) <bdi>([^<]*)</bdi>', content)
    if theme != "jazzmin":
        # The others have filters in a drawer or a menu that they open.
        assert found == []
        return
    assert [each[1:] for each in found] == [
        ("topic", "trains, a&lt;b"),
        ("person", "maya"),
        ("last update", "2020-01-01"),
        ("session", "\u2068Dinner\u2069"),
    ]
    for url, title, _values in found:
        rest = client.get(LIST + html.unescape(url)).context["cl"]
        assert title not in [each.title for each in rest.active_filters]
        assert len(rest.active_filters) == 3
    assert "am-active-filters" not in page(client)
    assert link("By last update", page(client, SESSIONS, updated="7d")) == "?"
    kinds = page(client, "/admin/agno_memory/agentrecord/", kind="approval")
    assert "<bdi>Approvals</bdi>" in kinds


def test_colours_do_not_need_the_variables_of_one_theme(theme: str, alias: str) -> None:
    for name in STYLES:
        for selector, rules in re.findall(r"([^{}]+)\{([^{}]*)\}", (STATIC / name).read_text()):
            if not re.search(r"\.antialiased|\.grp-", selector):
                assert not re.findall(r"var\((?!--am-)[^,()]+\)", rules), selector


def asked_for_a_topic(client: Client) -> str:
    keys = [memory.key for memory in UserMemory.objects.all()[:3]]
    chosen = {"action": "add_topic", "index": "0", "select_across": "0", ACTION_CHECKBOX_NAME: keys}
    return str(client.post(LIST, chosen).content.decode())


def answer(pages: dict[str, str], route: Route) -> None:
    """Answer a request of the browser with one of these pages or a static file."""
    path = urlsplit(route.request.url).path
    if path in pages:
        route.fulfill(body=pages[path], content_type="text/html; charset=utf-8")
    elif path.startswith("/static/") and (file := finders.find(path.removeprefix("/static/"))):
        route.fulfill(path=file)
    else:
        route.fulfill(status=404)


def look_of(opened: Page, address: str, primary: str) -> dict[str, Any]:
    opened.goto(address)
    return dict(opened.evaluate(LOOK, {**NAMES, "primary": primary}))


def test_pages_fit_the_screen_and_have_the_colours_of_the_theme(theme: str, client: Client) -> None:
    long = str(uuid.UUID(int=2**127))
    add_many(3, long, topics=["trains", "food allergies", "travel"], agent_id="travel-planner")
    add("Takes the night train to Vienna whenever it runs", topics=["trains"], agent_id="bot", session_id="s")
    run = {"messages": [{"role": "user", "content": "Is it late?"}, {"role": "assistant", "content": "Yes."}]}
    AgentSessions().upsert_run("s", AgentRun(run_id="r", run_type="agent", data=run), "maya")
    person, session = f"{LIST}person/maya/", f"{SESSIONS}s/change/"
    pages = {address: page(client, address) for address in (LIST, person, f"{person}erase/", SESSIONS, session)}
    pages |= {"/asked/": asked_for_a_topic(client), "/filtered/": page(client, LIST, topic="trains")}
    with browser() as started:
        for size in (DESKTOP, PHONE):
            with started.new_context(viewport=size, base_url="http://theme.test") as context:
                context.route("**/*", partial(answer, pages))
                looks = {address: look_of(context.new_page(), address, PRIMARY[theme]) for address in pages}
            for address, look in looks.items():
                assert (look["overflow"], max(look["inside"], default=0)) == (0, 0), address
                assert look["text"] not in look["links"], address
                assert all(colour == look["primary"] for colour in look["buttons"]), address
            assert (len(looks[person]["links"]), len(looks[session]["links"])) == (2, 2)
            assert len(looks["/asked/"]["buttons"]) == 1
            # Neither the filters nor the hints push the first row off the screen.
            assert 0 < looks[LIST]["rows"][0] < size["height"] * 0.75
            assert 0 < looks["/filtered/"]["rows"][0] < size["height"] * 0.75
            assert looks[session]["messages"] == ["solid", "solid"]


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
