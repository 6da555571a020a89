"""Connections of worker threads: kept for the next call, bounded, closed when idle or unusable, and never another's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from django.db import OperationalError, connections, transaction

from agno_memory.contrib.agno import kept_connections
from agno_memory.contrib.agno.kept_connections import KeptConnections
from agno_memory.models import UserMemory
from tests.databases import PATIENCE_SECONDS, commits, each_database

pytestmark = [commits]

Result = TypeVar("Result")
OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend'"
)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[KeptConnections]:
    """Keep connections, as outside of tests, and close them at the end: the test run drops the databases."""
    own = KeptConnections()
    # The threads of agno's stores use it too, in the environments that have agno.
    monkeypatch.setattr(kept_connections.KEPT, "lent", own.lent)
    monkeypatch.setattr(kept_connections, "is_test_run", lambda: False)
    yield own
    own.close_all()


def pid() -> int:
    """Return the number of the server's process for this thread's connection."""
    with connections["postgres"].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        number: int = cursor.fetchone()[0]
        return number


def lent(kept: KeptConnections, work: Callable[[], Result]) -> Result:
    """Return the result of a function that runs as a call of a store does."""
    with kept.lent():
        return work()


def in_thread(work: Callable[[], Result]) -> Result:
    """Return the result of a function that runs in a thread of its own, which ends then."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def others() -> int:
    """Return the number of the server's connections besides that of this thread."""
    with connections["postgres"].cursor() as cursor:
        cursor.execute(OTHERS)
        number: int = cursor.fetchone()[0]
        return number


def wait_until(is_done: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not is_done():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_threads_use_one_connection_after_another(kept: KeptConnections) -> None:
    first = in_thread(lambda: lent(kept, pid))
    assert [in_thread(lambda: lent(kept, pid)) for _ in range(50)] == [first] * 50
    assert others() == 1
    kept.close_all()
    wait_until(lambda: others() == 0)


def test_the_number_of_kept_connections_is_bounded(kept: KeptConnections, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_connections, "MAX_KEPT", 2)
    barrier = threading.Barrier(6)

    def at_once() -> int:
        number = pid()
        barrier.wait(PATIENCE_SECONDS)
        return number

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(lambda _: lent(kept, at_once), range(6)))) == 6
    wait_until(lambda: others() == 2)


def test_an_idle_connection_is_closed(kept: KeptConnections, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_connections, "IDLE_SECONDS", 0.02)
    first = in_thread(lambda: lent(kept, pid))
    wait_until(lambda: others() == 0)
    # Connections that are kept later are closed too.
    assert in_thread(lambda: lent(kept, pid)) != first
    wait_until(lambda: others() == 0)


def test_the_caller_keeps_its_own_connection(kept: KeptConnections) -> None:
    in_thread(lambda: lent(kept, pid))

    def own() -> tuple[int, int, bool]:
        with transaction.atomic("postgres"):
            numbers = pid(), lent(kept, pid)
            is_open = connections["postgres"].connection is not None
        connections["postgres"].close()
        return *numbers, is_open

    mine, used, is_open = in_thread(own)
    assert (used, is_open) == (mine, True)


def test_a_closed_connection_of_the_caller_is_used_with_its_settings(kept: KeptConnections) -> None:
    in_thread(lambda: lent(kept, pid))
    seen: list[str] = []

    def hook(execute: Any, sql: str, *args: Any) -> Any:
        seen.append(sql)
        return execute(sql, *args)

    def prepared() -> tuple[bool, Any]:
        # As a tenant's schema, the hook is a setting of this object.
        own = connections["postgres"]
        with own.execute_wrapper(hook):
            used = lent(kept, lambda: (pid(), connections["postgres"])[1])
        return used is own is connections["postgres"], own.connection

    assert in_thread(prepared) == (True, None)
    assert seen == ["SELECT pg_backend_pid()"]
    kept.close_all()
    wait_until(lambda: others() == 0)


def test_lost_connections_are_dropped_at_the_first_error(kept: KeptConnections) -> None:
    barrier = threading.Barrier(3)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: lent(kept, lambda: (pid(), barrier.wait(PATIENCE_SECONDS))), range(3)))
    with connections["postgres"].cursor() as cursor:
        cursor.execute(OTHERS.replace("count(*)", "count(pg_terminate_backend(pid))"))
        assert cursor.fetchone() == (3,)
    wait_until(lambda: others() == 0)
    with pytest.raises(OperationalError):
        in_thread(lambda: lent(kept, pid))
    assert in_thread(lambda: lent(kept, pid))
    assert others() == 1


def test_a_connection_that_was_lost_while_idle_is_not_used(
    kept: KeptConnections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_connections, "TRUSTED_SECONDS", 0)
    lost = in_thread(lambda: lent(kept, pid))
    with connections["postgres"].cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [lost])
    wait_until(lambda: others() == 0)
    assert in_thread(lambda: lent(kept, pid)) != lost


def test_a_connection_in_a_transaction_is_closed(kept: KeptConnections) -> None:
    in_thread(lambda: lent(kept, lambda: connections["postgres"].set_autocommit(False)))
    wait_until(lambda: others() == 0)


def test_a_connection_of_a_pool_returns_to_it(kept: KeptConnections, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_connections, "has_pool", lambda connection: True)
    in_thread(lambda: lent(kept, pid))
    wait_until(lambda: others() == 0)


def test_a_forked_process_leaves_the_connections_to_the_other(kept: KeptConnections) -> None:
    first = in_thread(lambda: lent(kept, pid))
    kept.forget()
    assert in_thread(lambda: lent(kept, pid)) != first
    assert others() == 2
    for held in kept._of_parent["postgres"]:
        held.connection.close()


@each_database
def test_every_database_works_in_threads_that_end(kept: KeptConnections, alias: str) -> None:
    counts = [in_thread(lambda: lent(kept, UserMemory.objects.using(alias).count)) for _ in range(5)]
    assert counts == [0] * 5


def test_nothing_is_kept_in_a_test_run() -> None:
    assert kept_connections.is_test_run()
    kept = KeptConnections()
    in_thread(lambda: lent(kept, pid))
    wait_until(lambda: others() == 0)
