"""agno 3's traces and spans as rows of this app, and back."""

from __future__ import annotations

from typing import Any, Final

from agno_memory.agent_trace_querysets import SpanCounts
from agno_memory.contrib.agno.v3.rows import to_json
from agno_memory.models import AgentSpan, AgentTrace
from agno_memory.names import MAX_IDENTIFIER_LENGTH

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
# The attribute with the type of a span, and those that can name its user, session and run, as agno looks for them.
TYPE: Final = "openinference.span.kind"
CONTEXT: Final = {
    "user_id": ("user_id", "agno.user.id", "user.id"),
    "session_id": ("session_id", "agno.session.id", "session.id"),
    "run_id": ("run_id", "agno.run.id"),
}
# agno writes shorter texts.
MAX_TYPE_LENGTH: Final = 50


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
        span_type=str(attributes.get(TYPE) or "")[:MAX_TYPE_LENGTH],
        **{column: _first(attributes, names) for column, names in CONTEXT.items()},
    )


def _first(attributes: dict[str, Any], names: tuple[str, ...]) -> str | None:
    """Return the first of these attributes that is set, as an id."""
    value = next((attributes[name] for name in names if attributes.get(name)), None)
    return None if value is None else str(value)[:MAX_IDENTIFIER_LENGTH]


def span_result(span: AgentSpan) -> Any:
    """Return a span as agno's object."""
    from agno.tracing.schemas import Span

    return Span(**{name: getattr(span, name) for name in SPAN_FIELDS}, attributes=span.attributes or {})


def rounded(value: float | None) -> float | None:
    """Return an average as agno shows it."""
    return None if value is None else round(float(value), 1)
