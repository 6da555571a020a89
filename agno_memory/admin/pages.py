"""The context that every page of this admin shares, apart from the pages of Django's own admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse

from agno_memory.admin.urls import memory_page_url

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = object


class PageMixin(_Admin):
    """Mixin of an admin class: renders pages of its own inside the admin site's frame."""

    def render_page(
        self, request: HttpRequest, template: str, title: Any, context: dict[str, Any], *, status: int | None = None
    ) -> TemplateResponse:
        """Return a page of the admin.

        Args:
            request: the request of the staff user.
            template: file name in ``templates/admin/agno_memory``, without its suffix.
            title: the title of the page.
            context: the page's own; it takes precedence over the shared one.
            status: HTTP status; 200 by default.
        """
        request.current_app = self.admin_site.name
        shared = {
            **self.admin_site.each_context(request),
            "title": title,
            # The title under django-unfold, which shows the name of the list instead where "opts" is in the context.
            "content_title": title,
            "model_opts": self.opts,
            "media": self.media,
        }
        return TemplateResponse(request, f"admin/agno_memory/{template}.html", {**shared, **context}, status=status)

    def url(self, name: str, *ids: str) -> str:
        """Return the URL of a page about memories on this admin site; see ``memory_page_url()``."""
        return memory_page_url(name, *ids, site=self.admin_site.name)
