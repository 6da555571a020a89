"""What the validators refuse, as JSON Schema; the limits are those of the settings at the time of asking."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from agno_memory.conf import conf
from agno_memory.rest.converters import RESERVED
from agno_memory.validators import (
    MAX_IDENTIFIER_LENGTH,
    MAX_QUERY_LENGTH,
    validate_identifier,
    validate_input,
    validate_memory,
    validate_query,
)

Schema = dict[str, Any]

# No NUL; and for what cannot be blank, something that is no white space.
STORABLE: Final = r"^[^\x00]*$"
NOT_BLANK: Final = r"^[^\x00]*[^\s\x00][^\x00]*$"
NOT_BLANK_OR_EMPTY: Final = r"^([^\x00]*[^\s\x00][^\x00]*)?$"
# Between slashes something, and not "." or "..": what validate_reachable() asks for, without looking around.
_SEGMENT: Final = r"([^/.\x00][^/\x00]*|\.[^/.\x00][^/\x00]*|\.\.[^/\x00]+)"
REACHABLE: Final = rf"^{_SEGMENT}(/{_SEGMENT})*$"


def not_blank(longest: int) -> Schema:
    return {"minLength": 1, "maxLength": longest, "pattern": NOT_BLANK}


def identifier() -> Schema:
    """Return the schema of an id, of whatever it is."""
    return {"type": "string", **not_blank(MAX_IDENTIFIER_LENGTH)}


def new_identifier() -> Schema:
    """Return the schema of an id that a memory can be created with."""
    return {**identifier(), "pattern": REACHABLE, "allOf": [{"pattern": NOT_BLANK}], "not": {"enum": list(RESERVED)}}


def topic() -> Schema:
    return {"type": "string", **not_blank(conf.MAX_TOPIC_LENGTH)}


_OF_VALIDATOR: Final[dict[Any, Callable[[], Schema]]] = {
    validate_memory: lambda: not_blank(conf.MAX_MEMORY_LENGTH),
    validate_input: lambda: {"maxLength": conf.MAX_INPUT_LENGTH, "pattern": STORABLE},
    validate_identifier: lambda: not_blank(MAX_IDENTIFIER_LENGTH),
    validate_query: lambda: not_blank(MAX_QUERY_LENGTH),
}


def of_validators(validators: Iterable[Any]) -> Schema:
    """Return the constraints of the validators that are this app's."""
    known: Schema = {}
    for validator in validators:
        if validator in _OF_VALIDATOR:
            known |= _OF_VALIDATOR[validator]()
    return known


def or_empty(schema: Schema) -> Schema:
    """Return constraints that an empty text passes too, as in a form that is not filled in."""
    empty = {"pattern": NOT_BLANK_OR_EMPTY} if schema.get("pattern") == NOT_BLANK else {}
    return {**{name: value for name, value in schema.items() if name != "minLength"}, **empty}
