"""``AgentTraceAdmin``: the admin of traces, each shown as a tree of its steps with their durations: to read."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from agno_memory.admin.accounts import Accounts
from agno_memory.admin.agent_pages import AgentChangeList, AgentPages
from agno_memory.admin.columns import ago
from agno_memory.admin.related import session_link
from agno_memory.admin.trace_filters import COMPLETIONS, LIST_FILTERS
from agno_memory.agent_trace_querysets import ERROR, AgentTraceQuerySet, SpanCounts
from agno_memory.agent_traces import AgentTraces
from agno_memory.durations import duration_text
from agno_memory.models import AgentTrace
from agno_memory.span_trees import tree

# The page of a trace has this many steps, the first ones.
STEPS_SHOWN: Final = 500


class TraceChangeList(AgentChangeList):
    """A list that shows no total, because the traces are not all counted."""

    # The numbers of the steps of the traces on this page.
    counts: dict[str, SpanCounts]

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.counts = AgentTraces().count_spans(self.result_list)


class AgentTraceAdminMixin(AgentPages):
    """The admin of traces for any ``ModelAdmin``: Django's own, or a theme's."""

    list_display = ("name_column", "status_column", "person_column", "component_column", "steps_column", "time_column")
    list_filter = LIST_FILTERS
    completions: ClassVar[Any] = COMPLETIONS
    search_fields = ("trace_id",)
    change_list_template = "admin/agno_memory/traces.html"
    component_fields = ("workflow_id", "team_id", "agent_id")

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

    @admin.display(description=gettext_lazy("status"))
    def status_column(self, trace: AgentTrace) -> SafeString | str:
        return format_html('<strong class="am-damaged">{}</strong>', _("Error")) if trace.status == ERROR else _("OK")

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
        trace = self.viewed_object(request, object_id)
        # Not get_spans(), which refuses an id that another program wrote.
        rows = AgentTraces(trace._state.db).span_rows().filter(trace_id=trace.trace_id).in_order()
        spans = list(rows[: STEPS_SHOWN + 1])
        context = {
            "trace": trace,
            "has_failed": trace.status == ERROR,
            "duration": duration_text(trace.duration_ms * 1_000),
            "steps": tree(spans[:STEPS_SHOWN]),
            "steps_shown": STEPS_SHOWN if len(spans) > STEPS_SHOWN else None,
            **self.person_context(request, trace),
            "session_link": session_link(request, self.admin_site, trace.session_id),
            **(extra_context or {}),
        }
        return self.render_page(request, "trace", self.title_of(trace), context)


class AgentTraceAdmin(AgentTraceAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """The admin of traces in Django's own admin."""
