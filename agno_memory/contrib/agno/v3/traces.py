"""The methods of ``DjangoDb`` for traces and spans."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any, Final

from agno_memory.agent_trace_models import AgentTrace
from agno_memory.agent_trace_querysets import GROUPS, AgentTraceQuerySet
from agno_memory.agent_traces import ANYONE, AgentTraces, storable
from agno_memory.contrib.agno import owners
from agno_memory.contrib.agno.threads import from_anywhere
from agno_memory.contrib.agno.v3.trace_filters import condition_of
from agno_memory.contrib.agno.v3.trace_rows import rounded, span_from_agno, span_result, trace_from_agno, trace_result

# What statistics of spans can be sorted by; the first one is the default.
SORTABLE: Final = ("total_calls", "avg_duration_ms", "max_duration_ms", "error_count", "last_called_at")


class TracesMixin:
    """Traces of all users. Without a ``user_id``, agno means any user."""

    _traces: AgentTraces

    # Writing

    @from_anywhere
    def upsert_trace(self, trace: Any) -> None:
        """Add a trace, or merge it into the one with its id; see ``AgentTraces.save_trace()``.

        Raises:
            ValidationError: bad input; nothing was written.
        """
        self._traces.save_trace(trace_from_agno(trace), owners.writer(trace.user_id))

    def create_span(self, span: Any) -> None:
        """Add a span. One that exists already stays as it is."""
        self.create_spans([span])

    @from_anywhere
    def create_spans(self, spans: Sequence[Any]) -> None:
        """Add spans, all or nothing where the database has transactions. Those that exist already stay as they are.

        Raises:
            ValidationError: bad input; nothing was written.
        """
        self._traces.save_spans([span_from_agno(span) for span in spans])

    # Reading

    @from_anywhere
    def get_trace(self, trace_id: str | None = None, run_id: str | None = None) -> Any:
        """Return the trace with an id, or the latest trace of a run; None if it does not exist.

        The caller checks the owner, as AgentOS does.
        """
        key = _given({"trace_id": trace_id} if trace_id else {"run_id": run_id})
        if not key:
            return None
        traces = self._trace_results(self._traces.rows(ANYONE).filter(**key).newest()[:1])
        return traces[0] if traces else None

    @from_anywhere
    def get_traces(
        self,
        run_id: str | None = None,
        session_id: str | None = None,
        user_id: str | None = None,
        agent_id: str | None = None,
        team_id: str | None = None,
        workflow_id: str | None = None,
        status: str | None = None,
        start_time: datetime.datetime | None = None,
        end_time: datetime.datetime | None = None,
        limit: int | None = 20,
        page: int | None = 1,
        filter_expr: dict[str, Any] | None = None,
    ) -> tuple[list[Any], int]:
        """Return the traces that match all arguments, newest first, and their number without the limit.

        Args:
            run_id: of the trace; likewise ``session_id``, ``agent_id``, ``team_id``, ``workflow_id`` and ``status``.
            user_id: the owner; every user by default.
            start_time: only traces that began at or after this time.
            end_time: only traces that ended at or before this time.
            limit: most traces to return; None for all.
            page: from 1.
            filter_expr: a further condition, as ``FilterExpr.to_dict()`` makes it.

        Raises:
            ValueError: an invalid ``filter_expr``.
            ValidationError: an invalid user.
        """
        names = {"run_id": run_id, "session_id": session_id, "agent_id": agent_id, "team_id": team_id}
        rows = self._matching(user_id, {**names, "workflow_id": workflow_id, "status": status}, filter_expr)
        rows = rows.during(start_time, end_time)
        return self._trace_results(_page(rows.newest(), limit, page)), rows.count()

    @from_anywhere
    def get_trace_stats(
        self,
        user_id: str | None = None,
        agent_id: str | None = None,
        team_id: str | None = None,
        workflow_id: str | None = None,
        start_time: datetime.datetime | None = None,
        end_time: datetime.datetime | None = None,
        limit: int | None = 20,
        page: int | None = 1,
        filter_expr: dict[str, Any] | None = None,
        group_by: str = "session",
    ) -> tuple[list[dict[str, Any]], int]:
        """Return statistics of traces for each session or component, and the number of groups without the limit.

        Args:
            user_id: the owner; every user by default.
            agent_id: of the traces; likewise ``team_id`` and ``workflow_id``.
            start_time: only traces that were created at or after this time.
            end_time: only traces that were created at or before this time.
            limit: most groups to return; None for all.
            page: from 1.
            filter_expr: a further condition, as ``FilterExpr.to_dict()`` makes it.
            group_by: ``"session"``, the latest first; or ``"agent"``, ``"team"``, ``"workflow"``, or ``"endpoint"``
                for traces without a component, with durations and errors, the busiest first.

        Raises:
            ValueError: an unknown group, or an invalid ``filter_expr``.
            ValidationError: an invalid user.
        """
        if group_by != "session" and group_by not in GROUPS:
            raise ValueError(f"Invalid group_by value: {group_by!r}. Choose one of: session, {', '.join(GROUPS)}.")
        names = {"agent_id": agent_id, "team_id": team_id, "workflow_id": workflow_id}
        rows = self._matching(user_id, names, filter_expr).created(start_time, end_time)
        groups = rows.by_session() if group_by == "session" else rows.by_group(group_by)
        results = list(_page(groups, limit, page))
        if group_by != "session":
            results = [_with_percentile(each) for each in results]
        return results, groups.count()

    @from_anywhere
    def get_span(self, span_id: str) -> Any:
        """Return a span, or None."""
        span = self._traces.span_rows().filter(span_id=storable(span_id)).in_order().first()
        return None if span is None else span_result(span)

    @from_anywhere
    def get_spans(
        self, trace_id: str | None = None, parent_span_id: str | None = None, limit: int | None = None
    ) -> list[Any]:
        """Return the spans that match all arguments, in the order in which they began.

        Args:
            trace_id: of their trace.
            parent_span_id: of the span that called them.
            limit: most spans to return; all by default.
        """
        filters = {"trace_id": trace_id, "parent_span_id": parent_span_id}
        rows = self._traces.span_rows().filter(**_given(filters)).in_order()
        return [span_result(span) for span in _page(rows, limit, 1)]

    @from_anywhere
    def get_span_stats(
        self,
        agent_id: str | None = None,
        team_id: str | None = None,
        workflow_id: str | None = None,
        start_time: datetime.datetime | None = None,
        end_time: datetime.datetime | None = None,
        name: str | None = None,
        span_type: str | None = None,
        limit: int | None = 20,
        page: int | None = 1,
        sort_by: str = "total_calls",
        sort_order: str = "desc",
    ) -> tuple[list[dict[str, Any]], int]:
        """Return statistics of spans for each name and type, and the number of groups without the limit.

        Args:
            agent_id: only spans of traces of this agent; likewise ``team_id`` and ``workflow_id``.
            start_time: only spans that began at or after this time.
            end_time: only spans that began at or before this time.
            name: of the spans.
            span_type: of the spans, such as ``"LLM"`` and ``"TOOL"``.
            limit: most groups to return; None for all.
            page: from 1.
            sort_by: one of ``SORTABLE``; any other name is ``"total_calls"``.
            sort_order: ``"asc"``; any other value is descending.
        """
        components = {"agent_id": agent_id, "team_id": team_id, "workflow_id": workflow_id}
        rows = self._traces.span_rows().called(start_time, end_time)
        if any(components.values()):
            traces = self._matching(None, components, None)
            rows = rows.filter(trace_id__in=traces.values("trace_id"))
        filters = {"name": name, "span_type": span_type}
        groups = rows.filter(**_given(filters)).by_name()
        order = sort_by if sort_by in SORTABLE else SORTABLE[0]
        ordered = groups.order_by(order if sort_order == "asc" else f"-{order}", "name", "span_type")
        results = list(_page(ordered, limit, page))
        return [_span_statistics(each) for each in results], groups.count()

    def _matching(
        self, user_id: str | None, filters: dict[str, Any], filter_expr: dict[str, Any] | None
    ) -> AgentTraceQuerySet:
        rows = self._traces.rows(owners.reader(user_id)).filter(**_given(filters))
        return rows.filter(condition_of(filter_expr)) if filter_expr else rows

    def _trace_results(self, rows: AgentTraceQuerySet) -> list[Any]:
        traces: list[AgentTrace] = list(rows)
        counts = self._traces.count_spans(traces)
        return [trace_result(trace, counts[trace.trace_id]) for trace in traces]


def _given(filters: dict[str, str | None]) -> dict[str, str]:
    """Return the filters that agno sets, as texts are stored. As in agno, an empty text sets none."""
    return {name: storable(value) for name, value in filters.items() if value}


def _page(rows: Any, limit: int | None, page: int | None) -> Any:
    """Return the rows of a page. As in agno, a page below 1 is the first one."""
    if limit is None:
        return rows
    start = (max(page or 1, 1) - 1) * limit
    return rows[start : start + limit]


def _with_percentile(statistics: dict[str, Any]) -> dict[str, Any]:
    """Return statistics of a component as agno shows them. As in agno's SqliteDb, there is no percentile."""
    average = rounded(statistics["avg_duration_ms"])
    return {**statistics, "avg_duration_ms": average, "p95_duration_ms": None}


def _span_statistics(statistics: dict[str, Any]) -> dict[str, Any]:
    return {**_with_percentile(statistics), "span_type": statistics["span_type"] or None}
