"""MongoDB's Extended JSON, in which ``mongoexport`` writes ids, dates and numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final


def from_extended_json(value: Any) -> Any:
    """Return the value that Extended JSON stands for; other JSON is returned unchanged.

    Raises:
        ValueError: a notation with a value that does not fit.
        RecursionError: nested too deeply.
    """
    if isinstance(value, list):
        return [from_extended_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, item),) = value.items()
        if key in NOTATIONS and isinstance(item, NOTATIONS[key][0]):
            return _converted(key, item)
    return {key: from_extended_json(item) for key, item in value.items()}


def _converted(key: str, item: Any) -> Any:
    try:
        return NOTATIONS[key][1](item)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise ValueError(f"the value of {key} does not fit") from None


def _date(value: Any) -> Any:
    """Return a date in seconds since 1970, or unchanged if it is written as ISO 8601."""
    if isinstance(value, dict):
        value = int(value["$numberLong"])
    return value if isinstance(value, str) else value / 1000


# Each notation, with the types of its value and the conversion.
NOTATIONS: Final[dict[str, tuple[tuple[type, ...], Callable[[Any], Any]]]] = {
    "$oid": ((str,), str),
    "$date": ((int, str, dict), _date),
    "$numberLong": ((str,), int),
    "$numberInt": ((str,), int),
    "$numberDouble": ((str,), float),
}
