"""README's steps on a new project, block by block, on each database: commands, pages and tests of the site work."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

from tests.databases import ROOT, commits
from tests.test_docs import BLOCK, readme

pytestmark = [commits]

# Visits of the pages as a browser makes them, on the database of the site: an anonymous one, and those of a user.
VIEW = """
from django.contrib.auth.models import User
from django.test import Client

anonymous, browser = Client(SERVER_NAME="localhost"), Client(SERVER_NAME="localhost")
for visit in (anonymous.get, anonymous.post):
    response = visit("/memories/")
    assert (response.status_code, response["Location"]) == (302, "/admin/login/?next=/memories/")
assert anonymous.get(response["Location"]).status_code == 200
browser.force_login(User.objects.create_user("maya"))
assert browser.get("/memories/").json() == {"memories": []}
for visit in (browser.post, browser.get, browser.get):
    assert visit("/memories/").json() == {"memories": ["The user prefers dark mode"]}
"""
API = """
from django.contrib.auth.models import User
from django.test import Client

anonymous, browser = Client(SERVER_NAME="localhost"), Client(SERVER_NAME="localhost")
for path in ("", "memories/", "memories/search/?q=mode", "topics/", "stats/", "memories/export/"):
    assert anonymous.get(f"/api/{path}").status_code == 403, path
maya = User.objects.get(username="maya")
browser.force_login(maya)
(memory,) = browser.get("/api/memories/").json()["results"]
assert (memory["memory"], memory["user_id"]) == ("The user prefers dark mode", str(maya.pk))
added = browser.post("/api/memories/", {"memory": "Likes tea"}, content_type="application/json")
assert added.status_code == 201
assert browser.get(added["Location"]).json()["memory"] == "Likes tea"
# The browsable API, of a user and of a visitor.
assert browser.get("/api/memories/", headers={"accept": "text/html"}).status_code == 200
assert anonymous.get("/api/memories/", headers={"accept": "text/html"}).status_code == 403
# The other page stays.
assert len(browser.get("/memories/").json()["memories"]) == 2
"""
TESTS = """
from django.contrib.auth.models import User
from django.test import TestCase

from agno_memory.memory import Memory
from agno_memory.models import UserMemory


class MemoryTests(TestCase):
    databases = {databases!r}

    def test_a_user_has_a_memory(self):
        user = User.objects.create_user("maya")
        Memory().add_user_memory(UserMemory(memory="Likes tea"), user)
        self.client.force_login(user)
        self.assertEqual(self.client.get("/memories/").json(), {{"memories": ["Likes tea"]}})
        self.assertEqual(len(self.client.get("/api/memories/").json()["results"]), 1)
"""
MANAGE = """
import sys
import django
from django.core.management import execute_from_command_line

django.setup()
for command in {commands!r}:
    # As the shell would.
    sys.argv = ["manage.py", *command.split()]
    execute_from_command_line(sys.argv)
"""
# README's comment before the settings of step 2 that a site on another database leaves out.
SQLITE_ONLY = "# For SQLite only."
# The database of the memories, and its alias in the site. README offers no MongoDB as the default one.
SITES = [("default", "default"), ("postgres", "default"), ("postgres", "memories"), ("mongodb", "memories")]


class Site:
    """A new project in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run("-m", "django", "startproject", "site1", ".")

    def append(self, file: str, text: str) -> None:
        """Add a block to the end of a file."""
        with (self.folder / "site1" / file).open("a") as opened:
            opened.write(f"\n{text}\n")

    def run(self, *command: str) -> str:
        """Run Python in the folder, and return all that it prints."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "site1.settings"}
        done = subprocess.run(
            [sys.executable, *command], cwd=self.folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def manage(self, *commands: str, then: str = "") -> str:
        """Run commands of ``manage.py`` one after another, in one process to save time, and then a script."""
        return self.run("-c", MANAGE.format(commands=commands) + then)


def block(containing: str) -> str:
    """Return the one block of README that contains a text."""
    (found,) = (each for each in BLOCK.findall(readme()) if containing in each)
    return textwrap.dedent(found)


@pytest.fixture
def names(alias: str, transactional_db: None) -> Iterator[tuple[str, str]]:
    """The names of two empty databases on the server of ``alias``."""
    connection = connections[alias]
    found = [f"startproject_{uuid.uuid4().hex[:8]}" for _ in range(2)]
    if connection.vendor == "postgresql":
        for name in found:
            connection.cursor().execute(f"CREATE DATABASE {name}")
    yield found[0], found[1]
    for name in found:
        if connection.vendor == "postgresql":
            connection.cursor().execute(f"DROP DATABASE {name}")
        if connection.vendor == "mongodb":
            connection.database.client.drop_database(name)  # type: ignore[attr-defined]


def settings_of(alias: str, place: str, name: str) -> str:
    """Return README's blocks for a site with its memories at ``place``, on the server of ``alias``."""
    common = block("init_command")
    assert SQLITE_ONLY in common
    server = settings.DATABASES[alias]
    if alias == "mongodb":
        host = str(server["HOST"])
        second = block("mongodb://")
        # The options of README stay.
        text = second.replace("mongodb://localhost:27017/?", host + ("&" if "?" in host else "?"))
        text = text.replace('"NAME": "memories"', f'"NAME": "{name}"')
        assert (host in text, name in text) == (True, True)
        return common + text
    if alias == "postgres":
        entry = {key: server[key] for key in ("ENGINE", "HOST", "PORT", "USER", "PASSWORD")} | {"NAME": name}
        # A socket is in the query of the URL.
        entry["HOST"] = entry["HOST"] or server["OPTIONS"].get("host", "")
        database = f"DATABASES[{place!r}] = {entry!r}\n"
        options = block("tcp_user_timeout").replace('"default"', f'"{place}"')
        if place == "default":
            return common.split(SQLITE_ONLY)[0] + database + options
        # All but the database of README's block.
        return common + block("mongodb://") + database + options
    return common


@pytest.mark.parametrize(("alias", "place"), SITES)
def test_readme_on_a_new_project(alias: str, place: str, names: tuple[str, str], tmp_path: Path) -> None:
    site = Site(tmp_path)
    aliases = {"default", place}
    site.append("settings.py", settings_of(alias, place, names[0]))
    site.append("urls.py", block("def memories"))
    migrations = [f"migrate --database={each} --verbosity=0" for each in sorted(aliases)]
    assert "W015" not in site.manage(*migrations, then=VIEW)
    assert '"rest_framework"` in `INSTALLED_APPS`' in readme()
    site.append("settings.py", 'INSTALLED_APPS += ["rest_framework"]')
    site.append("urls.py", block('include("agno_memory.rest.urls")'))
    if place != "default":
        # README's block of settings keeps the database.
        site.append("settings.py", block('"ON_USER_DELETE": "erase"'))
    check = " ".join(["check", *(f"--database={each}" for each in sorted(aliases))])
    assert "no issues" in site.manage(check, then=API)
    site.append("tests.py", TESTS.format(databases=aliases))
    assert "OK" in site.manage("test")
    assert "1 passed" in site.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "site1/tests.py")
    if place != "default":
        # The other way, on another database: this app alone, and then the rest.
        site.append("settings.py", f'DATABASES["memories"]["NAME"] = "{names[1]}"')
        printed = site.manage(
            "migrate agno_memory --database=memories --verbosity=0",
            "migrate --database=memories --verbosity=0",
            check,
        )
        assert "W015" not in printed
        assert "no issues" in printed
