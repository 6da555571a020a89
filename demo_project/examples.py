"""The examples of ``docs/examples.md``, read from the page and run."""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from django.conf import settings
from django.db import connections, router

from agno_memory.models import UserMemory

PAGE = Path(__file__).resolve().parent.parent / "docs" / "examples.md"
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLACE = re.compile(r'\b(?P<name>db_file|connection_string|db_name)="[^"]*"')

OF_VENDOR = {"sqlite": "sqlite_memory.py", "postgresql": "postgres_memory.py", "mongodb": "mongo_memory.py"}


def blocks(page: Path = PAGE) -> dict[str, str]:
    """Return the Python block under each heading of a page, by heading."""
    _, *parts = HEADING.split(page.read_text("utf-8"))
    found = {title: BLOCK.search(text) for title, text in zip(parts[::2], parts[1::2], strict=True)}
    return {title: block[1] for title, block in found.items() if block}


def at(code: str, **places: str) -> str:
    """Return an example with other addresses of its database.

    Args:
        code: of the example.
        places: new values of ``db_file``, ``connection_string`` and ``db_name``; a missing one is not changed.
    """

    def replaced(found: re.Match[str]) -> str:
        name = found["name"]
        return f"{name}={places[name]!r}" if name in places else found[0]

    return PLACE.sub(replaced, code)


def for_this_site() -> dict[str, str]:
    """Return the examples to run, by title. The example for this site's kind of database uses the site's database."""
    connection = connections[router.db_for_read(UserMemory)]
    name = str(connection.settings_dict["NAME"])
    url = settings.MEMORY_DATABASE_URL or settings.DATABASE_URL
    own = OF_VENDOR.get(connection.vendor)
    code = blocks()
    if own:
        code[own] = at(code[own], db_file=name, connection_string=url, db_name=name)
    titles = dict.fromkeys(["sqlite_memory.py", own, "memory_management.py"])
    return {title: code[title] for title in titles if title}


def run(title: str, code: str) -> str:
    """Run an example as a program and return its output."""
    with redirect_stdout(StringIO()) as printed:
        exec(compile(code, title, "exec"), {"__name__": "__main__"})
    return printed.getvalue()
