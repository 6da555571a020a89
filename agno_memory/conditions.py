"""Filters as conditions: checked arguments of ``QuerySet.filter()``, for querysets and for compiled statements."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from agno_memory.identifiers import identifier
from agno_memory.names import FILTERS, Filter, Kind
from agno_memory.validators import (
    canonical_metadata,
    canonical_metadata_filter,
    canonical_topics,
    check,
    fold,
    items,
    refusal,
    validate_query,
)

# The maximum number of keys of a filter by metadata that is written as text.
MAX_METADATA_KEYS: Final = 10

_FILTERS = {each.name: each for each in FILTERS}


def conditions(**filters: Any) -> dict[str, Any]:
    """Return filters of ``names.FILTERS`` as arguments of ``QuerySet.filter()``.

    Args:
        filters: values by the name of a filter; None does not narrow. ``metadata`` is a dictionary of values to find.

    Raises:
        TypeError: a name that is not a filter.
        ValidationError: a value of the wrong kind, by the name of the filter.
    """
    lookups: dict[str, Any] = {}
    for name, value in filters.items():
        if name == "metadata":
            lookups |= _metadata_lookup(value)
            continue
        if name not in _FILTERS:
            raise TypeError(f"{name!r} is not a filter. Choose from: {', '.join(_FILTERS)}.")
        if value is not None:
            lookups[_FILTERS[name].lookup] = _filter_value(_FILTERS[name], value)
    return lookups


def _metadata_lookup(value: object) -> dict[str, Any]:
    """Return the condition for memories with these values in their metadata."""
    wanted = check("metadata", value, canonical_metadata_filter)
    return {"metadata__has": wanted} if wanted else {}


def metadata_conditions(pairs: Iterable[str]) -> dict[str, Any]:
    """Return the condition for memories with all of these values in their metadata, as arguments of ``filter()``.

    For forms and command lines, where values are text; ``conditions()`` takes values with their types.

    Args:
        pairs: keys with values, such as ``"plan=pro"``. A key ends at the first ``=``.

    Raises:
        ValidationError: not a pair, a key twice, too many keys, or a value that cannot be compared.
    """
    texts: dict[str, str] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not key or not equals:
            raise refusal("metadata", _("Write a key and a value, as in plan=pro."), "invalid")
        if key in texts:
            raise refusal("metadata", _("Name each key once."), "invalid")
        texts[key] = text
    if len(texts) > MAX_METADATA_KEYS:
        raise refusal("metadata", _("At most %(limit)d of these parameters."), "invalid", limit=MAX_METADATA_KEYS)
    return spelt_conditions({key: check("metadata", text, partial(spelt_values, key)) for key, text in texts.items()})


def spelt_conditions(accepted: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Return the condition for memories that have one of these values under each key, as arguments of ``filter()``."""
    return {"metadata__has": dict(accepted)} if accepted else {}


def spelt_values(key: str, text: object) -> list[Any]:
    """Return the values of a key that a text stands for: the text, and the number, true, false or null that it spells.

    Raises:
        ValidationError: a key or a value that metadata cannot have.
    """
    text = str(text)
    try:
        spelt = json.loads(text)
    except (ValueError, RecursionError):
        spelt = text
    values = [text] if isinstance(spelt, str | list | dict) else [text, spelt]
    return [each for value in values for each in canonical_metadata({key: value}).values()]


def _filter_value(each: Filter, value: Any) -> Any:
    """Return the value of a filter, checked by its kind."""
    match each.kind:
        case Kind.TOPICS:
            return check(each.name, items(each.name, value), canonical_topics)
        case Kind.IDENTIFIER:
            return identifier(each.name, value)
    return value


def mentions(*texts: str) -> dict[str, Any]:
    """Return the condition of ``UserMemoryQuerySet.mentioning()`` as arguments of ``QuerySet.filter()``."""
    for text in texts:
        validate_query(text)
    return {"search_text__contains_all": list(dict.fromkeys(map(fold, texts)))}
