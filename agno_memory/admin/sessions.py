"""``AgentSessionAdmin``: the admin of agents' sessions, each shown as a conversation: to read and to delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.contrib.admin.models import DELETION
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from agno_memory.admin.accounts import Accounts, may_view_memories
from agno_memory.admin.agent_pages import MAX_LISTED, AgentPages
from agno_memory.admin.columns import ago
from agno_memory.admin.history import log_sessions
from agno_memory.admin.record_links import links_of_session
from agno_memory.admin.session_filters import COMPLETIONS, LIST_FILTERS
from agno_memory.admin.session_traces import links_by_run, list_url
from agno_memory.admin.titles import isolated, session_names, short_title
from agno_memory.admin.urls import session_page_url
from agno_memory.agent_session_querysets import AgentSessionQuerySet
from agno_memory.agent_sessions import ANYONE, AgentSessions
from agno_memory.db.damaged import Damaged
from agno_memory.models import AgentRun, AgentSession
from agno_memory.transcripts import messages
from agno_memory.validators import validate_query

# A search by name covers this many sessions, the latest.
MAX_SEARCHED: Final = 10_000
# A page of a conversation has this many runs.
RUNS_PER_PAGE: Final = 20


class AgentSessionAdminMixin(AgentPages):
    """The admin of sessions for any ``ModelAdmin``: Django's own, or a theme's."""

    list_display = ("name_column", "session_type", "person_column", "component_column", "updated_column")
    list_filter = LIST_FILTERS
    completions: ClassVar[Any] = COMPLETIONS
    search_fields = ("session_id",)
    change_list_template = "admin/agno_memory/sessions.html"

    # Rows of other programs

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """Return the session with an id, also one that is not a text; for ``NO_ID``, the first without an id."""
        found = super().get_object(request, object_id, from_field)
        if found is not None or "\x00" in object_id:
            return found
        unidentified = self.get_queryset(request).unidentified().order_by("pk")[:MAX_LISTED]
        return next((each for each in unidentified if each.pk == object_id), None)

    # Deleting

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return the texts of the confirmation, without the runs, which Django would load one by one."""
        sessions = list(objs)
        names = self.names_of(sessions) if self.has_view_permission(request) else {}
        titles = [short_title(names.get(each.pk, "")) or str(each) for each in sessions]
        people = [f" · {isolated(each.user_id)}" if each.user_id else "" for each in sessions]
        shown = [f"{title}{person}" for title, person in zip(titles, people, strict=True)]
        counts = {self.opts.verbose_name_plural: len(shown)}
        missing = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return shown, counts, missing, []

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        return log_sessions(request, queryset, DELETION)

    def delete_model(self, request: HttpRequest, obj: AgentSession) -> None:
        service = AgentSessions()
        if isinstance(obj.session_id, Damaged):
            service.delete_unidentified(_alike(service.rows_to_write(ANYONE), obj))
        else:
            service.delete_sessions([obj.session_id], ANYONE)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        # The queryset is narrowed to the sessions that this staff user may see.
        AgentSessions().delete_sessions(list(queryset.values_list("session_id", flat=True)), ANYONE)

    # The list

    def names_of(self, rows: Sequence[Any]) -> dict[Any, str]:
        return session_names(rows)

    def get_queryset(self, request: HttpRequest) -> Any:
        rows: Any = super().get_queryset(request)
        # The JSON of a session may be long, and no column shows it.
        return rows.defer(*(field for field in AgentSession.content_fields if field.endswith("data")), "extra")

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
        of_accounts = Q(user_id__in=[account.user_id for account in Accounts(request, self.admin_site).search(text)])
        exact: AgentSessionQuerySet = queryset.filter(Q(session_id=text) | Q(user_id=text))
        if exact.exists():
            # A name may be the id of another person.
            return queryset.filter(Q(session_id=text) | Q(user_id=text) | of_accounts), False
        latest = queryset.named(text) | queryset.filter(user_id__contains=text)
        oldest = queryset.newest().values_list("updated_at", flat=True)[MAX_SEARCHED : MAX_SEARCHED + 1].first()
        if oldest is not None:
            latest = latest.filter(updated_at__gte=oldest)
        return latest | queryset.filter(of_accounts), False

    @admin.display(description=gettext_lazy("updated"), ordering="updated_at")
    def updated_column(self, session: AgentSession) -> SafeString:
        return ago(session, "updated_at")

    # One session

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> TemplateResponse:
        """Show a session as a conversation: the latest runs, and earlier runs on further pages."""
        session = self.viewed_object(request, object_id)
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
            **self.person_context(request, session),
            "memories_url": self._memories_url(request, session),
            "traces_url": list_url(request, self.admin_site, session),
            "records": links_of_session(request, self.admin_site, session),
            "delete_url": self._delete_url(request, session),
            **(extra_context or {}),
        }
        return self.render_page(request, "session", self.title_of(session), context)

    def _delete_url(self, request: HttpRequest, session: AgentSession) -> str:
        """Return the URL of the page to delete a session, or "" for staff without the permission."""
        if not self.has_delete_permission(request, session):
            return ""
        return session_page_url("delete", session.session_id, site=self.admin_site.name)

    def _memories_url(self, request: HttpRequest, session: AgentSession) -> str:
        """Return the URL of the memories of a session, or "" for staff without permission to view memories."""
        if not may_view_memories(request, self.admin_site):
            return ""
        return f"{self.url('changelist')}?{urlencode({'session_id': session.session_id})}"


def _alike(rows: AgentSessionQuerySet, session: AgentSession) -> AgentSessionQuerySet:
    """Narrow to a session of another program, by its id and its person: without an id, to all such of this person."""
    session_id: Any = session.session_id
    return rows.filter(user_id=session.user_id, session_id=None if session_id.stored is None else session_id)


class AgentSessionAdmin(AgentSessionAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """The admin of sessions in Django's own admin."""
