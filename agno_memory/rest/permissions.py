"""Who may what: everybody for themselves, and those with the model's permissions for others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:
    from agno_memory.rest.base import ActingView


class MemoryPermissions(BasePermission):
    """Lets whoever is logged in act on their own memories.

    To name another user, or to see everybody, takes the permission of the model that the view asks for:
    ``agno_memory.view_usermemory``, ``add_``, ``change_`` or ``delete_``.
    """

    def has_permission(self, request: Request, view: ActingView) -> bool:  # type: ignore[override]
        user: Any = request.user
        if not user or not user.is_authenticated:
            return False
        return not view.concerns_others() or user.has_perm(f"agno_memory.{view.needed_permission()}_usermemory")
