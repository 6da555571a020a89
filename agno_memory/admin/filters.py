"""The filters beside the list of memories.

URL parameters and conditions come from ``names.FILTERS``, apart from the user id and the periods. ``OtherFilters``
accepts every filter of ``names.FILTERS`` without a class of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from agno_memory.admin import autocomplete
from agno_memory.admin.base_filters import Choice, FieldFilter, MemoryFilter, TimeFilter
from agno_memory.admin.charts import number
from agno_memory.admin.related import session_link
from agno_memory.admin.titles import short_title
from agno_memory.admin.vocabulary import VOCABULARY, Params, active_filters, filter_label, filter_values
from agno_memory.conditions import metadata_conditions
from agno_memory.db.keyset import Order
from agno_memory.operations import CreateTopicsIndex
from agno_memory.querysets import UserMemoryQuerySet

if TYPE_CHECKING:
    from agno_memory.admin.changelist import MemoryChangeList

# How many topics the filter suggests.
MAX_SUGGESTIONS: Final = 15


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


class SessionFilter(MemoryFilter):
    """Memories of one session. The page of a session leads to it; it is visible while it is active, with its name."""

    title = _("session")
    covers: ClassVar[tuple[str, ...]] = ("session_id",)
    parameter = VOCABULARY["session_id"].parameter

    def __init__(self, request: HttpRequest, params: Params, model: type[Model], model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.request, self.site = request, model_admin.admin_site

    def has_output(self) -> bool:
        return self.is_active

    def narrow(self, rows: UserMemoryQuerySet) -> UserMemoryQuerySet:
        return rows.matching(session_id=self.values[-1])

    def links(self, changelist: MemoryChangeList) -> Iterator[Choice]:
        for value in self.values[-1:]:
            yield self._selected_link(changelist, self.parameter, self.name_of(value))

    def name_of(self, value: str) -> str:
        """Return the name of the object with an id; the id, if this staff user may not view it."""
        session = session_link(self.request, self.site, value)
        return short_title(session.name) if session else value


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


FILTER_CLASSES: Final = (
    TopicFilter,
    PersonFilter,
    AgentFilter,
    UpdatedFilter,
    CreatedFilter,
    MetadataFilter,
    SessionFilter,
)
_covered = {name for filter_class in FILTER_CLASSES for name in filter_class.covers}
OtherFilters.covers = tuple(name for name in VOCABULARY if name not in _covered)
LIST_FILTERS: Final = (*FILTER_CLASSES, OtherFilters)
