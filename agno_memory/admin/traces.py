"""``AgentTraceAdmin``: the admin of traces, each shown as a tree of its steps with their durations: to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from agno_memory.admin.accounts import Accounts, may_view_memories
from agno_memory.admin.columns import ago, filter_link, person_cell
from agno_memory.admin.completions import CompletionViews
from agno_memory.admin.pages import PageMixin
from agno_memory.admin.related import session_url
from agno_memory.admin.sessions import BoundedPaginator, SessionChangeList
from agno_memory.admin.trace_filters import COMPLETIONS, LIST_FILTERS
from agno_memory.agent_trace_querysets import ERROR, AgentTraceQuerySet, SpanCounts
from agno_memory.agent_traces import ANYONE, AgentTraces
from agno_memory.durations import duration_text
from agno_memory.models import AgentTrace
from agno_memory.span_trees import tree

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[AgentTrace]
else:
    _Admin = object

# The page of a trace has this many steps, the first ones.
STEPS_SHOWN: Final = 500


class TraceChangeList(SessionChangeList):
    """A list that shows no total, because the traces are not all counted."""

    # The numbers of the steps of the traces on this page.
    counts: dict[str, SpanCounts]

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.counts = AgentTraces().count_spans(self.result_list)


class AgentTraceAdminMixin(PageMixin, CompletionViews, _Admin):
    """The admin of traces for any ``ModelAdmin``: Django's own, or a theme's."""

    list_display = ("name_column", "status_column", "person_column", "component_column", "steps_column", "time_column")
    list_filter = LIST_FILTERS
    completions: ClassVar[Any] = COMPLETIONS
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    search_fields = ("trace_id",)
    change_list_template = "admin/agno_memory/traces.html"

    class Media:
        css: ClassVar[Any] = {"all": ["agno_memory/admin.css"]}
        js = ("agno_memory/admin.js",)

    # Permissions

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AgentTrace | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AgentTrace | None = None) -> bool:
        return False

    # The list

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TraceChangeList

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("-start_time", "-key")

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[AgentTraceQuerySet, bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        if "\x00" in text:
            return queryset.none(), False
        user_ids = [text, *(account.user_id for account in Accounts(request, self.admin_site).search(text))]
        ids = Q(trace_id=text) | Q(run_id=text) | Q(session_id=text)
        return queryset.filter(ids | Q(user_id__in=user_ids)), False

    @admin.display(description=gettext_lazy("name"))
    def name_column(self, trace: AgentTrace) -> SafeString:
        name = trace.name or trace.trace_id
        return format_html('<span class="am-text" dir="auto" title="{}">{}</span>', name, Truncator(name).chars(80))

    @admin.display(description=gettext_lazy("status"))
    def status_column(self, trace: AgentTrace) -> SafeString | str:
        return format_html('<strong class="am-damaged">{}</strong>', _("Error")) if trace.status == ERROR else _("OK")

    @admin.display(description=gettext_lazy("person"), empty_value="")
    def person_column(self, trace: AgentTrace) -> SafeString | None:
        if trace.user_id is None:
            return None
        changelist = getattr(trace, "changelist", None)
        has_page = changelist is not None and changelist.shows_people
        return person_cell(trace, trace.user_id, self.url("person", trace.user_id) if has_page else "")

    @admin.display(description=gettext_lazy("agent, team or workflow"), empty_value="")
    def component_column(self, trace: AgentTrace) -> SafeString | None:
        component = trace.workflow_id or trace.team_id or trace.agent_id
        return filter_link(trace, "component", component, "am-agent") if component else None

    @admin.display(description=gettext_lazy("duration"))
    def steps_column(self, trace: AgentTrace) -> str:
        changelist: Any = getattr(trace, "changelist", None)
        counts = changelist.counts[trace.trace_id] if changelist else SpanCounts()
        steps = ngettext("%(number)s step", "%(number)s steps", counts.total) % {"number": number_format(counts.total)}
        return f"{steps} · {duration_text(trace.duration_ms * 1_000)}"

    @admin.display(description=gettext_lazy("started"))
    def time_column(self, trace: AgentTrace) -> SafeString:
        return ago(trace, "start_time")

    # One trace

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> TemplateResponse:
        """Show a trace as a tree of its steps."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        trace = self.get_object(request, unquote(object_id))
        if trace is None:
            raise Http404
        spans = list(AgentTraces(trace._state.db).get_spans(trace.trace_id, ANYONE)[: STEPS_SHOWN + 1])
        context = {
            "trace": trace,
            "has_failed": trace.status == ERROR,
            "duration": duration_text(trace.duration_ms * 1_000),
            "steps": tree(spans[:STEPS_SHOWN]),
            "steps_shown": STEPS_SHOWN if len(spans) > STEPS_SHOWN else None,
            "account": Accounts(request, self.admin_site).with_ids([trace.user_id]).get(trace.user_id or ""),
            "person_url": self._person_url(request, trace),
            "session_url": session_url(request, self.admin_site, trace.session_id),
            **(extra_context or {}),
        }
        return self.render_page(request, "trace", Truncator(trace.name or trace.trace_id).chars(60), context)

    def _person_url(self, request: HttpRequest, trace: AgentTrace) -> str:
        """Return the URL of the person's page, or "" for staff without permission to view memories."""
        if trace.user_id is None or not may_view_memories(request, self.admin_site):
            return ""
        return self.url("person", trace.user_id)


class AgentTraceAdmin(AgentTraceAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """The admin of traces in Django's own admin."""
