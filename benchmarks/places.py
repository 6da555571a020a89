"""The databases that are measured: ``Memory`` and the bare driver on the same table."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from django.apps import apps
from django.db import connections

from agno_memory.db import MemoryDb, MongoMemoryDb, PostgresMemoryDb, SqliteMemoryDb
from agno_memory.memory import Memory
from agno_memory.querysets import UserMemoryQuerySet
from benchmarks.drivers import TABLE, Driver, MongoDriver, PostgresDriver, SqliteDriver
from benchmarks.settings import PREPARED
from tests.servers import mongodb as mongodb_server
from tests.servers import postgres as postgres_server

DATABASE = "agno_memory_benchmark"
# As PostgreSQL's documentation recommends for a dedicated server: a quarter of the memory, and more writes between two
# checkpoints. All settings for durability have their defaults.
MEGABYTES = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
POSTGRES_SETTINGS = f"""
shared_buffers = {MEGABYTES // 4}MB
max_wal_size = 8GB
checkpoint_timeout = 15min
"""


@dataclass
class Place:
    handle: MemoryDb
    driver: Driver

    def __post_init__(self) -> None:
        self.memory = Memory(db=self.handle)
        # A server from the environment may have the table of an earlier run.
        self.handle.drop()
        self.handle.create()

    def create_tables(self) -> None:
        """Create the tables of the app that a handle does not need, and a site does."""
        connection = connections[self.handle.alias]
        present = connection.introspection.table_names()
        with connection.schema_editor() as editor:
            for model in apps.get_app_config("agno_memory").get_models():
                if model._meta.db_table not in present:
                    editor.create_model(model)

    def rows(self) -> UserMemoryQuerySet:
        return self.handle.model.objects.using(self.handle.alias)


@contextmanager
def _server(variable: str, start: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """Yield the URL of the server in the environment, or of a server that this starts.

    A started one gets all cores but the first, and this process the first: left to the system, the two share a core in
    one run and not in the next, and a round trip takes twice the time.
    """
    if url := os.environ.get(variable):
        yield url
        return
    cores = os.sched_getaffinity(0)
    first = {min(cores)}
    os.sched_setaffinity(0, cores - first or cores)
    try:
        with start() as url:
            os.sched_setaffinity(0, first)
            yield url
    finally:
        os.sched_setaffinity(0, cores)


@contextmanager
def sqlite() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="agno-memory-benchmark-") as folder:
        path = Path(folder) / "memories.sqlite3"
        yield Place(SqliteMemoryDb(TABLE, path), SqliteDriver(path))


@contextmanager
def postgres() -> Iterator[Place]:
    with _server("TEST_POSTGRES_URL", partial(postgres_server, POSTGRES_SETTINGS)) as url:
        yield Place(PostgresMemoryDb(TABLE, connection_string=url, options=PREPARED), PostgresDriver(url))


@contextmanager
def postgres_unprepared() -> Iterator[Place]:
    """Run PostgreSQL with Django's defaults, with which the server plans each statement again."""
    with _server("TEST_POSTGRES_URL", partial(postgres_server, POSTGRES_SETTINGS)) as url:
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
