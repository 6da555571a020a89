"""README's settings on a new project, on each database: commands and tests of the site work."""

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
        self.assertEqual([each.memory for each in Memory().get_user_memories(user)], ["Likes tea"])
"""
# By alias: the text of README's block of the database's settings.
SETTINGS = {
    "default": "init_command",
    "postgres": "tcp_user_timeout",
    "mongodb": "mongodb://",
}


class Site:
    """A new project in a folder."""

    def __init__(self, folder: Path, extra_settings: str, aliases: set[str]) -> None:
        self.folder = folder
        self.run("-m", "django", "startproject", "site1", ".")
        with (folder / "site1" / "settings.py").open("a") as file:
            file.write(extra_settings)
        (folder / "site1" / "tests.py").write_text(TESTS.format(databases=aliases))

    def run(self, *command: str) -> str:
        """Run Python in the folder, and return all that it prints."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "site1.settings"}
        done = subprocess.run(
            [sys.executable, *command], cwd=self.folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def manage(self, *arguments: str) -> str:
        return self.run("manage.py", *arguments)


def block(containing: str) -> str:
    """Return the one block of README with settings that contains a text."""
    (found,) = (each for each in BLOCK.findall(readme()) if containing in each and "DATABASES[" in each)
    return textwrap.dedent(found)


@pytest.fixture
def site(alias: str, tmp_path: Path, transactional_db: None) -> Iterator[Site]:
    """A site with README's settings and an empty database on the server of ``alias``."""
    name = f"startproject_{uuid.uuid4().hex[:8]}"
    connection = connections[alias]
    server = settings.DATABASES[alias]
    text = block(SETTINGS[alias])
    if connection.vendor == "mongodb":
        # The options of README stay.
        host = str(server["HOST"])
        text = text.replace("mongodb://localhost:27017/?", host + ("&" if "?" in host else "?"))
        text = 'INSTALLED_APPS += ["agno_memory"]\n' + text.replace('"NAME": "memories"', f'"NAME": "{name}"')
        aliases = {"default", "memories"}
        assert host in text
        assert name in text
    else:
        aliases = {"default"}
    if connection.vendor == "postgresql":
        connection.cursor().execute(f"CREATE DATABASE {name}")
        entry = {key: server[key] for key in ("ENGINE", "HOST", "PORT", "USER", "PASSWORD")} | {"NAME": name}
        # A socket is in the query of the URL.
        entry["HOST"] = entry["HOST"] or server["OPTIONS"].get("host", "")
        text = f'INSTALLED_APPS += ["agno_memory"]\nDATABASES["default"] = {entry!r}\n{text}'
    try:
        yield Site(tmp_path, text, aliases)
    finally:
        if connection.vendor == "postgresql":
            connection.cursor().execute(f"DROP DATABASE {name}")
        if connection.vendor == "mongodb":
            connection.database.client.drop_database(name)  # type: ignore[attr-defined]


@pytest.mark.parametrize("alias", SETTINGS)
def test_readme_on_a_new_project(site: Site, alias: str) -> None:
    site.manage("migrate", "--verbosity=0")
    options = []
    if connections[alias].vendor == "mongodb":
        assert "W015" not in site.manage("migrate", "--database=memories", "--verbosity=0")
        options = ["--database=memories"]
    assert "no issues" in site.manage("check", "--database=default", *options)
    assert "OK" in site.manage("test")
    assert "1 passed" in site.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "site1/tests.py")


@pytest.mark.parametrize("alias", ["mongodb"])
def test_migrating_this_app_alone_works_too(site: Site, alias: str) -> None:
    assert "W015" not in site.manage("migrate", "agno_memory", "--database=memories", "--verbosity=0")
    site.manage("migrate", "--database=memories", "--verbosity=0")
