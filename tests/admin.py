"""Helpers of the admin's tests: a site with its memories on one database, and staff with single permissions."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import connections
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from agno_memory.admin.urls import quoted
from agno_memory.memory import Memory
from agno_memory.models import UserMemory

LIST = "/admin/agno_memory/usermemory/"
ADD = f"{LIST}add/"
ROUTERS = ["agno_memory.routers.MemoryRouter", "tests.routers.EveryDatabase"]


@contextmanager
def memories_on(alias: str, **settings: Any) -> Iterator[None]:
    """Keep the memories on one database, empty at first, and the rest of the site on the default one."""
    cache.clear()
    with override_settings(DATABASE_ROUTERS=ROUTERS, AGNO_MEMORY={"DATABASE": alias, **settings}):
        Memory().clear()
        yield


def staff(*permissions: str, name: str = "staff") -> Client:
    """Return the client of a staff user with these permissions; without any, of a superuser.

    A permission without the name of a model is for memories.
    """
    user = User.objects.create_user(name, is_staff=True, is_superuser=not permissions)
    codenames = [each if "_" in each else f"{each}_usermemory" for each in permissions]
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def add(text: str = "Likes tea", user_id: object = "maya", **content: Any) -> UserMemory:
    return Memory().add_user_memory(UserMemory(memory=text, **content), user_id)


def add_many(number: int, user_id: object = "maya", **content: Any) -> list[UserMemory]:
    memories = [UserMemory(memory=f"number {each}", **content) for each in range(number)]
    return Memory().add_user_memories(memories, user_id)


def memory_url(memory: UserMemory, name: str = "change") -> str:
    """Return the URL of a page about a memory: ``change``, ``history`` or ``delete``."""
    return f"{LIST}{quoted(memory.key)}/{name}/"


def form_data(client: Client, url: str) -> dict[str, Any]:
    """Return the data that a browser submits for an unchanged form, with the line ends of browsers."""
    form = client.get(url).context["adminform"].form
    data: dict[str, Any] = {}
    for bound in form:
        value = bound.field.prepare_value(bound.value())
        data[bound.html_name] = "" if value is None else str(value)
        if bound.field.show_hidden_initial:
            data[bound.html_initial_name] = data[bound.html_name]
    return {name: value.replace("\n", "\r\n") for name, value in data.items()}


def save(client: Client, saved: UserMemory, base: dict[str, Any] | None = None, /, **changes: Any) -> Any:
    url = memory_url(saved)
    return client.post(url, {**(base or form_data(client, url)), **changes})


def now(memory: UserMemory) -> UserMemory:
    return UserMemory.objects.get(pk=memory.pk)


def errors(response: Any) -> dict[str, list[str]]:
    return {name: list(texts) for name, texts in response.context["adminform"].form.errors.items()}


def page(client: Client, url: str = LIST, status: int = 200, **query: Any) -> str:
    """Return the HTML of a page."""
    response = client.get(url, query)
    assert response.status_code == status, response
    return str(response.content.decode())


def shown(client: Client, url: str = LIST, **query: Any) -> list[str]:
    """Return the texts of the list, in its order."""
    response = client.get(url, query)
    assert response.status_code == 200, response
    return [memory.memory for memory in response.context["cl"].result_list]


def link(text: str, content: str) -> str:
    """Return the URL of the link with this text."""
    for url, inside in re.findall(r'<a [^>]*href="([^"]*)"[^>]*>(.*?)</a>', content, re.DOTALL):
        if text in inside:
            return html.unescape(url)
    raise AssertionError(f"no link {text!r}")


class _Names(HTMLParser):
    """Collects the texts by which a page names things: titles, headings, links, breadcrumbs, labels and buttons."""

    NAMING = frozenset(("title", "h1", "h2", "h3", "h4", "a", "label", "legend", "summary", "button", "option"))
    ATTRIBUTES = ("aria-label", "placeholder", "title", "alt")
    VOID = frozenset(("input", "link", "meta", "img", "br", "hr", "col", "source", "wbr"))

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        # The open elements, each with whether its text is a name.
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        values = dict(attrs)
        self.handle_startendtag(tag, attrs)
        if tag not in self.VOID:
            is_crumb = "breadcrumb" in f"{values.get('class')} {values.get('id')}"
            self._open.append((tag, tag in self.NAMING or is_crumb))

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.names += [value for name, value in attrs if name in self.ATTRIBUTES and value]

    def handle_endtag(self, tag: str) -> None:
        while any(name == tag for name, _is_name in self._open) and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if any(is_name for _name, is_name in self._open):
            self.names.append(data)


def names_on(content: str) -> list[str]:
    """Return the texts by which a page names things."""
    parser = _Names()
    parser.feed(content)
    return parser.names


def counted(client: Client, url: str, aliases: Iterable[str]) -> int:
    """Return the number of statements of a page, on all of these databases, with an empty cache."""
    cache.clear()
    contexts = [CaptureQueriesContext(connections[alias]) for alias in set(aliases)]
    for context in contexts:
        context.__enter__()
    response = client.get(url)
    for context in contexts:
        context.__exit__(None, None, None)
    assert response.status_code == 200
    return sum(len(context) for context in contexts)
