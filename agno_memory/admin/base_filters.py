"""The bases of the filters beside the lists: by links, by a text field, and by a period.

Each filter has a method that checks whether an index serves it.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from django.http import HttpRequest
from django.utils.dateparse import parse_date
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from agno_memory.admin import periods
from agno_memory.admin.urls import page_url
from agno_memory.admin.vocabulary import VOCABULARY, Params, active_filters, filter_label, filter_values
from agno_memory.db.keyset import Order
from agno_memory.querysets import UserMemoryQuerySet

if TYPE_CHECKING:
    from agno_memory.admin.changelist import MemoryChangeList

Choice = dict[str, Any]


class MemoryFilter(admin.ListFilter):
    """A filter of memories by values of the query string."""

    # Not Django's: themes replace it by selects that need their own kind of filters.
    template = "admin/agno_memory/filters/links.html"
    # Names of ``names.FILTERS`` that the filter covers.
    covers: ClassVar[tuple[str, ...]] = ()
    # Name of the filter's parameter in the query string. Names of further parameters begin with it.
    parameter: ClassVar[str]
    # Whether an index serves the filter in every order, so that the first and the last match are found at once.
    is_indexed_in_every_order: ClassVar[bool] = False

    def __init__(self, request: HttpRequest, params: Params, model: type[Model], model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        # The non-blank values of the query string.
        self.used: Params = {}
        self.rows: UserMemoryQuerySet = model_admin.get_queryset(request)
        for name in self.expected_parameters():
            values = [value for value in params.pop(str(name), []) if value.strip()]
            if values:
                self.used[str(name)] = values

    @property
    def values(self) -> list[str]:
        """The values of ``parameter``."""
        return self.used.get(self.parameter, [])

    @property
    def is_active(self) -> bool:
        return bool(self.used)

    @property
    def includes_expired(self) -> bool:
        """Whether the list also has memories that have expired."""
        return False

    @classmethod
    def parameters(cls) -> list[str]:
        """Return the names of the filter's parameters in the query string."""
        return [cls.parameter]

    def expected_parameters(self) -> list[str | None]:
        return list(self.parameters())

    def has_output(self) -> bool:
        return True

    def is_indexed(self, order: Order) -> bool:
        """Whether an index serves this filter in this order."""
        return self.is_indexed_in_every_order

    def has_own_index(self, connection: BaseDatabaseWrapper) -> bool:
        """Whether this database has an index for this filter alone, which does not keep the order."""
        return False

    def queryset(self, request: HttpRequest, queryset: UserMemoryQuerySet) -> UserMemoryQuerySet:  # type: ignore[override]
        try:
            return self.narrow(queryset) if self.is_active else queryset
        except (ValidationError, ValueError, OverflowError) as error:
            raise IncorrectLookupParameters(error) from error

    def narrow(self, rows: UserMemoryQuerySet) -> UserMemoryQuerySet:
        """Narrow to the memories that match the values.

        Raises:
            ValidationError, ValueError, OverflowError: a value that is not valid.
        """
        raise NotImplementedError("A subclass of MemoryFilter must provide a narrow() method.")

    def choices(self, changelist: MemoryChangeList) -> Iterator[Choice]:  # type: ignore[override]
        """Yield the links for the template, as Django's filters do; the first one clears the filter."""
        yield {
            "selected": not self.is_active,
            "query_string": changelist.get_query_string(remove=[self.parameter]),
            "display": gettext("All"),
        }
        yield from self.links(changelist)

    def links(self, changelist: MemoryChangeList) -> Iterator[Choice]:
        """Yield the links after the first one."""
        return iter(())

    def _selected_link(self, changelist: MemoryChangeList, parameter: str, display: str) -> Choice:
        """Return the link that removes one parameter."""
        query_string = changelist.get_query_string({parameter: None})
        return {"selected": True, "query_string": query_string, "display": display}


