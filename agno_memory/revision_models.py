"""``MemoryRevision``: earlier versions of memories. ``models`` imports it, as Django asks."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from agno_memory.content_models import MemoryContent
from agno_memory.derived_fields import FoldedTextField
from agno_memory.fields import KEY_LENGTH, IdentifierField, TimestampField
from agno_memory.json_fields import VerbatimJSONField
from agno_memory.revision_querysets import EVENT, RevisionQuerySet

if TYPE_CHECKING:
    # As in models.
    class MemoryRevisionManager(RevisionQuerySet, models.Manager["MemoryRevision"]):  # type: ignore[misc]
        """The manager of revisions."""


class MemoryRevision(MemoryContent):
    """A version of a memory that a later write ended. Written by ``db.revisions``, with that write.

    The fields of the content, ``version``, ``created_at`` and ``last_updated`` are those that the memory had.
    """

    class Action(models.TextChoices):
        """The write that ended a version."""

        REPLACED = "replaced", _("replaced")
        DELETED = "deleted", _("deleted")
        RESTORED = "restored", _("restored")
        MERGED = "merged", _("merged")
        EXPIRED = "expired", _("expired")
        # An event, not the end of a version; see ``is_event``.
        REASSIGNED = "reassigned", _("reassigned")

    # Of the memory, the version and the write, so that a repeated write adds no second one.
    key = IdentifierField(_("key"), primary_key=True, db_column="_id", max_length=100, editable=False)
    memory_key = models.CharField(_("memory key"), max_length=KEY_LENGTH)
    version = models.PositiveIntegerField(_("version"))
    created_at = TimestampField(_("created at"))
    # The time from which on this version held.
    last_updated = TimestampField(_("last updated"))
    valid_until = TimestampField(_("valid until"))
    action = models.CharField(_("action"), max_length=20, choices=Action.choices)
    # Whether the write left no memory. A memory that was restored since has another version.
    is_deleted = models.BooleanField(_("deleted"), default=False)
    actor = IdentifierField(_("by"), null=True, blank=True)
    through = models.CharField(_("through"), max_length=50, default="", blank=True)
    reason = models.TextField(_("reason"), default="", blank=True)
    merged_into = IdentifierField(_("merged into"), null=True, blank=True)
    # How a deleted memory came back: the time, the action, the actor, the way and the reason.
    restored = VerbatimJSONField(_("restored"), null=True, blank=True)
    search_text = FoldedTextField(_("search text"), source="memory")

    objects: ClassVar[MemoryRevisionManager] = RevisionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("earlier version")
        verbose_name_plural = _("earlier versions")
        default_permissions = ()
        indexes = (
            # The history of one memory, and one person's memories at a moment.
            models.Index(fields=["user_id", "memory_key", "last_updated", "version"], name="agno_revision_memory"),
            models.Index(fields=["user_id", "valid_until", "last_updated"], name="agno_revision_user_until"),
            # What is older than the history that is kept, and everybody's memories at a moment.
            models.Index(fields=["valid_until"], name="agno_revision_until"),
            # The deleted memories of one person, and of all persons.
            models.Index(
                fields=["user_id", "-valid_until", "-key"],
                name="agno_revision_user_deleted",
                condition=models.Q(is_deleted=True),
            ),
            models.Index(
                fields=["-valid_until", "-key"], name="agno_revision_deleted", condition=models.Q(is_deleted=True)
            ),
        )

    def __str__(self) -> str:
        # See UserMemory.__str__().
        return f"{self.memory_id}, {self.version}"

    @property
    def is_event(self) -> bool:
        """Whether this is an event between versions: it has the version 0 and one time, so it held at no moment."""
        return bool(self.version == EVENT)

    @property
    def deletion(self) -> tuple[datetime.datetime, str]:
        """The position of the last version of a deleted memory among others; see ``deleted_page()``."""
        # A memory that has expired and is not pruned has an unsaved version, and an index of its times.
        moment: Any = self.expires_at if self._state.adding else self.valid_until
        return moment, self.key

    @property
    def valid_from(self) -> datetime.datetime:
        """The time from which on this version held."""
        return self.last_updated
