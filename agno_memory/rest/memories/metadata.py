"""The parameters ``metadata.<key>=<value>`` of a list or an export."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from agno_memory.conditions import MAX_METADATA_KEYS, spelt_conditions, spelt_values
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.rest.openapi.constraints import Schema

PREFIX: Final = "metadata."

# Each key is a parameter of its own name, as "form" with "explode" writes the properties of an object.
PARAMETER: Final[Schema] = {
    "in": "query",
    "name": "metadata",
    "description": (
        "Values under keys of the metadata. Each key is a parameter of its own, with `metadata.` before the key: "
        "`metadata.plan=pro`. A number, `true`, `false` or `null` finds that value and the text that spells it."
    ),
    "style": "form",
    "explode": True,
    "schema": {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": MAX_METADATA_KEYS},
    "example": {f"{PREFIX}plan": "pro"},
}


def is_metadata(parameter: str) -> bool:
    """Return whether a parameter is about metadata."""
    return parameter.startswith(PREFIX) and parameter != PREFIX


def with_metadata(rows: UserMemoryQuerySet, parameters: QueryDict) -> UserMemoryQuerySet:
    """Narrow to memories with all of the values in their metadata.

    Args:
        rows: of one owner, because all of them are read.
        parameters: of the query string.

    Raises:
        ValidationError: REST framework's, by parameter.
    """
    names = [name for name in parameters if is_metadata(name)]
    if len(names) > MAX_METADATA_KEYS:
        message = _("At most %(limit)d of these parameters.") % {"limit": MAX_METADATA_KEYS}
        raise serializers.ValidationError({names[MAX_METADATA_KEYS]: [message]})
    accepted = {name.removeprefix(PREFIX): _accepted(name, parameters.getlist(name)) for name in names}
    return rows.filter(**spelt_conditions(accepted)) if accepted else rows


def _accepted(name: str, texts: list[str]) -> list[Any]:
    """Return the values that the text of a parameter stands for."""
    if len(texts) > 1:
        raise serializers.ValidationError({name: [_("Name it once.")]})
    try:
        return spelt_values(name.removeprefix(PREFIX), texts[0])
    except ValidationError as error:
        raise serializers.ValidationError({name: error.messages}) from error