class FieldFilter(MemoryFilter):
    """A filter with a text field that suggests values."""

    template = "admin/agno_memory/filters/field.html"
    # Name of the view that completes the text field; "" for none.
    completion: ClassVar[str] = ""
    # Whether a new value is added to the current ones instead of replacing them.
    is_multiple: ClassVar[bool] = False
    placeholder: Any = ""

    def choices(self, changelist: MemoryChangeList) -> Iterator[Choice]:  # type: ignore[override]
        first, *links = super().choices(changelist)
        kept = {
            name: values
            for name, values in changelist.filter_params.items()
            if self.is_multiple or name != self.parameter
        }
        yield first | {
            "name": self.parameter,
            "url": self._completion_url(changelist),
            "value": "" if self.is_multiple or not self.values else self.values[0],
            "kept": [(name, value) for name, values in kept.items() for value in values],
            "placeholder": self.placeholder,
            "note": self.note(),
        }
        yield from links

    def _completion_url(self, changelist: MemoryChangeList) -> str:
        if not self.completion:
            return ""
        return page_url(changelist.model, self.completion, site=changelist.admin_site_name)

    def links(self, changelist: MemoryChangeList) -> Iterator[Choice]:
        for value in self.values[-1:]:
            yield self._selected_link(changelist, self.parameter, value)

    def _selected_links(self, changelist: MemoryChangeList) -> Iterator[Choice]:
        """Yield for each of several values the link that removes it."""
        for value in self.values:
            others = [each for each in self.values if each != value]
            query_string = changelist.get_query_string({self.parameter: others or None})
            yield {"selected": True, "query_string": query_string, "display": value}

    def note(self) -> str:
        """Return a note about the suggestions."""
        return ""


class TimeFilter(MemoryFilter):
    """Memories with a time in a period.

    The parameter itself is a preset, a year, a month or a day. With ``_from`` and ``_to`` it is a day in the time zone
    of the page, both included; with ``_after`` and ``_before``, the filters of the vocabulary, it is a moment.
    """

    template = "admin/agno_memory/filters/time.html"
    # Not "field": django-grappelli takes a filter with that attribute for one of a model's field.
    time_field: ClassVar[str]

    presets: ClassVar[tuple[tuple[str, Any], ...]] = (
        ("today", _("Today")),
        ("7d", _("Past 7 days")),
        ("30d", _("Past 30 days")),
        ("365d", _("Past 365 days")),
    )

    @property
    def value(self) -> str:
        """The period, as the query string writes it."""
        return self.values[-1] if self.values else ""

    @classmethod
    def parameters(cls) -> list[str]:
        moments = (VOCABULARY[name].parameter for name in cls.covers)
        return [cls.parameter, f"{cls.parameter}_from", f"{cls.parameter}_to", *moments]

    def is_indexed(self, order: Order) -> bool:
        return order.removeprefix("-") == self.time_field

    def narrow(self, rows: UserMemoryQuerySet) -> UserMemoryQuerySet:
        after, before = self.covers
        for start, end in self.periods():
            rows = rows.matching(**{after: start, before: end})
        return rows.matching(**filter_values(self.used, self.covers))

    def periods(self) -> tuple[periods.Period, periods.Period]:
        """Return the period of the parameter itself, and that of ``_from`` and ``_to``."""
        period = periods.parse(self.value) if self.value else periods.Period()
        return period, periods.days(self._day("from"), self._day("to"))

    def _text(self, end: str) -> str:
        return self.used.get(f"{self.parameter}_{end}", [""])[-1]

    def _day(self, end: str) -> datetime.date | None:
        text = self._text(end)
        day = parse_date(text) if text else None
        if text and day is None:
            raise ValueError("This is not a date.")
        return day

    def choices(self, changelist: MemoryChangeList) -> Iterator[Choice]:  # type: ignore[override]
        first, *links = super().choices(changelist)
        kept = {
            name: values for name, values in changelist.filter_params.items() if name not in self.expected_parameters()
        }
        yield first | {
            "name": self.parameter,
            "kept": [(name, value) for name, values in kept.items() for value in values],
            "from": self._text("from"),
            "to": self._text("to"),
        }
        yield from links

    def links(self, changelist: MemoryChangeList) -> Iterator[Choice]:
        for value, display in self.presets:
            query_string = changelist.get_query_string({self.parameter: value}, remove=[self.parameter])
            yield {"selected": value == self.value, "query_string": query_string, "display": display}
        if self.value and self.value not in dict(self.presets):
            query_string = changelist.get_query_string(remove=[self.parameter])
            yield {"selected": True, "query_string": query_string, "display": self.value}
        for each in active_filters(self.used, self.covers):
            yield self._selected_link(changelist, each.parameter, filter_label(each, self.used))
