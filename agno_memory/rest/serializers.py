"""A memory as JSON, in and out. Subclass it to add a field to the answer."""

from __future__ import annotations

import datetime
from copy import copy, deepcopy
from typing import Any, ClassVar

from django.db import models
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.fields import Field

from agno_memory.conf import conf
from agno_memory.fields import IdentifierField, MetadataField, TopicsField
from agno_memory.formats import as_dict
from agno_memory.models import UserMemory
from agno_memory.names import FIELDS
from agno_memory.times import to_iso
from agno_memory.validators import MAX_IDENTIFIER_LENGTH, validate_identifier

# So many unknown fields are named in one answer.
MOST_UNKNOWN = 20


class TextField(serializers.CharField):
    """Text as it comes: nothing is stripped, and a number is no text."""

    def __init__(self, **kwargs: Any) -> None:
        # How long it may be and of which characters is said by the model's validators, and once is enough.
        kwargs.pop("max_length", None)
        given = kwargs.pop("validators", [])
        super().__init__(trim_whitespace=False, **kwargs)
        self.validators = list(given)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class TopicListField(serializers.JSONField):
    """A list of topics; what topics are is said by the model's validator."""


class MetadataObjectField(serializers.JSONField):
    """A JSON object; what it may hold is said by the model's validator."""


_derived: dict[type, dict[str, Field[Any, Any, Any, Any]]] = {}


def _copied(field: Field[Any, Any, Any, Any]) -> Field[Any, Any, Any, Any]:
    """Return a field like this one, whose validators and messages can be changed for themselves."""
    copied = copy(field)
    copied.validators = list(field.validators)
    copied.error_messages = dict(field.error_messages)
    return copied


class UserMemorySerializer(serializers.ModelSerializer[UserMemory]):
    """A memory.

    Written by ``agno_memory.formats.as_dict``; fields that a subclass declares are added to that. Read into the values
    that ``UserMemory(...)`` takes. Whose memory it is and what the machine writes is not the body's to say, so those
    fields may stand there, as in an answer that is sent back, and are not looked at.
    """

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        IdentifierField: TextField,
        models.TextField: TextField,
        TopicsField: TopicListField,
        MetadataField: MetadataObjectField,
    }

    class Meta:
        model = UserMemory
        fields: tuple[str, ...] = FIELDS
        read_only_fields = ("user_id", "version", "created_at", "last_updated")
        extra_kwargs: ClassVar[dict[str, dict[str, Any]]] = {
            # Whether an id is taken is the statement's to say: a query before it would not know.
            "memory_id": {"required": False, "allow_blank": False, "validators": [validate_identifier]},
            "topics": {"allow_null": True},
            "metadata": {"allow_null": True},
        }

    def get_fields(self) -> dict[str, Field[Any, Any, Any, Any]]:
        # Deriving fields from the model costs more than everything else that a request does here, and after that the
        # making of each field anew.
        if type(self) not in _derived:
            _derived[type(self)] = super().get_fields()
        return {
            name: deepcopy(field) if name in self._declared_fields else _copied(field)
            for name, field in _derived[type(self)].items()
        }

    def to_representation(self, instance: UserMemory) -> dict[str, Any]:
        known = as_dict(instance)
        if self.Meta.fields is FIELDS and not self._declared_fields:
            return known
        own = super().to_representation(instance)
        return {name: known[name] if self._is_known(name) else value for name, value in own.items()}

    def _is_known(self, name: str) -> bool:
        return name in FIELDS and name not in self._declared_fields

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and not isinstance(data, QueryDict):
            refuse_unknown(data, [*FIELDS, *(name for name in self._declared_fields if name not in FIELDS)])
        return super().to_internal_value(data)

    def validated_memory(self) -> UserMemory:
        """Return an unsaved memory of what the body says."""
        return UserMemory(**self.validated_data)


def refuse_unknown(data: dict[Any, Any], known: list[str]) -> None:
    """Raise ValidationError for fields that there are not; the first of them, for an answer must not outgrow a body."""
    message = _("There is no such field. Known: %(known)s.") % {"known": ", ".join(known)}
    unknown = [printable(name) for name in data if name not in known]
    if unknown:
        raise serializers.ValidationError({name: [message] for name in unknown[:MOST_UNKNOWN]})


def printable(text: object) -> str:
    """Return what a client sent in a form that can be sent back: half of a surrogate pair is no UTF-8."""
    return str(text).encode("utf-8", "backslashreplace").decode()


class BoundedListField(serializers.ListField):
    """A list of which no item is looked at where they are too many: each could be an error of its own."""

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list):
            check_bulk(len(data))
        return super().to_internal_value(data)


class DeleteSerializer(serializers.Serializer[Any]):
    """Which memories to delete."""

    memory_ids = BoundedListField(
        child=TextField(validators=[validate_identifier]), help_text=_("Ids; those that are not there are passed over.")
    )
    user_id = serializers.CharField(required=False, allow_null=True, allow_blank=True, help_text=_("Whose they are."))

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and not isinstance(data, QueryDict):
            refuse_unknown(data, list(self.fields))
        return super().to_internal_value(data)


class DeletedSerializer(serializers.Serializer[Any]):
    """Which memories a request deleted."""

    deleted = serializers.ListField(child=serializers.CharField(), help_text=_("Ids, in the order given."))


class ErasedSerializer(serializers.Serializer[Any]):
    """How many memories of a person were erased."""

    deleted = serializers.IntegerField(min_value=0)


class TopicCountSerializer(serializers.Serializer[Any]):
    """A topic and how many memories have it."""

    topic = serializers.CharField()
    count = serializers.IntegerField(min_value=1)


class TopicsSerializer(serializers.Serializer[Any]):
    """Topics, the most frequent first."""

    results = TopicCountSerializer(many=True)


class MomentField(serializers.DateTimeField):
    """A moment as a memory shows it."""

    def to_representation(self, value: datetime.datetime) -> str:
        return to_iso(value)


class StatsSerializer(serializers.Serializer[Any]):
    """How many memories a person has, when the first was added and when the last was written."""

    user_id = serializers.CharField(max_length=MAX_IDENTIFIER_LENGTH)
    total = serializers.IntegerField(min_value=0)
    first_created_at = MomentField(allow_null=True)
    last_updated = MomentField(allow_null=True)


class OwnerSerializer(serializers.Serializer[Any]):
    """A person, how many memories are about them, and when the last was written."""

    user_id = serializers.CharField(max_length=MAX_IDENTIFIER_LENGTH)
    count = serializers.IntegerField(min_value=1)
    last_updated = MomentField()


def check_bulk(count: int) -> None:
    """Refuse more at once than ``REST_MAX_BULK``."""
    if count > conf.REST_MAX_BULK:
        message = _("At most %(limit)d at once (there are %(count)d): send several requests.")
        raise serializers.ValidationError(message % {"limit": conf.REST_MAX_BULK, "count": count}, code="too_many")
