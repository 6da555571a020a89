"""The memories and the earlier versions that a staff user may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from django.contrib import admin
from django.http import HttpRequest

from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.revision_querysets import RevisionQuerySet

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[UserMemory]
else:
    _Admin = object

# The mark of a request while its rows include memories that have expired.
WITH_EXPIRED: Final = "_agno_memory_with_expired"


class VisibleRows(_Admin):
    """Mixin of the admin class: its rows. Narrow them by ``get_queryset()``; earlier versions follow it."""

    def get_queryset(self, request: HttpRequest) -> Any:
        rows: Any = super().get_queryset(request)
        return rows if hasattr(request, WITH_EXPIRED) else rows.current()

    def every_row(self, request: HttpRequest) -> UserMemoryQuerySet:
        """Return the rows of ``get_queryset()`` with those that have expired."""
        setattr(request, WITH_EXPIRED, True)
        try:
            return cast("UserMemoryQuerySet", self.get_queryset(request))
        finally:
            delattr(request, WITH_EXPIRED)

    def versions(self, request: HttpRequest) -> RevisionQuerySet:
        """Return the earlier versions that meet the conditions of ``get_queryset()``.

        They include those of deleted memories, which take the permission to view them.
        """
        return self.every_row(request).versions()

    def has_view_deleted_permission(self, request: HttpRequest) -> bool:
        """Return whether this staff user may see deleted and expired memories, beside those that are there."""
        may_view = request.user.has_perm("agno_memory.view_deleted")
        return may_view and self.has_view_or_change_permission(request)
