"""A thread without requests (a command, an agent, asyncio) recovers from a lost connection by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError, OperationalError, ProgrammingError, connections, transaction
from django.db.models import Model
from django.test import override_settings

from agno_memory import people
from agno_memory.agent_sessions import ANYONE, AgentSessions
from agno_memory.bulk import BulkMemory
from agno_memory.db.connections import connection_to
from agno_memory.memory import Memory
from agno_memory.models import AgentSession, UserMemory
from tests.databases import VERBS, attempt, commits, handle, handles_allowed, place

pytestmark = [commits]

ALIAS = "postgres"


@pytest.fixture(params=[ALIAS])
def alias(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[str]:
    yield str(request.param)
    connections[ALIAS].close()


def lose(alias: str = ALIAS) -> None:
    """End the session of this thread's connection on the server, as a restart or a failover does."""
    connection: Any = connections[alias]
    connection.ensure_connection()
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])


def rows(alias: str) -> Any:
    return UserMemory.objects.using(alias).for_user("ann")


def add_to_session(alias: str) -> None:
    AgentSessions(alias).upsert_session(AgentSession(session_id="s"), "ann")


# Each runs statements in a way of its own.
USES: dict[str, Callable[[str], object]] = {
    **{name: lambda alias, verb=verb: verb(Memory(alias)) for name, verb in VERBS.items()},  # type: ignore[misc]
    "list": lambda alias: list(rows(alias)),
    "count": lambda alias: rows(alias).count(),
    "exists": lambda alias: rows(alias).exists(),
    "first": lambda alias: rows(alias).newest().first(),
    "iterator": lambda alias: list(rows(alias).iterator()),
    "walk": lambda alias: list(rows(alias).walk()),
    "stats": lambda alias: rows(alias).stats(),
    "topic_counts": lambda alias: rows(alias).topic_counts(),
    "owners": lambda alias: rows(alias).owners(limit=5),
    "update": lambda alias: rows(alias).update(agent_id="x"),
    "delete": lambda alias: rows(alias).delete(),
    "erase": lambda alias: rows(alias).erase(),
    "bulk_create": lambda alias: rows(alias).bulk_create([UserMemory(memory="x", user_id="ann")]),
    "save": lambda alias: UserMemory(memory="x", user_id="ann").save(using=alias),
    "add_topic": lambda alias: BulkMemory(rows(alias)).add_topic("x"),
    "upsert_session": add_to_session,
    "get_runs": lambda alias: list(AgentSessions(alias).get_runs("s", ANYONE)),
    "delete_user_sessions": lambda alias: AgentSessions(alias).delete_user_sessions("ann"),
}


@pytest.mark.parametrize("use", USES)
def test_after_a_lost_connection_the_next_call_connects_again(alias: str, use: str) -> None:
    """The first call may raise, because the statement may have been executed."""
    Memory(alias).add_user_memory(UserMemory(memory_id="a", memory="x"))
    lose()
    first = attempt(lambda: USES[use](alias))
    assert isinstance(first, OperationalError)
    second = attempt(lambda: USES[use](alias))
    assert not isinstance(second, DatabaseError)


class LogOnPostgres:
    """A router of a site that has its admin on another database than its memories."""

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        return ALIAS if model._meta.app_label in ("admin", "contenttypes") else None

    db_for_read = db_for_write


@pytest.mark.parametrize("question", [people.count, people.erase])
def test_the_log_of_the_admin_is_reached_again(alias: str, question: Callable[[object], object]) -> None:
    with override_settings(DATABASE_ROUTERS=["tests.db.test_connections.LogOnPostgres"]):
        lose()
        assert isinstance(attempt(lambda: question("ann")), OperationalError)
        # The server answers again: the tests create no log there.
        assert isinstance(attempt(lambda: question("ann")), ProgrammingError)


def test_async_verbs_connect_again_without_a_request(alias: str) -> None:
    async def agent() -> list[object]:
        memory = Memory(alias)
        await memory.aget_user_memories("ann")
        await sync_to_async(lose)()
        first = await asyncio.gather(memory.aget_user_memories("ann"), return_exceptions=True)
        second = await memory.aget_user_memories("ann")
        await sync_to_async(connections.close_all)()
        return [*first, second]

    first, second = asyncio.run(agent())
    assert isinstance(first, OperationalError)
    assert second == []


def test_a_handle_connects_again(alias: str, tmp_path: Path) -> None:
    with handles_allowed():
        db = handle(*place(alias, tmp_path), table="lost")
        memory = Memory(db)
        added = memory.add_user_memory(UserMemory(memory="x"))
        lose(db.alias)
        assert isinstance(attempt(lambda: memory.get_user_memories()), OperationalError)
        assert memory.get_user_memories() == [added]
        lose(db.alias)
        assert isinstance(attempt(db.table_exists), OperationalError)
        assert db.table_exists()
        db.drop()


def test_a_transaction_that_lost_its_connection_fails_as_a_whole(alias: str) -> None:
    """A new connection inside it would commit the second half of the work without the first."""
    memory = Memory(alias)

    def work() -> None:
        with transaction.atomic(using=alias):
            memory.add_user_memory(UserMemory(memory="first"))
            lose()
            attempt(lambda: memory.add_user_memory(UserMemory(memory="second")))
            memory.add_user_memory(UserMemory(memory="third"))

    assert isinstance(attempt(work), DatabaseError)
    assert memory.get_user_memories() == []


def test_a_caller_without_autocommit_keeps_the_connection(alias: str) -> None:
    connection = connections[alias]
    connection.set_autocommit(False)
    try:
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT nonsense")
        before = connection.connection
        assert connection_to(alias).connection is before
    finally:
        connection.rollback()
        connection.set_autocommit(True)


def test_a_usable_connection_stays_after_an_error(alias: str) -> None:
    connection = connections[alias]
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT nonsense")
    before = connection.connection
    Memory(alias).get_user_memories()
    assert connection.connection is before
    assert not connection.errors_occurred
