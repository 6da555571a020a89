"""The values that the client takes and returns, and their parsers from the service's JSON."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from agno_memory.keys import uuid7
from agno_memory.names import CONTENT_FIELDS, FIELDS, VERSION_FIELDS

# Types on which callers rely: a response with another type is an error.
CHECKED_TYPES: Final = {
    "memory_id": str,
    "user_id": str,
    "memory": str,
    "topics": list,
    "metadata": dict,
    "version": int,
    "pinned": bool,
}
# A service older than the client may lack these: they keep their defaults.
OPTIONAL_FIELDS: Final = frozenset(CONTENT_FIELDS) - {"memory"}


@dataclass(kw_only=True, slots=True)
class UserMemory:
    """One memory about one person: the fields of ``agno_memory.models.UserMemory``, without Django.

    Callers pass ``UserMemory(memory="...", topics=[...])``. It has its id from the beginning, so adding it twice raises
    ``MemoryExists`` instead of storing it twice. Two memories are equal when all their fields are equal.
    """

    # repr() shows ids alone: it ends up in logs and tracebacks, which outlive an erased memory.
    memory: str = field(repr=False)
    topics: list[str] = field(default_factory=list, repr=False)
    memory_id: str = field(default_factory=uuid7)
    user_id: str = ""
    input: str | None = field(default=None, repr=False)
    metadata: dict[str, Any] = field(default_factory=dict, repr=False)
    agent_id: str | None = field(default=None, repr=False)
    team_id: str | None = field(default=None, repr=False)
    session_id: str | None = field(default=None, repr=False)
    feedback: str | None = field(default=None, repr=False)
    expires_at: datetime.datetime | None = field(default=None, repr=False)
    pinned: bool = field(default=False, repr=False)
    version: int = 1
    created_at: datetime.datetime | None = field(default=None, repr=False)
    last_updated: datetime.datetime | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.memory_id

    def __hash__(self) -> int:
        return hash(self.memory_id)


@dataclass(kw_only=True, slots=True)
class MemoryVersion(UserMemory):
    """A version of a memory: its content, and how the version ended.

    Args:
        valid_from: the time from which on it held.
        valid_until: the time until which it held; None for the version that holds now.
        action: the write that ended it: ``"replaced"``, ``"deleted"``, ``"restored"``, ``"merged"`` or ``"expired"``.
            ``"reassigned"`` is an event, with the version 0: the memory was given to this owner then.
        actor: the id of the author of that write.
        through: the way of that write, such as ``"REST"``.
        reason: a text; may be empty.
        merged_into: the id of the memory that has the content now.
        restored: how a deleted memory came back.
    """

    valid_from: datetime.datetime | None = None
    valid_until: datetime.datetime | None = None
    action: str = ""
    actor: str | None = None
    through: str = ""
    reason: str = field(default="", repr=False)
    merged_into: str | None = None
    restored: dict[str, Any] | None = field(default=None, repr=False)

    def __hash__(self) -> int:
        return hash((self.memory_id, self.version))


class TopicCount(NamedTuple):
    """A topic and the number of memories that have it."""

    topic: str
    count: int  # type: ignore[assignment]  # hides tuple.count(), which has no use here


class Stats(NamedTuple):
    """A user's number of memories, the time of the first addition and of the last write; None without memories."""

    user_id: str
    total: int
    first_created_at: datetime.datetime | None
    last_updated: datetime.datetime | None


class Erasure(NamedTuple):
    """The result of ``erase_user()``: numbers of objects by kind, such as ``{"memories": 12, "sessions": 4}``.

    Args:
        erased: the objects before the erasure.
        left: the objects that a second count found after it.
    """

    erased: dict[str, int]
    left: dict[str, int]

    @property
    def is_complete(self) -> bool:
        """Return whether the second count found nothing."""
        return not any(self.left.values())


class Match(NamedTuple):
    """A memory that a search found.

    Args:
        memory: the memory.
        score: larger is better; comparable only within one search.
        explanation: the parts of the score, as the service returns them.
    """

    memory: UserMemory
    score: float
    explanation: dict[str, Any]


def parse_matches(payload: Any) -> list[Match]:
    """Return the results of a search from the service's JSON; raises as ``parse_memory()``."""
    return [Match(parse_memory(each), float(each["score"]), dict(each["explanation"])) for each in payload["results"]]


def parse_found(payload: Any) -> list[UserMemory]:
    """Return the memories of a search from the service's JSON; raises as ``parse_memory()``."""
    return [parse_memory(each) for each in payload["results"]]


def parse_memory(payload: Any) -> UserMemory:
    """Return a memory from the service's JSON.

    Unknown fields, which a site or a newer service adds, are ignored. A content field that the service does not have
    keeps its default.

    Raises:
        LookupError, TypeError, ValueError: it is not a memory.
    """
    values = {name: payload[name] for name in FIELDS if name in payload or name not in OPTIONAL_FIELDS}
    for name, kind in CHECKED_TYPES.items():
        if name in values and not isinstance(values[name], kind):
            raise TypeError(f"{name} is not of the type {kind.__name__}")
    for name in ("created_at", "last_updated"):
        values[name] = parse_moment(values[name])
    if values.get("expires_at") is not None:
        values["expires_at"] = parse_moment(values["expires_at"])
    return UserMemory(**values)


def parse_version(payload: Any) -> MemoryVersion:
    """Return a version of a memory from the service's JSON; raises as ``parse_memory()``."""
    memory = parse_memory(payload)
    values = {name: getattr(memory, name) for name in FIELDS}
    ending = {name: payload[name] for name in VERSION_FIELDS}
    for name in ("valid_from", "valid_until"):
        ending[name] = ending[name] and parse_moment(ending[name])
    return MemoryVersion(**values, **ending)


def parse_groups(payload: Any) -> list[list[UserMemory]]:
    """Return groups of memories from the service's JSON; raises as ``parse_memory()``."""
    return [[parse_memory(each) for each in group] for group in payload["results"]]


def parse_stats(payload: Any) -> Stats:
    """Return statistics from the service's JSON; raises as ``parse_memory()``."""
    first, last = (payload[name] and parse_moment(payload[name]) for name in ("first_created_at", "last_updated"))
    return Stats(str(payload["user_id"]), int(payload["total"]), first, last)


def parse_erasure(payload: Any) -> Erasure:
    """Return the counts of an erasure from the service's JSON; raises as ``parse_memory()``."""
    erased, left = ({str(kind): int(number) for kind, number in payload[name].items()} for name in Erasure._fields)
    return Erasure(erased, left)


def parse_counts(payload: Any) -> dict[str, int]:
    """Return the counts of a person's objects from the service's JSON; raises as ``parse_memory()``."""
    return {str(kind): int(number) for kind, number in payload["counts"].items()}


def parse_topic_counts(payload: Any) -> list[TopicCount]:
    """Return topics with their counts from the service's JSON; raises as ``parse_memory()``."""
    return [TopicCount(str(row["topic"]), int(row["count"])) for row in payload["results"]]


def parse_moment(text: str) -> datetime.datetime:
    """Return the moment of an ISO 8601 text, aware and in UTC.

    ``agno_memory.times`` does the same with Django; without it, a text without a time zone is an error.
    """
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without its time zone")
    return moment.astimezone(datetime.UTC)
