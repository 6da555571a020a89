"""Jobs that write for the tests, in threads of the test run and in processes of their own (``databases.Child``).

A process prints "ready", waits until its input is closed, runs its job, and prints each value that the job yields as a
line of JSON. An error ends it with a traceback and exit status 1.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.test import override_settings

from agno_memory.db.inserts import Insert
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from tests.databases import handle

SHARED_ID = "shared"
SHARED_OWNER = "everyone"


def write(alias: str, writer: str, times: int) -> Iterator[tuple[str, int]]:
    """Add memories of one's own, one by one and two at once, and replace the shared one, in turn.

    Yields:
        The id and version of each write that was acknowledged.
    """
    memory = Memory(db=alias)
    for number in range(times):
        prefix = f"{writer}-{number}"
        added = memory.add_user_memory(UserMemory(memory_id=f"{prefix}-a", memory="one"), user_id=writer)
        yield added.memory_id, added.version
        pair = [UserMemory(memory_id=f"{prefix}-{name}", memory="two") for name in "bc"]
        for added in memory.add_user_memories(pair, user_id=writer):
            yield added.memory_id, added.version
        replaced = memory.replace_user_memory(SHARED_ID, UserMemory(memory=prefix), user_id=SHARED_OWNER)
        yield replaced.memory_id, replaced.version


def die_in_the_middle(alias: str, writer: str, count: int, batches: int) -> Iterator[None]:
    """Add many memories at once, and be killed when this many batches were written.

    The last value is the id of its session on MongoDB. The server keeps the session's transaction for a minute.
    """
    written = 0
    insert = Insert.run_many

    def mortal_insert(*args: Any) -> None:
        nonlocal written
        insert(*args)
        written += 1
        if written == batches:
            session = getattr(connections[alias], "session", None)
            say(None if session is None else session.session_id["id"].hex())
            os.kill(os.getpid(), signal.SIGKILL)

    Insert.run_many = mortal_insert  # type: ignore[assignment, method-assign]
    memories = [UserMemory(memory_id=f"{writer}-{number}", memory="one of many") for number in range(count)]
    Memory(db=alias).add_user_memories(memories, user_id=writer)
    yield from ()


def use_first(kind: str, arguments: dict[str, str], table: str) -> Iterator[str]:
    """Add one memory to a place that may not exist yet."""
    memory = Memory(db=handle(kind, arguments, table))
    yield memory.add_user_memory(UserMemory(memory="first")).memory_id


def migrate(alias: str, database: str) -> Iterator[None]:
    """Migrate this app on another database of the server of ``alias``, as ``manage.py migrate`` does."""
    connections.settings["scratch"] = {**connections.settings[alias], "NAME": database}
    call_command("migrate", "agno_memory", database="scratch", verbosity=0)
    yield


def serve(**settings: Any) -> Iterator[int]:
    """Serve the tests' site, with these settings, on a free port until killed.

    Yields:
        The port.
    """
    # Django's handler writes every request to stderr.
    handler = type("QuietHandler", (WSGIRequestHandler,), {"log_message": lambda *args: None})
    with override_settings(**settings):
        server = ThreadedWSGIServer(("127.0.0.1", 0), handler)
        server.set_app(get_wsgi_application())
        yield server.server_port
        server.serve_forever()


JOBS: dict[str, Callable[..., Iterator[Any]]] = {
    job.__name__: job for job in (write, die_in_the_middle, use_first, migrate, serve)
}


def say(value: object) -> None:
    print(json.dumps(value), flush=True)


def main() -> None:
    order = json.loads(sys.argv[1])
    for alias, name in order["names"].items():
        connections[alias].settings_dict["NAME"] = name
    say("ready")
    sys.stdin.read()
    for value in JOBS[order["job"]](**order["arguments"]):
        say(value)
