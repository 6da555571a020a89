"""Filters as conditions: checked arguments of ``QuerySet.filter()``, for querysets and for compiled statements."""

from __future__ import annotations

from typing import Any

from agno_memory.identifiers import identifier
from agno_memory.names import FILTERS, Filter, Kind
from agno_memory.validators import (
    canonical_metadata_filter,
    canonical_topics,
    check,
    fold,
    items,
    validate_query,
)

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
