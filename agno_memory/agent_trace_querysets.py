"""Querysets: one method for each question about traces and spans."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeAlias

from django.db.models import Avg, Case, Count, IntegerField, Max, Min, Q, QuerySet, Sum, Value, When

from agno_memory.agent_session_querysets import COMPONENTS
from agno_memory.base_querysets import OwnedQuerySet
from agno_memory.db.keyset import in_order

if TYPE_CHECKING:
    from agno_memory.agent_trace_models import AgentSpan, AgentTrace  # noqa: F401  named in strings below

# Rows of statistics.
Groups: TypeAlias = "QuerySet[Any, dict[str, Any]]"
# The status of a trace or a span in which something failed.
ERROR: Final = "ERROR"
# Of a session, this many steps that name it are read.
MAX_OF_SESSION: Final = 10_000
# The field that groups statistics of traces, by the name of the group: an endpoint has no component, only a name.
GROUPS: Final = {**COMPONENTS, "endpoint": "name"}


class SpanCounts(NamedTuple):
    """The numbers of a trace's spans: all of them, and those that failed."""

    total: int = 0
    errors: int = 0


class AgentTraceQuerySet(OwnedQuerySet["AgentTrace"]):
    """Traces. Every method that narrows or orders can be chained."""

    def during(self, start: datetime.datetime | None = None, end: datetime.datetime | None = None) -> Self:
        """Narrow to traces that began at or after a moment, and ended at or before another one."""
        rows = self if start is None else self.filter(start_time__gte=start)
        return rows if end is None else rows.filter(end_time__lte=end)

    def begun(self, start: datetime.datetime | None = None, end: datetime.datetime | None = None) -> Self:
        """Narrow to traces that began from a moment on, included, until another one, excluded."""
        rows = self if start is None else self.filter(start_time__gte=start)
        return rows if end is None else rows.filter(start_time__lt=end)

    def of_component(self, component_id: str) -> Self:
        """Narrow to the traces of an agent, a team or a workflow."""
        return self.filter(Q(*((name, component_id) for name in COMPONENTS.values()), _connector=Q.OR))

    def of_session(self, session_id: str) -> Self:
        """Narrow to the traces of a session, and to those in which a step names it, as a request's."""
        own: Any = self
        named = self.model.spans(own._db).filter(session_id=session_id).values_list("trace_id", flat=True)
        ids = set(named[:MAX_OF_SESSION])
        return (
            self.filter(Q(session_id=session_id) | Q(trace_id__in=ids)) if ids else self.filter(session_id=session_id)
        )

    def created(self, start: datetime.datetime | None = None, end: datetime.datetime | None = None) -> Self:
        """Narrow to traces with a ``created_at`` between two moments, both included."""
        rows = self if start is None else self.filter(created_at__gte=start)
        return rows if end is None else rows.filter(created_at__lte=end)

    def newest(self) -> Self:
        """Order by the start, the newest first."""
        return self.order_by(*in_order("-start_time", "-key"))

    def by_session(self) -> Groups:
        """Return a dictionary of statistics for each session, the one with the latest trace first."""
        of_sessions: Any = self.exclude(session_id=None).order_by().values("session_id")
        latest = {name: Max(name) for name in ("user_id", "agent_id", "team_id", "workflow_id")}
        grouped: Groups = of_sessions.annotate(**latest, **_extent()).order_by("-last_trace_at", "session_id")
        return grouped

    def by_group(self, group: str) -> Groups:
        """Return a dictionary of statistics for each agent, team, workflow or endpoint, the busiest first.

        Args:
            group: a key of ``GROUPS``.
        """
        name = GROUPS[group]
        no_component = dict.fromkeys(COMPONENTS.values()) if group == "endpoint" else {}
        of_group: Any = self.filter(**no_component).exclude(**{name: None}).order_by().values(name)
        grouped: Groups = of_group.annotate(
            total_sessions=Count("session_id", distinct=True),
            avg_duration_ms=Avg("duration_ms"),
            max_duration_ms=Max("duration_ms"),
            error_traces=_number_of(status=ERROR),
            **_extent(),
        ).order_by("-total_traces", name)
        return grouped


class AgentSpanQuerySet(OwnedQuerySet["AgentSpan"]):
    """Spans. Every method that narrows or orders can be chained."""

    def of_traces(self, trace_ids: Iterable[str]) -> Self:
        """Narrow to the spans of traces."""
        return self.filter(trace_id__in=list(trace_ids))

    def called(self, start: datetime.datetime | None = None, end: datetime.datetime | None = None) -> Self:
        """Narrow to spans that began between two moments, both included."""
        rows = self if start is None else self.filter(start_time__gte=start)
        return rows if end is None else rows.filter(start_time__lte=end)

    def in_order(self) -> Self:
        """Order by the start, the first one first."""
        return self.order_by(*in_order("start_time", "key"))

    def counts(self) -> dict[str, SpanCounts]:
        """Return the numbers of these spans, by the ids of their traces."""
        counted = self.order_by().values("trace_id").annotate(total=Count("key"), errors=_number_of(status_code=ERROR))
        return {each["trace_id"]: SpanCounts(each["total"], each["errors"]) for each in counted}

    def by_name(self) -> Groups:
        """Return a dictionary of statistics for each name and type of a span. Attributes are not read."""
        of_name: Any = self.order_by().values("name", "span_type")
        grouped: Groups = of_name.annotate(
            total_calls=Count("key"),
            avg_duration_ms=Avg("duration_ms"),
            max_duration_ms=Max("duration_ms"),
            error_count=_number_of(status_code=ERROR),
            last_called_at=Max("start_time"),
        )
        return grouped


def _number_of(**condition: Any) -> Sum:
    """Return the aggregate that counts the rows with these values."""
    return Sum(Case(When(then=Value(1), **condition), default=Value(0), output_field=IntegerField()))


def _extent() -> dict[str, Any]:
    return {"total_traces": Count("key"), "first_trace_at": Min("created_at"), "last_trace_at": Max("created_at")}
