"""Commands wait for the transaction that a killed process leaves on MongoDB, and announce it on stderr."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connections

from agno_memory.db import transactions
from agno_memory.management.commands import (
    copy_memories,
    embed_memories,
    erase_user,
    import_memories,
    reassign_memories,
    reindex_memories,
)
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.vector_models import MemoryVector
from tests.databases import attempt, children, commits

pytestmark = [commits, pytest.mark.parametrize("alias", ["mongodb"])]

# The other transaction ends after this many seconds, which is longer than a verb waits in these tests.
HELD_SECONDS = 0.7
NOTICE = "Database 'mongodb': another transaction holds some of the rows, perhaps of a process that was killed."
Block = Callable[[Any, Any], object]


@pytest.fixture(autouse=True)
def short_waits(alias: str, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(transactions, "RETRY_SECONDS", 0.1)
    monkeypatch.setattr(transactions, "NOTICE_SECONDS", 0.2)
    monkeypatch.setattr(transactions, "LONG_PAUSE_SECONDS", 0.1)
    settings.AGNO_MEMORY = {**getattr(settings, "AGNO_MEMORY", {}), "EMBEDDER": ones, "EMBEDDER_NAME": "ones"}


def ones(texts: list[str]) -> list[list[float]]:
    return [[1.0, 1.0] for _text in texts]


@contextmanager
def ended_later(end: Callable[[], object]) -> Iterator[None]:
    timer = threading.Timer(HELD_SECONDS, end)
    timer.start()
    try:
        yield
    finally:
        timer.join()


@contextmanager
def held(block: Block) -> Iterator[None]:
    """Write in a transaction of another session, which is aborted later."""
    connection: Any = connections["mongodb"]
    connection.ensure_connection()
    with connection.connection.start_session() as session:
        session.start_transaction()
        block(connection.database, session)
        with ended_later(session.abort_transaction):
            yield


def updates(model: Any) -> Block:
    """Return a function that writes all rows of a table."""
    table = model._meta.db_table
    return lambda database, session: database[table].update_many({}, {"$set": {"user_id": "other"}}, session=session)


def inserts(*ids: str, owner: str) -> Block:
    """Return a function that adds memories."""

    def insert(database: Any, session: Any) -> None:
        field: Any = UserMemory._meta.pk
        keys = (field.get_db_prep_value(field.digest(owner, each), connections["mongodb"]) for each in ids)
        database[UserMemory._meta.db_table].insert_many([{"_id": key} for key in keys], session=session)

    return insert


def source(tmp_path: Any) -> str:
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join(json.dumps({"id": each, "memory": "x", "hash": "", "user_id": "maya"}) for each in "ab"))
    return str(path)


def run(module: Any, *arguments: str, **options: Any) -> tuple[str, str]:
    """Run a command, and return its output and its errors."""
    out, errors = io.StringIO(), io.StringIO()
    call_command(module.Command(), *arguments, stdout=out, stderr=errors, **options)
    return out.getvalue(), errors.getvalue()


def add(alias: str) -> Memory:
    memory = Memory(alias)
    memory.add_user_memories([UserMemory(memory_id=each, memory="x") for each in "ab"], "maya")
    return memory


def check(result: tuple[str, str], expected: str) -> None:
    out, errors = result
    assert expected in out
    assert errors.count(NOTICE) == 1


def test_import(tmp_path: Any) -> None:
    with held(inserts("a", owner="maya")):
        check(run(import_memories, source(tmp_path), "--database=mongodb"), "2 imported")
    assert Memory("mongodb").rows("maya").count() == 2


def test_copy() -> None:
    add("default")
    with held(inserts("a", owner="maya")):
        check(run(copy_memories, "--from=default", "--to=mongodb"), "the copy is identical")


def test_reassign() -> None:
    memory = add("mongodb")
    with held(inserts("b", owner="noah")):
        check(run(reassign_memories, "maya", "noah", "--database=mongodb"), "2 memories were moved")
    assert memory.rows("noah").count() == 2


def test_reindex() -> None:
    add("mongodb")
    connection: Any = connections["mongodb"]
    connection.database[UserMemory._meta.db_table].update_many({}, {"$set": {"search_terms": ""}})
    with held(updates(UserMemory)):
        check(run(reindex_memories, "--all", "--database=mongodb"), "2 of 2")


def test_embed() -> None:
    add("mongodb")
    run(embed_memories, "--database=mongodb")
    MemoryVector.objects.using("mongodb").update(text_hash="old")
    with held(updates(MemoryVector)):
        check(run(embed_memories, "--database=mongodb"), "2 of 2 memories embedded")


def test_embed_and_prune(settings: Any) -> None:
    add("mongodb")
    for name in ("old", "new"):
        settings.AGNO_MEMORY = {**settings.AGNO_MEMORY, "EMBEDDER_NAME": name}
        run(embed_memories, "--database=mongodb")
    with held(updates(MemoryVector)):
        check(run(embed_memories, "--prune", "--database=mongodb"), "2 vectors of other models deleted")


@pytest.mark.parametrize("model", [UserMemory, MemoryVector])
def test_erase(model: Any) -> None:
    add("mongodb")
    run(embed_memories, "--database=mongodb")
    with held(updates(model)):
        check(run(erase_user, "maya", "--no-input", "--database=mongodb"), "A second count found nothing.")


def test_a_writer_that_was_killed(tmp_path: Any) -> None:
    job = {"job": "die_in_the_middle", "alias": "mongodb", "writer": "maya", "count": 2_000, "batches": 1}
    with children([job]) as (child,):
        (session,) = child.read_all()
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps({"id": "maya-0", "memory": "again", "hash": "", "user_id": "maya"}))
    from bson.binary import UUID_SUBTYPE, Binary

    connection: Any = connections["mongodb"]
    connection.ensure_connection()
    # Here, because each thread has connections of its own.
    admin = connection.connection.admin
    ending = [{"id": Binary(bytes.fromhex(session), UUID_SUBTYPE)}]
    with ended_later(lambda: admin.command("killSessions", ending)):
        check(run(import_memories, str(path), "--database=mongodb"), "1 imported")


def test_verbs_do_not_wait_longer() -> None:
    """A web request has an answer of 503 after ten seconds."""
    memory = Memory("mongodb")
    with held(inserts("a", owner="maya")):
        error = attempt(lambda: memory.add_user_memories([UserMemory(memory_id="a", memory="x")], "maya"))
    assert isinstance(error, OperationalError)


def test_a_patient_block_ends() -> None:
    with pytest.raises(ZeroDivisionError), transactions.patient(lambda alias: None):
        _ = 1 / 0
    assert transactions._notice.get() is None


def test_a_lost_connection_is_no_transaction_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the same label, but no end that the command could wait for."""
    from pymongo.errors import AutoReconnect

    notices: list[str] = []
    attempts = 0

    def work() -> None:
        nonlocal attempts
        attempts += 1
        error = AutoReconnect("connection closed")
        error._add_error_label("TransientTransactionError")
        raise error

    monkeypatch.setattr(transactions, "NOTICE_SECONDS", 0.0)
    with transactions.patient(notices.append), pytest.raises(OperationalError):
        transactions.all_or_nothing("mongodb", work)
    assert attempts > 1
    assert notices == []
