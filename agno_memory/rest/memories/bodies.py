"""The body of a request that adds many memories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.settings import api_settings

from agno_memory.models import UserMemory
from agno_memory.rest.exceptions import detail_of
from agno_memory.rest.fields import check_bulk


def validated_memories(
    data: Any, serializer: serializers.BaseSerializer[Any], check: Callable[[UserMemory], None]
) -> list[UserMemory]:
    """Return the unsaved memories of a body with many.

    Args:
        data: the body.
        serializer: the serializer of one memory.
        check: raises Django's ValidationError for a memory that cannot be added.

    Raises:
        ValidationError: REST framework's, by position.
    """
    memories: list[UserMemory] = []
    errors: dict[str, Any] = {}
    for position, item in enumerate(_bounded_list(data)):
        try:
            memory = UserMemory(**serializer.run_validation(item))
            check(memory)
            memories.append(memory)
        except serializers.ValidationError as error:
            errors[str(position)] = error.detail
        except ValidationError as error:
            errors[str(position)] = detail_of(error)
    if errors:
        raise serializers.ValidationError(errors)
    return memories


def _bounded_list(data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise serializers.ValidationError({api_settings.NON_FIELD_ERRORS_KEY: [_("Send a list of memories.")]})
    try:
        check_bulk(len(data))
    except serializers.ValidationError as error:
        raise serializers.ValidationError({api_settings.NON_FIELD_ERRORS_KEY: error.detail}) from error
    return data
