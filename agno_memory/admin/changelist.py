"""The list of memories: its matches, its pages and its time navigation."""

from __future__ import annotations

import datetime
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import build_q_object_from_lookup_parameters
from django.contrib.admin.views.main import PAGE_VAR, SEARCH_VAR
from django.core.exceptions import FieldError, ValidationError
from django.core.paginator import Paginator
from django.db import connections
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from agno_memory.admin import periods
from agno_memory.admin.accounts import Account, Accounts
from agno_memory.admin.base_filters import MemoryFilter, TimeFilter
from agno_memory.admin.keyset import PageReader, Position
from agno_memory.admin.pages import StrictChangeList
from agno_memory.admin.search import Search
from agno_memory.admin.urls import memory_page_url
from agno_memory.db.keyset import ORDERS, Order, reverse
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.times import now


class Link(NamedTuple):
    """A link of the time navigation."""

    text: str
    url: str
    is_current: bool = False


class MemoryChangeList(StrictChangeList):
    """The list of memories, with keyset pagination: nothing is counted, and no page reads the pages before it."""

    default_order: ClassVar[Order] = "-last_updated"
    root_queryset: UserMemoryQuerySet
    order: Order
    search: Search
    # The accounts of the people on this page, by user id.
    accounts: dict[str, Account]

    @property
    def admin_site_name(self) -> str:
        return str(self.model_admin.admin_site.name)

    # The matches

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> UserMemoryQuerySet:
        """Return all memories that match, on any page. Actions on all that match get this queryset."""
        self.filter_specs, self.has_filters, rest, _duplicates, self.has_active_filters = self.get_filters(request)
        lookups: Any = rest
        if any(isinstance(spec, MemoryFilter) and spec.includes_expired for spec in self.filter_specs):
            memory_admin: Any = self.model_admin
            self.root_queryset = memory_admin.every_row(request)
        self.has_raw_lookups = bool(rest)
        self.order = self._order()
        self.search = self._search(request)
        rows = self.root_queryset
        for spec in self.filter_specs:
            narrowed: Any = spec.queryset(request, rows)
            rows = rows if narrowed is None else narrowed
        try:
            rows = rows.filter(build_q_object_from_lookup_parameters(lookups))
        except (FieldError, ValueError, TypeError, ValidationError) as error:
            raise IncorrectLookupParameters(error) from error
        self.clear_all_filters_qs = self.get_query_string(new_params=rest, remove=self.get_filters_params())
        return self.search.narrow(rows).sorted_by(self.order)

    def _search(self, request: HttpRequest) -> Search:
        memory_admin: Any = self.model_admin
        try:
            found: Search = memory_admin.search(request, self.query)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            self.query = ""
            found = memory_admin.search(request, "")
        return found

    def _order(self) -> Order:
        """Return the order that the column headers select, if an index serves it."""
        for index, direction in self.get_ordering_field_columns().items():
            name = self.list_display[index] if 0 <= index < len(self.list_display) else ""
            field = self.get_ordering_field(name) if name else None
            order = f"-{field}" if direction == "desc" else str(field)
            if order in ORDERS:
                return order
        return self.default_order

    def _get_default_ordering(self) -> list[str]:
        """Order by creation if a filter is about creation, because the index of that time serves the filter."""
        prefixes = {name.partition("_")[0] for name in self.params}
        return ["-created_at"] if "created" in prefixes and "updated" not in prefixes else [self.default_order]

    # A page

    def get_results(self, request: HttpRequest) -> None:
        """Read a page. Nothing is counted: ``result_count`` only shows whether there are more pages than this one."""
        self.page = self._reader().read(self._position(request))
        for memory in self.page.rows:
            # The columns link to other parts of the list.
            memory.changelist = self  # type: ignore[attr-defined]
        self.accounts = Accounts(request, self.model_admin.admin_site).with_ids(row.user_id for row in self.page.rows)
        self.result_list = self.page.rows
        is_all = not (self.page.newer or self.page.older)
        self.result_count = len(self.result_list) + (0 if is_all else 1)
        self.show_full_result_count = False
        self.show_admin_actions = True
        # Themes show both counts if they differ.
        self.full_result_count = self.result_count
        self.can_show_all = self.multi_page = False
        self.paginator = Paginator(self.result_list, self.list_per_page)

    def _reader(self) -> PageReader:
        active = [spec for spec in self.filter_specs if isinstance(spec, MemoryFilter) and spec.is_active]
        unindexed = [spec for spec in active if not spec.is_indexed(self.order)]
        candidates = self.search.narrow_by_index(self.root_queryset)
        for spec in active:
            candidates = candidates if spec in unindexed else spec.narrow(candidates)
        connection = connections[self.root_queryset.db]
        has_other_conditions = self.has_raw_lookups or not self.search.is_indexed
        have_own_index = all(spec.has_own_index(connection) for spec in unindexed)
        return PageReader(
            candidates,
            self.queryset,
            self.order,
            self.list_per_page,
            is_filtered=bool(unindexed) or has_other_conditions,
            has_index=bool(unindexed) and not has_other_conditions and have_own_index,
        )

    @staticmethod
    def _position(request: HttpRequest) -> Position | None:
        token = request.GET.get(PAGE_VAR, "")
        try:
            return Position.parse(token) if token else None
        except ValueError as error:
            raise IncorrectLookupParameters(error) from error

    @property
    def newer_url(self) -> str | None:
        return self._page_url(self.page.newer)

    @property
    def older_url(self) -> str | None:
        return self._page_url(self.page.older)

    @property
    def first_url(self) -> str | None:
        return self.get_query_string() if self.page.newer else None

    def _page_url(self, position: Position | None) -> str | None:
        return None if position is None else self.get_query_string({PAGE_VAR: position.token})

    # Links

    @property
    def text_search_url(self) -> str:
        """The search for the same words in the texts of all people."""
        return self.get_query_string({SEARCH_VAR: self.search.as_text_search})

    @property
    def person_url(self) -> str:
        """The page of the person that the search finds by user id."""
        return memory_page_url("person", str(self.search.user_id), site=self.admin_site_name)

    @property
    def person_name(self) -> str:
        """The name of that person, or "" without an account."""
        account = self.accounts.get(str(self.search.user_id))
        return account.other_name if account else ""

    @property
    def named_people(self) -> list[tuple[Account, str]]:
        """The people that the search finds by name, with the URLs of their memories in this list."""
        return [(account, self._named_url(account.user_id)) for account in self.search.accounts]

    def _named_url(self, user_id: str) -> str:
        return self.get_query_string({"user_id": user_id}, remove=[SEARCH_VAR])

    def url_for_result(self, result: Any) -> str:
        if result.has_expired(now()):
            # No form changes it.
            return memory_page_url("versions", result.user_id, result.memory_id, site=self.admin_site_name)
        return memory_page_url("change", result.pk, site=self.admin_site_name)

    @cached_property
    def time_filter(self) -> TimeFilter | None:
        """The filter by the time that the list is ordered by."""
        filters = (spec for spec in self.filter_specs if isinstance(spec, TimeFilter))
        return next((spec for spec in filters if spec.is_indexed(self.order)), None)

    @cached_property
    def time_navigation(self) -> list[list[Link]]:
        """Links to the current period, and to its parts between the first and the last memory."""
        time_range = self._time_range()
        if self.time_filter is None or time_range is None:
            return []
        path, parts = periods.steps(self.time_filter.value, *time_range)
        if len(path) + len(parts) < 2 and not path:
            # All memories are of one year: begin with its months.
            parts = periods.steps(parts[0].value, *time_range)[1] if parts else []
        name = self.time_filter.parameter
        all_dates = Link(gettext("All dates"), self.get_query_string(remove=[name]), not self.time_filter.is_active)
        links = [self._link(name, step, step is path[-1]) for step in path]
        return [[all_dates, *links], [self._link(name, step) for step in parts]]

    def _link(self, name: str, step: periods.Step, is_current: bool = False) -> Link:
        url = self.get_query_string({name: step.value}, [name])
        return Link(date_format(step.first, step.format), url, is_current)

    def _time_range(self) -> tuple[datetime.date, datetime.date] | None:
        """Return the days of the first and of the last memory, among those that an index finds in both directions."""
        rows = self.search.narrow_by_index(self.root_queryset)
        for spec in self.filter_specs:
            if isinstance(spec, MemoryFilter) and spec.is_active and spec.is_indexed_in_every_order:
                rows = spec.narrow(rows)
        last, first = self._first_day(rows, self.order), self._first_day(rows, reverse(self.order))
        return None if first is None or last is None else (min(first, last), max(first, last))

    @staticmethod
    def _first_day(rows: UserMemoryQuerySet, order: Order) -> datetime.date | None:
        memory = rows.sorted_by(order).only("memory_id", "created_at", "last_updated").first()
        return timezone.localdate(getattr(memory, order.removeprefix("-"))) if memory else None
