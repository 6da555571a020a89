"""``AgentSessionAdmin``: the admin of agents' sessions, each shown as a conversation: to read and to delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.contrib import admin
from django.contrib.admin.models import DELETION
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agno_memory.admin.accounts import Account, Accounts, may_view_memories
from agno_memory.admin.columns import ago, filter_link, person_cell
from agno_memory.admin.completions import CompletionViews
from agno_memory.admin.history import log_sessions
from agno_memory.admin.pages import PageMixin, StrictChangeList
from agno_memory.admin.record_links import links_of_session
from agno_memory.admin.session_filters import COMPLETIONS, LIST_FILTERS
from agno_memory.admin.session_traces import links_by_run, list_url
from agno_memory.admin.urls import session_page_url
from agno_memory.agent_session_querysets import AgentSessionQuerySet
from agno_memory.agent_sessions import ANYONE, AgentSessions
from agno_memory.models import AgentRun, AgentSession
from agno_memory.transcripts import messages
from agno_memory.validators import validate_query

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[AgentSession]
else:
    _Admin = object

# The list has this many sessions, the latest; a search by user id, session id or name finds older ones.
MAX_LISTED: Final = 1_000
# A search by name covers this many sessions, the latest.
MAX_SEARCHED: Final = 10_000
# A page of a conversation has this many runs.
RUNS_PER_PAGE: Final = 20


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """A paginator that counts ``MAX_LISTED`` rows at most, so that the cost does not grow with the sessions."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[:MAX_LISTED].count())


class SessionChangeList(StrictChangeList):
    """A list that shows no total, because the sessions are not all counted."""

    # The accounts of the people on this page, by user id.
    accounts: dict[str, Account]
    # Whether people have a page for this staff user.
    shows_people: bool

    @property
    def admin_site_name(self) -> str:
        return str(self.model_admin.admin_site.name)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.full_result_count = self.result_count
        self.result_list = list(self.result_list)
        site = self.model_admin.admin_site
        self.accounts = Accounts(request, site).with_ids(row.user_id for row in self.result_list)
        self.shows_people = may_view_memories(request, site)
        for session in self.result_list:
            # The columns link to other parts of the list.
            session.changelist = self


class AgentSessionAdminMixin(PageMixin, CompletionViews, _Admin):
    """The admin of sessions for any ``ModelAdmin``: Django's own, or a theme's."""

    list_display = ("name_column", "session_type", "person_column", "component_column", "updated_column")
    list_filter = LIST_FILTERS
    completions: ClassVar[Any] = COMPLETIONS
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    search_fields = ("session_id",)
    change_list_template = "admin/agno_memory/sessions.html"

    class Media:
        css: ClassVar[Any] = {"all": ["agno_memory/admin.css"]}
        js = ("agno_memory/admin.js",)

    # Permissions

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AgentSession | None = None) -> bool:
        return False

    # Deleting

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return the texts of the confirmation, without the runs, which Django would load one by one."""
        shown = [str(session) for session in objs]
        counts = {self.opts.verbose_name_plural: len(shown)}
        missing = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return shown, counts, missing, []

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        return log_sessions(request, queryset, DELETION)

    def delete_model(self, request: HttpRequest, obj: AgentSession) -> None:
        AgentSessions().delete_sessions([obj.session_id], ANYONE)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        # The queryset is narrowed to the sessions that this staff user may see.
        AgentSessions().delete_sessions(list(queryset.values_list("session_id", flat=True)), ANYONE)

    # The list

    def get_queryset(self, request: HttpRequest) -> Any:
        rows: Any = super().get_queryset(request)
        # The JSON of a session may be long, and no column shows it.
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
        try:
            validate_query(text)
        except ValidationError:
            return queryset.none(), False
        exact: AgentSessionQuerySet = queryset.filter(Q(session_id=text) | Q(user_id=text))
        if exact.exists():
            return exact, False
        latest = queryset.named(text) | queryset.filter(user_id__contains=text)
        oldest = queryset.newest().values_list("updated_at", flat=True)[MAX_SEARCHED : MAX_SEARCHED + 1].first()
        if oldest is not None:
            latest = latest.filter(updated_at__gte=oldest)
        accounts = Accounts(request, self.admin_site).search(text)
        return latest | queryset.filter(user_id__in=[account.user_id for account in accounts]), False

    @admin.display(description=gettext_lazy("name"))
    def name_column(self, session: AgentSession) -> SafeString:
        name = session.name or session.session_id
        return format_html('<span class="am-text" dir="auto" title="{}">{}</span>', name, Truncator(name).chars(80))

    @admin.display(description=gettext_lazy("person"), empty_value="")
    def person_column(self, session: AgentSession) -> SafeString | None:
        if session.user_id is None:
            return None
        changelist = getattr(session, "changelist", None)
        has_page = changelist is not None and changelist.shows_people
        return person_cell(session, session.user_id, self.url("person", session.user_id) if has_page else "")

    @admin.display(description=gettext_lazy("agent, team or workflow"), empty_value="")
    def component_column(self, session: AgentSession) -> SafeString | None:
        component = session.agent_id or session.team_id or session.workflow_id
        return filter_link(session, "component", component, "am-agent") if component else None

    @admin.display(description=gettext_lazy("updated"), ordering="updated_at")
    def updated_column(self, session: AgentSession) -> SafeString:
        return ago(session, "updated_at")

    # One session

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> TemplateResponse:
        """Show a session as a conversation: the latest runs, and earlier runs on further pages."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        session = self.get_object(request, unquote(object_id))
        if session is None:
            raise Http404
        runs = AgentRun.objects.using(session._state.db).filter(session_id=session.session_id)
        before = request.GET.get("before", "")
        if before.isdecimal() and len(before) < 10:
            runs = runs.filter(run_index__lt=int(before))
        page = runs.tail(RUNS_PER_PAGE)
        traces = links_by_run(request, self.admin_site, session, page)
        context = {
            "session": session,
            "turns": [(run, messages(run), traces.get(run.run_id)) for run in page],
            "earlier": page[0].run_index if len(page) == RUNS_PER_PAGE and page[0].run_index else None,
            "is_latest": not before,
            "person_url": self._person_url(request, session),
            "account": Accounts(request, self.admin_site).with_ids([session.user_id]).get(session.user_id or ""),
            "memories_url": self._memories_url(request, session),
            "traces_url": list_url(request, self.admin_site, session),
            "records": links_of_session(request, self.admin_site, session),
            "delete_url": self._delete_url(request, session),
            **(extra_context or {}),
        }
        return self.render_page(request, "session", session.name or _("Session"), context)

    def _delete_url(self, request: HttpRequest, session: AgentSession) -> str:
        """Return the URL of the page to delete a session, or "" for staff without the permission."""
        if not self.has_delete_permission(request, session):
            return ""
        return session_page_url("delete", session.session_id, site=self.admin_site.name)

    def _person_url(self, request: HttpRequest, session: AgentSession) -> str:
        """Return the URL of the person's page, or "" for staff without permission to view memories."""
        if session.user_id is None or not may_view_memories(request, self.admin_site):
            return ""
        return self.url("person", session.user_id)

    def _memories_url(self, request: HttpRequest, session: AgentSession) -> str:
        """Return the URL of the memories of a session, or "" for staff without permission to view memories."""
        if not may_view_memories(request, self.admin_site):
            return ""
        return f"{self.url('changelist')}?{urlencode({'session_id': session.session_id})}"


class AgentSessionAdmin(AgentSessionAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """The admin of sessions in Django's own admin."""
