"""``AgentTrace`` and ``AgentSpan``: the steps of a run. ``models`` imports them, as Django asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from agno_memory.agent_trace_querysets import AgentSpanQuerySet, AgentTraceQuerySet
from agno_memory.exact_times import ExactTimeField
from agno_memory.fields import CompositeKeyField, IdentifierField
from agno_memory.json_fields import VerbatimJSONField
from agno_memory.readable_models import ReadableModel

if TYPE_CHECKING:
    # As in models.
    class AgentTraceManager(AgentTraceQuerySet, models.Manager["AgentTrace"]):  # type: ignore[misc]
        """The manager of traces."""

    class AgentSpanManager(AgentSpanQuerySet, models.Manager["AgentSpan"]):  # type: ignore[misc]
        """The manager of spans."""


class AgentTrace(ReadableModel):
    """One run with everything that it called. Written by ``AgentTraces``.

    The numbers of its spans are counted when they are read: two writers of a trace cannot lose one.
    """

    key = CompositeKeyField(_("key"), of=("trace_id",))
    trace_id = IdentifierField(_("trace id"))
    name = models.TextField(_("name"), blank=True)
    status = models.CharField(_("status"), max_length=20)
    start_time = ExactTimeField(_("start"))
    end_time = ExactTimeField(_("end"))
    duration_ms = models.BigIntegerField(_("duration (ms)"))
    run_id = IdentifierField(_("run id"), null=True, blank=True)
    session_id = IdentifierField(_("session id"), null=True, blank=True)
    user_id = IdentifierField(
        _("user id"), null=True, blank=True, help_text=_("The person of this run; empty without a user.")
    )
    agent_id = IdentifierField(_("agent id"), null=True, blank=True)
    team_id = IdentifierField(_("team id"), null=True, blank=True)
    workflow_id = IdentifierField(_("workflow id"), null=True, blank=True)
    created_at = ExactTimeField(_("created at"))
    # The number of writes, by which a writer notices another one.
    version = models.PositiveIntegerField(_("version"), default=1)

    objects: ClassVar[AgentTraceManager] = AgentTraceQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("agent trace")
        verbose_name_plural = _("agent traces")
        indexes = (
            models.Index(fields=["trace_id"], name="agno_trace_trace_id"),
            models.Index(fields=["run_id"], name="agno_trace_run_id"),
            # Lists are newest first, all of them and those of one person, session, component or status.
            models.Index(fields=["-start_time", "-key"], name="agno_trace_newest"),
            models.Index(fields=["user_id", "-start_time", "-key"], name="agno_trace_user"),
            models.Index(fields=["session_id", "-start_time", "-key"], name="agno_trace_session"),
            models.Index(fields=["agent_id", "-start_time", "-key"], name="agno_trace_agent"),
            models.Index(fields=["team_id", "-start_time", "-key"], name="agno_trace_team"),
            models.Index(fields=["workflow_id", "-start_time", "-key"], name="agno_trace_workflow"),
            models.Index(fields=["status", "-start_time", "-key"], name="agno_trace_status"),
            # Statistics are of a period of creation.
            models.Index(fields=["-created_at"], name="agno_trace_created"),
        )

    def __str__(self) -> str:
        # Not the name, which the site's code chooses; see UserMemory.__str__().
        return str(self.trace_id)

    @staticmethod
    def spans(alias: str | None) -> AgentSpanQuerySet:
        """Return the spans of all traces in a database; None for the router's choice."""
        return AgentSpan.objects.using(alias)


class AgentSpan(ReadableModel):
    """One step of a trace: the run, a call of a model, a call of a tool.

    It may be written before its trace, and without one, so it has no foreign key.
    """

    key = CompositeKeyField(_("key"), of=("trace_id", "span_id"))
    trace_id = IdentifierField(_("trace id"))
    span_id = IdentifierField(_("span id"))
    parent_span_id = IdentifierField(_("parent span id"), null=True, blank=True)
    # The person, the session and the run that the span itself names. A trace that a request began has none of them.
    user_id = IdentifierField(_("user id"), null=True, blank=True)
    session_id = IdentifierField(_("session id"), null=True, blank=True)
    run_id = IdentifierField(_("run id"), null=True, blank=True)
    name = models.TextField(_("name"), blank=True)
    # "AGENT", "LLM", "TOOL" and so on, from the attributes; empty without one.
    span_type = models.CharField(_("type"), max_length=50, default="", blank=True)
    span_kind = models.CharField(_("kind"), max_length=20)
    status_code = models.CharField(_("status"), max_length=20)
    status_message = models.TextField(_("message"), null=True, blank=True)
    start_time = ExactTimeField(_("start"))
    end_time = ExactTimeField(_("end"))
    duration_ms = models.BigIntegerField(_("duration (ms)"))
    attributes = VerbatimJSONField(_("attributes"), null=True, blank=True)
    created_at = ExactTimeField(_("created at"))

    objects: ClassVar[AgentSpanManager] = AgentSpanQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        # They are seen with their trace.
        default_permissions = ()
        verbose_name = _("agent span")
        verbose_name_plural = _("agent spans")
        indexes = (
            # The steps of a trace in the order in which they began.
            models.Index(fields=["trace_id", "start_time", "key"], name="agno_span_trace"),
            models.Index(fields=["span_id"], name="agno_span_span_id"),
            models.Index(fields=["parent_span_id"], name="agno_span_parent"),
            models.Index(fields=["user_id"], name="agno_span_user"),
            models.Index(fields=["session_id", "run_id"], name="agno_span_session"),
            # Statistics are of a period.
            models.Index(fields=["start_time"], name="agno_span_start"),
        )

    def __str__(self) -> str:
        return str(self.span_id)
