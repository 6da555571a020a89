"""What agno's own stores have written to SQLite, PostgreSQL and MongoDB is read back after an import."""

from __future__ import annotations

import datetime
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from agno.db.base import BaseDb, ComponentType, SessionType
from agno.db.mongo import MongoDb
from agno.db.postgres import PostgresDb
from agno.db.schemas.evals import EvalRunRecord, EvalType
from agno.db.schemas.knowledge import KnowledgeRow
from agno.db.schemas.memory import UserMemory
from agno.db.schemas.scheduler import Schedule
from agno.db.schemas.service_accounts import ServiceAccount
from agno.models.message import Message
from agno.run.agent import RunOutput
from agno.session import AgentSession
from agno.tracing.schemas import Span, Trace
from django.conf import settings
from django.db import connections

from agno_memory.contrib.agno import DjangoDb
from tests.agno3.pairs import agnos_own, comparable
from tests.databases import RUNNING, commits
from tests.transfer.commands import run

pytestmark = [commits]

BEGUN = datetime.datetime(2026, 5, 1, 12, 30, 15, 123456, datetime.UTC)
SECONDS = 1795338591
USER = "user@example.com"


@contextmanager
def postgresql(folder: Path) -> Iterator[tuple[BaseDb, str]]:
    name = str(connections["postgres"].settings_dict["NAME"])
    url = urlsplit(os.environ["TEST_POSTGRES_URL"])._replace(path=f"/{name}").geturl()
    db = PostgresDb(
        db_url=url.replace("postgres://", "postgresql+psycopg://").replace("postgresql://", "postgresql+psycopg://")
    )
    try:
        yield db, url
    finally:
        db.db_engine.dispose()
        with connections["postgres"].cursor() as cursor:
            cursor.execute("DROP SCHEMA IF EXISTS ai CASCADE")


@contextmanager
def mongodb(folder: Path) -> Iterator[tuple[BaseDb, str]]:
    host = str(settings.DATABASES["mongodb"]["HOST"])
    scheme, _, rest = host.partition("://")
    server, _, query = rest.partition("/")
    name = f"{connections['mongodb'].settings_dict['NAME']}_agno"
    db = MongoDb(db_url=host, db_name=name)
    try:
        yield db, f"{scheme}://{server}/{name}?{query.partition('?')[2]}"
    finally:
        client = cast("Any", db).db_client
        client.drop_database(name)
        client.close()


@contextmanager
def sqlite(folder: Path) -> Iterator[tuple[BaseDb, str]]:
    with agnos_own(folder) as db:
        yield db, str(folder / "agno.db")


# The sources, by the alias of the database that a run needs for them.
SOURCES = {"default": sqlite, "postgres": postgresql, "mongodb": mongodb}


