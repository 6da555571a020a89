"""The databases that are measured: ``Memory`` and the bare driver on the same table."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from agno_memory.db import MemoryDb, MongoMemoryDb, PostgresMemoryDb, SqliteMemoryDb
from agno_memory.memory import Memory
from agno_memory.querysets import UserMemoryQuerySet
from benchmarks.drivers import TABLE, Driver, MongoDriver, PostgresDriver, SqliteDriver
from benchmarks.settings import PREPARED
from tests.servers import mongodb as mongodb_server
from tests.servers import postgres as postgres_server

DATABASE = "agno_memory_benchmark"


@dataclass
class Place:
    handle: MemoryDb
    driver: Driver

    def __post_init__(self) -> None:
        self.memory = Memory(db=self.handle)
        # A server named by environment may have the table of an earlier run.
        self.handle.drop()
        self.handle.create()

    def rows(self) -> UserMemoryQuerySet:
        return self.handle.model.objects.using(self.handle.alias)


def _server(variable: str, start: Callable[[], AbstractContextManager[str]]) -> AbstractContextManager[str]:
    url = os.environ.get(variable)
    return nullcontext(url) if url else start()


@contextmanager
def sqlite() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="agno-memory-benchmark-") as folder:
        path = Path(folder) / "memories.sqlite3"
        yield Place(SqliteMemoryDb(TABLE, path), SqliteDriver(path))


@contextmanager
def postgres() -> Iterator[Place]:
    with _server("TEST_POSTGRES_URL", postgres_server) as url:
        yield Place(PostgresMemoryDb(TABLE, connection_string=url, options=PREPARED), PostgresDriver(url))


@contextmanager
def postgres_unprepared() -> Iterator[Place]:
    """Run PostgreSQL with Django's own defaults, which plan every statement anew."""
    with _server("TEST_POSTGRES_URL", postgres_server) as url:
        yield Place(PostgresMemoryDb(TABLE, connection_string=url), PostgresDriver(url))


@contextmanager
def mongodb() -> Iterator[Place]:
    with _server("TEST_MONGODB_STANDALONE_URL", mongodb_server) as url:
        handle = MongoMemoryDb(TABLE, connection_string=url, db_name=DATABASE)
        yield Place(handle, MongoDriver(url, DATABASE))


PLACES = {
    "sqlite": sqlite,
    "postgres": postgres,
    "postgres-unprepared": postgres_unprepared,
    "mongodb": mongodb,
}
