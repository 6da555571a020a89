"""The validators' limits as JSON Schema. Limits of settings are read at each call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from agno_memory.conf import conf
from agno_memory.names import MAX_IDENTIFIER_LENGTH, MAX_QUERY_LENGTH, RESERVED_ENDINGS, RESERVED_IDS
from agno_memory.validators import validate_identifier, validate_input, validate_memory, validate_note, validate_query

Schema = dict[str, Any]

# No NUL; and for text that must not be blank, one character that is not white space.
STORABLE: Final = r"^[^\x00]*$"
NOT_BLANK: Final = r"^[^\x00]*[^\s\x00][^\x00]*$"
NOT_BLANK_OR_EMPTY: Final = r"^([^\x00]*[^\s\x00][^\x00]*)?$"
# Each part between slashes is neither empty nor "." or "..": the rule of validate_reachable(), without lookarounds.
_SEGMENT: Final = r"([^/.\x00][^/\x00]*|\.[^/.\x00][^/\x00]*|\.\.[^/\x00]+)"
REACHABLE: Final = rf"^{_SEGMENT}(/{_SEGMENT})*$"


def not_blank(max_length: int) -> Schema:
    """Return the constraints of a text that must not be blank."""
    return {"minLength": 1, "maxLength": max_length, "pattern": NOT_BLANK}


def identifier() -> Schema:
    """Return the schema of an id of any kind."""
    return {"type": "string", **not_blank(MAX_IDENTIFIER_LENGTH)}


def new_identifier() -> Schema:
    """Return the schema of an id that a memory can be created with."""
    return {
        **identifier(),
        "pattern": REACHABLE,
        "allOf": [{"pattern": NOT_BLANK}],
        "not": {"anyOf": [{"enum": list(RESERVED_IDS)}, {"pattern": f"/({'|'.join(RESERVED_ENDINGS)})$"}]},
    }


def topic() -> Schema:
    """Return the schema of a topic."""
    return {"type": "string", **not_blank(conf.MAX_TOPIC_LENGTH)}


_OF_VALIDATOR: Final[dict[Any, Callable[[], Schema]]] = {
    validate_memory: lambda: not_blank(conf.MAX_MEMORY_LENGTH),
    validate_input: lambda: {"maxLength": conf.MAX_INPUT_LENGTH, "pattern": STORABLE},
    validate_identifier: lambda: not_blank(MAX_IDENTIFIER_LENGTH),
    validate_note: lambda: {"maxLength": MAX_QUERY_LENGTH, "pattern": STORABLE},
    validate_query: lambda: not_blank(MAX_QUERY_LENGTH),
}


def of_validators(validators: Iterable[Any]) -> Schema:
    """Return the constraints of those validators that belong to this app."""
    constraints: Schema = {}
    for validator in validators:
        if validator in _OF_VALIDATOR:
            constraints |= _OF_VALIDATOR[validator]()
    return constraints


def or_empty(schema: Schema) -> Schema:
    """Return constraints that an empty text meets too, as a form with an empty field sends it."""
    empty = {"pattern": NOT_BLANK_OR_EMPTY} if schema.get("pattern") == NOT_BLANK else {}
    return {**{name: value for name, value in schema.items() if name != "minLength"}, **empty}
