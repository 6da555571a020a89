"""The methods of ``DjangoDb`` for metrics, which are computed from the sessions and their runs."""

from __future__ import annotations

import datetime
import logging
import time
from typing import Any, Final

from django.db import DatabaseError
from django.db.models import Max

from agno_memory.agent_metric_models import AgentMetric
from agno_memory.agent_metrics import AgentMetrics
from agno_memory.contrib.agno import owners
from agno_memory.contrib.agno.threads import from_anywhere
from agno_memory.json_texts import json_object
from agno_memory.times import to_epoch

logger = logging.getLogger(__name__)

# As agno's own databases: a read computes the numbers again if they are older.
REFRESH_SECONDS: Final = 60


class MetricsMixin:
    """Metrics of all users."""

    _metrics: AgentMetrics
    # When this process has last computed them, by a clock that does not go back.
    _metrics_refreshed_at: float | None = None

    @from_anywhere
    def get_metrics(
        self,
        starting_date: datetime.date | None = None,
        ending_date: datetime.date | None = None,
        user_id: str | None = None,
    ) -> tuple[list[dict[str, Any]], int | None]:
        """Return the metrics of a period, by day and user, and when they were last computed, in seconds since 1970.

        Computes them before, at most once a minute in a process.

        Args:
            starting_date: the first day, in UTC.
            ending_date: the last day.
            user_id: the user; every user by default. An empty text means the sessions without a user.

        Raises:
            ValidationError: an invalid user.
        """
        self._refresh()
        rows = self._metrics.rows(owners.reader(None if user_id == "" else user_id))
        if user_id == "":
            rows = rows.filter(user_id="")
        period = rows if starting_date is None else rows.filter(day__gte=starting_date)
        period = period if ending_date is None else period.filter(day__lte=ending_date)
        results = [metric_result(metric) for metric in period.order_by("day", "user_id")]
        if not results:
            return [], None
        latest = rows.aggregate(latest=Max("updated_at"))["latest"]
        return [{**each, "user_id": each["user_id"] or None} for each in results], to_epoch(latest)

    @from_anywhere
    def calculate_metrics(self, since: datetime.date | None = None) -> list[dict[str, Any]] | None:
        """Compute the metrics of the days that are not complete, and return them; None without sessions.

        Args:
            since: compute them from this day on, also of complete days.
        """
        self._metrics_refreshed_at = time.monotonic()
        calculated = self._metrics.calculate(since)
        return None if calculated is None else [metric_result(metric) for metric in calculated]

    def _refresh(self) -> None:
        refreshed_at = self._metrics_refreshed_at
        if refreshed_at is not None and time.monotonic() - refreshed_at < REFRESH_SECONDS:
            return
        try:
            self.calculate_metrics()
        except DatabaseError as error:
            # A reader without the right to write still reads.
            logger.warning("The metrics could not be computed before they were read: %s", error)


def metric_result(metric: AgentMetric) -> dict[str, Any]:
    """Return a metric as agno's dictionary."""
    return {
        "id": metric.key,
        "date": metric.day,
        "completed": metric.is_complete,
        "aggregation_period": "daily",
        "user_id": metric.user_id,
        "created_at": to_epoch(metric.created_at),
        "updated_at": to_epoch(metric.updated_at),
        **json_object(metric.data),
    }
