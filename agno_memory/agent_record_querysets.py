"""The queryset of ``AgentRecord``: one method for each question about the small documents of agents."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Final, Self

from django.db.models import Q

from agno_memory.agent_session_querysets import COMPONENTS
from agno_memory.base_querysets import OwnedQuerySet
from agno_memory.db.keyset import in_order
from agno_memory.validators import fold, validate_query

if TYPE_CHECKING:
    from agno_memory.agent_record_models import AgentRecord  # noqa: F401  named in a string below

# Names and the keys that are made of them differ in these characters.
SEPARATORS: Final = str.maketrans("_-", "  ")


def with_blanks(text: str) -> str:
    """Return a text with blanks for underscores and hyphens, as searches compare it."""
    return text.translate(SEPARATORS)


class AgentRecordQuerySet(OwnedQuerySet["AgentRecord"]):
    """Records. Every method that narrows or orders can be chained."""

    def of_kind(self, kind: str) -> Self:
        """Narrow to the records of one kind."""
        return self.filter(kind=kind)

    def kinds(self) -> list[str]:
        """Return the kinds of these records: one query for each, because an index leads from one to the next."""
        names = self.order_by("kind").values_list("kind", flat=True)
        found: list[str] = []
        while following := names.filter(kind__gt=found[-1] if found else "")[:1]:
            found += following
        return found

    def visible_to(self, user: object) -> Self:
        """Narrow to the records of one user and to those without a user, which all users share."""
        return self.for_user(user) | self.filter(user_id=None)

    def mentioning(self, text: str) -> Self:
        """Narrow to records with a ``content`` in their data that contains a text.

        It ignores case, and "Sarah Chen" also finds "sarah_chen" and "sarah-chen".

        Raises:
            ValidationError: a blank text, or more than 1,000 characters.
        """
        words = " ".join(with_blanks(text).split())
        validate_query(words)
        return self.filter(search_text__contains=fold(words))

    def of_component(self, component_id: str) -> Self:
        """Narrow to the records of an agent, a team or a workflow."""
        return self.filter(Q(*((name, component_id) for name in COMPONENTS.values()), _connector=Q.OR))

    def updated(self, start: datetime.datetime | None = None, end: datetime.datetime | None = None) -> Self:
        """Narrow to records with an ``updated_at`` from a moment on, included, until another one, excluded."""
        rows = self if start is None else self.filter(updated_at__gte=start)
        return rows if end is None else rows.filter(updated_at__lt=end)

    def newest(self) -> Self:
        """Order by ``updated_at``, the newest first; ties by ``key``."""
        return self.order_by(*in_order("-updated_at", "-key"))

    def latest_made(self) -> Self:
        """Order by ``created_at``, the newest first; ties by ``key``."""
        return self.order_by(*in_order("-created_at", "-key"))

    def by_number(self) -> Self:
        """Order by ``sort_number``, the smallest first; ties by ``key``."""
        return self.order_by(*in_order("sort_number", "key"))

    def earliest_due(self) -> Self:
        """Order by ``due_at``, the earliest first; ties by ``key``."""
        return self.order_by(*in_order("due_at", "key"))
