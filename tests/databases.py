"""The databases of the tests, and helpers that several test files share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from agno_memory.db import handles
from agno_memory.memory import Memory
from agno_memory.models import UserMemory

Result = TypeVar("Result")

# "default" is SQLite, "mongodb" a replica set of one (transactions need it), "standalone" a mongod of its own.
ALIASES = ("default", "postgres", "mongodb", "standalone")

# For tests with threads and processes that must see each other's writes.
commits = pytest.mark.django_db(transaction=True, databases="__all__")
each_database = pytest.mark.parametrize("alias", ALIASES)

ROOT = Path(__file__).parent.parent
# The aliases of this run: a lane may leave some out.
RUNNING = tuple(alias for alias in ALIASES if alias in settings.DATABASES)

THREADS = 8
PROCESSES = 4
# The maximum wait of threads for each other. After it the test fails instead of hanging.
PATIENCE_SECONDS = 120


def attempt(work: Callable[[], Result]) -> Result | Exception:
    """Return the outcome of a function: its result or its exception."""
    try:
        return work()
    # Any error is an outcome: the assertions of the caller name the expected ones.
    except Exception as error:
        return error


def race(rounds: int, work: Callable[[int, int], Result], threads: int = THREADS) -> list[list[Result | Exception]]:
    """Run ``work(thread, round)`` in threads that begin every round at the same moment.

    Returns:
        The outcomes, a list for each round: the result or the exception of each thread.
    """
    barrier = threading.Barrier(threads)

    def run(thread: int) -> list[Result | Exception]:
        outcomes: list[Result | Exception] = []
        try:
            for number in range(rounds):
                barrier.wait(PATIENCE_SECONDS)
                outcomes.append(attempt(lambda number=number: work(thread, number)))  # type: ignore[misc]
        finally:
            connections.close_all()
        return outcomes

    with ThreadPoolExecutor(threads) as pool:
        by_thread = list(pool.map(run, range(threads)))
    return [list(outcomes) for outcomes in zip(*by_thread, strict=True)]


def results(outcomes: Sequence[Result | Exception]) -> list[Result]:
    """Return the results among outcomes."""
    return [outcome for outcome in outcomes if not isinstance(outcome, Exception)]


def errors(outcomes: Sequence[object]) -> list[Exception]:
    """Return the exceptions among outcomes."""
    return [outcome for outcome in outcomes if isinstance(outcome, Exception)]


class Child:
    """A process that runs one of the jobs of ``tests.worker`` on the databases of this test run."""

    command = "import django; django.setup(); from tests.worker import main; main()"

    def __init__(self, job: str, **arguments: Any) -> None:
        names = {alias: str(connections[alias].settings_dict["NAME"]) for alias in RUNNING}
        order = json.dumps({"job": job, "arguments": arguments, "names": names})
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", self.command, order],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> None:
        assert self.read() == "ready"

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def read(self) -> Any:
        """Return the next value that the process prints."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def read_all(self) -> list[Any]:
        """Return all further values that the process prints until it ends, without an incomplete last line."""
        assert self.process.stdout is not None
        values = [json.loads(line) for line in self.process.stdout if line.endswith("\n")]
        self.process.wait(PATIENCE_SECONDS)
        return values

    def kill(self) -> None:
        self.process.kill()

    def close(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


@contextmanager
def children(jobs: Sequence[dict[str, Any]]) -> Iterator[list[Child]]:
    """Start a process for every job; when all of them are ready, let them begin, and end them afterwards."""
    started: list[Child] = []
    try:
        started += [Child(**job) for job in jobs]
        for child in started:
            child.wait_until_ready()
        for child in started:
            child.go()
        yield started
    finally:
        for child in started:
            child.close()


# A call of each verb of the service. Each of them runs a statement.
VERBS: dict[str, Callable[[Memory], Any]] = {
    "add_user_memory": lambda memory: memory.add_user_memory(UserMemory(memory="x")),
    "add_user_memories": lambda memory: memory.add_user_memories([UserMemory(memory="x"), UserMemory(memory="y")]),
    "upsert_user_memory": lambda memory: memory.upsert_user_memory(UserMemory(memory_id="a", memory="x")),
    "replace_user_memory": lambda memory: memory.replace_user_memory("a", UserMemory(memory="x")),
    "replace_user_memory, a version": lambda memory: memory.replace_user_memory("a", UserMemory(memory="x"), version=2),
    "get_user_memory": lambda memory: memory.get_user_memory("a"),
    "get_user_memories": lambda memory: memory.get_user_memories(topics=["x"], any_topics=["x"], agent_id="x"),
    "search_user_memories": lambda memory: memory.search_user_memories("x"),
    "delete_user_memories": lambda memory: memory.delete_user_memories(["x", "y"]),
    "delete_user_memory": lambda memory: memory.delete_user_memory("a"),
    "clear_user_memories": lambda memory: memory.clear_user_memories(),
    "clear": lambda memory: memory.clear(),
}


def place(alias: str, folder: Path) -> tuple[str, dict[str, str]]:
    """Return the class and the arguments of a handle for the database, or for SQLite of a file in the folder."""
    name = str(connections[alias].settings_dict["NAME"])
    if alias == "default":
        return "SqliteMemoryDb", {"db_file": str(folder / "new" / "memories.db")}
    if alias == "postgres":
        url = urlsplit(os.environ["TEST_POSTGRES_URL"])._replace(path=f"/{name}").geturl()
        return "PostgresMemoryDb", {"connection_string": url}
    return "MongoMemoryDb", {"connection_string": str(settings.DATABASES[alias]["HOST"]), "db_name": name}


def handle(kind: str, arguments: dict[str, str], table: str = "memories") -> handles.MemoryDb:
    """Make a handle of this class."""
    made: handles.MemoryDb = getattr(handles, kind)(table, **arguments)
    return made


@contextmanager
def handles_allowed() -> Iterator[None]:
    """Let handles connect inside a test; close and forget them afterwards, or Django would flush their databases.

    Django's test cases refuse an alias that was not there when they began.
    """
    known = set(connections.settings)
    refusing = BaseDatabaseWrapper.ensure_connection

    def ensure_connection(connection: BaseDatabaseWrapper) -> None:
        if connection.alias in known:
            refusing(connection)
        elif connection.connection is None:
            with connection.wrap_database_errors:
                connection.connect()

    with mock.patch.object(BaseDatabaseWrapper, "ensure_connection", ensure_connection):
        yield
    for alias in set(connections.settings) - known:
        forget(alias)


def disconnect(alias: str) -> None:
    """Make the next use of the alias connect anew, as the first one of a process."""
    connection = connections[alias]
    connection.close()
    if hasattr(connection, "close_pool"):
        connection.close_pool()
    del connections[alias]


def forget(alias: str) -> None:
    disconnect(alias)
    del connections.settings[alias]
