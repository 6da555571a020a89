"""``AgentPages``: the shared part of the pages of sessions, traces and documents of agents, which nobody edits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext_lazy

from agno_memory.admin.accounts import Account, Accounts, may_view_memories
from agno_memory.admin.columns import damage_of, damaged_badge, filter_link, person_cell
from agno_memory.admin.completions import CompletionViews
from agno_memory.admin.pages import PageMixin, StrictChangeList
from agno_memory.admin.titles import TitledPages, person_title, short_title

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = object

# A list has this many rows, the latest; a search finds older ones.
MAX_LISTED: Final = 1_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """A paginator that counts ``MAX_LISTED`` rows at most, so that the cost does not grow with the table."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[:MAX_LISTED].count())


class AgentChangeList(StrictChangeList):
    """A list that shows no total, because the rows are not all counted."""

    # The accounts of the people on this page, by user id.
    accounts: dict[str, Account]
    # The names of the rows on this page, by primary key.
    names: dict[Any, str]
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
        pages: Any = self.model_admin
        self.names = pages.names_of(self.result_list)
        for row in self.result_list:
            # The columns link to other parts of the list.
            row.changelist = self


class AgentPages(TitledPages, PageMixin, CompletionViews, _Admin):
    """Mixin of an admin class: a list with the person and the agent of each row, and pages that only show."""

    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    # The fields of the name of a row; the first that is not empty.
    name_fields: ClassVar[tuple[str, ...]] = ("name",)
    # The fields of the agent, team or workflow of a row, likewise.
    component_fields: ClassVar[tuple[str, ...]] = ("agent_id", "team_id", "workflow_id")

    class Media:
        css: ClassVar[Any] = {"all": ["agno_memory/admin.css"]}
        js = ("agno_memory/admin.js",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return AgentChangeList

    @admin.display(description=gettext_lazy("name"))
    def name_column(self, row: Any) -> SafeString:
        name = self.name_of(row)
        text = format_html('<span class="am-text" dir="auto" title="{}">{}</span>', name, Truncator(name).chars(80))
        return format_html("{} {}", text, damaged_badge(row)) if row.damaged_fields else text

    @admin.display(description=gettext_lazy("person"), empty_value="")
    def person_column(self, row: Any) -> SafeString | None:
        if not row.user_id:
            return None
        changelist = getattr(row, "changelist", None)
        has_page = changelist is not None and changelist.shows_people
        return person_cell(row, row.user_id, self.url("person", row.user_id) if has_page else "")

    @admin.display(description=gettext_lazy("agent, team or workflow"), empty_value="")
    def component_column(self, row: Any) -> SafeString | None:
        component = _first(row, self.component_fields)
        return filter_link(row, "component", component, "am-agent") if component else None

    def names_of(self, rows: Sequence[Any]) -> dict[Any, str]:
        """Return the names of rows by primary key. An id is not a name."""
        return {row.pk: _first(row, self.name_fields) or self.name_of_kind(row) for row in rows}

    def name_of_kind(self, row: Any) -> str:
        """Return the name of the kind of a row, for rows without a name."""
        return str(capfirst(self.opts.verbose_name))

    def name_of(self, row: Any) -> str:
        """Return the name of a row; without a query, if it is in a list."""
        changelist = getattr(row, "changelist", None)
        names: dict[Any, str] = changelist.names if changelist else self.names_of([row])
        return names[row.pk]

    def title_of(self, row: Any) -> str:
        return short_title(self.name_of(row))

    def viewed_object(self, request: HttpRequest, object_id: str) -> Any:
        """Return the object of a page to view.

        Raises:
            PermissionDenied: this staff user may not view it.
            Http404: it does not exist.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        return row

    def person_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return the context of the person of a page: the account, and the URL, if this staff user may view them.

        With it goes the sentence about the fields of the row that cannot be read.
        """
        has_page = bool(row.user_id) and may_view_memories(request, self.admin_site)
        account = Accounts(request, self.admin_site).with_ids([row.user_id]).get(row.user_id or "")
        return {
            "damage": damage_of(row),
            "account": account,
            "subtitle": person_title(row.user_id, account) if row.user_id else "",
            "person_url": self.url("person", row.user_id) if has_page else "",
        }


def _first(row: Any, names: tuple[str, ...]) -> str:
    """Return the first of these fields that is not empty, or ""."""
    return next((value for name in names if (value := getattr(row, name))), "")
