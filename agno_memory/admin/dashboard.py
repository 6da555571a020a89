"""The dashboard: numbers and charts about all memories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from agno_memory.admin.accounts import Accounts
from agno_memory.admin.charts import number
from agno_memory.admin.dashboard_charts import charts, tiles
from agno_memory.admin.pages import PageMixin
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.stats.cache import SnapshotCache
from agno_memory.stats.snapshot import Snapshot

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[UserMemory]
else:
    _Admin = object


class DashboardPage(PageMixin, _Admin):
    """Mixin of the admin class: the dashboard, for staff with permission to view memories."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_http_methods(["GET", "HEAD", "POST"])(self.dashboard_view))
        return [path("dashboard/", view, name="agno_memory_usermemory_dashboard"), *super().get_urls()]

    def dashboard_view(self, request: HttpRequest) -> HttpResponse:
        """Show the last snapshot; a POST request counts all memories again, unless another request is counting."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        snapshot = self._snapshot(request)
        owners = [owner for owner, _count in snapshot.top_owners] if snapshot else []
        accounts = Accounts(request, self.admin_site).with_ids(owners)
        context = {
            "snapshot": snapshot,
            "sample_size": number(snapshot.sample_size) if snapshot and snapshot.sample_size else "",
            "tiles": tiles(snapshot) if snapshot else [],
            "charts": charts(snapshot, self.admin_site.name, accounts) if snapshot else {},
        }
        return self.render_page(request, "dashboard", _("Memory dashboard"), context)

    def _snapshot(self, request: HttpRequest) -> Snapshot | None:
        rows: Any = self.get_queryset(request)
        cache = SnapshotCache(cast("UserMemoryQuerySet", rows))
        if request.method == "POST":
            if snapshot := cache.refresh():
                return snapshot
            messages.info(request, _("Another user is counting the memories. Reload the page in a few seconds."))
        return cache.get()
