"""Everything about one person on one page; their export; and their erasure."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, Final, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agno_memory.admin.accounts import account_of
from agno_memory.admin.charts import Bar, bars, number
from agno_memory.admin.exports import KINDS, download
from agno_memory.admin.history import log_erase
from agno_memory.admin.keyset import Place, Reader
from agno_memory.admin.timeline import timeline
from agno_memory.admin.urls import quoted, unquoted
from agno_memory.bulk import BulkMemory
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.stats.sampling import NamedCount, Sample, most_frequent
from agno_memory.validators import check, validate_identifier

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[UserMemory]
else:
    _Admin = object

# Of how many of a person's memories, the newest, topics and agents are counted.
COUNTED: Final = 5_000
NAMED: Final = 20
PAGE_SIZE: Final = 25

# What embeds, overrides and isolates: one of them too many would undo the marks around it.
DIRECTING: Final = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


class PersonPages(_Admin):
    """Mixin of the admin's class: a page for each owner. Its cost is that of one person's memories."""

    def get_urls(self) -> list[URLPattern]:
        views = {
            "person": ("", require_safe(self.person_view)),
            "person_export": ("export/", require_POST(self.person_export_view)),
            "person_erase": ("erase/", require_http_methods(["GET", "HEAD", "POST"])(self.person_erase_view)),
        }
        return [
            path(f"person/<str:owner>/{route}", self.admin_site.admin_view(view), name=f"agno_memory_usermemory_{name}")
            for name, (route, view) in views.items()
        ] + super().get_urls()

    def person_view(self, request: HttpRequest, owner: str) -> HttpResponse:
        """Show how much there is about a person, what about, since when, and page by page what it says."""
        owner, rows = self._person(request, owner)
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        stats = rows.stats()
        context: dict[str, Any] = {"stats": stats, "total": number(stats.total)}
        if stats.total:
            tally = Sample(rows, COUNTED)
            context |= {
                "tables": self._tables(owner, tally),
                "counted": None if tally.is_complete else number(tally.size),
                "timeline": timeline(rows, stats),
                "may_erase": self.has_delete_permission(request),
                "kinds": KINDS,
                **self._memories(rows, _place(request)),
            }
        context["account"] = account_of(owner, request, self.admin_site)
        context["list_url"] = f"{self._url('changelist')}?{urlencode({'owner': owner})}"
        return self._page(request, owner, _("Memories of %(owner)s"), "person", context)

    def person_export_view(self, request: HttpRequest, owner: str) -> HttpResponseBase:
        """Send everything about a person as a file."""
        owner, rows = self._person(request, owner)
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        kind: Any = request.POST.get("kind")
        return download(request, rows, kind, owner) if kind in KINDS else HttpResponseBadRequest()

    def person_erase_view(self, request: HttpRequest, owner: str) -> HttpResponse:
        """Say how much would be erased; a POST does it."""
        owner, rows = self._person(request, owner)
        if not self.has_view_or_change_permission(request) or not self.has_delete_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            count = rows.count()
            context = {"count": count, "total": number(count)}
            return self._page(request, owner, _("Erase everything about %(owner)s?"), "erase", context)
        count = self._erase(request, owner)
        log_erase(request, owner, count)
        text = ngettext(
            "%(count)s memory of %(owner)s was erased.", "%(count)s memories of %(owner)s were erased.", count
        )
        messages.success(request, text % {"count": number(count), "owner": isolated(owner)})
        return HttpResponseRedirect(self._url("changelist"))

    def _erase(self, request: HttpRequest, owner: str) -> int:
        mine: Any = self.get_queryset(request)
        if not mine.query.where:
            return Memory().clear_user_memories(owner)
        # A subclass shows less than everything: what it hides is not this staff user's to erase.
        return BulkMemory(mine.filter(user_id=owner)).delete()

    def _person(self, request: HttpRequest, part: str) -> tuple[str, UserMemoryQuerySet]:
        """Return the owner that a part of the address names, and what this staff user may see of their memories."""
        owner = unquoted(part)
        try:
            check("user_id", owner, validate_identifier)
        except ValidationError:
            raise Http404 from None
        rows: Any = self.get_queryset(request)
        return owner, cast("UserMemoryQuerySet", rows.filter(user_id=owner))

    def _tables(self, owner: str, tally: Sample) -> dict[str, Any]:
        changelist, memories = self._url("changelist"), _("Memories")

        def listed(shares: list[NamedCount], parameter: str) -> list[Bar]:
            query = {name: urlencode({"owner": owner, parameter: name}) for name, _count in shares}
            return [Bar(name, count, f"{changelist}?{query[name]}") for name, count in shares]

        topics, agents = most_frequent(tally.topics, NAMED), most_frequent(tally.agents, NAMED)
        return {
            "topics": bars(_("Topics"), listed(topics, "topic"), (_("Topic"), memories), tally.size) if topics else "",
            "agents": bars(_("Agents"), listed(agents, "agent"), (_("Agent"), memories), tally.size) if agents else "",
        }

    def _memories(self, rows: UserMemoryQuerySet, place: Place | None) -> dict[str, Any]:
        page = Reader(rows, rows, "-last_updated", PAGE_SIZE, narrows=False).read(place)
        linked = [(memory, self._url("change", quoted(memory.memory_id))) for memory in page.rows]
        return {"page": page, "memories": linked, "is_first_page": place is None}

    def _page(
        self, request: HttpRequest, owner: str, title: str, template: str, context: dict[str, Any]
    ) -> TemplateResponse:
        title = title % {"owner": isolated(owner)}
        request.current_app = self.admin_site.name
        everything = {
            **self.admin_site.each_context(request),
            "title": title,
            # Under the name that unfold shows; "opts" would make it show the list's instead.
            "content_title": title,
            "model_opts": self.opts,
            "media": self.media,
            "owner": owner,
            "urls": {name: self._url(name, quoted(owner)) for name in ("person", "person_export", "person_erase")},
            **context,
        }
        return TemplateResponse(request, f"admin/agno_memory/{template}.html", everything)

    def _url(self, name: str, *args: str) -> str:
        return reverse(f"admin:agno_memory_usermemory_{name}", args=args, current_app=self.admin_site.name)


def isolated(text: str) -> str:
    """Return text whose direction is kept from the words around it, for where there is no markup to do that."""
    plain = "".join(character for character in text if unicodedata.bidirectional(character) not in DIRECTING)
    return f"\N{FIRST STRONG ISOLATE}{plain}\N{POP DIRECTIONAL ISOLATE}"


def _place(request: HttpRequest) -> Place | None:
    """Return the place that the page begins at; one that is none is the beginning."""
    token = request.GET.get("place", "")
    try:
        validate_identifier(token)
        return Place.parse(token)
    except (ValueError, ValidationError):
        return None
