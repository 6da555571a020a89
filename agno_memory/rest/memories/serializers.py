"""A memory as JSON, read and written. Subclass the serializer to add a field to the response."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from copy import copy, deepcopy
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.fields import Field

from agno_memory.fields import IdentifierField
from agno_memory.formats import as_dict
from agno_memory.json_fields import MetadataField, TopicsField
from agno_memory.models import UserMemory
from agno_memory.names import FIELDS, MACHINE_WRITTEN, MAX_COUNT
from agno_memory.rest.fields import (
    BoundedListField,
    FlagField,
    MetadataObjectField,
    MomentField,
    StrictSerializer,
    TextField,
    TopicListField,
)
from agno_memory.times import from_iso
from agno_memory.validators import validate_identifier, validate_memory, validate_note

Fields = dict[str, Field[Any, Any, Any, Any]]

_derived: dict[type, Fields] = {}


class UserMemorySerializer(StrictSerializer, serializers.ModelSerializer[UserMemory]):
    """A memory.

    Written by ``agno_memory.formats.as_dict``, with the fields that a subclass declares added. Read into the values
    that ``UserMemory(...)`` takes. A body may contain the owner and the machine-written fields, as a response that is
    sent back does. The owner, ``version`` and ``last_updated`` are ignored: every write changes the last two, so those
    of a response are soon out of date. ``created_at`` never changes, so a body with another one than ``instance`` has
    is refused.
    """

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        IdentifierField: TextField,
        models.TextField: TextField,
        models.DateTimeField: MomentField,
        TopicsField: TopicListField,
        MetadataField: MetadataObjectField,
    }

    class Meta:
        model = UserMemory
        fields: ClassVar[tuple[str, ...]] = FIELDS
        read_only_fields = ("user_id", *MACHINE_WRITTEN)
        # The model has no constraints over several fields. Otherwise each request would search for them.
        validators: ClassVar[tuple[Any, ...]] = ()
        extra_kwargs: ClassVar[dict[str, dict[str, Any]]] = {
            "topics": {"allow_null": True},
            "metadata": {"allow_null": True},
        }

    def get_fields(self) -> Fields:
        # Deriving the fields from the model costs more than the rest of the request together, and after that the
        # construction of each field. So they are derived once for each class, and copied.
        if type(self) not in _derived:
            _derived[type(self)] = super().get_fields()
        return {
            name: deepcopy(field) if name in self._declared_fields else _copied(field)
            for name, field in _derived[type(self)].items()
        }

    def accepted_fields(self) -> Sequence[str]:
        return [*FIELDS, *(name for name in self._declared_fields if name not in FIELDS)]

    def to_internal_value(self, data: Any) -> Any:
        if self._is_inherited("created_at") and isinstance(data, Mapping) and self._sets_creation(data):
            raise serializers.ValidationError({"created_at": [_("This field is read-only.")]})
        return super().to_internal_value(data)

    def _sets_creation(self, data: Mapping[str, Any]) -> bool:
        """Return whether a body has a time of creation that is not the stored one."""
        if "created_at" not in data:
            return False
        return self.instance is None or _moment(data["created_at"]) != self.instance.created_at

    def to_representation(self, instance: UserMemory) -> dict[str, Any]:
        content = as_dict(instance)
        if self._is_plain():
            return content
        represented = super().to_representation(instance)
        return {name: content[name] if self._is_inherited(name) else value for name, value in represented.items()}

    def depends_on_memory_alone(self) -> bool:
        """Return whether the representation changes with the memory only, as its entity tag does."""
        return self._is_plain() and type(self).to_representation is UserMemorySerializer.to_representation

    def _is_plain(self) -> bool:
        return self.Meta.fields is FIELDS and not self._declared_fields

    def _is_inherited(self, name: str) -> bool:
        return name in FIELDS and name not in self._declared_fields

    def validated_memory(self) -> UserMemory:
        """Return an unsaved memory with the validated values."""
        return UserMemory(**self.validated_data)


def _moment(value: object) -> datetime.datetime | None:
    """Return the moment of an ISO 8601 text, or None for any other value."""
    try:
        return from_iso(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None


def _copied(field: Field[Any, Any, Any, Any]) -> Field[Any, Any, Any, Any]:
    """Return a copy of a field with validators and messages of its own, which may be changed."""
    copied = copy(field)
    copied.validators = list(field.validators)
    copied.error_messages = dict(field.error_messages)
    return copied


class OwnedSerializer(StrictSerializer):
    """A body that may name the owner."""

    user_id = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, help_text=_("The owner, if not the caller.")
    )


class RestoreSerializer(OwnedSerializer):
    """The version of a memory to restore."""

    version = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=MAX_COUNT,
        help_text=_("The number of the version; by default the one before, and of a deleted memory the last one."),
    )
    reason = TextField(
        required=False,
        allow_blank=True,
        default="",
        validators=[validate_note],
        help_text=_("Kept in the history with the version that this request ends."),
    )


class MergeSerializer(OwnedSerializer):
    """The memories to merge."""

    memory_ids = BoundedListField(
        child=TextField(validators=[validate_identifier]), help_text=_("The ids of at least two memories.")
    )
    memory = TextField(
        required=False,
        allow_null=True,
        default=None,
        validators=[validate_memory],
        help_text=_("The text; by default that of the newest."),
    )


class DeleteSerializer(OwnedSerializer):
    """The ids of memories to delete."""

    memory_ids = BoundedListField(
        child=TextField(validators=[validate_identifier]), help_text=_("Ids to delete. Unknown ids are ignored.")
    )
    permanently = FlagField(
        required=False, default=False, help_text=_("Keep no version of them; with the permission, of deleted ones too.")
    )


class DeletedSerializer(serializers.Serializer[Any]):
    """The ids of deleted memories."""

    deleted = serializers.ListField(child=serializers.CharField(), help_text=_("Ids, in the order of the request."))
