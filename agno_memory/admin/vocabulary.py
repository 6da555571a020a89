"""The filters of ``names.FILTERS`` in a query string of the admin."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext

from agno_memory.names import FILTERS, Filter, Kind
from agno_memory.times import from_iso

# Values by the name of their parameter.
Params = dict[str, list[str]]

# The filters by their names.
VOCABULARY: Final = {each.name: each for each in FILTERS}


def active_filters(params: Params, names: tuple[str, ...]) -> list[Filter]:
    """Return the filters with these names that have a parameter in the query string."""
    return [VOCABULARY[name] for name in names if VOCABULARY[name].parameter in params]


def filter_values(params: Params, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the arguments of ``UserMemoryQuerySet.matching()`` for a query string.

    Raises:
        ValueError, OverflowError: a text that is not a moment in ISO 8601.
    """
    return {each.name: _value(each, params[each.parameter]) for each in active_filters(params, names)}


def filter_label(each: Filter, params: Params) -> str:
    """Return the label of an active filter with its values."""
    values = ", ".join(params[each.parameter])
    return gettext("%(label)s: %(values)s") % {"label": gettext(each.label), "values": values}


def _value(each: Filter, texts: list[str]) -> Any:
    match each.kind:
        case Kind.TOPICS:
            return texts
        case Kind.MOMENT:
            return from_iso(texts[-1])
    return texts[-1]
