"""What the client takes and returns. Plain values, made from what the service's JSON says."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from agno_memory.keys import uuid7

# What a caller may say of a memory, apart from its id and its owner: ``content_fields`` of the model.
CONTENT_FIELDS: Final = ("memory", "topics", "input", "metadata", "agent_id", "team_id", "session_id", "feedback")
# What an answer must have, for whoever takes it to rely on.
KINDS: Final = {"memory_id": str, "user_id": str, "memory": str, "topics": list, "metadata": dict, "version": int}
# What an answer has beside; sent back, it is ignored.
MACHINE_WRITTEN: Final = ("version", "created_at", "last_updated")


@dataclass(kw_only=True, slots=True)
class UserMemory:
    """One thing that is known about one person: the fields of ``agno_memory.models.UserMemory``, without Django.

    ``UserMemory(memory="...", topics=[...])`` is what callers hand in. It has its id from the beginning, so that adding
    it twice raises ``MemoryExists`` and never makes two of it. Two are equal when all their fields are.
    """

    # Only ids are shown: repr() ends up in logs and tracebacks, which outlive an erased memory.
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
    version: int = 1
    created_at: datetime.datetime | None = field(default=None, repr=False)
    last_updated: datetime.datetime | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.memory_id

    def __hash__(self) -> int:
        return hash(self.memory_id)


class TopicCount(NamedTuple):
    """A topic and how many memories have it."""

    topic: str
    count: int  # type: ignore[assignment]  # hides tuple.count(), which nobody needs here


class Stats(NamedTuple):
    """How many memories a user has, and when the first was added and the last written; None where there are none."""

    user_id: str
    total: int
    first_created_at: datetime.datetime | None
    last_updated: datetime.datetime | None


def memory_from(told: Any) -> UserMemory:
    """Return a memory as the service tells it; fields that a site has added are left out.

    Raises:
        LookupError, TypeError, ValueError: it is not one.
    """
    values = {name: told[name] for name in ("memory_id", "user_id", *CONTENT_FIELDS, "version")}
    for name, kind in KINDS.items():
        if not isinstance(values[name], kind):
            raise TypeError(f"{name} is no {kind.__name__}")
    return UserMemory(**values, created_at=moment(told["created_at"]), last_updated=moment(told["last_updated"]))


def stats_from(told: Any) -> Stats:
    """Return statistics as the service tells them; raises as ``memory_from()``."""
    first, last = (told[name] and moment(told[name]) for name in ("first_created_at", "last_updated"))
    return Stats(str(told["user_id"]), int(told["total"]), first, last)


def topic_counts_from(told: Any) -> list[TopicCount]:
    """Return topics with their counts as the service tells them; raises as ``memory_from()``."""
    return [TopicCount(str(each["topic"]), int(each["count"])) for each in told["results"]]


def moment(text: str) -> datetime.datetime:
    """Return a moment from ISO 8601, aware and in UTC."""
    read = datetime.datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError("a moment without its time zone")
    return read.astimezone(datetime.UTC)