def fill(db: BaseDb) -> None:
    """Write a few rows of everything."""
    theirs: Any = db
    db.upsert_user_memory(UserMemory(memory_id="m", memory="Prefers tea", topics=["tea"], user_id=USER))
    data = {"session_name": "Größe", "session_state": {"n": 1.5}}
    db.upsert_session(
        AgentSession(session_id="s", agent_id="chef", user_id=USER, session_data=data, created_at=SECONDS)
    )
    for number in range(3):
        messages = [Message(role="user", content="Frage"), Message(role="assistant", content="Réponse ☕")]
        turn = RunOutput(run_id=f"r{number}", agent_id="chef", session_id="s", content="Réponse ☕", messages=messages)
        db.upsert_run(turn, "s", user_id=USER, run_index=number)
    times = {"start_time": BEGUN, "end_time": BEGUN + datetime.timedelta(seconds=2), "created_at": BEGUN}
    ids: dict[str, Any] = {"run_id": "r0", "session_id": "s", "user_id": USER, "agent_id": "chef"}
    ids |= {"team_id": None, "workflow_id": None, "total_spans": 1, "error_count": 0}
    db.upsert_trace(Trace(trace_id="t", name="Chef.run", status="OK", duration_ms=2000, **times, **ids))
    kinds: dict[str, Any] = {"duration_ms": 1, "span_kind": "INTERNAL", "status_code": "OK", "status_message": None}
    attributes = {"openinference.span.kind": "LLM", "input.value": "Tee 🎈"}
    span = Span(span_id="p", trace_id="t", parent_span_id=None, name="x", attributes=attributes, **kinds, **times)
    db.create_spans([span])
    db.upsert_learning(id="l", learning_type="user_profile", content={"name": "Maya"}, user_id=USER)
    knowledge = {
        "id": "k",
        "name": "Menu",
        "description": "d",
        "metadata": {"a": 1},
        "linked_to": "kb",
        "user_id": USER,
    }
    db.upsert_knowledge_content(KnowledgeRow(**knowledge, size=12, created_at=SECONDS, updated_at=SECONDS))
    evaluation = {"eval_data": {"score": 1}, "eval_input": {"q": "x"}, "name": "Eval"}
    db.create_eval_run(EvalRunRecord(run_id="e", eval_type=EvalType.ACCURACY, **evaluation))
    schedule = Schedule(id="d", name="Daily", cron_expr="0 9 * * *", endpoint="/agents/chef/runs", user_id=USER)
    db.create_schedule({**schedule.to_dict(), "created_at": SECONDS, "enabled": True})
    if isinstance(db, MongoDb):
        # agno does not keep the rest there.
        return
    approval = {"id": "a", "run_id": "r1", "session_id": "s", "status": "pending", "source_type": "agent"}
    approval |= {"approval_type": "required", "pause_type": "confirmation", "user_id": USER}
    db.create_approval({**approval, "tool_args": {"n": 1}, "created_at": SECONDS})
    account = ServiceAccount(id="b", name="ci", user_id=None, token_hash="h", token_prefix="agno_", scopes=["x"])
    theirs.create_service_account({**asdict(account), "created_at": SECONDS})
    db.upsert_component("c", component_type=ComponentType.AGENT, name="Chef", metadata={"x": 1})
    db.upsert_config("c", config={"name": "Chef"}, stage="published", label="v1")


def observed(db: BaseDb) -> dict[str, Any]:
    """Return what a store has."""
    theirs: Any = db
    session = db.get_session("s", SessionType.AGENT, user_id=USER)
    trace = db.get_trace(trace_id="t")
    assert isinstance(session, AgentSession)
    assert trace is not None
    found: dict[str, Any] = {
        "session": session.to_dict(),
        "trace": trace.to_dict(),
        "spans": [each.to_dict() for each in db.get_spans(trace_id="t")],
        "learnings": db.get_learnings(user_id=USER),
        "knowledge": db.get_knowledge_content("k"),
        "evaluation": db.get_eval_run("e"),
        "schedule": db.get_schedule("d"),
    }
    if not isinstance(db, MongoDb):
        found["approval"] = db.get_approval("a")
        found["account"] = theirs.get_service_account("b")
        found["component"] = db.get_component("c")
        found["config"] = db.get_config("c")
    return {name: comparable(value) for name, value in found.items()}


@pytest.mark.parametrize("alias", [alias for alias in SOURCES if alias in RUNNING])
def test_an_imported_store_is_that_of_agno(alias: str, tmp_path: Path) -> None:
    target = RUNNING[(RUNNING.index(alias) + 1) % len(RUNNING)]
    with SOURCES[alias](tmp_path) as (theirs, location):
        with warnings.catch_warnings(action="ignore"):
            fill(theirs)
            expected = observed(theirs)
        output = run("import_memories", location, "--what=all", database=target)
        assert "runs: 3 read: 3 imported, 0 unchanged, 0 rejected." in output
        ours = observed(DjangoDb(target))
        assert {name: value for name, value in ours.items() if name in expected} == expected
        again = run("import_memories", location, "--what=all", database=target)
        assert "1 imported" not in again
        assert "runs: 3 read: 0 imported, 3 unchanged, 0 rejected." in again
    assert [memory.memory for memory in DjangoDb(target).get_user_memories(USER)] == ["Prefers tea"]
