"""The same pages under django-unfold, which has templates, forms and an admin class of its own."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import helpers, sites
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client

from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from tests.admin import ADD, LIST, add, add_many, link, memory_url, page, shown, staff
from tests.databases import commits

pytestmark = [
    commits,
    pytest.mark.parametrize("alias", ["default", "mongodb"]),
    # A warning about unfold's own code, from Django 6.1 on.
    pytest.mark.filterwarnings("ignore:Overriding get_action_choices"),
]


@pytest.fixture
def client(site: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Client:
    # unfold replaces these attributes of Django permanently.
    for module, name in ((helpers, "AdminForm"), (helpers, "Fieldline"), (admin, "site"), (sites, "site")):
        monkeypatch.setattr(module, name, getattr(module, name))
    settings.INSTALLED_APPS = ["unfold", *settings.INSTALLED_APPS]
    settings.ROOT_URLCONF = "tests.themed"
    return staff()


def test_list(client: Client) -> None:
    add("Likes <b>tea</b>", topics=["drinks"]), add_many(60)
    content = page(client)
    assert "unfold" in content
    # No number of results, which would have to be counted.
    assert not re.search(r"\d results?\b", content)
    assert 'name="action"' in content
    assert "Select all that match" in content
    assert "Likes &lt;b&gt;tea&lt;/b&gt;" in page(client, LIST + link("Next", content))
    assert shown(client, topic="drinks", q="tea", updated="today") == ["Likes <b>tea</b>"]
    assert 'aria-label="User id"' in content


def test_form(client: Client) -> None:
    memory = add("Likes tea", topics=["drinks"])
    url = memory_url(memory)
    content = page(client, url)
    assert 'name="seen_version"' in content
    assert 'name="initial-memory"' in content
    assert "data-am-tags" in content
    assert "data-am-tags" in page(client, ADD)
    Memory().replace_user_memory(memory.memory_id, UserMemory(memory="theirs"), "maya")
    sent = {
        "memory": "mine",
        "initial-memory": "Likes tea",
        "seen_version": "1",
        "metadata": "{}",
        "initial-metadata": "{}",
    }
    assert "This memory changed while you were editing it" in client.post(url, sent).content.decode()
    assert client.post(url, {**sent, "save_over": "2"}).status_code == 302
    assert UserMemory.objects.get().memory == "mine"
    assert "\u2068mine\u2069" in page(client, memory_url(memory, "delete"))
    assert "Changed memory" in page(client, memory_url(memory, "history"))


def test_action(client: Client) -> None:
    memory = add("Likes tea")
    asked = client.post(
        LIST, {"action": "add_topic", "index": "0", "select_across": "0", ACTION_CHECKBOX_NAME: memory.key}
    )
    assert "Add a topic" in asked.content.decode()
    until = asked.context["form"]["until"].value()
    answer = {
        "action": "add_topic",
        "post": "yes",
        "until": until,
        "topic": "new",
        ACTION_CHECKBOX_NAME: memory.key,
    }
    assert client.post(LIST, answer).status_code == 302
    assert UserMemory.objects.get().topics == ["new"]
