"""``AgentSession`` and ``AgentRun``: the conversations of agents. ``models`` imports them, as Django asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from agno_memory import validators
from agno_memory.agent_session_querysets import AgentRunQuerySet, AgentSessionQuerySet
from agno_memory.derived_fields import FoldedTextField
from agno_memory.fields import CompositeKeyField, IdentifierField, TimestampField, VersionField
from agno_memory.json_fields import VerbatimJSONField
from agno_memory.keys import uuid7
from agno_memory.readable_models import ReadableModel
from agno_memory.times import now

if TYPE_CHECKING:
    # As in models.
    class AgentSessionManager(AgentSessionQuerySet, models.Manager["AgentSession"]):  # type: ignore[misc]
        """The manager of sessions."""

    class AgentRunManager(AgentRunQuerySet, models.Manager["AgentRun"]):  # type: ignore[misc]
        """The manager of runs."""


class AgentSession(ReadableModel):
    """A conversation of an agent, a team or a workflow with a person, without its runs.

    Written by ``AgentSessions``. The fields are those of agno's rows, and agno defines the content of the JSON fields.
    """

    class Type(models.TextChoices):
        AGENT = "agent", _("agent")
        TEAM = "team", _("team")
        WORKFLOW = "workflow", _("workflow")

    session_id = IdentifierField(_("session id"), primary_key=True, default=uuid7)
    session_type = models.CharField(_("type"), max_length=20, choices=Type.choices, default=Type.AGENT)
    user_id = IdentifierField(
        _("user id"),
        null=True,
        blank=True,
        help_text=_("The person in this session; empty without a user."),
    )
    agent_id = IdentifierField(_("agent id"), null=True, blank=True)
    team_id = IdentifierField(_("team id"), null=True, blank=True)
    workflow_id = IdentifierField(_("workflow id"), null=True, blank=True)
    name = models.TextField(_("name"), default="", blank=True, validators=[validators.validate_query])
    session_data = VerbatimJSONField(_("session data"), null=True, blank=True)
    agent_data = VerbatimJSONField(_("agent data"), null=True, blank=True)
    team_data = VerbatimJSONField(_("team data"), null=True, blank=True)
    workflow_data = VerbatimJSONField(_("workflow data"), null=True, blank=True)
    metadata = VerbatimJSONField(_("metadata"), null=True, blank=True)
    summary = VerbatimJSONField(_("summary"), null=True, blank=True)
    extra = VerbatimJSONField(
        _("more"), null=True, blank=True, help_text=_("Further values that some releases of agno store.")
    )
    version = VersionField(_("version"), editable=False, default=1)
    created_at = TimestampField(_("created at"), default=now, editable=False)
    updated_at = TimestampField(_("last updated"), default=now, editable=False)
    search_name = FoldedTextField(_("search text"), source="name")

    objects: ClassVar[AgentSessionManager] = AgentSessionQuerySet.as_manager()  # type: ignore[assignment]

    # The fields that an upsert of an existing session replaces.
    content_fields: ClassVar[tuple[str, ...]] = (
        "session_type",
        "user_id",
        "agent_id",
        "team_id",
        "workflow_id",
        "name",
        "session_data",
        "agent_data",
        "team_data",
        "workflow_data",
        "metadata",
        "summary",
        "extra",
        "search_name",
        "version",
    )

    class Meta:
        verbose_name = _("agent session")
        verbose_name_plural = _("agent sessions")
        indexes = (
            # One person's sessions and those of all persons, by last update and, as agno lists them, by creation.
            models.Index(fields=["user_id", "-updated_at", "-session_id"], name="agno_session_user_updated"),
            models.Index(fields=["user_id", "-created_at", "-session_id"], name="agno_session_user_created"),
            models.Index(fields=["-updated_at", "-session_id"], name="agno_session_updated"),
            models.Index(fields=["-created_at", "-session_id"], name="agno_session_created"),
            # The sessions of an agent, a team or a workflow.
            models.Index(fields=["agent_id", "-created_at"], name="agno_session_agent"),
            models.Index(fields=["team_id", "-created_at"], name="agno_session_team"),
            models.Index(fields=["workflow_id", "-created_at"], name="agno_session_workflow"),
        )

    def __str__(self) -> str:
        # Not the name, which a language model may have made from the messages; see UserMemory.__str__().
        return str(self.session_id)


class AgentRun(ReadableModel):
    """One turn of a session, on a row of its own: the request, the answer, and the calls of tools."""

    key = CompositeKeyField(_("key"), of=("session_id", "run_id"))
    session = models.ForeignKey(
        AgentSession, models.CASCADE, related_name="runs", db_index=False, verbose_name=_("session")
    )
    run_id = IdentifierField(_("run id"))
    run_index = models.PositiveIntegerField(_("position"))
    run_type = models.CharField(_("type"), max_length=20, choices=AgentSession.Type.choices)
    agent_id = IdentifierField(_("agent id"), null=True, blank=True)
    team_id = IdentifierField(_("team id"), null=True, blank=True)
    workflow_id = IdentifierField(_("workflow id"), null=True, blank=True)
    parent_run_id = IdentifierField(_("parent run id"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=40, null=True, blank=True)
    data = VerbatimJSONField(_("data"))
    created_at = TimestampField(_("created at"), default=now, editable=False)
    updated_at = TimestampField(_("last updated"), default=now, editable=False)

    objects: ClassVar[AgentRunManager] = AgentRunQuerySet.as_manager()  # type: ignore[assignment]

    content_fields: ClassVar[tuple[str, ...]] = (
        "run_type",
        "agent_id",
        "team_id",
        "workflow_id",
        "parent_run_id",
        "status",
        "data",
    )

    class Meta:
        verbose_name = _("agent run")
        verbose_name_plural = _("agent runs")
        indexes = (
            models.Index(fields=["session", "run_index", "key"], name="agno_run_position"),
            # For readers that have the id of a run and no session.
            models.Index(fields=["run_id"], name="agno_run_run_id"),
        )

    def __str__(self) -> str:
        return str(self.run_id)
