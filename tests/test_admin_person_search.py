"""The search of a person's page: it ranks, and says why."""

from __future__ import annotations

import html
import re
from io import StringIO
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client

from tests.admin import add, counted, page, staff
from tests.databases import commits, each_database
from tests.test_admin_person import person, texts

pytestmark = commits

on_sqlite = pytest.mark.parametrize("alias", ["default"])


def asked(client: Client, owner: str, question: str) -> str:
    content = page(client, person(owner, f"?{urlencode({'ask': question})}"))
    # The section of the search; below it is the list of all memories.
    return content.partition('id="am-ask-heading"')[2].partition("</section>")[0]


def reasons(content: str) -> list[list[str]]:
    blocks = re.findall(r'<p class="am-quiet am-reasons">(.*?)</p>', content, re.DOTALL)
    return [[html.unescape(each) for each in re.findall(r"<bdi>(.*?)</bdi>", block, re.DOTALL)] for block in blocks]


@each_database
def test_the_best_first_and_why(alias: str, site: str) -> None:
    add("Likes green tea", "maya", topics=["drinks"])
    add("Drinks green tea every morning", "maya")
    add("Rides a bike", "maya")
    add("Likes green tea too", "noah")
    client = staff()
    content = asked(client, "maya", "green tea in the morning, alergic?")
    assert texts(content) == ["Drinks green tea every morning", "Likes green tea"]
    assert reasons(content)[0][0].startswith("Score ")
    assert [each.split()[0] for each in reasons(content)[0][1:4]] == ["morn", "green", "tea"]
    assert 'value="green tea in the morning, alergic?"' in content
    assert len(texts(page(client, person("maya", "?ask=tea")))) == 2 + 3


@on_sqlite
def test_other_questions(alias: str, site: str) -> None:
    add("Is allergic to <b>nuts</b>", "maya", topics=["allergies"])
    client = staff()
    content = asked(client, "maya", "alergies")
    assert texts(content) == ["Is allergic to <b>nuts</b>"]
    assert "<b>nuts" not in content
    assert "topic “allergies”" in reasons(content)[0]
    assert "“alergi” read as “allergi”" in reasons(content)[0]
    assert reasons(asked(client, "maya", "what about it?")) == [
        ["The question has no words to search for: newest first"]
    ]
    assert "No memory of this person has these words." in asked(client, "maya", "bicycle")
    assert "errornote" in asked(client, "maya", "a\x00b")
    assert 'value="&quot;&gt;&lt;script&gt;"' in asked(client, "maya", '"><script>')


@on_sqlite
def test_the_model_of_the_settings_is_used(alias: str, site: str, settings: Any) -> None:
    add("Has a puppy", "maya")
    add("Rides a bike", "maya")
    settings.AGNO_MEMORY = {**settings.AGNO_MEMORY, "EMBEDDER": is_about_dogs, "EMBEDDER_NAME": "dogs"}
    call_command("embed_memories", stdout=StringIO(), stderr=StringIO())
    content = asked(staff(), "maya", "Hund")
    assert texts(content)[0] == "Has a puppy"
    assert reasons(content)[0][1].startswith("model ")


def is_about_dogs(asked_texts: list[str]) -> list[list[float]]:
    return [[float("puppy" in text or "Hund" in text), 1.0] for text in asked_texts]


@on_sqlite
def test_only_staff_with_the_permission(alias: str, site: str) -> None:
    add("Likes tea", "maya")
    user = User.objects.create_user("clerk", password="x", is_staff=True)
    client = Client()
    client.force_login(user)
    assert client.get(person("maya", "?ask=tea")).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_usermemory"))
    assert texts(asked(client, "maya", "tea")) == ["Likes tea"]


@each_database
def test_the_number_of_statements(alias: str, site: str) -> None:
    for number in range(60):
        add(f"Drinks tea number {number}", "maya")
    client = staff()
    aliases = {"default", site}
    assert len(texts(asked(client, "maya", "tea"))) == 20
    assert counted(client, person("maya", "?ask=tea"), aliases) <= counted(client, person("maya"), aliases) + 3
