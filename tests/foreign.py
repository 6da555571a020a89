"""Rows of agents as another program may have written them: each field with values of other types, beside sound rows."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any, Final
from uuid import uuid4

from django.db import connections
from django.db.models import DateTimeField, Field, IntegerField, Model

from agno_memory.agent_metrics import AgentMetrics
from agno_memory.agent_records import AgentRecords
from agno_memory.agent_sessions import AgentSessions
from agno_memory.agent_traces import AgentTraces
from agno_memory.exact_times import ExactTimeField
from agno_memory.json_fields import VerbatimJSONField
from agno_memory.models import AgentMetric, AgentRecord, AgentRun, AgentSession, AgentSpan, AgentTrace

ON_MONGODB: Final = ("mongodb", "standalone")
MODELS: Final[tuple[type[Model], ...]] = (AgentSession, AgentRun, AgentTrace, AgentSpan, AgentRecord, AgentMetric)
# The fields that name the row or its person, which the tests look for.
NAMES: Final = ("user_id", "session_id", "trace_id", "kind")
MISSING: Final = object()
BEGUN: Final = datetime.datetime(2026, 5, 1, 12, 30, 15, 123456, datetime.UTC)
# JSON of other shapes than those of agno, and texts that are not JSON.
JSON_TEXTS: Final = (
    '"text"',
    "5",
    "[1]",
    "null",
    "not JSON",
    '{"session_metrics": 5, "messages": 7, "content": [1], "input": 3, "runs": 5, "memory": 5, "session_name": 5}',
    '{"messages": [1, {"role": 5, "tool_calls": [2, {"function": 3}], "content": {"a": 1}}], "model": {"a": 1}}',
    '{"agent_id": "chef", "messages": [{"role": "user", "content": 5, "metrics": 7}], "metrics": 5, "tools": 5}',
    '{"memory": {"runs": 5, "memories": 6}, "session_id": null, "created_at": "x", "requirements": 3}',
)


def add_sound(alias: str, user_id: str, name: str) -> None:
    """Add one sound row of each model for a person, with ids that begin with a name."""
    sessions, traces = AgentSessions(alias), AgentTraces(alias)
    sessions.upsert_session(AgentSession(session_id=name, agent_id="chef", name=f"{name} dinner"), user_id)
    data = {"input": {"input_content": "Tea?"}, "content": "Yes", "agent_id": "chef", "run_id": f"{name}-r"}
    sessions.upsert_run(name, AgentRun(run_id=f"{name}-r", run_type="agent", data=data), user_id)
    times = {"start_time": BEGUN, "end_time": BEGUN, "duration_ms": 1, "created_at": BEGUN}
    traces.save_trace(AgentTrace(trace_id=name, name="Chef.run", status="OK", session_id=name, **times), user_id)
    span: dict[str, Any] = {"name": "invoke", "span_kind": "INTERNAL", "status_code": "OK", "attributes": {"n": 1}}
    traces.save_spans([AgentSpan(span_id=f"{name}-s", trace_id=name, session_id=name, **span, **times)])
    document = {"learning_id": f"{name}-l", "content": {"text": "tea"}, "user_id": user_id}
    AgentRecords("learning", alias).add_record(AgentRecord(record_id=f"{name}-l", user_id=user_id, data=document))
    metric = AgentMetric(user_id=user_id, day=datetime.date(2026, 5, 1), is_complete=True, data={})
    AgentMetrics(alias).rows_to_write(user_id).bulk_create([metric])


def stored_row(alias: str, model: type[Model], **names: Any) -> dict[str, Any]:
    """Return a row by its columns, as the driver reads it, without MongoDB's own id."""
    connection: Any = connections[alias]
    table = model._meta.db_table
    if alias in ON_MONGODB:
        found: dict[str, Any] = connection.get_collection(table).find_one(names)
        return found
    with connection.cursor() as cursor:
        condition = " AND ".join(f"{name} = %s" for name in names)
        cursor.execute(f"SELECT * FROM {table} WHERE {condition}", list(names.values()))
        return dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))


