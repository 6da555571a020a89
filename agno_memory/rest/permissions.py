"""Permissions: users act for themselves, and with the model's permissions for others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:
    from agno_memory.rest.base import UserScopedViewSet


class MemoryPermissions(BasePermission):
    """Lets every logged-in user act on their own memories.

    To name another user, or to list all people, a caller needs the permission of the action:
    ``agno_memory.view_usermemory``, ``add_``, ``change_``, ``delete_`` or ``export_``, and those of ``agentsession``
    for sessions.
    """

    def has_permission(self, request: Request, view: UserScopedViewSet) -> bool:  # type: ignore[override]
        user: Any = request.user
        if not user or not user.is_authenticated:
            return False
        # A user model of a site's own may lack has_perms().
        return not view.concerns_others() or all(map(user.has_perm, view.required_permissions()))
