"""Serializer fields that the resources share, and the refusal of unknown fields."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from agno_memory.conf import conf
from agno_memory.times import in_zone, to_iso

# The maximum number of unknown fields that one response names.
MAX_UNKNOWN: Final = 20


class TextField(serializers.CharField):
    """Text, not stripped. A number is not text."""

    def __init__(self, **kwargs: Any) -> None:
        # The model's validators check length and characters. Checked here too, each error would appear twice.
        kwargs.pop("max_length", None)
        validators = kwargs.pop("validators", [])
        super().__init__(trim_whitespace=False, **kwargs)
        self.validators = list(validators)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class TopicListField(serializers.JSONField):
    """A list of topics, checked by the model's validator."""


class MetadataObjectField(serializers.JSONField):
    """A JSON object, checked by the model's validator."""


class MomentField(serializers.DateTimeField):
    """A time in the format of a memory's own times. Without an offset it is in the site's time zone."""

    def enforce_timezone(self, value: datetime.datetime) -> datetime.datetime:
        # REST framework refuses a time that the clocks of the zone skip.
        moment: datetime.datetime = super().enforce_timezone(value if value.tzinfo else in_zone(value))
        return moment

    def to_representation(self, value: datetime.datetime) -> str:
        return to_iso(value)


class FlagField(serializers.BooleanField):
    """True or false in JSON: no text and no number. A form sends text."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, bool) and not isinstance(getattr(self.root, "initial_data", None), QueryDict):
            self.fail("invalid", input=data)
        return super().to_internal_value(data)


class BoundedListField(serializers.ListField):
    """A list of at most ``REST_MAX_BULK`` items. A longer one is refused before its items are checked."""

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list):
            check_bulk(len(data))
        return super().to_internal_value(data)


class StrictSerializer(serializers.Serializer[Any]):
    """Mixin: refuses JSON with unknown fields."""

    def accepted_fields(self) -> Sequence[str]:
        """Return the names of the fields that a body may have."""
        return list(self.fields)

    def to_internal_value(self, data: Any) -> Any:
        # A form of the browsable API has fields of its own, such as the CSRF token.
        if isinstance(data, dict) and not isinstance(data, QueryDict):
            refuse_unknown_fields(data, self.accepted_fields())
        return super().to_internal_value(data)


def refuse_unknown_fields(data: dict[Any, Any], accepted: Sequence[str]) -> None:
    """Raise ValidationError if there are unknown fields.

    The error names ``MAX_UNKNOWN`` of them at most, because each comes with the list of accepted fields.
    """
    unknown = [printable(name) for name in data if name not in accepted]
    if unknown:
        message = _("Unknown field. Choose from: %(accepted)s.") % {"accepted": ", ".join(accepted)}
        raise serializers.ValidationError({name: [message] for name in unknown[:MAX_UNKNOWN]})


def printable(text: object) -> str:
    """Return text of a client in a form that UTF-8 can encode: half of a surrogate pair is escaped."""
    return str(text).encode("utf-8", "backslashreplace").decode()


def check_bulk(count: int) -> None:
    """Raise ValidationError if there are more items than ``REST_MAX_BULK``."""
    if count > conf.REST_MAX_BULK:
        message = _("At most %(limit)d at once (there are %(count)d): send several requests.")
        raise serializers.ValidationError(message % {"limit": conf.REST_MAX_BULK, "count": count}, code="too_many")
