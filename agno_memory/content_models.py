"""``MemoryContent``: the fields that a memory and its earlier versions share."""

from __future__ import annotations

import datetime
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from agno_memory import validators
from agno_memory.base_models import GuardedModel
from agno_memory.fields import ExpiresAtField, IdentifierField
from agno_memory.json_fields import MetadataField, TopicsField
from agno_memory.keys import uuid7
from agno_memory.names import CONTENT_FIELDS


class MemoryContent(GuardedModel):
    """Base of ``UserMemory`` and ``MemoryRevision``: the id, the owner, and the fields that callers set."""

    memory_id = IdentifierField(_("memory id"), default=uuid7)
    user_id = IdentifierField(_("user id"), help_text=_("The person that this memory is about."))
    memory = models.TextField(_("memory"), validators=[validators.validate_memory])
    topics = TopicsField(_("topics"), default=list, blank=True)
    input = models.TextField(
        _("input"),
        null=True,
        blank=True,
        validators=[validators.validate_input],
        help_text=_("The message that this memory came from."),
    )
    metadata = MetadataField(_("metadata"), default=dict, blank=True)
    agent_id = IdentifierField(_("agent id"), null=True, blank=True)
    team_id = IdentifierField(_("team id"), null=True, blank=True)
    session_id = IdentifierField(_("session id"), null=True, blank=True)
    feedback = models.TextField(_("feedback"), null=True, blank=True, validators=[validators.validate_input])
    expires_at: models.DateTimeField[datetime.datetime | None, datetime.datetime | None] = ExpiresAtField(  # type: ignore[assignment]
        _("expires at"), help_text=_("From this time on, the memory is in no list. Empty: it stays.")
    )
    pinned = models.BooleanField(
        _("pinned"), default=False, help_text=_("Comes first in the context of prompts, with every question.")
    )

    # The fields that callers set, besides the id and the owner.
    content_fields: ClassVar[tuple[str, ...]] = CONTENT_FIELDS

    class Meta:
        abstract = True
