"""The demo as a process of its own, with its files in a folder and its memories on any server of the tests."""

from __future__ import annotations

import os
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql

ROOT = Path(__file__).parent.parent


@contextmanager
def database_of_its_own(alias: str) -> Iterator[str]:
    """Yield the URL of an empty database on the server of an alias, and drop it afterwards; nothing for SQLite."""
    name = f"demo_{uuid4().hex[:12]}"
    if alias == "postgres":
        server = os.environ["TEST_POSTGRES_URL"]
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            yield urllib.parse.urlsplit(server)._replace(path=f"/{name}").geturl()
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    elif alias == "mongodb":
        # A run without MongoDB does without its driver too.
        import pymongo

        server = os.environ["TEST_MONGODB_URL"]
        yield urllib.parse.urlsplit(server)._replace(path=f"/{name}").geturl()
        with pymongo.MongoClient[dict[str, Any]](server) as client:
            client.drop_database(name)
    else:
        yield ""


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "error", str(ROOT / "manage.py"), "demo", *arguments]


def environment(folder: Path, memory_url: str = "") -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "demo_project.settings",
        "DATABASE_URL": f"sqlite:///{folder / 'demo.sqlite3'}",
        "MEMORY_DATABASE_URL": memory_url,
    }


def answers(url: str) -> bool:
    try:
        return bool(urllib.request.urlopen(url).status == 200)
    except OSError:
        return False
