"""What callers hand in, made ready to send. The service checks it; here is what a call itself depends on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, Final

from agno_memory.client.models import CONTENT_FIELDS, MACHINE_WRITTEN
from agno_memory.client.protocol import Pairs, refused
from agno_memory.exceptions import ValidationError
from agno_memory.keys import uuid7

# The largest version and the largest limit, as the service has them.
MAX_COUNT: Final = 2**31 - 1
# Further than the service lets anything be nested.
MAX_DEPTH: Final = 200
# What an answer has beside the content: not looked at, so that one can be sent back.
NOT_CONTENT: Final = frozenset({"memory_id", "user_id", *MACHINE_WRITTEN})


def new(memory: object) -> tuple[str, dict[str, Any]]:
    """Return the id and the content of a memory to add; one that has no id gets one."""
    if isinstance(memory, Mapping):
        memory_id = memory["memory_id"] if "memory_id" in memory else uuid7()
    else:
        memory_id = getattr(memory, "memory_id", None) if hasattr(memory, "memory_id") else uuid7()
    return memory_id, content_of(memory)


def new_ones(memories: object) -> list[tuple[str, dict[str, Any]]]:
    """Return the ids and the contents of many memories; what is wrong is told by position, and so is an id given twice.

    Ids that are given twice may end up in two requests, where the service cannot see that.
    """
    found: list[tuple[str, dict[str, Any]]] = []
    wrong: dict[str, list[str]] = {}
    seen: set[str] = set()
    for position, memory in enumerate(items("memories", memories)):
        try:
            memory_id, content = new(memory)
        except ValidationError as error:
            wrong |= {f"{position}.{name}": sentences for name, sentences in error.message_dict.items()}
            continue
        if repr(memory_id) in seen:
            wrong[f"{position}.memory_id"] = ["Given twice."]
        seen.add(repr(memory_id))
        found.append((memory_id, content))
    if wrong:
        raise ValidationError(wrong)
    return found


def content_of(memory: object) -> dict[str, Any]:
    """Return what a caller says of a memory, apart from its id and its owner."""
    if isinstance(memory, Mapping):
        # With names that the service does not know, so that it says so.
        content = {str(name): value for name, value in memory.items() if name not in NOT_CONTENT}
    elif hasattr(memory, "memory"):
        content = {name: getattr(memory, name) for name in CONTENT_FIELDS if hasattr(memory, name)}
    else:
        raise refused("memory", f'Expected UserMemory(memory="..."), not {type(memory).__name__}.')
    topics = content.get("topics")
    if isinstance(topics, Iterable) and not isinstance(topics, str | bytes | Mapping):
        content["topics"] = list(topics)
    for name, value in content.items():
        _check_json(name, value)
    return content


def _check_json(name: str, value: object, depth: int = MAX_DEPTH) -> None:
    """Refuse what JSON has no word for, or would turn into something else."""
    if not depth:
        raise refused(name, "This is nested too deep.")
    match value:
        case None | bool() | int() | str():
            return
        case float() if isfinite(value):
            return
        case list() | tuple():
            inner: Iterable[object] = value
        case dict() if all(isinstance(key, str) for key in value):
            inner = value.values()
        case _:
            raise refused(name, f"JSON has no {type(value).__name__} like this one.")
    for each in inner:
        _check_json(name, each, depth - 1)


def filters(topics: Sequence[str] | None, any_topics: Sequence[str] | None, **keys: str | None) -> Pairs | None:
    """Return the filters of a list, or None when they can find nothing."""
    pairs = [(name, text(name, key)) for name, key in keys.items() if key is not None]
    if topics is not None:
        pairs += [("topic", topic) for topic in texts("topics", topics)]
    if any_topics is not None:
        several = [("any_topic", topic) for topic in texts("any_topics", any_topics)]
        return [*pairs, *several] if several else None
    return pairs


def if_match(version: object) -> dict[str, str]:
    """Return the header that makes a call about one version of a memory."""
    if version is None:
        return {}
    if not _is_whole(version, 1):
        raise refused("version", "A version is a whole number from 1, or None for any.")
    return {"If-Match": f'"{version}"'}


def check_limit(limit: object) -> None:
    """Refuse a limit that is none."""
    if limit is not None and not _is_whole(limit, 0):
        raise refused("limit", "A limit is a whole number from 0, or None for all.")


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= MAX_COUNT


def items(name: str, value: object) -> list[Any]:
    """Return what a caller gave as several, as a list."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise refused(name, f"Give a list, not {type(value).__name__}.")
    return list(value)


def texts(name: str, value: object) -> list[str]:
    """Return several texts, none of them blank."""
    return [text(name, item) for item in items(name, value)]


def text(name: str, value: object) -> str:
    """Return a text that is not blank: a parameter without a value would ask for everything."""
    if not isinstance(value, str):
        raise refused(name, f"Expected text, not {type(value).__name__}.")
    if not value or value.isspace():
        raise refused(name, "This cannot be blank.")
    return value
