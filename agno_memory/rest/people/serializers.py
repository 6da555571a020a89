"""People as JSON: their topics, totals and ids."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from agno_memory.names import MAX_IDENTIFIER_LENGTH
from agno_memory.rest.fields import MomentField


class TopicCountSerializer(serializers.Serializer[Any]):
    """A topic with its number of memories."""

    topic = serializers.CharField()
    count = serializers.IntegerField(min_value=1)


class TopicsSerializer(serializers.Serializer[Any]):
    """Topics, the most frequent first."""

    results = TopicCountSerializer(many=True)


class StatsSerializer(serializers.Serializer[Any]):
    """The number of memories of a person, when the first was added and when the last was written."""

    user_id = serializers.CharField(max_length=MAX_IDENTIFIER_LENGTH)
    total = serializers.IntegerField(min_value=0)
    first_created_at = MomentField(allow_null=True)
    last_updated = MomentField(allow_null=True)


class OwnerSerializer(serializers.Serializer[Any]):
    """A person with the number of their memories and the time of the last write."""

    user_id = serializers.CharField(max_length=MAX_IDENTIFIER_LENGTH)
    count = serializers.IntegerField(min_value=1)
    last_updated = MomentField()


class ErasedSerializer(serializers.Serializer[Any]):
    """The number of memories that were erased."""

    deleted = serializers.IntegerField(min_value=0)


class CountsField(serializers.DictField):
    """Numbers of objects by their kind."""

    child = serializers.IntegerField(min_value=0)

    def to_representation(self, value: dict[str, int]) -> dict[str, int]:
        counts: dict[str, int] = super().to_representation(value)
        return {name.replace(" ", "_"): count for name, count in counts.items()}


class PersonSerializer(serializers.Serializer[Any]):
    """The objects about a person, by their kind."""

    user_id = serializers.CharField(max_length=MAX_IDENTIFIER_LENGTH)
    counts = CountsField()


class PersonErasedSerializer(serializers.Serializer[Any]):
    """The objects about a person that were erased, and those that a second count found, by their kind."""

    erased = CountsField()
    left = CountsField()
