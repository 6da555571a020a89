"""A single MongoDB is killed while it writes: each write that it has confirmed is there after its restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connections

from agno_memory.agent_sessions import AgentSessions
from agno_memory.db import MongoMemoryDb
from agno_memory.memory import Memory
from agno_memory.models import AgentRun, AgentSession, UserMemory
from tests.databases import PATIENCE_SECONDS, THREADS, handles_allowed
from tests.servers import killed_and_restarted, mongodb, wait_until
from tests.statements import recorded

# The journal is written each 100 milliseconds, unless writers ask for it.
WRITING_SECONDS = 1


@pytest.fixture
def server(alias: str, transactional_db: None) -> Iterator[str]:
    """A server of the test's own."""
    with handles_allowed(), mongodb() as url:
        yield url


class Writer:
    """Adds memories and deletes every other one, until its server is gone."""

    def __init__(self, memory: Memory, user_id: str) -> None:
        self.memory = memory
        self.user_id = user_id
        self.added: set[str] = set()
        self.deleted: set[str] = set()
        self.stopped = threading.Event()

    def run(self) -> None:
        number = 0
        try:
            while not self.stopped.is_set():
                number += 1
                added = self.memory.add_user_memory(UserMemory(memory_id=str(number), memory="x"), self.user_id)
                self.added.add(added.memory_id)
                if number % 2:
                    # In doubt from here on, until it is confirmed.
                    self.added.discard(added.memory_id)
                    self.memory.delete_user_memory(added.memory_id, self.user_id)
                    self.deleted.add(added.memory_id)
        except DatabaseError:
            connections.close_all()

    def lost(self) -> list[str]:
        stored = {memory.memory_id for memory in self.memory.get_user_memories(self.user_id)}
        return sorted((self.added - stored) | (self.deleted & stored))


@pytest.mark.parametrize("alias", ["standalone"])
def test_a_handle_loses_no_confirmed_write_when_its_server_is_killed(alias: str, server: str) -> None:
    # A server that is gone is reported at once.
    db = MongoMemoryDb("facts", connection_string=f"{server}?serverSelectionTimeoutMS=500", db_name="notes")
    memory = Memory(db=db)
    writers = [Writer(memory, f"writer{number}") for number in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        running = [pool.submit(writer.run) for writer in writers]
        # On a busy machine the first writes take longer than the time to write.
        wait_until(lambda: any(writer.added and writer.deleted for writer in writers))
        time.sleep(WRITING_SECONDS)
        with killed_and_restarted(server):
            for writer in writers:
                writer.stopped.set()
            for each in running:
                each.result(PATIENCE_SECONDS)
            assert any(writer.added for writer in writers)
            assert any(writer.deleted for writer in writers)
            assert [writer.lost() for writer in writers] == [[] for _ in writers]
            connections.close_all()


@pytest.mark.django_db(transaction=True, databases="__all__")
@pytest.mark.parametrize(("alias", "early"), [("standalone", ["update"]), ("mongodb", [])])
def test_of_the_writes_of_a_run_the_last_one_waits_for_the_journal(alias: str, early: list[str]) -> None:
    """In a transaction, the commit waits."""
    sessions = AgentSessions(alias)
    sessions.upsert_session(AgentSession(session_id="s", session_type="agent"), "maya")
    with recorded(alias) as sent:
        sessions.upsert_run("s", AgentRun(run_id="r", run_type="agent", data={"said": "Hi"}), "maya")
    without = [next(iter(command)) for command in sent if command.get("writeConcern") == {"w": 1, "j": False}]
    assert without == early
    assert "writeConcern" not in sent[-1]
