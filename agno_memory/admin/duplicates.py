"""The page of a person's memories that say the same, each group with a button that merges it."""

from __future__ import annotations

from typing import Final, NamedTuple

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from agno_memory.admin.charts import number
from agno_memory.admin.keyset import COLUMNS
from agno_memory.admin.merging import MAX_MERGED
from agno_memory.admin.person import PersonPages
from agno_memory.models import UserMemory
from agno_memory.search.duplicates import groups_of_duplicates

# This many memories of the person are compared, those that were updated last; this many groups are shown.
MAX_COMPARED: Final = 5_000
MAX_GROUPS: Final = 50


class Group(NamedTuple):
    """Memories that say the same.

    Args:
        memories: with the URLs of their forms, the newest first.
        others: the number of further ones, which the page does not show.
    """

    memories: list[tuple[UserMemory, str]]
    others: int


class DuplicatePages(PersonPages):
    """Mixin of the admin class: the possible duplicates of a person."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.duplicates_view))
        name = "agno_memory_usermemory_person_duplicates"
        return [path("person/<str:user_id>/duplicates/", view, name=name), *super().get_urls()]

    def has_merge_permission(self, request: HttpRequest) -> bool:
        """Return whether this staff user may merge memories: it changes one and deletes others."""
        return self.has_change_permission(request) and self.has_delete_permission(request)

    def duplicates_view(self, request: HttpRequest, user_id: str) -> HttpResponse:
        """Show groups of a person's memories that say the same, the most similar first."""
        user_id, rows = self._person(request, user_id)
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        memories = list(rows.newest().only(*COLUMNS)[: MAX_COMPARED + 1])
        groups = groups_of_duplicates([each for each in memories[:MAX_COMPARED] if not each.damaged_fields])
        context = {
            "groups": [self._group(each) for each in groups[:MAX_GROUPS]],
            "has_more": len(groups) > MAX_GROUPS,
            "compared": number(MAX_COMPARED) if len(memories) > MAX_COMPARED else None,
            "may_merge": self.has_merge_permission(request),
            "merge_url": f"{self.url('changelist')}?{urlencode({'user_id': user_id})}",
            "checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return self._person_page(request, user_id, _("Possible duplicates of %(person)s"), "duplicates", context)

    def _group(self, memories: list[UserMemory]) -> Group:
        shown = [(memory, self.url("change", memory.key)) for memory in memories[:MAX_MERGED]]
        return Group(shown, max(0, len(memories) - MAX_MERGED))
