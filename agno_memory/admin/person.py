"""The page of a person, with all of their memories and the latest conversations; export and erasure."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Final, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agno_memory.admin.accounts import Accounts
from agno_memory.admin.charts import Bar, bars, number
from agno_memory.admin.erasure import PersonErasure, in_words, listed
from agno_memory.admin.exports import FORMATS, download
from agno_memory.admin.history import log_erase
from agno_memory.admin.keyset import PageReader, Position
from agno_memory.admin.pages import PageMixin
from agno_memory.admin.person_moment import MomentForm, memories_at, moment_form, moment_of, query_of
from agno_memory.admin.person_search import person_search
from agno_memory.admin.person_sessions import download_sessions, latest_sessions, sessions_of
from agno_memory.admin.rows import VisibleRows
from agno_memory.admin.timeline import timeline
from agno_memory.admin.titles import isolated, person_title
from agno_memory.admin.urls import unquoted
from agno_memory.models import UserMemory
from agno_memory.people import Counts
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.stats.sampling import NamedCount, Sample, most_frequent
from agno_memory.validators import check, validate_identifier

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[UserMemory]
else:
    _Admin = object

# Topics and agents are counted among this many of a person's memories, the newest; this many of each are shown.
SAMPLE: Final = 5_000
MAX_BARS: Final = 20
PAGE_SIZE: Final = 25
# The name of the export of a person's conversations, beside the formats of memories.
CONVERSATIONS: Final = "conversations"


class PersonPages(VisibleRows, PageMixin, _Admin):
    """Mixin of the admin class: the pages of a person. Their cost depends on that person's memories alone."""

    def get_urls(self) -> list[URLPattern]:
        views = {
            "person": ("", require_safe(self.person_view)),
            "person_export": ("export/", require_POST(self.person_export_view)),
            "person_erase": ("erase/", require_http_methods(["GET", "HEAD", "POST"])(self.person_erase_view)),
        }
        return [
            path(
                f"person/<str:user_id>/{route}", self.admin_site.admin_view(view), name=f"agno_memory_usermemory_{name}"
            )
            for name, (route, view) in views.items()
        ] + super().get_urls()

    def person_view(self, request: HttpRequest, user_id: str) -> HttpResponse:
        """Show numbers, topics, agents and a timeline of a person's memories, and the memories page by page."""
        user_id, rows = self._person(request, user_id)
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        form = moment_form(request, self.theme_attrs())
        if moment := moment_of(form):
            return self._person_at(request, user_id, form, moment)
        stats = rows.stats()
        context: dict[str, Any] = {"stats": stats, "total": number(stats.total), "moment_form": form}
        if stats.total:
            sample = Sample(rows, SAMPLE)
            context |= {
                "tables": self._tables(user_id, sample),
                "sample_size": None if sample.is_complete else number(sample.size),
                "timeline": timeline(rows, stats),
                "formats": FORMATS,
                "search": person_search(request, rows, user_id, lambda key: self.url("change", key)),
                **self._memories(rows, _position(request)),
            }
        sessions = sessions_of(request, self.admin_site, user_id)
        if sessions is not None:
            context |= latest_sessions(sessions, user_id, self.admin_site.name)
        context["may_export"] = self.has_export_permission(request)
        context["may_erase"] = self.has_delete_permission(request)
        if self.has_view_deleted_permission(request):
            context["deleted_url"] = f"{self.url('deleted')}?{urlencode({'user_id': user_id})}"
        context["list_url"] = f"{self.url('changelist')}?{urlencode({'user_id': user_id})}"
        return self._person_page(request, user_id, _("Memories of %(person)s"), "person", context)

    def _person_at(
        self, request: HttpRequest, user_id: str, form: MomentForm, moment: datetime.datetime
    ) -> HttpResponse:
        """Show a person's memories as they were at a moment."""
        rows = self.every_row(request).filter(user_id=user_id).as_of(moment)
        if not self.has_view_deleted_permission(request):
            rows = rows.without_deleted()
        context = {
            **memories_at(
                rows, _position(request), PAGE_SIZE, lambda each: self.url("versions", each.user_id, each.memory_id)
            ),
            "moment": moment,
            "moment_form": form,
            "moment_query": query_of(request),
            "sees_deleted": self.has_view_deleted_permission(request),
        }
        return self._person_page(request, user_id, _("Earlier memories of %(person)s"), "person_moment", context)

    def person_export_view(self, request: HttpRequest, user_id: str) -> HttpResponseBase:
        """Send all memories of a person as a file."""
        user_id, rows = self._person(request, user_id)
        if not self.has_export_permission(request):
            raise PermissionDenied
        file_format: Any = request.POST.get("format")
        if file_format == CONVERSATIONS:
            sessions = sessions_of(request, self.admin_site, user_id)
            if sessions is None:
                raise PermissionDenied
            return download_sessions(request, sessions, user_id)
        if file_format not in FORMATS:
            return HttpResponseBadRequest()
        sees_deleted = request.user.has_perm("agno_memory.view_deleted")
        versions = (rows if sees_deleted else rows.without_deleted()).walk_versions()
        return download(request, rows, file_format, user_id, versions)

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Return whether this staff user may export memories: a permission of its own, beside that to view them."""
        may_export = request.user.has_perm("agno_memory.export_usermemory")
        return may_export and self.has_view_or_change_permission(request)

    def person_erase_view(self, request: HttpRequest, user_id: str) -> HttpResponse:
        """Show the number of objects of each kind to erase; a POST request erases them, and counts again."""
        user_id, rows = self._person(request, user_id)
        if not self.has_view_or_change_permission(request) or not self.has_delete_permission(request):
            raise PermissionDenied
        erasure = PersonErasure(request, self.admin_site, user_id, rows)
        if request.method != "POST":
            counts = erasure.count()
            context = {"counts": listed(counts), "total": sum(counts.values()), "is_whole": erasure.is_whole}
            title = _("Erase everything about %(person)s?") if erasure.is_whole else _("Erase memories of %(person)s?")
            return self._person_page(request, user_id, title, "erase", context)
        erased, left = erasure.erase()
        log_erase(request, erased)
        self._report(request, user_id, erased, left)
        return HttpResponseRedirect(self.url("changelist"))

    def _report(self, request: HttpRequest, user_id: str, erased: Counts, left: Counts) -> None:
        values = {"person": isolated(user_id), "numbers": in_words(erased)}
        messages.success(request, _("Erased about %(person)s: %(numbers)s.") % values)
        if any(left.values()):
            text = _("A second count found %(numbers)s. Erase again.")
            messages.error(request, text % {"numbers": in_words(left)})
        else:
            messages.info(request, _("A second count found nothing."))

    def _person(self, request: HttpRequest, part: str) -> tuple[str, UserMemoryQuerySet]:
        """Return the user id of a part of the path, and that person's memories that this staff user may see."""
        user_id = unquoted(part)
        try:
            check("user_id", user_id, validate_identifier)
        except ValidationError:
            raise Http404 from None
        rows: Any = self.get_queryset(request)
        return user_id, cast("UserMemoryQuerySet", rows.filter(user_id=user_id))

    def _tables(self, user_id: str, sample: Sample) -> dict[str, Any]:
        changelist, memories = self.url("changelist"), _("Memories")

        def filter_links(shares: list[NamedCount], parameter: str) -> list[Bar]:
            query = {name: urlencode({"user_id": user_id, parameter: name}) for name, _count in shares}
            return [Bar(name, count, f"{changelist}?{query[name]}") for name, count in shares]

        topics = filter_links(most_frequent(sample.topics, MAX_BARS), "topic")
        agents = filter_links(most_frequent(sample.agents, MAX_BARS), "agent_id")
        return {
            "topics": bars(_("Topics"), topics, (_("Topic"), memories), sample.size) if topics else "",
            "agents": bars(_("Agents"), agents, (_("Agent"), memories), sample.size) if agents else "",
        }

    def _memories(self, rows: UserMemoryQuerySet, position: Position | None) -> dict[str, Any]:
        page = PageReader(rows, rows, "-last_updated", PAGE_SIZE, is_filtered=False).read(position)
        linked = [(memory, self.url("change", memory.key)) for memory in page.rows]
        return {"page": page, "memories": linked, "is_first_page": position is None}

    def _person_page(
        self, request: HttpRequest, user_id: str, title: str, template: str, context: dict[str, Any]
    ) -> TemplateResponse:
        urls = {
            name: self.url(name, user_id) for name in ("person", "person_export", "person_erase", "person_duplicates")
        }
        account = Accounts(request, self.admin_site).with_id(user_id)
        title = title % {"person": person_title(user_id, account)}
        shared = {"user_id": user_id, "account": account, "urls": urls}
        return self.render_page(request, template, title, {**shared, **context})


def _position(request: HttpRequest) -> Position | None:
    """Return the position of the query string; None, for the first page, if it is missing or not valid."""
    try:
        return Position.parse(request.GET.get("position", ""))
    except ValueError:
        return None
