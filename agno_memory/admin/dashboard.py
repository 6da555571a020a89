"""The dashboard: one picture of everything that is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from agno_memory.admin.charts import number
from agno_memory.admin.dashboard_charts import panels, tiles
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.stats.cache import SnapshotCache
from agno_memory.stats.snapshot import Snapshot

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[UserMemory]
else:
    _Admin = object


class DashboardPage(_Admin):
    """Mixin of the admin's class: the dashboard, for whoever may view memories."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_http_methods(["GET", "HEAD", "POST"])(self.dashboard_view))
        return [path("dashboard/", view, name="agno_memory_usermemory_dashboard"), *super().get_urls()]

    def dashboard_view(self, request: HttpRequest) -> HttpResponse:
        """Show the picture that is there; a POST counts everything anew, unless somebody does already."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        picture = self._picture(request)
        title = _("What is remembered")
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            # Under the name that unfold shows; "opts" would make it show the list's instead.
            "content_title": title,
            "model_opts": self.opts,
            "media": self.media,
            "picture": picture,
            "sample_size": number(picture.sample_size) if picture and picture.sample_size else "",
            "tiles": tiles(picture) if picture else [],
            "panels": panels(picture, self.admin_site.name) if picture else {},
        }
        return TemplateResponse(request, "admin/agno_memory/dashboard.html", context)

    def _picture(self, request: HttpRequest) -> Snapshot | None:
        rows: Any = self.get_queryset(request)
        overview = SnapshotCache(cast("UserMemoryQuerySet", rows), request.user)
        if request.method == "POST":
            if picture := overview.refresh():
                return picture
            messages.info(request, _("Somebody else had everything counted at this moment. Look again in a while."))
        return overview.get()
