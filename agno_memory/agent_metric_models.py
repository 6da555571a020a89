"""``AgentMetric``: the use of agents by one person on one day. ``models`` imports it, as Django asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from agno_memory.base_querysets import OwnedQuerySet
from agno_memory.fields import CompositeKeyField, IdentifierField, TimestampField
from agno_memory.json_fields import VerbatimJSONField
from agno_memory.readable_models import ReadableModel
from agno_memory.times import now


class AgentMetricQuerySet(OwnedQuerySet["AgentMetric"]):
    """Metrics."""


if TYPE_CHECKING:
    # As in models.
    class AgentMetricManager(AgentMetricQuerySet, models.Manager["AgentMetric"]):  # type: ignore[misc]
        """The manager of metrics."""


class AgentMetric(ReadableModel):
    """The numbers of sessions, runs and tokens of one person on one day in UTC. ``AgentMetrics`` computes them.

    They can be deleted at any time: ``AgentMetrics.calculate()`` computes those of the sessions that exist again.
    """

    key = CompositeKeyField(_("key"), of=("user_id", "day"))
    # Empty for the sessions without a user.
    user_id = IdentifierField(_("user id"), default="", blank=True)
    day = models.DateField(_("day"))
    # Whether the day was over when it was counted.
    is_complete = models.BooleanField(_("complete"))
    data = VerbatimJSONField(_("data"))
    created_at = TimestampField(_("created at"), default=now, editable=False)
    updated_at = TimestampField(_("last updated"), default=now, editable=False)

    objects: ClassVar[AgentMetricManager] = AgentMetricQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        verbose_name = _("agent metric")
        verbose_name_plural = _("agent metrics")
        indexes = (
            models.Index(fields=["user_id", "day"], name="agno_metric_user"),
            models.Index(fields=["day", "user_id"], name="agno_metric_day"),
            # Where the next calculation begins.
            models.Index(fields=["is_complete", "day"], name="agno_metric_complete"),
        )

    def __str__(self) -> str:
        return str(self.key)
