"""The arguments of agno's lists: page and order."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from agno.db.utils import validate_pagination
from django.db.models import JSONField, QuerySet

from agno_memory.models import UserMemory

# Fields of a memory that agno names differently.
RENAMED: Final = {"updated_at": "last_updated"}


class Listing(NamedTuple):
    """A page of a list.

    Args:
        limit: most rows to return; all of them by default.
        page: from 1; needs a limit.
        sort_by: the name of a field; another name, or None, keeps the default order.
        sort_order: ``"asc"``; any other value is descending.
    """

    limit: int | None = None
    page: int | None = None
    sort_by: str | None = None
    sort_order: str | None = None

    def check(self) -> None:
        """Raise ValueError for a page without a limit, or below 1."""
        validate_pagination(self.limit, self.page)

    def is_in_default_order(self, model: Any) -> bool:
        """Return whether ``sort_by`` does not name a field of the model."""
        return self._field(model) is None

    def ordered(self, rows: Any, default: QuerySet[Any]) -> Any:
        """Return the rows in the order of ``sort_by``, or ``default`` if that does not name a field."""
        name = self._field(rows.model)
        if name is None:
            return default
        sign = "" if self.sort_order == "asc" else "-"
        return rows.order_by(*(f"{sign}{each}" for each in dict.fromkeys([name, rows.model._meta.pk.name])))

    def _field(self, model: Any) -> str | None:
        if self.sort_by is None:
            return None
        name = RENAMED.get(self.sort_by, self.sort_by) if model is UserMemory else self.sort_by
        return name if name in _sortable(model) else None

    def sliced(self, rows: Any) -> Any:
        """Return the rows of the page."""
        if self.limit is None:
            return rows
        start = ((self.page or 1) - 1) * self.limit
        return rows[start : start + self.limit]


def _sortable(model: Any) -> set[str]:
    return {field.name for field in model._meta.concrete_fields if not isinstance(field, JSONField)}
