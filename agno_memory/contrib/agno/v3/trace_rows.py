"""agno 3's traces and spans as rows of this app, and back."""

from __future__ import annotations

from typing import Any, Final

from agno_memory.agent_trace_querysets import SpanCounts
from agno_memory.agno_rows import span_columns
from agno_memory.contrib.agno.v3.rows import to_json
from agno_memory.json_texts import json_object
from agno_memory.models import AgentSpan, AgentTrace

TRACE_FIELDS: Final = (
    "trace_id",
    "name",
    "status",
    "start_time",
    "end_time",
    "duration_ms",
    "run_id",
    "session_id",
    "agent_id",
    "team_id",
    "workflow_id",
    "created_at",
)
SPAN_FIELDS: Final = (
    "span_id",
    "trace_id",
    "parent_span_id",
    "name",
    "span_kind",
    "status_code",
    "status_message",
    "start_time",
    "end_time",
    "duration_ms",
    "created_at",
)


def trace_from_agno(trace: Any) -> AgentTrace:
    """Return the unsaved row of agno's trace, without its user."""
    return AgentTrace(**{name: getattr(trace, name) for name in TRACE_FIELDS})


def trace_result(trace: AgentTrace, counts: SpanCounts) -> Any:
    """Return a trace as agno's object, with the numbers of its spans."""
    # Here, because the module needs OpenTelemetry, which agents without traces do not have.
    from agno.tracing.schemas import Trace

    values = {name: getattr(trace, name) for name in (*TRACE_FIELDS, "user_id")}
    return Trace(**values, total_spans=counts.total, error_count=counts.errors)


def span_from_agno(span: Any) -> AgentSpan:
    """Return the unsaved row of agno's span."""
    attributes = span.attributes or {}
    return AgentSpan(
        **{name: getattr(span, name) for name in SPAN_FIELDS},
        attributes=to_json(attributes),
        **span_columns(attributes),
    )


def span_result(span: AgentSpan) -> Any:
    """Return a span as agno's object."""
    from agno.tracing.schemas import Span

    return Span(**{name: getattr(span, name) for name in SPAN_FIELDS}, attributes=json_object(span.attributes))


def rounded(value: float | None) -> float | None:
    """Return an average as agno shows it."""
    return None if value is None else round(float(value), 1)
