"""The parameters ``metadata.<key>=<value>`` of a list or an export."""

from __future__ import annotations

import json
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.validators import canonical_metadata

PREFIX: Final = "metadata."
MAX_KEYS: Final = 10


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
    if len(names) > MAX_KEYS:
        message = _("At most %(limit)d of these parameters.") % {"limit": MAX_KEYS}
        raise serializers.ValidationError({names[MAX_KEYS]: [message]})
    wanted = {name.removeprefix(PREFIX): _accepted(name, parameters.getlist(name)) for name in names}
    return rows.filter(metadata__has=wanted) if wanted else rows


def _accepted(name: str, texts: list[str]) -> list[Any]:
    """Return the values that a text stands for: the text itself, and the number, true, false or null that it spells."""
    if len(texts) > 1:
        raise serializers.ValidationError({name: [_("Name it once.")]})
    try:
        spelt = json.loads(texts[0])
    except (ValueError, RecursionError):
        spelt = texts[0]
    values = [texts[0], spelt] if not isinstance(spelt, str | list | dict) else [texts[0]]
    try:
        canonical = [canonical_metadata({name.removeprefix(PREFIX): each}) for each in values]
    except ValidationError as error:
        raise serializers.ValidationError({name: error.messages}) from error
    return [value for each in canonical for value in each.values()]
