"""Callers' arguments as payloads and parameters. The service validates content; this checks only the request itself."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, Final, TypeAlias
from uuid import UUID

from agno_memory.client.models import UserMemory
from agno_memory.client.protocol import QueryParameters, invalid
from agno_memory.exceptions import ValidationError
from agno_memory.keys import uuid7
from agno_memory.names import CONTENT_FIELDS, FILTERS, MACHINE_WRITTEN, MAX_COUNT, MAX_IDENTIFIER_LENGTH, Kind

# An id as callers pass it.
Identifier: TypeAlias = str | int | UUID | UserMemory
# A condition of a write: the number of a version, or the memory as it was read; None is any version.
Version: TypeAlias = int | UserMemory | None

# Deeper than the service permits for any field.
MAX_DEPTH: Final = 200
# Fields of a response beside the content: ignored, so that a response can be sent back.
NOT_CONTENT: Final = frozenset({"memory_id", "user_id", *MACHINE_WRITTEN})
# Content fields that are ids.
ORIGINS: Final = frozenset(each.name for each in FILTERS if each.kind is Kind.IDENTIFIER)


def new_memory(memory: object) -> tuple[str, dict[str, Any]]:
    """Return the id and the content of a memory to add; one without an id gets a new one."""
    if isinstance(memory, Mapping):
        memory_id = memory["memory_id"] if "memory_id" in memory else uuid7()
    else:
        memory_id = getattr(memory, "memory_id", None) if hasattr(memory, "memory_id") else uuid7()
    return id_text("memory_id", memory_id), content(memory)


def new_memories(memories: object) -> list[tuple[str, dict[str, Any]]]:
    """Return the ids and the contents of memories to add.

    Duplicate ids are found here, because they may be in two requests, where the service cannot compare them.

    Raises:
        ValidationError: by position, ``{"3.topics": ["..."]}``.
    """
    payloads: list[tuple[str, dict[str, Any]]] = []
    errors: dict[str, list[str]] = {}
    seen_ids: set[str] = set()
    for position, memory in enumerate(as_list("memories", memories)):
        try:
            memory_id, fields = new_memory(memory)
        except ValidationError as error:
            errors |= {f"{position}.{name}": messages for name, messages in error.message_dict.items()}
            continue
        if repr(memory_id) in seen_ids:
            errors[f"{position}.memory_id"] = ["This id appears more than once."]
        seen_ids.add(repr(memory_id))
        payloads.append((memory_id, fields))
    if errors:
        raise ValidationError(errors)
    return payloads


def content(memory: object) -> dict[str, Any]:
    """Return the content fields of a memory, ready for JSON."""
    if isinstance(memory, Mapping):
        # Unknown names are sent too, so that the service refuses them.
        fields = {str(name): value for name, value in memory.items() if name not in NOT_CONTENT}
    elif hasattr(memory, "memory"):
        fields = {name: getattr(memory, name) for name in CONTENT_FIELDS if hasattr(memory, name)}
    else:
        raise invalid("memory", f'Expected UserMemory(memory="..."), not {type(memory).__name__}.')
    topics = fields.get("topics")
    if isinstance(topics, Iterable) and not isinstance(topics, str | bytes | Mapping):
        fields["topics"] = list(topics)
    fields |= {name: id_text(name, fields[name]) for name in ORIGINS & fields.keys()}
    if isinstance(expires_at := fields.get("expires_at"), datetime.datetime):
        fields["expires_at"] = as_moment("expires_at", expires_at)
    for name, value in fields.items():
        _check_json(name, value)
    return fields


def _check_json(name: str, value: object, depth: int = MAX_DEPTH) -> None:
    """Refuse values that JSON cannot represent, or would change."""
    if not depth:
        raise invalid(name, "This is nested too deep.")
    match value:
        case None | bool() | int() | str():
            return
        case float() if isfinite(value):
            return
        case list() | tuple():
            children: Iterable[object] = value
        case dict() if all(isinstance(key, str) for key in value):
            children = value.values()
        case _:
            raise invalid(name, f"JSON cannot represent this {type(value).__name__}.")
    for child in children:
        _check_json(name, child, depth - 1)


def filter_parameters(values: Mapping[str, object]) -> QueryParameters | None:
    """Return filters as parameters of a URL, or None if no memory can match.

    Args:
        values: values by the filters' names in ``names.FILTERS``; None is a filter that is not set.

    Raises:
        ValidationError: a value with a wrong type, or blank.
    """
    parameters: list[tuple[str, str]] = []
    for each in FILTERS:
        value = values.get(each.name)
        if value is not None:
            parameters += [(each.parameter, text) for text in _filter_texts(each.name, each.kind, value)]
    parameters += _metadata_parameters(values.get("metadata"))
    any_topics = values.get("any_topics")
    if any_topics is not None and not any(name == "any_topic" for name, _ in parameters):
        return None
    return parameters


def _metadata_parameters(metadata: object) -> list[tuple[str, str]]:
    """Return the parameters for metadata to find; a number also finds the text that spells it."""
    if metadata is None:
        return []
    if not isinstance(metadata, Mapping) or not all(isinstance(key, str) for key in metadata):
        raise invalid("metadata", "Expected a dictionary of values by key.")
    if not all(value is None or isinstance(value, str | int | float) for value in metadata.values()):
        raise invalid("metadata", "Metadata is found by text, numbers, true, false and null.")
    return [
        (f"metadata.{key}", value if isinstance(value, str) else json.dumps(value)) for key, value in metadata.items()
    ]


def _filter_texts(name: str, kind: Kind, value: object) -> list[str]:
    if kind is Kind.TOPICS:
        return as_texts(name, value)
    if kind is Kind.IDENTIFIER:
        return [as_id(name, value)]
    if kind is not Kind.MOMENT:
        return [as_text(name, value)]
    return [as_moment(name, value)]


def moment_parameters(as_of: object) -> list[tuple[str, str]]:
    """Return the parameter of an earlier moment; none for now."""
    return [] if as_of is None else [("as_of", as_moment("as_of", as_of))]


def as_moment(name: str, value: object) -> str:
    """Return an aware datetime as ISO 8601."""
    if not isinstance(value, datetime.datetime) or value.tzinfo is None:
        raise invalid(name, "Expected a datetime with a time zone.")
    return value.isoformat()


def search_options(limit: int | None, *, explain: bool, min_relative: object, precise: bool) -> list[tuple[str, str]]:
    """Return the options of a ranked search as parameters of a URL.

    Raises:
        ValidationError: a share that is not from 0 to 1.
    """
    if isinstance(min_relative, bool) or not isinstance(min_relative, int | float | None):
        raise invalid("min_relative", "A share is a number from 0 to 1, or None for no bound.")
    if min_relative is not None and not 0 <= min_relative <= 1:
        raise invalid("min_relative", "A share is a number from 0 to 1, or None for no bound.")
    options = {"limit": limit, "min_relative": min_relative, "explain": explain or None, "precise": precise or None}
    return [(name, json.dumps(value)) for name, value in options.items() if value is not None]


def if_match_header(version: object, name: str = "version") -> dict[str, str]:
    """Return the header that limits a request to one version of a memory; none without a version.

    Args:
        version: its number, or the memory as it was read: its tag names the time of its addition too, which a memory
            that was added again under the same id has not.
        name: of the argument, for errors.
    """
    if version is None:
        return {}
    number = version_number(version)
    if not _is_count(number, 1):
        raise invalid(name, "A version is a whole number from 1, or None for any.")
    if number is version:
        return {"If-Match": f'"{number}"'}
    added = datetime.datetime.fromisoformat(as_moment(name, getattr(version, "created_at", None)))
    # As the service writes it.
    moment = added.astimezone(datetime.UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
    return {"If-Match": f'"{number}@{moment}Z"'}


def version_number(version: Any) -> Any:
    """Return the number of a version, which a memory stands for."""
    return getattr(version, "version", version)


def check_limit(limit: object) -> None:
    """Raise ValidationError unless the limit is a whole number from 0, or None."""
    if limit is not None and not _is_count(limit, 0):
        raise invalid("limit", "A limit is a whole number from 0, or None for all.")


def _is_count(value: object, minimum: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= MAX_COUNT


def as_list(name: str, value: object) -> list[Any]:
    """Return an iterable argument as a list; a text or a mapping is refused."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise invalid(name, f"Expected a list, not {type(value).__name__}.")
    return list(value)


