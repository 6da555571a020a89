"""The signals of sessions and runs, and ``announce_batch``; the contract has the other signals of memories."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.db import connections, transaction
from django.dispatch import Signal
from django.test.utils import CaptureQueriesContext

from agno_memory.agent_sessions import ANYONE, NO_USER, AgentSessions
from agno_memory.exceptions import SessionExists, SessionNotFound
from agno_memory.models import AgentRun, AgentSession, UserMemory
from agno_memory.signals import announce_batch, memory_added, run_saved, session_deleted, session_saved
from tests.databases import commits, each_database

pytestmark = [commits]

SIGNALS = {"saved": session_saved, "deleted": session_deleted, "run": run_saved}
Sent = list[tuple[str, dict[str, Any]]]


@contextmanager
def connected(signal: Signal, receiver: Any) -> Iterator[None]:
    signal.connect(receiver)
    try:
        yield
    finally:
        signal.disconnect(receiver)


@contextmanager
def received(alias: str) -> Iterator[Sent]:
    """Collect the signals of sessions and runs: their names with their arguments."""
    sent: Sent = []
    senders = {session_saved: AgentSession, session_deleted: AgentSession, run_saved: AgentRun}

    def receiver(signal: Signal, sender: object, using: str, **arguments: Any) -> None:
        assert (sender, using) == (senders[signal], alias)
        sent.append((next(name for name, each in SIGNALS.items() if each is signal), arguments))

    with ExitStack() as stack:
        for signal in SIGNALS.values():
            stack.enter_context(connected(signal, receiver))
        yield sent


def session(session_id: str = "s") -> AgentSession:
    return AgentSession(session_id=session_id)


def run(run_id: str = "r") -> AgentRun:
    return AgentRun(run_id=run_id, run_type="agent", data={"said": "x"})


@each_database
def test_signals_of_sessions_and_runs(alias: str) -> None:
    sessions = AgentSessions(alias)
    with received(alias) as sent:
        sessions.upsert_session(session(), NO_USER)
        sessions.upsert_session(session(), "maya")
        sessions.rename_session("s", "New", ANYONE)
        sessions.upsert_run("s", run(), "maya")
        sessions.upsert_run("s", run(), ANYONE)
        sessions.delete_session("s", "maya")
    saved = {"session_ids": ["s"], "created": False}
    assert sent == [
        ("saved", {"user_id": None, "session_ids": ["s"], "created": True}),
        ("saved", {"user_id": "maya", **saved}),
        ("saved", {"user_id": "maya", **saved}),
        ("run", {"session_id": "s", "run_id": "r", "created": True}),
        ("run", {"session_id": "s", "run_id": "r", "created": False}),
        ("deleted", {"user_id": "maya", "session_ids": ["s"]}),
    ]


@each_database
def test_a_deletion_is_announced_to_each_owner(alias: str) -> None:
    sessions = AgentSessions(alias)
    for session_id, owner in {"a": "maya", "b": "noah", "c": "maya", "d": NO_USER}.items():
        sessions.upsert_session(session(session_id), owner)
    with received(alias) as sent:
        assert sessions.delete_user_sessions(ANYONE) == 4
    owners = {arguments["user_id"]: sorted(arguments["session_ids"]) for _name, arguments in sent}
    assert owners == {"maya": ["a", "c"], "noah": ["b"], None: ["d"]}
    assert len(sent) == 3


@each_database
def test_nothing_is_announced_if_nothing_was_written(alias: str) -> None:
    sessions = AgentSessions(alias)
    sessions.upsert_session(session(), "maya")
    with received(alias) as sent:
        with pytest.raises(SessionExists):
            sessions.upsert_session(session(), "noah")
        with pytest.raises(SessionNotFound):
            sessions.rename_session("s", "New", "noah")
        with pytest.raises(SessionNotFound):
            sessions.upsert_run("s", run(), "noah")
        assert sessions.delete_sessions(["s"], "noah") == []
    assert sent == []


@each_database
def test_an_announcement_takes_no_statement(alias: str) -> None:
    sessions = AgentSessions(alias)
    sessions.upsert_session(session(), "maya")

    def statements() -> int:
        with CaptureQueriesContext(connections[alias]) as queries:
            sessions.upsert_session(session(), "maya")
            sessions.upsert_run("s", run(), "maya")
        return len(queries)

    statements()
    without_receivers = statements()
    with received(alias):
        assert statements() == without_receivers


@each_database
def test_a_receiver_that_fails_changes_nothing(alias: str, caplog: pytest.LogCaptureFixture) -> None:
    def receiver(using: str, **arguments: Any) -> None:
        AgentSession.objects.using(using).bulk_create([session()])

    sessions = AgentSessions(alias)
    with connected(session_saved, receiver), caplog.at_level(logging.ERROR), transaction.atomic(using=alias):
        sessions.upsert_session(session(), "maya")
        sessions.upsert_session(session("t"), "maya")
    assert caplog.records
    assert set(sessions.rows("maya").values_list("session_id", flat=True)) == {"s", "t"}


def test_a_batch_is_announced_to_each_owner() -> None:
    sent: list[tuple[Any, ...]] = []

    def receiver(sender: object, user_id: str, memory_ids: list[str], using: str, **arguments: Any) -> None:
        sent.append((sender, user_id, memory_ids, using))

    owners = {"1": "maya", "2": "noah", "3": "maya"}
    batch = [UserMemory(memory_id=memory_id, user_id=owner) for memory_id, owner in owners.items()]
    with connected(memory_added, receiver):
        announce_batch(memory_added, batch, using="default")
        announce_batch(memory_added, [], using="default")
    assert sent == [(UserMemory, "maya", ["1", "3"], "default"), (UserMemory, "noah", ["2"], "default")]
