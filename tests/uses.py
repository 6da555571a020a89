"""Each way to run a statement through Django's querysets and models, by the method, on the router's database.

``test_guarded`` compares the names with the methods of Django, so a method of a later release is missing here until it
is added.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any, Final

from django.db.models import Max

from agno_memory.conf import conf
from agno_memory.models import AgentMetric, AgentRecord, AgentRun, AgentSession, AgentTrace, UserMemory
from agno_memory.times import EPOCH

Use = Callable[[], object]
TABLE: Final = AgentSession._meta.db_table


def session(session_id: str = "s", **values: Any) -> AgentSession:
    return AgentSession(session_id=session_id, **values)


def run(run_id: str = "r", **values: Any) -> AgentRun:
    """Return an unsaved run of a session that is not loaded."""
    values = {"session_id": "s", "run_index": 0, "run_type": "agent", "data": {"a": 1}, **values}
    return AgentRun(run_id=run_id, **values)


def trace() -> AgentTrace:
    times = {"start_time": EPOCH, "end_time": EPOCH, "created_at": EPOCH}
    return AgentTrace(trace_id="t", status="OK", duration_ms=1, **times)


def old_memory() -> UserMemory:
    """Return a memory that looks like one that was read."""
    memory = UserMemory(memory_id="a", user_id="ann", memory="x", created_at=EPOCH)
    memory.key = memory._meta.pk.get_pk_value_on_save(memory)
    memory._state.adding, memory._state.db = False, conf.DATABASE
    return memory


def metric() -> AgentMetric:
    return AgentMetric(user_id="ann", day=datetime.date(2026, 1, 1), is_complete=True, data={})


def rows() -> Any:
    return AgentSession.objects.filter(session_id__gt="")


# By the method of QuerySet.
OF_ROWS: Final[dict[str, Use]] = {
    "aggregate": lambda: rows().aggregate(name=Max("name")),
    "aggregate, of groups": lambda: rows().values("name").annotate(n=Max("version")).aggregate(m=Max("n")),
    "bulk_create": lambda: rows().bulk_create([session("bulk_create")]),
    "bulk_update": lambda: rows().bulk_update([session(agent_id="x")], ["agent_id"]),
    "contains": lambda: rows().contains(session()),
    "count": lambda: rows().count(),
    "count, of a slice": lambda: rows()[:5].count(),
    "create": lambda: AgentSession.objects.create(session_id="create"),
    "dates": lambda: list(AgentMetric.objects.dates("day", "year")),
    "datetimes": lambda: list(rows().datetimes("created_at", "year", tzinfo=datetime.UTC)),
    "delete": lambda: rows().filter(session_id="x").delete(),
    "earliest": lambda: rows().earliest("created_at"),
    "exists": lambda: rows().exists(),
    "explain": lambda: rows().explain(),
    "first": lambda: rows().first(),
    "get": lambda: rows().get(session_id="s"),
    "get_or_create": lambda: AgentSession.objects.get_or_create(session_id="get_or_create"),
    "in_bulk": lambda: rows().in_bulk(["s"]),
    "iterator": lambda: list(rows().iterator()),
    "iterator, in chunks": lambda: list(rows().values_list("name").iterator(chunk_size=1)),
    "last": lambda: rows().order_by("name").last(),
    "latest": lambda: rows().latest("created_at"),
    "prefetch_related": lambda: list(rows().prefetch_related("runs")),
    "query": lambda: rows().query.has_results(conf.DATABASE),
    "raw": lambda: list(rows().raw(f"SELECT * FROM {TABLE}")),
    "raw, its columns": lambda: rows().raw(f"SELECT * FROM {TABLE}").columns,
    "select_related": lambda: list(AgentRun.objects.select_related("session")),
    "union": lambda: list(rows().union(rows())),
    "update": lambda: rows().update(agent_id="x"),
    "update_or_create": lambda: AgentSession.objects.update_or_create({"agent_id": "x"}, session_id="s"),
    "values": lambda: list(rows().values("name")),
    "values_list": lambda: list(rows().values_list("name", flat=True)),
    "values_list, named": lambda: list(rows().values_list("name", named=True)),
}
# By the method of Model, or by the attribute.
OF_INSTANCES: Final[dict[str, Use]] = {
    "save": lambda: session("save").save(),
    "save, an old one": lambda: session(agent_id="x").save(force_update=True),
    "save, a run": lambda: run().save(),
    "save, a trace": lambda: trace().save(),
    "save, a metric": lambda: metric().save(),
    "save, a record": lambda: AgentRecord(kind="note", record_id="a").save(),
    "save, a memory": lambda: UserMemory(memory="x", user_id="ann").save(),
    "save, an old memory": lambda: old_memory().save(),
    "save_base": lambda: session("save_base").save_base(),
    "refresh_from_db": lambda: session().refresh_from_db(),
    "refresh_from_db, a memory": lambda: UserMemory(memory_id="a", user_id="ann", key="a").refresh_from_db(),
    "full_clean": lambda: run("full_clean").full_clean(),
    "clean_fields": lambda: run().clean_fields(),
    "validate_unique": lambda: session("validate_unique").validate_unique(),
    "session.runs": lambda: list(session().runs.all()),
    "run.session": lambda: run().session.name,
    "delete, a run": lambda: run("x", key="x").delete(),
    "delete": lambda: session("x").delete(),
    "delete, a memory": lambda: UserMemory(memory_id="x", user_id="ann", key="x").delete(),
}
# MongoDB's backend refuses these before it sends anything.
NOT_ON_MONGODB: Final = {"raw", "raw, its columns"}
# Methods of QuerySet that run no statement, until the rows are read: that is one of those above.
LAZY: Final = {
    *("alias", "all", "annotate", "as_manager", "complex_filter", "db", "defer", "difference", "distinct", "exclude"),
    *("extra", "fetch_mode", "filter", "intersection", "none", "only", "order_by", "ordered", "reverse"),
    *("resolve_expression", "select_for_update", "totally_ordered", "using"),
}
# Methods of Model that run no statement, and the one that has a test of its own.
OTHERS: Final = {
    *("check", "clean", "date_error_message", "from_db", "get_constraints", "get_deferred_fields", "pk"),
    *("prepare_database_save", "serializable_value", "unique_error_message", "validate_constraints"),
}
