"""A person with their sessions, and the rows that belong to the person through these alone: they name no user."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from agno_memory.agent_sessions import AgentSessions
from agno_memory.batches import batched
from agno_memory.conf import conf
from agno_memory.db.damaged import identified
from agno_memory.models import AgentRecord


@dataclass(frozen=True)
class Person:
    """The owner of holdings in a database.

    Args:
        owner: the user id.
        db: an alias of ``DATABASES``; ``None`` follows the router.
    """

    owner: str
    db: str | None

    @cached_property
    def session_ids(self) -> list[str]:
        """The ids of the person's sessions, read once: after an erasure, a second count needs those before it."""
        sessions = AgentSessions(self.db).rows_to_write(self.owner)
        return identified(sessions.values_list("session_id", flat=True))


def without_user(rows: Any, session_ids: Sequence[str], *names: str) -> Iterator[list[Any]]:
    """Yield the values of those rows that name one of these sessions and no user.

    The cost depends on the number of rows of the sessions, with those that name a user.

    Args:
        rows: a queryset of a model with ``session_id`` and ``user_id``.
        session_ids: of the sessions.
        names: of the values.
    """
    for batch in batched(session_ids, conf.BATCH_SIZE):
        for user_id, *values in rows.filter(session_id__in=batch).values_list("user_id", *names):
            # No condition of the query: a planner may prefer the index of users, which has all rows without one.
            if user_id is None:
                yield values


def record_keys(session_ids: Sequence[str], alias: str) -> list[str]:
    """Return the keys of the records without a user of sessions, in a database."""
    rows = AgentRecord.objects.using(alias)
    return (
        [key for (key,) in without_user(rows.filter(kind__in=rows.kinds()), session_ids, "key")] if session_ids else []
    )


def erase_records(session_ids: Sequence[str], alias: str) -> None:
    """Delete the records without a user of sessions, in a database."""
    for batch in batched(record_keys(session_ids, alias), conf.BATCH_SIZE):
        # One that has got a user meanwhile stays.
        AgentRecord.objects.using(alias).filter(key__in=batch).exclude(user_id__gt="").erase()
