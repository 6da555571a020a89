"""``AgentMetrics``: how much the agents were used, by day and person, computed from the sessions and their runs."""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Final

from django.db import IntegrityError

from agno_memory.agent_metric_models import AgentMetric, AgentMetricQuerySet
from agno_memory.batches import batched
from agno_memory.db import MemoryDb
from agno_memory.db.table import Table
from agno_memory.db.transactions import all_or_nothing, savepoint
from agno_memory.identifiers import owner_id
from agno_memory.json_texts import json_object
from agno_memory.models import AgentRun, AgentSession
from agno_memory.retries import retry
from agno_memory.services import Service, async_twin
from agno_memory.times import midnight, now

TOKENS: Final = (
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "audio_total_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)
TYPES: Final = tuple(str(kind) for kind in AgentSession.Type.values)
COUNTS: Final = ("users_count", *(f"{kind}_{things}_count" for kind in TYPES for things in ("sessions", "runs")))
# The runs of so many sessions are in memory at once.
SESSIONS_AT_ONCE: Final = 20
# The columns that are counted; the others may be long.
COLUMNS: Final = ("session_id", "session_type", "user_id", "session_data", "created_at")

# The owner, "" for none, and the day of a number.
Bucket = tuple[str, datetime.date]


class AgentMetrics(Service[AgentMetricQuerySet]):
    """The numbers of sessions, runs and tokens by day and person, as agno counts them.

    A session counts on the day, in UTC, on which it began, with all of its runs.

    Args:
        db: an alias of ``DATABASES``; ``None`` follows the router.

    Raises:
        TypeError: a handle, such as ``SqliteMemoryDb``: it has a table of memories only.
    """

    _sender = AgentMetric

    def __init__(self, db: str | None = None) -> None:
        if isinstance(db, MemoryDb):
            raise TypeError(f"AgentMetrics cannot use a {type(db).__name__}, which has a table of memories only.")
        super().__init__(Table(AgentMetric, db))

    def calculate(self, since: datetime.date | None = None) -> list[AgentMetric] | None:
        """Count the days that are not complete, and store the numbers.

        Args:
            since: count from this day on, also complete days, and forget the numbers of sessions that were deleted. By
                default from the first day that was not over when it was counted.

        Returns:
            The numbers that were stored; None if there is nothing to count.
        """
        start = since or self._first_day()
        if start is None:
            return None
        if since is not None:
            self._table.rows_to_write().filter(day__gte=since).erase()
        totals = self._count(start)
        return [self._store(user_id, day, total) for (user_id, day), total in totals.items()]

    def reassign_user_metrics(self, user_id: object, new_user_id: object) -> int:
        """Give the numbers of a person to another one, added to theirs, and return the number of days.

        Args:
            user_id: the owner.
            new_user_id: the new owner.

        Raises:
            ValidationError: bad input; nothing was written.
        """
        before, owner = owner_id(user_id), owner_id(new_user_id)
        if before == owner:
            return 0
        rows = self._table.rows_to_write()
        days = list(rows.filter(user_id=before).order_by("day").values_list("day", flat=True))
        for day in days:
            # IntegrityError: another process has counted the new owner's day since.
            work = partial(self._give, before, owner, day)
            retry(partial(all_or_nothing, rows.db, work), IntegrityError)
        return len(days)

    def _give(self, before: str, owner: str, day: datetime.date) -> None:
        of_day = self._table.rows_to_write().filter(day=day)
        metric = of_day.filter(user_id=before).first()
        if metric is None:
            return
        # First, so that an interrupted call counts no number twice.
        of_day.filter(user_id=before).erase()
        there = of_day.filter(user_id=owner).first()
        if there is None:
            moved = AgentMetric(user_id=owner, day=day, is_complete=metric.is_complete, data=metric.data)
            moved.save(using=of_day.db, force_insert=True)
            return
        is_complete = metric.is_complete and there.is_complete
        data = total_of([there.data, metric.data])
        of_day.filter(user_id=owner).update(is_complete=is_complete, data=data, updated_at=now())

    areassign_user_metrics = async_twin(reassign_user_metrics)

    def _first_day(self) -> datetime.date | None:
        """Return the day at which to continue, at most today; None if there is no session."""
        rows = self._table.rows_to_write()
        complete = rows.filter(is_complete=True).order_by("-day").values_list("day", flat=True).first()
        open_rows = rows.filter(is_complete=False)
        # A row that is not complete, before a day that is, belongs to an owner without a session.
        if complete is not None:
            open_rows = open_rows.filter(day__gt=complete)
        first = open_rows.order_by("day").values_list("day", flat=True).first()
        if first is None and complete is not None:
            first = complete + datetime.timedelta(days=1)
        if first is None:
            sessions = AgentSession.objects.using(self.write_alias).order_by("created_at", "session_id")
            begun = sessions.values_list("created_at", flat=True).first()
            return None if begun is None else begun.date()
        return min(first, now().date())

    def _count(self, start: datetime.date) -> dict[Bucket, Total]:
        totals: dict[Bucket, Total] = defaultdict(Total)
        sessions = AgentSession.objects.using(self.write_alias).begun(midnight(start, datetime.UTC)).only(*COLUMNS)
        for batch in batched(sessions.walk(), SESSIONS_AT_ONCE):
            models = self._models(session.session_id for session in batch)
            for session in batch:
                totals[session.user_id or "", session.created_at.date()].add(session, models[session.session_id])
        return totals

    def _models(self, session_ids: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
        """Return the model and the provider of each run, by the ids of the sessions."""
        models: dict[str, list[tuple[str, str]]] = defaultdict(list)
        runs = AgentRun.objects.using(self.write_alias).filter(session_id__in=list(session_ids)).in_order()
        for session_id, data in runs.values_list("session_id", "data"):
            run = json_object(data)
            models[session_id].append((_text(run.get("model")), _text(run.get("model_provider"))))
        return models

    def _store(self, user_id: str, day: datetime.date, total: Total) -> AgentMetric:
        moment = now()
        metric = AgentMetric(user_id=user_id, day=day, is_complete=day < moment.date(), updated_at=moment)
        metric.data = total.as_dict(has_user=bool(user_id))
        rows = self._table.rows_to_write().filter(user_id=user_id, day=day)

        def write() -> AgentMetric:
            if rows.update(is_complete=metric.is_complete, data=metric.data, updated_at=moment):
                return rows.first() or metric
            with savepoint(rows.db):
                metric.save(using=rows.db, force_insert=True)
            return metric

        # IntegrityError: another process has counted the day too.
        return retry(write, IntegrityError)


class Total:
    """The numbers of one person on one day."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.tokens: Counter[str] = Counter()
        self.models: Counter[tuple[str, str]] = Counter()

    def add(self, session: AgentSession, models: list[tuple[str, str]]) -> None:
        """Count a session.

        Args:
            session: it.
            models: the model and its provider of each run, empty texts if they are unknown.
        """
        self.counts[f"{session.session_type}_sessions_count"] += 1
        self.counts[f"{session.session_type}_runs_count"] += len(models)
        self.models.update((model, provider) for model, provider in models if model)
        metrics = json_object(session.session_data).get("session_metrics")
        self.tokens.update(dict(_numbers(json_object(metrics))))

    def as_dict(self, *, has_user: bool) -> dict[str, Any]:
        """Return the numbers as JSON; the sum of ``users_count`` over a day is the number of people."""
        return {
            **{name: self.counts[name] for name in COUNTS},
            "users_count": int(has_user),
            "token_metrics": {name: self.tokens[name] for name in TOKENS},
            "model_metrics": [
                {"model_id": model, "model_provider": provider, "count": count}
                for (model, provider), count in self.models.items()
            ],
        }


def total_of(totals: Iterable[Any]) -> dict[str, Any]:
    """Return the sum of totals of one person and day, as ``Total.as_dict()`` made them."""
    total, has_user = Total(), False
    for data in totals:
        values = json_object(data)
        total.counts.update({name: values[name] for name in COUNTS if isinstance(values.get(name), int)})
        total.tokens.update(dict(_numbers(json_object(values.get("token_metrics")))))
        for each in map(json_object, _list(values.get("model_metrics"))):
            count = each.get("count")
            if isinstance(count, int):
                total.models[_text(each.get("model_id")), _text(each.get("model_provider"))] += count
        has_user = has_user or bool(values.get("users_count"))
    return total.as_dict(has_user=has_user)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _numbers(metrics: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for name in TOKENS:
        value = metrics.get(name, 0)
        if isinstance(value, int):
            yield name, value
