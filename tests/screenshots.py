"""Take the pictures of the documents: ``make screenshots``.

The demo's people, as they are known on a certain day of a certain year, so that the pictures change when the pages do.
"""

from __future__ import annotations

import datetime
import itertools
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal
from unittest import mock

import django
from playwright.sync_api import Browser

from tests.browser import DASHBOARD, DESKTOP, LIST, PHONE, browser, log_in, person

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
NOW = datetime.datetime(2026, 3, 12, 9, 30, tzinfo=datetime.UTC)
# The pages of the pictures, by their names; the color schemes and the devices.
PAGES = {
    "list": LIST,
    # A memory with all fields. The URL with the id of a memory leads to its form.
    "form": f"{LIST}memory-077/change/",
    # The account of maya@example.com, the first after the login.
    "person": person("2"),
    # The same memory's versions, and two memories of this account that say the same.
    "history": f"{LIST}USwIofJhplTk_zd7GZbevMf2vqS1pliO/history/",
    "duplicates": f"{person('2')}duplicates/",
    "deleted": f"{LIST}deleted/",
    "dashboard": DASHBOARD,
    "session": "/admin/agno_memory/agentsession/demo-travel/change/",
    # The trace of the first turn of that session.
    "trace": "/admin/agno_memory/agenttrace/5UZWStjkGXK04D1HixBKcmDcQHjTKevK/change/",
}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
DEVICES = {"desktop": DESKTOP, "phone": PHONE}


def load() -> None:
    """Add the demo's memories, spread over the days, with the same ids each time."""
    # These import models, so Django must be set up first; site() does it.
    from agno_memory.memory import Memory
    from demo_project import conversations, people

    by_owner = [(owner, memory) for owner, memories in people.read().items() for memory in memories]
    owners = people.accounts()
    random.Random(1).shuffle(by_owner)
    moments = people.moments(len(by_owner), NOW, "pictures")
    for number, ((owner, memory), moment) in enumerate(zip(by_owner, moments, strict=True)):
        memory.memory_id = f"memory-{number:03}"
        with mock.patch("django.utils.timezone.now", return_value=moment):
            Memory().add_user_memory(memory, owners[owner])
    load_history(owners["maya@example.com"])
    conversations.load()


def load_history(owner: str) -> None:
    """Add a memory with three versions, one that says the same, and one that was deleted."""
    from agno_memory.acting import acting
    from agno_memory.memory import Memory
    from agno_memory.models import UserMemory

    memory = Memory()

    def at(days: int) -> Any:
        return mock.patch("django.utils.timezone.now", return_value=NOW - datetime.timedelta(days=days))

    def city(text: str) -> UserMemory:
        return UserMemory(memory_id="memory-city", memory=text, topics=["home"])

    with at(20), acting("travel-agent", through="agno"):
        memory.add_user_memory(city("Lives in Porto, close to the river"), owner)
        memory.add_user_memory(UserMemory(memory_id="memory-gone", memory="Is on holiday in March"), owner)
    with at(6), acting("travel-agent", through="agno"):
        memory.replace_user_memory("memory-city", city("Lives in Lisbon, close to the sea"), owner)
    with at(2), acting("1", through="admin", reason="She wrote: not by the sea (ticket 812)"):
        memory.replace_user_memory("memory-city", city("Lives in Lisbon, close to the castle"), owner)
        memory.delete_user_memory("memory-gone", owner)
    with at(1), acting("travel-agent", through="agno"):
        again = UserMemory(memory_id="memory-city-2", memory="Lives in Lisbon close to the castle", topics=["city"])
        memory.add_user_memory(again, owner)


class Clock(datetime.datetime):
    """The clock of Django's relative times ("3 hours ago")."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return NOW.astimezone(tz)


@contextmanager
def stopped_clock() -> Iterator[None]:
    """Stop the clocks at the time of the pictures."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch("django.utils.timezone.now", return_value=NOW))
        stack.enter_context(mock.patch("django.contrib.humanize.templatetags.humanize.datetime", Clock))
        # A page shows the duration of the count.
        stack.enter_context(mock.patch("agno_memory.stats.snapshot.time", SimpleNamespace(monotonic=lambda: 0.0)))
        yield


@contextmanager
def site(folder: Path) -> Iterator[str]:
    """Serve the demo from a folder, on the day of the pictures, and yield its address."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "demo_project.settings"
    os.environ["DATABASE_URL"] = f"sqlite:///{folder / 'demo.sqlite3'}"
    os.environ["MEMORY_DATABASE_URL"] = ""
    django.setup()

    # These need the settings.
    from django.contrib.staticfiles.testing import StaticLiveServerTestCase
    from django.test.testcases import LiveServerThread

    from demo_project.management.commands.demo import Command

    with stopped_clock():
        Command().migrate()
        Command().create_login()
        load()
        server = LiveServerThread("127.0.0.1", StaticLiveServerTestCase.static_handler)
        server.start()
        server.is_ready.wait()
        yield f"http://127.0.0.1:{server.port}"
        server.terminate()


def names() -> Iterator[str]:
    """Yield the name of each picture."""
    for page, scheme, device in itertools.product(PAGES, SCHEMES, DEVICES):
        yield name(page, scheme, device)


def name(page: str, scheme: str, device: str) -> str:
    return f"admin-{page}-{scheme}-{device}.png"


def take(chromium: Browser, address: str, folder: Path) -> None:
    """Take a picture of each page as it looks before scrolling."""
    for scheme, (device, viewport) in itertools.product(SCHEMES, DEVICES.items()):
        context = chromium.new_context(viewport=viewport, base_url=address, color_scheme=scheme)
        page = context.new_page()
        log_in(page)
        for title, path in PAGES.items():
            page.goto(path)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=folder / name(title, scheme, device), animations="disabled")
        context.close()


def main(folder: Path = IMAGES) -> None:
    with tempfile.TemporaryDirectory() as files, site(Path(files)) as address, browser() as chromium:
        take(chromium, address, folder)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
