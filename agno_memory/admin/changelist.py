"""The list: what of it is found by an index, which page of it to show, and how to go through its time."""

from __future__ import annotations

import datetime
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import build_q_object_from_lookup_parameters
from django.contrib.admin.views.main import PAGE_VAR, SEARCH_VAR, ChangeList
from django.core.exceptions import FieldError, ValidationError
from django.core.paginator import Paginator
from django.db import connections
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from agno_memory.admin import keyset, periods
from agno_memory.admin.filters import MemoryFilter, TimeFilter
from agno_memory.admin.search import Search
from agno_memory.admin.urls import quoted
from agno_memory.db.keyset import ORDERS, Order
from agno_memory.querysets import UserMemoryQuerySet


class Link(NamedTuple):
    """A step of the time navigation."""

    text: str
    url: str
    is_here: bool = False


class MemoryChangeList(ChangeList):
    """The list of memories, paged by position: nothing is counted, and no page walks past those before it."""

    default_order: ClassVar[Order] = "-last_updated"
    root_queryset: UserMemoryQuerySet
    order: Order
    search: Search

    @property
    def admin_site_name(self) -> str:
        return str(self.model_admin.admin_site.name)

    # What is asked for

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> UserMemoryQuerySet:
        """Return everything that matches, wherever in the table it is; actions on all of it get this."""
        self.filter_specs, self.has_filters, rest, _duplicates, self.has_active_filters = self.get_filters(request)
        lookups: Any = rest
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
        try:
            return Search(self.root_queryset, self.query)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            self.query = ""
            return Search(self.root_queryset.none(), "")

    def _order(self) -> Order:
        """Return the order that the headers ask for, if an index serves it."""
        for index, direction in self.get_ordering_field_columns().items():
            name = self.list_display[index] if 0 <= index < len(self.list_display) else ""
            field = self.get_ordering_field(name) if name else None
            order = f"-{field}" if direction == "desc" else str(field)
            if order in ORDERS:
                return order
        return self.default_order

    def _get_default_ordering(self) -> list[str]:
        """Order by creation where that is what is asked about: then the index of that time finds it."""
        asks = {name.partition("_")[0] for name in self.params}
        return ["-created_at"] if "created" in asks and "updated" not in asks else [self.default_order]

    # A page of it

    def get_results(self, request: HttpRequest) -> None:
        """Read a page. Nothing is counted: ``result_count`` only says whether there is more than what is shown."""
        self.page = self._reader().read(self._place(request))
        for memory in self.page.rows:
            # Where the columns find the way back to the list.
            memory.changelist = self  # type: ignore[attr-defined]
        self.result_list = self.page.rows
        is_all = not (self.page.newer or self.page.older)
        self.result_count = len(self.result_list) + (0 if is_all else 1)
        self.show_full_result_count = False
        self.show_admin_actions = True
        # Themes show both where they differ.
        self.full_result_count = self.result_count
        self.can_show_all = self.multi_page = False
        self.paginator = Paginator(self.result_list, self.list_per_page)

    def _reader(self) -> keyset.Reader:
        active = [spec for spec in self.filter_specs if isinstance(spec, MemoryFilter) and spec.is_active]
        unserved = [spec for spec in active if not spec.is_served(self.order)]
        base = self.search.narrow_by_index(self.root_queryset)
        for spec in active:
            base = base if spec in unserved else spec.narrow(base)
        connection = connections[self.root_queryset.db]
        others = self.has_raw_lookups or not self.search.is_served
        return keyset.Reader(
            base,
            self.queryset,
            self.order,
            self.list_per_page,
            narrows=bool(unserved) or others,
            has_index=bool(unserved) and not others and all(spec.has_index(connection) for spec in unserved),
        )

    @staticmethod
    def _place(request: HttpRequest) -> keyset.Place | None:
        token = request.GET.get(PAGE_VAR, "")
        try:
            return keyset.Place.parse(token) if token else None
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

    def _page_url(self, place: keyset.Place | None) -> str | None:
        return None if place is None else self.get_query_string({PAGE_VAR: place.token})

    # Where else to go

    @property
    def elsewhere_url(self) -> str:
        """The search for the same words in everybody's texts."""
        return self.get_query_string({SEARCH_VAR: self.search.elsewhere})

    @property
    def person_url(self) -> str:
        """The page of the person that the search means."""
        name = "admin:agno_memory_usermemory_person"
        return reverse(name, args=(quoted(str(self.search.owner)),), current_app=self.admin_site_name)

    def url_for_result(self, result: Any) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return reverse(name, args=(quoted(result.pk),), current_app=self.admin_site_name)

    @cached_property
    def time_filter(self) -> TimeFilter | None:
        """The filter of the time by which the list is ordered."""
        filters = (spec for spec in self.filter_specs if isinstance(spec, TimeFilter))
        return next((spec for spec in filters if spec.is_served(self.order)), None)

    @cached_property
    def time_navigation(self) -> list[list[Link]]:
        """The way to the period that is shown, and what it divides into: between the first memory and the last."""
        reach = self._reach()
        if self.time_filter is None or reach is None:
            return []
        way, inside = periods.steps(self.time_filter.value, *reach)
        if len(way) + len(inside) < 2 and not way:
            # All of it in one year: begin with its months.
            inside = periods.steps(inside[0].value, *reach)[1] if inside else []
        name = self.time_filter.parameter
        everything = Link(gettext("All dates"), self.get_query_string(remove=[name]), not self.time_filter.is_active)
        steps = [self._link(name, step, step is way[-1]) for step in way]
        return [[everything, *steps], [self._link(name, step) for step in inside]]

    def _link(self, name: str, step: periods.Step, is_here: bool = False) -> Link:
        return Link(date_format(step.first, step.format), self.get_query_string({name: step.value}, [name]), is_here)

    def _reach(self) -> tuple[datetime.date, datetime.date] | None:
        """Return the days of the first and of the last memory among which to go."""
        rows = self.search.narrow_by_index(self.root_queryset)
        for spec in self.filter_specs:
            if isinstance(spec, MemoryFilter) and spec.is_active and spec.reaches_across_time:
                rows = spec.narrow(rows)
        last, first = self._day(rows, self.order), self._day(rows, keyset.reverse(self.order))
        return None if first is None or last is None else (min(first, last), max(first, last))

    @staticmethod
    def _day(rows: UserMemoryQuerySet, order: Order) -> datetime.date | None:
        memory = rows.sorted_by(order).only("memory_id", "created_at", "last_updated").first()
        return timezone.localdate(getattr(memory, order.removeprefix("-"))) if memory else None