def as_texts(name: str, value: object) -> list[str]:
    """Return an iterable of texts as a list; none may be blank."""
    return [as_text(name, item) for item in as_list(name, value)]


def as_id(name: str, value: object, field: str | None = None) -> str:
    """Return an id as text, as the service stores it.

    Args:
        name: of the argument, for errors.
        value: a text, an int, a UUID, or a memory, which stands for its id.
        field: of a memory; the name of the argument by default.

    Raises:
        ValidationError: another type, or blank.
    """
    return as_text(name, id_text(name, getattr(value, field or name, value)))


def id_text(name: str, value: object) -> Any:
    """Return a text, an int or a UUID as a plain text, and any other value unchanged.

    ``agno_memory.identifiers`` does the same with Django.

    Raises:
        ValidationError: an int with more digits than an id may have.
    """
    if isinstance(value, str):
        # A member of an enum of texts is its text; str() would return its name.
        return str.__str__(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        # Checked before str(), which refuses numbers of thousands of digits.
        if abs(value) >= 10**MAX_IDENTIFIER_LENGTH:
            raise invalid(name, "This number is too long for an id.")
        return str(int(value))
    return value


def as_text(name: str, value: object) -> str:
    """Return a text that is not blank: the service ignores a parameter without a value, and would return everything."""
    if not isinstance(value, str):
        raise invalid(name, f"Expected text, not {type(value).__name__}.")
    if not value or value.isspace():
        raise invalid(name, "This cannot be blank.")
    return value
