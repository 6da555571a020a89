"""agno's filter expressions on traces as conditions of the ORM."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.db.models import Q

from agno_memory.agent_traces import storable
from agno_memory.exact_times import as_utc
from agno_memory.times import from_iso

TEXTS: Final = (
    "trace_id",
    "name",
    "status",
    "run_id",
    "session_id",
    "user_id",
    "agent_id",
    "team_id",
    "workflow_id",
)
TIMES: Final = ("start_time", "end_time", "created_at")
NUMBERS: Final = ("duration_ms",)
FIELDS: Final = (*TEXTS, *TIMES, *NUMBERS)
# The lookup of each operator for one value.
LOOKUPS: Final = {
    "EQ": "exact",
    "GT": "gt",
    "GTE": "gte",
    "LT": "lt",
    "LTE": "lte",
    "CONTAINS": "icontains",
    "STARTSWITH": "istartswith",
}
# Of texts alone: agno's databases compare the text of a time or a number, which has no one form.
TEXT_OPERATORS: Final = ("CONTAINS", "STARTSWITH")
MAX_DEPTH: Final = 10


def condition_of(expression: Any) -> Q:
    """Return the condition of a filter expression, as ``FilterExpr.to_dict()`` makes it.

    As in SQL, neither a comparison with a missing value nor its opposite is true.

    Raises:
        ValueError: an invalid expression.
    """
    return _condition(expression, negated=False, depth=0)


def _condition(expression: Any, *, negated: bool, depth: int) -> Q:
    if depth > MAX_DEPTH:
        raise ValueError(f"The filter has more than {MAX_DEPTH} levels.")
    if not isinstance(expression, dict) or "op" not in expression:
        raise ValueError("A filter must be an object with the key 'op'.")
    operator = expression["op"]
    if operator == "NOT":
        return _condition(_part(expression, "condition"), negated=not negated, depth=depth + 1)
    if operator in ("AND", "OR"):
        parts = _part(expression, "conditions")
        if not isinstance(parts, list | tuple):
            raise ValueError(f"{operator} needs a list of conditions.")
        conditions = [_condition(part, negated=negated, depth=depth + 1) for part in parts]
        # The opposite of an AND is the OR of the opposites.
        return Q(*conditions, _connector=Q.AND if (operator == "AND") != negated else Q.OR)
    return _comparison(operator, expression, negated=negated)


def _comparison(operator: Any, expression: dict[str, Any], *, negated: bool) -> Q:
    if operator == "NEQ":
        return _comparison("EQ", expression, negated=not negated)
    name = expression.get("key")
    if name not in FIELDS:
        raise ValueError(f"Unknown field of a filter: {name!r}. Choose one of: {', '.join(FIELDS)}.")
    if operator == "IN":
        values = _part(expression, "values", may_be_empty=True)
        if not isinstance(values, list | tuple | set):
            raise ValueError("IN needs a list of values.")
        condition = Q((f"{name}__in", [_value(name, value) for value in values]))
    elif operator in LOOKUPS:
        if operator in TEXT_OPERATORS and name not in TEXTS:
            raise ValueError(f"{operator} needs a field with a text, not {name!r}.")
        condition = Q((f"{name}__{LOOKUPS[operator]}", _value(name, _part(expression, "value", may_be_empty=True))))
    else:
        raise ValueError(f"Unknown operator of a filter: {operator!r}.")
    return ~condition & Q((f"{name}__isnull", False)) if negated else condition


def _part(expression: dict[str, Any], key: str, *, may_be_empty: bool = False) -> Any:
    value = expression.get(key)
    if value is None or not (value or may_be_empty):
        raise ValueError(f"{expression['op']} needs the key {key!r}.")
    return value


def _value(name: str, value: Any) -> Any:
    convert: Callable[[Any], Any] = _text
    if name in TIMES:
        convert = _moment
    elif name in NUMBERS:
        convert = float
    try:
        return convert(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"Not a value of {name!r}: {value!r}.") from None


def _text(value: Any) -> str:
    return storable(str(value))


def _moment(value: Any) -> Any:
    return from_iso(value) if isinstance(value, str) else as_utc(value)
