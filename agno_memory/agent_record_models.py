"""``AgentRecord``: the small documents of agents. ``models`` imports it, as Django asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from agno_memory import validators
from agno_memory.agent_record_querysets import AgentRecordQuerySet, with_blanks
from agno_memory.derived_fields import FoldedTextField
from agno_memory.fields import KEY_LENGTH, CompositeKeyField, IdentifierField, TimestampField, VersionField
from agno_memory.json_fields import VerbatimJSONField
from agno_memory.json_texts import json_object
from agno_memory.keys import uuid7
from agno_memory.readable_models import ReadableModel
from agno_memory.times import now

if TYPE_CHECKING:
    # As in models.
    class AgentRecordManager(AgentRecordQuerySet, models.Manager["AgentRecord"]):  # type: ignore[misc]
        """The manager of records."""


class AgentRecord(ReadableModel):
    """A small document that an agent framework keeps: a learning, the content of a knowledge base, a schedule.

    Written by ``AgentRecords``. ``data`` is the whole document, as the framework made it. The other fields are copies
    of those values in it by which lists filter and sort, so one table serves all kinds. ``kind`` defines the meaning
    of ``parent_id``, ``reference_id``, ``reference_type``, ``namespace`` and ``sort_number``. ``unique_key`` is a
    digest of values that no two records may share, or None.
    """

    key = CompositeKeyField(_("key"), of=("kind", "record_id"))
    kind = models.CharField(_("kind"), max_length=40)
    record_id = IdentifierField(_("record id"), default=uuid7)
    user_id = IdentifierField(
        _("user id"), null=True, blank=True, help_text=_("The owner; a record without one belongs to all users.")
    )
    name = models.TextField(_("name"), default="", blank=True, validators=[validators.validate_characters])
    record_type = IdentifierField(_("type"), null=True, blank=True)
    status = IdentifierField(_("status"), null=True, blank=True)
    parent_id = IdentifierField(_("parent id"), null=True, blank=True)
    reference_id = IdentifierField(_("reference id"), null=True, blank=True)
    reference_type = IdentifierField(_("reference type"), null=True, blank=True)
    namespace = IdentifierField(_("namespace"), null=True, blank=True)
    agent_id = IdentifierField(_("agent id"), null=True, blank=True)
    team_id = IdentifierField(_("team id"), null=True, blank=True)
    workflow_id = IdentifierField(_("workflow id"), null=True, blank=True)
    session_id = IdentifierField(_("session id"), null=True, blank=True)
    run_id = IdentifierField(_("run id"), null=True, blank=True)
    sort_number = models.BigIntegerField(_("number"), null=True, blank=True)
    due_at = TimestampField(_("due at"), null=True, blank=True)  # type: ignore[misc]
    claimed_by = IdentifierField(_("claimed by"), null=True, blank=True)
    claimed_at = TimestampField(_("claimed at"), null=True, blank=True)  # type: ignore[misc]
    data = VerbatimJSONField(_("data"), default=dict, blank=True)
    version = VersionField(_("version"), editable=False, default=1)
    created_at = TimestampField(_("created at"), default=now, editable=False)
    updated_at = TimestampField(_("last updated"), default=now, editable=False)
    search_text = FoldedTextField(_("search text"), source="content_text")
    unique_key = models.CharField(_("unique key"), max_length=KEY_LENGTH, null=True, blank=True, editable=False)

    objects: ClassVar[AgentRecordManager] = AgentRecordQuerySet.as_manager()  # type: ignore[assignment]

    # The fields that a write of an existing record does not change.
    fixed_fields: ClassVar[tuple[str, ...]] = ("key", "kind", "record_id")

    class Meta:
        verbose_name = _("agent record")
        verbose_name_plural = _("agent records")
        constraints = (
            # Two writes of one name at the same time cannot both succeed, if the kind has unique names.
            models.UniqueConstraint(
                fields=["unique_key"], name="agno_record_unique", condition=models.Q(unique_key__gt="")
            ),
        )
        indexes = (
            # The records of a kind by last write and by creation, of one person and of all persons.
            models.Index(fields=["user_id", "kind", "-updated_at", "-key"], name="agno_record_user_updated"),
            models.Index(fields=["user_id", "kind", "-created_at", "-key"], name="agno_record_user_created"),
            models.Index(fields=["kind", "-updated_at", "-key"], name="agno_record_updated"),
            models.Index(fields=["kind", "-created_at", "-key"], name="agno_record_created"),
            # The parts of a record, such as the versions of a component, and the records that refer to one.
            models.Index(fields=["kind", "parent_id", "sort_number", "key"], name="agno_record_parent"),
            models.Index(fields=["kind", "reference_id"], name="agno_record_reference"),
            # The records that wait, in the order in which they are due.
            models.Index(fields=["kind", "status", "due_at", "key"], name="agno_record_due"),
            # The records of a conversation and of a turn.
            models.Index(fields=["kind", "session_id"], name="agno_record_session"),
            models.Index(fields=["kind", "run_id"], name="agno_record_run"),
        )

    def __str__(self) -> str:
        # Not the name; see UserMemory.__str__().
        return str(self.record_id)

    @property
    def content_text(self) -> str:
        """The part of the data that searches read: the JSON of ``content``; "" without one."""
        content: Any = json_object(self.data).get("content")
        return "" if content is None else with_blanks(validators.json_text(content))
