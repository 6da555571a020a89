"""The context that every page of this admin shares, apart from the pages of Django's own admin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import models
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern

from agno_memory.admin.urls import memory_page_url
from agno_memory.privacy import private

THEMES: Final = ("grappelli", "jazzmin", "unfold")
# The lookups of Django's filters by a field.
FIELD_LOOKUPS: Final = ("exact", "in", "isnull", "isempty", "gte", "lt")

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = object


class PageMixin(_Admin):
    """Mixin of an admin class: renders pages of its own inside the admin site's frame, and checks ids in URLs."""

    @property
    def urls(self) -> list[URLPattern]:
        """The pages of this admin; no cache keeps their responses.

        Django's admin site keeps them out of caches too, but names only the cookie in ``Vary``.
        """
        patterns: list[URLPattern] = super().urls
        for pattern in patterns:
            pattern.callback = private(pattern.callback)
        return patterns

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        # PostgreSQL refuses to compare with a NUL character, and no id has one.
        return None if "\x00" in object_id else super().get_object(request, object_id, from_field)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        # Django looks for the object first, and so shows all staff which ids exist.
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)

    def response_action(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if any("\x00" in key for key in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            raise SuspiciousOperation("A selected id has a NUL character.")
        return super().response_action(request, *args, **kwargs)

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

    def theme_attrs(self) -> dict[str, Any]:
        """Return the HTML attributes that the theme gives to a text field."""
        widget = self.formfield_overrides[models.CharField]["widget"]
        attrs: dict[str, Any] = (widget() if isinstance(widget, type) else widget).attrs
        return dict(attrs)

    def url(self, name: str, *ids: str) -> str:
        """Return the URL of a page about memories on this admin site; see ``memory_page_url()``."""
        return memory_page_url(name, *ids, site=self.admin_site.name)


class ActiveFilter(NamedTuple):
    """A filter that narrows a list.

    Args:
        title: of the filter.
        values: those that are chosen.
        query_string: of the list without it.
    """

    title: str
    values: str
    query_string: str


class StrictChangeList(ChangeList):
    """A list that takes the parameters of its own filters alone: others could probe fields that no page shows."""

    @property
    def theme(self) -> str:
        """The installed theme that gives lists other blocks or filters than Django's; "" without one."""
        return next((theme for theme in THEMES if apps.is_installed(theme)), "")

    @property
    def active_filters(self) -> list[ActiveFilter]:
        """The filters that narrow the list, for a theme whose filters are closed."""
        return [each for spec in self.filter_specs if (each := self._active(spec))]

    def _active(self, spec: Any) -> ActiveFilter | None:
        # The first choice clears the filter.
        clear, *choices = spec.choices(self)
        chosen = [str(each["display"]) for each in choices if each["selected"]]
        # A period from one day to another is not a choice.
        values = chosen or [value for each in getattr(spec, "used", {}).values() for value in each]
        return ActiveFilter(str(spec.title), ", ".join(values), clear["query_string"]) if values else None

    def get_filters(self, request: HttpRequest) -> Any:
        allowed = _parameters(self.model_admin.get_list_filter(request))
        for name, values in self.get_filters_params().items():
            # PostgreSQL refuses to compare with a NUL character.
            if name not in allowed or any("\x00" in value for value in values):
                raise IncorrectLookupParameters(f"{name!r} is not a filter of this list.")
        return super().get_filters(request)


def _parameters(filters: Iterable[Any]) -> set[str]:
    """Return the parameters of filters: ours, and those that a site adds to ``list_filter``."""
    allowed: set[str] = set()
    for each in filters:
        if isinstance(each, str | tuple):
            # A field, by Django's own filters, which compare whole values.
            name = each if isinstance(each, str) else each[0]
            allowed |= {name, *(f"{name}__{lookup}" for lookup in FIELD_LOOKUPS)}
        elif hasattr(each, "parameters"):
            allowed |= set(each.parameters())
        else:
            allowed.add(str(each.parameter_name))
    return allowed
