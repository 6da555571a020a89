"""The filters of a list or an export of memories, from ``names.FILTERS``. Subclass the set to add your own."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any, Final

from django.apps import apps
from django.core.exceptions import ValidationError
from django.forms import CharField, Field, MultipleHiddenInput
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _
from django_filters import CharFilter, Filter, IsoDateTimeFilter
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend, FilterSet
from rest_framework.request import Request

from agno_memory import names
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.rest.base import refuse_unknown_parameters
from agno_memory.rest.memories.metadata import is_metadata, with_metadata
from agno_memory.times import in_zone, whole_milliseconds
from agno_memory.validators import validate_identifier, validate_query, validate_topics

# The last whole millisecond.
LAST: Final = datetime.datetime.max.replace(microsecond=999_000, tzinfo=datetime.UTC)


class TopicsFormField(Field):
    """All values of a repeated parameter."""

    widget = MultipleHiddenInput

    def validate(self, value: Any) -> None:
        super().validate(value)
        validate_topics(value)


class MomentField(IsoDateTimeField):
    """A time in ISO 8601. Without an offset it is in the site's time zone."""

    default_error_messages = {"invalid": _("Use ISO 8601, as in 2026-11-25T09:30:00Z.")}

    def to_python(self, value: Any) -> datetime.datetime | None:
        # Django refuses a time that the clocks of the zone skip or repeat.
        local = parsed_local(value)
        moment: datetime.datetime | None = in_zone(local) if local else super().to_python(value)
        try:
            return moment and self.in_milliseconds(moment.astimezone(datetime.UTC))
        except OverflowError:
            # The first and the last day of the calendar do not exist in every time zone.
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None

    def in_milliseconds(self, moment: datetime.datetime) -> datetime.datetime:
        """Return a moment rounded up to whole milliseconds."""
        return next_millisecond(moment)


class EarlierMomentField(MomentField):
    """The time of ``?as_of=``, rounded down: what was written in the rest of its millisecond was not known yet."""

    def in_milliseconds(self, moment: datetime.datetime) -> datetime.datetime:
        return whole_milliseconds(moment)


def parsed_local(value: Any) -> datetime.datetime | None:
    """Return the time of a text without an offset, or None. A date alone is its midnight."""
    if not isinstance(value, str):
        return None
    try:
        if day := parse_date(value.strip()):
            return datetime.datetime.combine(day, datetime.time())
        moment = parse_datetime(value.strip())
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is None else None


def next_millisecond(moment: datetime.datetime) -> datetime.datetime:
    """Return a moment rounded up to whole milliseconds: memories have those, and MongoDB would round down."""
    return moment if moment > LAST else moment + datetime.timedelta(microseconds=-moment.microsecond % 1000)


class TextFormField(CharField):
    """Text, not stripped."""

    def __init__(self, *, validators: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)
        # Without those of CharField, which would report a NUL character a second time.
        self.validators = list(validators)


class TopicsFilter(Filter):
    """Topics, by a repeated parameter. The lookup is ``about`` or ``about_any``."""

    field_class = TopicsFormField

    def filter(self, rows: UserMemoryQuerySet, value: Any) -> UserMemoryQuerySet:
        return rows.filter(**{f"topics__{self.lookup_expr}": value}) if value else rows


class MomentFilter(IsoDateTimeFilter):
    """A time, rounded up to whole milliseconds."""

    field_class = MomentField


class TextFilter(CharFilter):
    """A text, not stripped."""

    field_class = TextFormField


class IdentifierFilter(TextFilter):
    """An id, compared exactly."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, validators=[validate_identifier], **kwargs)


# The filter class of each kind, with its arguments.
_BY_KIND: Final[dict[names.Kind, tuple[Callable[..., Filter], dict[str, Any]]]] = {
    names.Kind.TOPICS: (TopicsFilter, {}),
    names.Kind.MOMENT: (MomentFilter, {}),
    names.Kind.TEXT: (TextFilter, {"validators": [validate_query]}),
    names.Kind.IDENTIFIER: (IdentifierFilter, {}),
}


def _filter(described: names.Filter) -> Filter:
    """Return a filter of ``names.FILTERS``."""
    make, arguments = _BY_KIND[described.kind]
    field_name, _separator, lookup = described.lookup.partition("__")
    if described.kind is not names.Kind.IDENTIFIER:
        # Without a label, OpenAPI adds that ids are compared exactly.
        arguments = {**arguments, "label": _(described.label)}
    return make(field_name, lookup or "exact", **arguments)


_GeneratedFilterSet: Any = type(FilterSet)(
    "_GeneratedFilterSet", (FilterSet,), {each.parameter: _filter(each) for each in names.FILTERS}
)


class UserMemoryFilter(_GeneratedFilterSet):
    """The filters of one person's memories."""

    q = TextFilter(
        method="search",
        validators=[validate_query],
        label=_("Words that all occur in the text, in any order and case"),
    )

    class Meta:
        model = UserMemory
        fields: tuple[str, ...] = ()

    def search(self, rows: UserMemoryQuerySet, name: str, value: str) -> UserMemoryQuerySet:
        return rows.mentioning(*value.split())


class MemoryFilterBackend(DjangoFilterBackend):
    """Filters a list, and refuses unknown parameters: a misspelt one must not widen the result."""

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        filters = view.filterset_class.base_filters
        parameters = {name for name in request.query_params if not is_metadata(name)}
        queryset = with_metadata(queryset, request.query_params)
        refuse_unknown_parameters(parameters - filters.keys(), [*filters, *view.known_parameters()])
        # Most requests have no filter, and the form of the set would take half of their time.
        return super().filter_queryset(request, queryset, view) if parameters & filters.keys() else queryset

    def to_html(self, request: Request, queryset: Any, view: Any) -> Any:
        # The filter form of the browsable API is a template of django_filters, which a site need not have installed.
        return super().to_html(request, queryset, view) if apps.is_installed("django_filters") else None
