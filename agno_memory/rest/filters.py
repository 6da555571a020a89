"""Which memories a list or an export has, as parameters of the URL. Subclass the set to add your own."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Sequence
from typing import Any

from django.apps import apps
from django.forms import CharField, Field, MultipleHiddenInput
from django.utils.translation import gettext_lazy as _
from django_filters import CharFilter, Filter, IsoDateTimeFilter
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend, FilterSet
from rest_framework import serializers
from rest_framework.request import Request

from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.search.methods import keyword
from agno_memory.validators import validate_identifier, validate_query, validate_topics

# The last whole millisecond.
LAST = datetime.datetime.max.replace(microsecond=999_000, tzinfo=datetime.UTC)


class TopicsFormField(Field):
    """Every value of a parameter that stands several times."""

    widget = MultipleHiddenInput

    def validate(self, value: Any) -> None:
        super().validate(value)
        validate_topics(value)


class TopicsFilter(Filter):
    """Topics, by repeating the parameter."""

    field_class = TopicsFormField

    def filter(self, rows: UserMemoryQuerySet, value: Any) -> UserMemoryQuerySet:
        return rows.filter(**{f"topics__{self.lookup_expr}": value}) if value else rows


class MomentField(IsoDateTimeField):
    """A moment in ISO 8601; without an offset it is in the time zone of the site."""

    default_error_messages = {"invalid": _("Write ISO 8601, as in 2026-11-25T09:30:00Z.")}

    def to_python(self, value: Any) -> datetime.datetime | None:
        moment: datetime.datetime | None = super().to_python(value)
        try:
            return moment and next_millisecond(moment.astimezone(datetime.UTC))
        except OverflowError:
            # The first and the last day of all time are not there in every time zone.
            raise self.invalid() from None

    def invalid(self) -> Any:
        from django.core.exceptions import ValidationError

        return ValidationError(self.error_messages["invalid"], code="invalid")


def next_millisecond(moment: datetime.datetime) -> datetime.datetime:
    """Return a moment, or the whole millisecond after it: memories lie there, and MongoDB would round down."""
    return moment if moment > LAST else moment + datetime.timedelta(microseconds=-moment.microsecond % 1000)


class MomentFilter(IsoDateTimeFilter):
    field_class = MomentField


class TextFormField(CharField):
    """Text as it comes."""

    def __init__(self, *, validators: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)
        # Of which characters it may be is said by these alone, and once.
        self.validators = list(validators)


class TextFilter(CharFilter):
    """A text, not stripped."""

    field_class = TextFormField


class IdentifierFilter(TextFilter):
    """An id, compared as it is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, validators=[validate_identifier], **kwargs)


class UserMemoryFilter(FilterSet):
    """What can be asked of a person's memories."""

    topic = TopicsFilter(lookup_expr="about", label=_("Topic; several times: all of them"))
    any_topic = TopicsFilter(lookup_expr="about_any", label=_("Topic; several times: any of them"))
    q = TextFilter(
        method="search",
        validators=[validate_query],
        label=_("Words that all occur in the text, in any order and case"),
    )
    agent_id = IdentifierFilter()
    team_id = IdentifierFilter()
    session_id = IdentifierFilter()
    updated_after = MomentFilter("last_updated", "gte", label=_("Last updated then or later"))
    updated_before = MomentFilter("last_updated", "lt", label=_("Last updated before"))
    created_after = MomentFilter("created_at", "gte", label=_("Created then or later"))
    created_before = MomentFilter("created_at", "lt", label=_("Created before"))

    class Meta:
        model = UserMemory
        fields: tuple[str, ...] = ()

    def search(self, rows: UserMemoryQuerySet, name: str, value: str) -> UserMemoryQuerySet:
        return keyword(rows, value)


def refuse_unknown_parameters(given: Collection[str], known: list[str]) -> None:
    """Raise ValidationError for parameters of the URL that there are not, with the known ones."""
    message = _("There is no such parameter. Known: %(known)s.")
    unknown = {name: [message % {"known": ", ".join(known)}] for name in sorted(given) if name not in known}
    if unknown:
        raise serializers.ValidationError(unknown)


class MemoryFilterBackend(DjangoFilterBackend):
    """Filters a list, and refuses parameters that it does not know: one that is misspelt must not widen the answer."""

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        filters = view.filterset_class.base_filters
        given = request.query_params.keys()
        refuse_unknown_parameters(given - filters.keys(), [*filters, *view.known_parameters()])
        # Most requests filter by nothing, and to build a form for that would take half of their time.
        return super().filter_queryset(request, queryset, view) if given & filters.keys() else queryset

    def to_html(self, request: Request, queryset: Any, view: Any) -> Any:
        # The form of the browsable API is a template of django-filter's, which a site need not have installed.
        return super().to_html(request, queryset, view) if apps.is_installed("django_filters") else None
