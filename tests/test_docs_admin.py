"""The code in docs/admin.md runs as it is printed, each block in a site of its own, and its pictures exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from django.core.management import get_commands

from tests.screenshots import IMAGES, names

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "admin.md"
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"manage\.py (\w+)")
PICTURE = re.compile(r'(?:!\[[^\]]+\]\(|src="|srcset=")([^)"#:]+)[)"]')

SITE = """
import django
from tests import settings

settings.INSTALLED_APPS.insert(0, "unfold")
django.setup()
"""
ENDING = """
from django.contrib import admin
from django.core.management import call_command
from agno_memory.models import UserMemory

call_command("check")
print(*(type(admin.site._registry[model]).__name__ for model in (django.contrib.auth.models.User, UserMemory)))
"""


def printed_by(containing: str) -> list[str]:
    """Run the block that contains this text in a process of its own, and return the registered admin classes."""
    (block,) = (found for found in PYTHON.findall(PAGE.read_text()) if containing in found)
    command = [sys.executable, "-c", SITE + block + ENDING]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].split()


def test_every_block_is_run() -> None:
    assert len(PYTHON.findall(PAGE.read_text())) == 2


def test_link_from_the_users() -> None:
    assert printed_by("PersonLinkMixin") == ["LinkedUserAdmin", "UserMemoryAdmin"]


def test_theme() -> None:
    assert printed_by("unfold") == ["UserAdmin", "ThemedMemoryAdmin"]


def test_commands() -> None:
    assert {name for name in COMMAND.findall(PAGE.read_text()) if name not in get_commands()} == set()


def test_pictures() -> None:
    """Each that is shown is there, and each that is taken."""
    for page in (PAGE, ROOT / "README.md"):
        shown = PICTURE.findall(page.read_text())
        assert len(shown) > 3
        assert [name for name in shown if not (page.parent / name).exists()] == []
    assert [name for name in names() if not (IMAGES / name).exists()] == []
