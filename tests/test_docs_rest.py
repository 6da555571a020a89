"""Every block of ``docs/rest.md`` runs, curl against the demo and Python here, and the output is that of the page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.test import override_settings
from django.urls import resolve
from rest_framework.test import APIClient

from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.names import FILTERS
from tests.servers import free_port, wait_until

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "rest.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall(PAGE)
END_OF_BLOCK = "-- end of block --"
PATIENCE_SECONDS = 120

# Set by the second block of the page for those after it, as on the page.
urlpatterns: list[Any] = []


def commands() -> list[str]:
    return [code for language, code in BLOCKS if language == "sh"]


def expected_outputs() -> list[str]:
    """Return the output on the page after every block of commands, or an empty text."""
    following = [*BLOCKS[1:], ("", "")]
    return [
        answer if kind == "text" else ""
        for (language, _), (kind, answer) in zip(BLOCKS, following, strict=True)
        if language == "sh"
    ]


def matches(expected: str, printed: str) -> bool:
    """Return whether the output matches the page; three dots stand for any text."""
    pattern = ".*".join(re.escape(part) for part in expected.strip().split("..."))
    return re.fullmatch(pattern, printed.replace("\r", "").strip(), re.DOTALL) is not None


@contextmanager
def demo(folder: Path) -> Iterator[str]:
    """Serve the demo on a database of its own and yield its address."""
    address = f"127.0.0.1:{free_port()}"
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environment |= {"DATABASE_URL": f"sqlite:///{folder / 'demo.sqlite3'}", "MEMORY_DATABASE_URL": ""}
    with (folder / "demo.log").open("wb") as log:
        command = [sys.executable, str(ROOT / "manage.py"), "demo", address]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: process.poll() is not None or is_served(f"http://{address}/login/"))
        assert process.poll() is None, (folder / "demo.log").read_text("utf-8")
        yield f"http://{address}/api"
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def is_served(url: str) -> bool:
    try:
        with urlopen(url) as response:
            return bool(response.status == 200)
    except URLError:
        return False


def test_every_block_is_run() -> None:
    """Each block is of a language that a test here runs, or is the output of such a block."""
    languages = [language for language, _ in BLOCKS]
    assert set(languages) == {"sh", "text", "python"}
    # Every output follows a command.
    assert all(before == "sh" for before, after in pairwise(languages) if after == "text")


def test_commands(tmp_path: Path) -> None:
    """One shell runs them all, in the order of the page."""
    script = "set -euo pipefail\n" + f"echo '{END_OF_BLOCK}'\n".join(commands())
    with demo(tmp_path) as api:
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env={**os.environ, "API": api},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
    assert done.returncode == 0, done.stderr
    printed = done.stdout.split(END_OF_BLOCK)
    for code, expected, answer in zip(commands(), expected_outputs(), printed, strict=True):
        assert matches(expected, answer), f"{code}\n{answer}"


def test_every_filter_is_documented() -> None:
    """The other pages refer to this table."""
    table = PAGE.partition("### List, filter and search")[2].partition("\n### ")[0]
    rows = "".join(line for line in table.splitlines() if line.startswith("|"))
    assert [each.parameter for each in FILTERS if f"`{each.parameter}`" not in rows] == []
    for page in ("admin.md", "transfer.md"):
        assert "(rest.md#list-filter-and-search)" in (ROOT / "docs" / page).read_text("utf-8")


def python_names() -> list[dict[str, Any]]:
    """Run the page's Python from its first block to its last, and return the names after each."""
    names: dict[str, Any] = {"__name__": __name__}
    after = []
    for code in (code for language, code in BLOCKS if language == "python"):
        exec(compile(code, "docs/rest.md", "exec"), names)
        after.append(dict(names))
    return after


@contextmanager
def mounted(patterns: list[Any]) -> Iterator[None]:
    urlpatterns[:] = patterns
    try:
        with override_settings(ROOT_URLCONF=__name__):
            yield
    finally:
        urlpatterns.clear()


def test_mounting() -> None:
    with mounted(python_names()[0]["urlpatterns"]):
        assert resolve("/api/memories/").url_name == "agno-memory-list"


def test_settings() -> None:
    # Without a router, each alias can have memories, also those that other tests set otherwise.
    routers = ["agno_memory.routers.MemoryRouter"]
    with override_settings(AGNO_MEMORY=python_names()[1]["AGNO_MEMORY"], DATABASE_ROUTERS=routers):
        assert run_checks(tags=["agno_memory"]) == []


@pytest.mark.django_db(transaction=True)
def test_subclasses() -> None:
    """A filter, a field, a narrowed queryset and an address."""
    maya = User.objects.create_user("maya")
    plain = UserMemory(memory="Plain", topics=["x"])
    Memory().add_user_memories(
        [plain, UserMemory(memory="Praised", feedback="Good"), UserMemory(memory="Hidden", topics=["internal"])], maya
    )
    client = APIClient()
    client.force_authenticate(maya)
    with mounted(python_names()[-1]["urlpatterns"]):
        every = client.get("/api/memories/").json()["results"]
        praised = client.get("/api/memories/?has_feedback=true").json()["results"]
        latest = client.get("/api/memories/latest/").json()
    assert {memory["memory"]: memory["length"] for memory in every} == {"Plain": 5, "Praised": 7}
    assert [memory["memory"] for memory in praised] == ["Praised"]
    assert latest == every
