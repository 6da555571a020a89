"""Querysets: one method for each question about sessions and runs. Service, admin, REST and agno use only these."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Self

from django.db.models import Q

from agno_memory.base_querysets import ErasableQuerySet, OwnedQuerySet
from agno_memory.conf import conf
from agno_memory.db.damaged import Damaged
from agno_memory.db.expressions import TextLength
from agno_memory.db.keyset import after, in_order
from agno_memory.validators import fold, validate_query

if TYPE_CHECKING:
    from agno_memory.models import AgentRun, AgentSession

# The field with the id of the agent, the team or the workflow, by the type of the session.
COMPONENTS: Final = {"agent": "agent_id", "team": "team_id", "workflow": "workflow_id"}


class AgentSessionQuerySet(OwnedQuerySet["AgentSession"]):
    """Sessions. Every method narrows or orders, and can be chained."""

    def of_component(self, component_id: str, session_type: str | None = None) -> Self:
        """Narrow to the sessions of an agent, a team or a workflow.

        Args:
            component_id: id of the agent, the team or the workflow.
            session_type: a key of ``COMPONENTS``; any of them by default.
        """
        names = [COMPONENTS[session_type]] if session_type else list(COMPONENTS.values())
        return self.filter(Q(*((name, component_id) for name in names), _connector=Q.OR))

    def unidentified(self) -> Self:
        """Narrow to the sessions of other programs without an id, or with one that is not a text."""
        return self.exclude(session_id__gt="")

    def named(self, text: str) -> Self:
        """Narrow to sessions with a name that contains this text; see ``UserMemoryQuerySet.mentioning()``."""
        validate_query(text)
        return self.filter(search_name__contains=fold(text))

    def begun(self, start: datetime.datetime | None = None, end: datetime.datetime | None = None) -> Self:
        """Narrow to sessions with a ``created_at`` between two moments, both included."""
        rows = self if start is None else self.filter(created_at__gte=start)
        return rows if end is None else rows.filter(created_at__lte=end)

    def updated(self, start: datetime.datetime | None = None, end: datetime.datetime | None = None) -> Self:
        """Narrow to sessions with an ``updated_at`` from a moment on, included, until another one, excluded."""
        rows = self if start is None else self.filter(updated_at__gte=start)
        return rows if end is None else rows.filter(updated_at__lt=end)

    def newest(self) -> Self:
        """Order by ``updated_at``, the newest first; ties by ``session_id``."""
        return self.order_by(*in_order("-updated_at", "-session_id"))

    def latest_begun(self) -> Self:
        """Order by ``created_at``, the newest first; ties by ``session_id``."""
        return self.order_by(*in_order("-created_at", "-session_id"))

    def walk(self) -> Iterator[AgentSession]:
        """Yield all of these sessions, the oldest first, read page by page: memory use is constant.

        No write changes ``created_at``, so each session that exists throughout the walk is yielded once.
        """
        columns = ("created_at", "session_id")
        rows = self.order_by(*in_order(*columns))
        page = list(rows[: conf.BATCH_SIZE])
        while page:
            yield from page
            later = after(columns, (page[-1].created_at, page[-1].session_id))
            page = list(rows.filter(later)[: conf.BATCH_SIZE]) if len(page) == conf.BATCH_SIZE else []


class AgentRunQuerySet(ErasableQuerySet["AgentRun"]):
    """Runs. Every method that narrows or orders can be chained."""

    def in_order(self) -> Self:
        """Order by position: the first run of a session first."""
        return self.order_by(*in_order("run_index", "key"))

    def conversation(self, excluded_statuses: tuple[str, ...] = ()) -> Self:
        """Narrow to the runs of the conversation: not those of a team's members, nor those with these statuses."""
        rows = self.filter(parent_run_id=None)
        return rows.filter(Q(status=None) | ~Q(status__in=excluded_statuses)) if excluded_statuses else rows

    def tail(self, count: int) -> list[AgentRun]:
        """Return the last runs, in their order."""
        return list(self.order_by(*in_order("-run_index", "-key"))[:count])[::-1]

    def first_of(self, session_ids: list[str], max_length: int) -> Self:
        """Narrow to the first runs of sessions whose documents are not longer, and read the documents alone."""
        rows = self.filter(session_id__in=session_ids, run_index=0).only("session_id", "data")
        return rows.annotate(length=TextLength("data")).filter(length__lte=max_length)

    def next_index(self) -> int:
        """Return the position after the last of these runs."""
        last: Any = self.order_by("-run_index", "-key").values_list("run_index", flat=True).first()
        if isinstance(last, Damaged):
            # MongoDB sorts other values than numbers after all numbers.
            return self.filter(run_index__gte=0).next_index()
        return 0 if last is None else int(last) + 1
