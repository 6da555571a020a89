"""The filters beside the list. Each has a method that checks whether an index serves it.

URL parameters and conditions come from ``names.FILTERS``, apart from the user id and the periods. ``OtherFilters``
accepts every filter of ``names.FILTERS`` without a class of its own.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from django.http import HttpRequest
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from agno_memory.admin import autocomplete, periods
from agno_memory.admin.charts import number
from agno_memory.admin.urls import page_url
from agno_memory.admin.vocabulary import VOCABULARY, Params, active_filters, filter_label, filter_values
from agno_memory.conditions import metadata_conditions
from agno_memory.db.keyset import Order
from agno_memory.operations import CreateTopicsIndex
from agno_memory.querysets import UserMemoryQuerySet

if TYPE_CHECKING:
    from agno_memory.admin.changelist import MemoryChangeList

Choice = dict[str, Any]

# How many topics the filter suggests.
MAX_SUGGESTIONS: Final = 15


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


class TopicFilter(FieldFilter):
    """Memories that have all of the topics."""

    title = _("topic")
    covers = ("topics",)
    parameter = VOCABULARY["topics"].parameter
    completion = "topics"
    is_multiple = True
    placeholder = _("Another topic")

    @cached_property
    def topics(self) -> autocomplete.Topics:
        """The most frequent topics."""
        return autocomplete.topics(self.rows)

    def has_own_index(self, connection: BaseDatabaseWrapper) -> bool:
        return CreateTopicsIndex.is_made_on(connection)

    def narrow(self, rows: UserMemoryQuerySet) -> UserMemoryQuerySet:
        return rows.matching(topics=self.values)

    def links(self, changelist: MemoryChangeList) -> Iterator[Choice]:
        yield from self._selected_links(changelist)
        counts = self.topics.counts
        suggestions = [each for each in counts if each.topic not in self.values][:MAX_SUGGESTIONS]
        for topic, count in suggestions:
            query_string = changelist.get_query_string({self.parameter: [*self.values, topic]})
            yield {"selected": False, "query_string": query_string, "display": topic, "count": count}

    def note(self) -> str:
        moment = date_format(self.topics.moment.astimezone(), "TIME_FORMAT")
        return gettext("Counted at %(time)s among the newest %(sample)s memories.") % {
            "sample": number(autocomplete.SAMPLE),
            "time": moment,
        }


class PersonFilter(FieldFilter):
    """Memories of one person."""

    title = _("person")
    parameter = "user_id"
    completion = "people"
    placeholder = _("User id")
    is_indexed_in_every_order = True

    def narrow(self, rows: UserMemoryQuerySet) -> UserMemoryQuerySet:
        return rows.filter(user_id=self.values[-1])


class AgentFilter(FieldFilter):
    """Memories of one agent."""

    title = _("agent")
    covers = ("agent_id",)
    parameter = VOCABULARY["agent_id"].parameter
    completion = "agents"
    placeholder = _("Agent id")

    def narrow(self, rows: UserMemoryQuerySet) -> UserMemoryQuerySet:
        return rows.matching(agent_id=self.values[-1])


class MetadataFilter(FieldFilter):
    """Memories that have all of the values in their metadata, such as ``plan=pro``."""

    title = _("metadata")
    parameter = "metadata"
    is_multiple = True
    placeholder = _("Key=value, such as plan=pro")

    def narrow(self, rows: UserMemoryQuerySet) -> UserMemoryQuerySet:
        return rows.filter(**metadata_conditions(self.values))

    def links(self, changelist: MemoryChangeList) -> Iterator[Choice]:
        yield from self._selected_links(changelist)


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


class UpdatedFilter(TimeFilter):
    title = _("last update")
    covers = ("updated_after", "updated_before")
    parameter = "updated"
    time_field = "last_updated"


class CreatedFilter(TimeFilter):
    title = _("creation")
    covers = ("created_after", "created_before")
    parameter = "created"
    time_field = "created_at"


class OtherFilters(MemoryFilter):
    """The filters of the vocabulary without a class of their own. They are visible while they are active."""

    title = _("other filters")

    @classmethod
    def parameters(cls) -> list[str]:
        return [VOCABULARY[name].parameter for name in cls.covers]

    def has_output(self) -> bool:
        return self.is_active

    def is_indexed(self, order: Order) -> bool:
        """Whether all active filters are about the time that the order is by."""
        return all(
            each.lookup.partition("__")[0] == order.removeprefix("-") for each in active_filters(self.used, self.covers)
        )

    def narrow(self, rows: UserMemoryQuerySet) -> UserMemoryQuerySet:
        return rows.matching(**filter_values(self.used, self.covers))

    def choices(self, changelist: MemoryChangeList) -> Iterator[Choice]:  # type: ignore[override]
        query_string = changelist.get_query_string(dict.fromkeys(self.used))
        yield {"selected": False, "query_string": query_string, "display": gettext("All")}
        for each in active_filters(self.used, self.covers):
            yield self._selected_link(changelist, each.parameter, filter_label(each, self.used))


FILTER_CLASSES: Final = (TopicFilter, PersonFilter, AgentFilter, UpdatedFilter, CreatedFilter, MetadataFilter)
_covered = {name for filter_class in FILTER_CLASSES for name in filter_class.covers}
OtherFilters.covers = tuple(name for name in VOCABULARY if name not in _covered)
LIST_FILTERS: Final = (*FILTER_CLASSES, OtherFilters)
