"""``AgentSessionAdmin``: agents' sessions to look at, each as a conversation. Nothing is written here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agno_memory.admin.columns import ago
from agno_memory.admin.urls import quoted
from agno_memory.agent_session_querysets import AgentSessionQuerySet
from agno_memory.models import AgentRun, AgentSession, UserMemory
from agno_memory.transcripts import messages

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[AgentSession]
else:
    _Admin = object

# Sessions that the list goes through, the latest; those further back are found by their owner, their id or a name.
LISTED: Final = 1_000
# The latest sessions among whose names a search looks.
SEARCHED: Final = 10_000
# Runs on a page of a conversation.
RUNS: Final = 20


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than the list goes, so that no page costs more where there are more sessions."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[:LISTED].count())


class SessionChangeList(ChangeList):
    """A list that does not say how many of how many it shows: nobody has counted them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.full_result_count = self.result_count


class AgentSessionAdminMixin(_Admin):
    """Everything that the admin knows about sessions, for any ``ModelAdmin``: Django's own, or a theme's."""

    list_display = ("name_column", "session_type", "user_id", "component_column", "updated_column")
    list_filter = ("session_type",)
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    search_fields = ("session_id",)
    change_list_template = "admin/agno_memory/sessions.html"

    class Media:
        css: ClassVar[Any] = {"all": ["agno_memory/admin.css"]}

    # Who may

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AgentSession | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AgentSession | None = None) -> bool:
        return False

    # The list

    def get_queryset(self, request: HttpRequest) -> Any:
        rows: Any = super().get_queryset(request)
        # Their JSON may be long, and no column shows it.
        return rows.defer(*(field for field in AgentSession.content_fields if field.endswith("data")), "extra")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SessionChangeList

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("-updated_at", "-session_id")

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[AgentSessionQuerySet, bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        exact: AgentSessionQuerySet = queryset.filter(Q(session_id=text) | Q(user_id=text))
        try:
            if exact.exists():
                return exact, False
            named = queryset.named(text)
        except ValidationError:
            return queryset.none(), False
        oldest = queryset.newest().values_list("updated_at", flat=True)[SEARCHED : SEARCHED + 1].first()
        return named if oldest is None else named.filter(updated_at__gte=oldest), False

    @admin.display(description=gettext_lazy("name"))
    def name_column(self, session: AgentSession) -> SafeString:
        name = session.name or session.session_id
        return format_html('<span class="am-text" dir="auto" title="{}">{}</span>', name, Truncator(name).chars(80))

    @admin.display(description=gettext_lazy("agent, team or workflow"))
    def component_column(self, session: AgentSession) -> str:
        return session.agent_id or session.team_id or session.workflow_id or ""

    @admin.display(description=gettext_lazy("updated"), ordering="updated_at")
    def updated_column(self, session: AgentSession) -> SafeString:
        return ago(session, "updated_at")

    # One session

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> TemplateResponse:
        """Show a session as a conversation, its latest runs first to be seen; older ones a page further back."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        session = self.get_object(request, unquote(object_id))
        if session is None:
            raise Http404
        runs = AgentRun.objects.using(session._state.db).filter(session_id=session.session_id)
        before = request.GET.get("before", "")
        if before.isdecimal() and len(before) < 10:
            runs = runs.filter(run_index__lt=int(before))
        shown = runs.tail(RUNS)
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": session.name or _("Session"),
            "opts": self.opts,
            "media": self.media,
            "session": session,
            "turns": [(run, messages(run)) for run in shown],
            "older": shown[0].run_index if len(shown) == RUNS and shown[0].run_index else None,
            "is_latest": not before,
            "person_url": self._person_url(request, session),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/agno_memory/session.html", context)

    def _person_url(self, request: HttpRequest, session: AgentSession) -> str:
        """Return the address of the owner's page, for those who may open it."""
        memories = self.admin_site._registry.get(UserMemory)
        if session.user_id is None or memories is None or not memories.has_view_permission(request):
            return ""
        name = "admin:agno_memory_usermemory_person"
        return reverse(name, args=(quoted(session.user_id),), current_app=self.admin_site.name)


class AgentSessionAdmin(AgentSessionAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """Sessions in Django's own admin."""
