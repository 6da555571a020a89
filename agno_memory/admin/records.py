"""``AgentRecordAdmin``: the admin of agents' documents, such as learnings and approvals: to read and to decide."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final, NamedTuple

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy

from agno_memory.admin.accounts import Accounts
from agno_memory.admin.agent_pages import AgentPages
from agno_memory.admin.columns import ago
from agno_memory.admin.decisions import DecisionViews
from agno_memory.admin.record_filters import COMPLETIONS, KINDS, LIST_FILTERS
from agno_memory.admin.record_links import links_of_record
from agno_memory.agent_record_querysets import AgentRecordQuerySet
from agno_memory.models import AgentRecord

# The page of a document has this many characters of a value.
MAX_LENGTH: Final = 20_000


class Value(NamedTuple):
    """A value of a document.

    Args:
        name: its key.
        text: a text as it is, any other value as JSON.
        is_long: whether it needs a block of its own.
    """

    name: str
    text: str
    is_long: bool


class AgentRecordAdminMixin(AgentPages, DecisionViews):
    """The admin of agents' documents for any ``ModelAdmin``: Django's own, or a theme's."""

    list_display = ("name_column", "person_column", "component_column", "status_column", "updated_column")
    list_filter = LIST_FILTERS
    completions: ClassVar[Any] = COMPLETIONS
    search_fields = ("record_id",)
    change_list_template = "admin/agno_memory/records.html"
    name_fields = ("name", "record_type")

    def has_delete_permission(self, request: HttpRequest, obj: AgentRecord | None = None) -> bool:
        return False

    # The list

    def get_queryset(self, request: HttpRequest) -> Any:
        rows: Any = super().get_queryset(request)
        return rows.filter(kind__in=list(KINDS))

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("-updated_at", "-key")

    def name_of_kind(self, row: AgentRecord) -> str:
        return str(KINDS.get(row.kind, super().name_of_kind(row)))

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[AgentRecordQuerySet, bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        user_ids = [text, *(account.user_id for account in Accounts(request, self.admin_site).search(text))]
        found = Q(record_id=text) | Q(name=text) | Q(session_id=text) | Q(run_id=text) | Q(user_id__in=user_ids)
        return queryset.filter(found), False

    @admin.display(description=gettext_lazy("status"), empty_value="")
    def status_column(self, record: AgentRecord) -> str | None:
        return record.status or None

    @admin.display(description=gettext_lazy("updated"))
    def updated_column(self, record: AgentRecord) -> SafeString:
        return ago(record, "updated_at")

    # One document

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> TemplateResponse:
        """Show a document with all its values."""
        record = self.viewed_object(request, object_id)
        context = {
            "record": record,
            "kind": KINDS[record.kind],
            "values": values_of(record.data),
            **self.person_context(request, record),
            "links": links_of_record(request, self.admin_site, record),
            **self.decision_context(request, record),
            **(extra_context or {}),
        }
        return self.render_page(request, "record", self.title_of(record), context)


class AgentRecordAdmin(AgentRecordAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """The admin of agents' documents in Django's own admin."""


def values_of(data: Any) -> list[Value]:
    """Return the values of a document that are not empty, in their order."""
    items = data.items() if isinstance(data, dict) else [("", data)]
    return [_value(str(name), value) for name, value in items if value not in (None, "", [], {})]


def _value(name: str, value: Any) -> Value:
    is_text = isinstance(value, str)
    text = value if is_text else json.dumps(value, ensure_ascii=False, indent=2)
    return Value(name, Truncator(text).chars(MAX_LENGTH), (not is_text and "\n" in text) or len(text) > 120)
