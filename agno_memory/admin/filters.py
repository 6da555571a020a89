"""The filters beside the list. Each says whether an index finds what it asks for."""

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
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from agno_memory.admin import autocomplete, periods
from agno_memory.db.keyset import Order
from agno_memory.operations import CreateTopicsIndex
from agno_memory.querysets import UserMemoryQuerySet

if TYPE_CHECKING:
    from agno_memory.admin.changelist import MemoryChangeList

Params = dict[str, list[str]]
Choice = dict[str, Any]

# How many topics the filter offers.
OFFERED = 15


class MemoryFilter(admin.ListFilter):
    """A filter of memories by values of the query string."""

    parameter: ClassVar[str]
    # Other parameters of the same filter; they begin with its name.
    others: ClassVar[tuple[str, ...]] = ()
    # Whether an index finds it in every order, so that the first and the last of it are found at once.
    reaches_across_time: ClassVar[bool] = False

    def __init__(self, request: HttpRequest, params: Params, model: type[Model], model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        # Values by the name of their parameter.
        self.used: Params = {}
        self.rows: UserMemoryQuerySet = model_admin.get_queryset(request)
        self.viewer = request.user
        for name in self.expected_parameters():
            values = [value for value in params.pop(str(name), []) if value.strip()]
            if values:
                self.used[str(name)] = values

    @property
    def values(self) -> list[str]:
        """What is asked for."""
        return self.used.get(self.parameter, [])

    @property
    def is_active(self) -> bool:
        return bool(self.used)

    def expected_parameters(self) -> list[str | None]:
        return [self.parameter, *self.others]

    def has_output(self) -> bool:
        return True

    def is_served(self, order: Order) -> bool:
        """Whether an index finds what this asks for, in this order."""
        return self.reaches_across_time

    def has_index(self, connection: BaseDatabaseWrapper) -> bool:
        """Whether this database has an index of another order for it."""
        return False

    def queryset(self, request: HttpRequest, queryset: UserMemoryQuerySet) -> UserMemoryQuerySet:  # type: ignore[override]
        try:
            return self.narrow(queryset) if self.is_active else queryset
        except ValidationError as error:
            raise IncorrectLookupParameters(error) from error

    def narrow(self, rows: UserMemoryQuerySet) -> UserMemoryQuerySet:
        """Narrow to what is asked for."""
        raise NotImplementedError("A filter says what it narrows to.")

    def choices(self, changelist: MemoryChangeList) -> Iterator[Choice]:  # type: ignore[override]
        """Yield what the template shows, as Django's filters do; the first one clears the filter."""
        yield {
            "selected": not self.is_active,
            "query_string": changelist.get_query_string(remove=[self.parameter]),
            "display": gettext("All"),
        }
        yield from self.offers(changelist)

    def offers(self, changelist: MemoryChangeList) -> Iterator[Choice]:
        return iter(())


class FieldFilter(MemoryFilter):
    """A filter with a field to type into, which completes from what is known."""

    template = "admin/agno_memory/filters/field.html"
    # Name of the view that completes.
    completes: ClassVar[str]
    # What stays when something is typed.
    keeps: ClassVar[bool] = False
    placeholder: Any = ""

    def choices(self, changelist: MemoryChangeList) -> Iterator[Choice]:  # type: ignore[override]
        first, *offers = super().choices(changelist)
        url = reverse(f"admin:agno_memory_usermemory_{self.completes}", current_app=changelist.admin_site_name)
        kept = {
            name: values for name, values in changelist.filter_params.items() if self.keeps or name != self.parameter
        }
        yield first | {
            "name": self.parameter,
            "url": url,
            "value": "" if self.keeps or not self.values else self.values[0],
            "kept": [(name, value) for name, values in kept.items() for value in values],
            "placeholder": self.placeholder,
            "note": self.note(),
        }
        yield from offers

    def note(self) -> str:
        """Return what is to be known about the offers."""
        return ""


class TopicFilter(FieldFilter):
    """Memories that have all of the topics."""

    title = _("topic")
    parameter = "topic"
    completes = "topics"
    keeps = True
    placeholder = _("Another topic")

    def has_index(self, connection: BaseDatabaseWrapper) -> bool:
        return CreateTopicsIndex.is_made_on(connection)

    def narrow(self, rows: UserMemoryQuerySet) -> UserMemoryQuerySet:
        return rows.about(*self.values)

    def offers(self, changelist: MemoryChangeList) -> Iterator[Choice]:
        for topic in self.values:
            rest = [value for value in self.values if value != topic]
            yield {
                "selected": True,
                "query_string": changelist.get_query_string({self.parameter: rest or None}),
                "display": topic,
            }
        shown = 0
        for topic, count in autocomplete.topics(self.rows, self.viewer).counts:
            if topic not in self.values and shown < OFFERED:
                shown += 1
                query_string = changelist.get_query_string({self.parameter: [*self.values, topic]})
                yield {"selected": False, "query_string": query_string, "display": topic, "count": count}

    def note(self) -> str:
        moment = date_format(autocomplete.topics(self.rows, self.viewer).moment.astimezone(), "TIME_FORMAT")
        return gettext("Counted at %(time)s among the newest %(sample)s memories.") % {
            "sample": f"{autocomplete.SAMPLE:,}",
            "time": moment,
        }


class OwnerFilter(FieldFilter):
    """One person's memories."""

    title = _("owner")
    parameter = "owner"
    completes = "owners"
    placeholder = _("User id")
    reaches_across_time = True

    def narrow(self, rows: UserMemoryQuerySet) -> UserMemoryQuerySet:
        return rows.filter(user_id=self.values[-1])

    def offers(self, changelist: MemoryChangeList) -> Iterator[Choice]:
        return _chosen(self, changelist)


class AgentFilter(FieldFilter):
    """What one agent remembers."""

    title = _("agent")
    parameter = "agent"
    completes = "agents"
    placeholder = _("Agent id")

    def narrow(self, rows: UserMemoryQuerySet) -> UserMemoryQuerySet:
        return rows.filter(agent_id=self.values[-1])

    def offers(self, changelist: MemoryChangeList) -> Iterator[Choice]:
        return _chosen(self, changelist)


def _chosen(chosen: MemoryFilter, changelist: MemoryChangeList) -> Iterator[Choice]:
    for value in chosen.values[-1:]:
        yield {
            "selected": True,
            "query_string": changelist.get_query_string(remove=[chosen.parameter]),
            "display": value,
        }


class TimeFilter(MemoryFilter):
    """Memories whose time lies in a period: a preset, a year, a month, a day, or from one day to another."""

    template = "admin/agno_memory/filters/time.html"
    field: ClassVar[str]

    presets: ClassVar[tuple[tuple[str, Any], ...]] = (
        ("today", _("Today")),
        ("7d", _("Past 7 days")),
        ("30d", _("Past 30 days")),
        ("365d", _("Past 365 days")),
    )

    @property
    def value(self) -> str:
        """The period, as it is written in the query string."""
        return self.values[-1] if self.values else ""

    def is_served(self, order: Order) -> bool:
        return order.removeprefix("-") == self.field

    def narrow(self, rows: UserMemoryQuerySet) -> UserMemoryQuerySet:
        try:
            period = periods.parse(self.value) if self.value else periods.Period()
            between = periods.days(self._day("from"), self._day("to"))
        except (ValueError, OverflowError) as error:
            raise IncorrectLookupParameters(error) from error
        return rows.filter(period.on(self.field), between.on(self.field))

    def _text(self, end: str) -> str:
        return self.used.get(f"{self.parameter}_{end}", [""])[-1]

    def _day(self, end: str) -> datetime.date | None:
        text = self._text(end)
        day = parse_date(text) if text else None
        if text and day is None:
            raise ValueError("no day")
        return day

    def choices(self, changelist: MemoryChangeList) -> Iterator[Choice]:  # type: ignore[override]
        first, *offers = super().choices(changelist)
        kept = {
            name: values for name, values in changelist.filter_params.items() if name not in self.expected_parameters()
        }
        yield first | {
            "name": self.parameter,
            "kept": [(name, value) for name, values in kept.items() for value in values],
            "from": self._text("from"),
            "to": self._text("to"),
        }
        yield from offers

    def offers(self, changelist: MemoryChangeList) -> Iterator[Choice]:
        for value, display in self.presets:
            link = changelist.get_query_string({self.parameter: value}, remove=[self.parameter])
            yield {"selected": value == self.value, "query_string": link, "display": display}
        if self.value and self.value not in dict(self.presets):
            link = changelist.get_query_string(remove=[self.parameter])
            yield {"selected": True, "query_string": link, "display": self.value}


class UpdatedFilter(TimeFilter):
    title = _("last update")
    parameter = "updated"
    others = ("updated_from", "updated_to")
    field = "last_updated"


class CreatedFilter(TimeFilter):
    title = _("creation")
    parameter = "created"
    others = ("created_from", "created_to")
    field = "created_at"