def insert(alias: str, model: type[Model], rows: list[dict[str, Any]]) -> None:
    """Write rows as another program."""
    connection: Any = connections[alias]
    if alias in ON_MONGODB:
        connection.get_collection(model._meta.db_table).insert_many(rows)
        return
    columns = ", ".join(rows[0])
    marks = ", ".join(["%s"] * len(rows[0]))
    with connection.cursor() as cursor:
        for row in rows:
            sql = f"INSERT INTO {model._meta.db_table} ({columns}) VALUES ({marks})"
            cursor.execute(sql, [row[name] for name in rows[0]])


def values_of(alias: str, field: Field[Any, Any]) -> tuple[Any, ...]:
    """Return the values of other programs that a column can have in a database."""
    if alias in ON_MONGODB:
        from bson import ObjectId

        # An index that has had a list once answers other tests in another way.
        texts = (*JSON_TEXTS, [1, BEGUN]) if isinstance(field, VerbatimJSONField) else ("x",)
        return (*texts, MISSING, None, 7, 1.5, {"at": BEGUN, "x": {"y": 1}}, ObjectId(), BEGUN, True)
    if isinstance(field, VerbatimJSONField):
        return JSON_TEXTS
    # SQLite stores any value in any column.
    is_typed = isinstance(field, IntegerField | DateTimeField | ExactTimeField)
    return ("x",) if alias == "default" and is_typed else ()


def foreign_rows(alias: str, model: type[Model], sound: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield copies of a sound row, each with a value of another program in one of its columns."""
    for field in model._meta.concrete_fields:
        if field.attname in NAMES or field.name == "key":
            continue
        for value in values_of(alias, field):
            row: dict[str, Any] = {**sound, **_ids(model, sound), str(field.column): value}
            yield {column: each for column, each in row.items() if each is not MISSING}


def _ids(model: type[Model], sound: dict[str, Any]) -> dict[str, Any]:
    """Return new ids of a copy, so that no index refuses it."""
    new = uuid4().hex
    ids: dict[str, Any] = {"_id": new} if "_id" in sound else {}
    if model is AgentSession:
        return {**ids, "session_id": f"foreign {new}"}
    if model is AgentTrace:
        return {**ids, "trace_id": f"foreign {new}"}
    names: dict[Any, str] = {AgentRun: "run_id", AgentSpan: "span_id", AgentRecord: "record_id"}
    return ids | ({names[model]: f"foreign {new}"} if model in names else {})


def strange_names(alias: str, model: type[Model], sound: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield copies of a sound row whose person, session or trace is no text, or is missing or empty."""
    values: tuple[Any, ...] = ("", None, MISSING, 7, {"x": 1}, BEGUN) if alias in ON_MONGODB else ("",)
    fields = [field for field in model._meta.concrete_fields if field.attname in NAMES and field.name != "kind"]
    # SQL databases check the session of a run.
    columns = [field.column for field in fields if alias in ON_MONGODB or not (field.primary_key or field.is_relation)]
    for column in columns:
        for value in values:
            if value is None and column == model._meta.pk.column:
                # A unique index allows one row without an id.
                continue
            row: dict[str, Any] = {**sound, **_ids(model, sound), str(column): value}
            yield {name: each for name, each in row.items() if each is not MISSING}


def add_foreign(alias: str, user_id: str, name: str, *, names: bool = True) -> dict[type[Model], int]:
    """Write such rows of each model beside the sound ones of a person.

    Args:
        alias: of the database.
        user_id: of the person.
        name: with which the ids of the sound rows begin.
        names: write also rows of other persons, sessions and traces, whose ids are no texts.

    Returns:
        The numbers of those that belong to the person, the session or the trace.
    """
    numbers: dict[type[Model], int] = {}
    for model in MODELS:
        is_of_trace = model in (AgentTrace, AgentSpan)
        whole = {"trace_id": name} if is_of_trace else {"session_id": name}
        rows = stored_row(alias, model, **({"user_id": user_id} if model in (AgentRecord, AgentMetric) else whole))
        copies = list(foreign_rows(alias, model, rows))
        numbers[model] = len(copies)
        copies += strange_names(alias, model, rows) if names else []
        if copies:
            insert(alias, model, copies)
    return numbers
