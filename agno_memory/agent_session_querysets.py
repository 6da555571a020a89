"""The vocabulary of sessions and runs: which ones. The service, the admin, REST and agno ask with these words alone."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Final, Self

from django.db import models
from django.db.models import Q

from agno_memory.db.keyset import in_order
from agno_memory.querysets import OwnedQuerySet
from agno_memory.validators import fold, validate_query

if TYPE_CHECKING:
    from agno_memory.models import AgentRun, AgentSession  # noqa: F401  named in a string below

# Which field names the agent, the team or the workflow of a session, by its type.
COMPONENTS: Final = {"agent": "agent_id", "team": "team_id", "workflow": "workflow_id"}


class AgentSessionQuerySet(OwnedQuerySet["AgentSession"]):
    """Sessions. Every method narrows or orders, and can be chained."""

    def of_component(self, component_id: str, session_type: str | None = None) -> Self:
        """Narrow to those of an agent, a team or a workflow; of whichever has this id where the type is not given."""
        names = [COMPONENTS[session_type]] if session_type else list(COMPONENTS.values())
        return self.filter(Q(*((name, component_id) for name in names), _connector=Q.OR))

    def named(self, text: str) -> Self:
        """Narrow to sessions whose name contains this, in any case; see ``UserMemoryQuerySet.mentioning``."""
        validate_query(text)
        return self.filter(search_name__contains=fold(text))

    def begun(self, start: datetime.datetime | None = None, end: datetime.datetime | None = None) -> Self:
        """Narrow to sessions that began between two moments, both included."""
        rows = self if start is None else self.filter(created_at__gte=start)
        return rows if end is None else rows.filter(created_at__lte=end)

    def newest(self) -> Self:
        """Order by ``updated_at``, the newest first; ties by ``session_id``."""
        return self.order_by(*in_order("-updated_at", "-session_id"))

    def latest_begun(self) -> Self:
        """Order by ``created_at``, the newest first; ties by ``session_id``."""
        return self.order_by(*in_order("-created_at", "-session_id"))


class AgentRunQuerySet(models.QuerySet["AgentRun"]):
    """Runs, to be narrowed down."""

    def in_order(self) -> Self:
        """Order as they were made."""
        return self.order_by(*in_order("run_index", "key"))

    def told(self, without: tuple[str, ...] = ()) -> Self:
        """Narrow to what counts as the conversation: no runs of a team's members, and none with these statuses."""
        rows = self.filter(parent_run_id=None)
        return rows.filter(Q(status=None) | ~Q(status__in=without)) if without else rows

    def tail(self, count: int) -> list[AgentRun]:
        """Return the latest runs, in the order in which they were made."""
        return list(self.order_by(*in_order("-run_index", "-key"))[:count])[::-1]

    def next_index(self) -> int:
        """Return the place behind the last of these runs."""
        last = self.order_by("-run_index", "-key").values_list("run_index", flat=True).first()
        return 0 if last is None else last + 1
