"""The rows of the tables, computed from the number of a user and of a memory, so that they are always the same."""

from __future__ import annotations

import datetime
import itertools
import random
from collections.abc import Iterator
from typing import Any

from agno_memory.keys import composite_key, uuid7
from agno_memory.models import UserMemory
from agno_memory.search.stored_words import stored_words
from agno_memory.times import now

Row = dict[str, Any]

PER_USER = 100
THINGS = (
    "green tea", "window seats", "dark mode", "short answers", "Italian food", "early meetings", "night trains",
    "metric units", "British spelling", "jazz", "long walks", "spreadsheets", "paper tickets", "vegan recipes",
    "quiet hotels", "Python examples", "historical novels", "cold weather", "city breaks",
)  # fmt: skip
TOPICS = (
    "food", "travel", "work", "health", "family", "music", "books", "sports", "home", "money", "language", "style",
    "privacy", "calendar", "shopping", "weather", "education",
)  # fmt: skip
SINCE = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)


def stored(user: int, number: int) -> Row:
    """Return one row of the table: memory ``number`` (from 0) of user ``user`` (from 0)."""
    # Keys grow with time, as UUIDv7 do; users take turns, so the memories of one are spread over the table.
    moment = SINCE + datetime.timedelta(hours=number, milliseconds=user)
    return _row(f"user-{user:06d}", f"{number:08d}-0000-7000-8000-{user:012d}", moment, user + number)


def stored_rows(first_user: int, end_user: int) -> Iterator[Row]:
    """Yield the rows of a range of users, in the order of their times."""
    for number in range(PER_USER):
        for user in range(first_user, end_user):
            yield stored(user, number)


def fresh(user_id: str) -> Row:
    """Return a new row with the current time."""
    # In a session of its own: a search adds the neighbours of a memory in its session, and the driver's does not.
    return {**_row(user_id, uuid7(), now(), random.randrange(10_000)), "session_id": uuid7()}


def _row(user_id: str, memory_id: str, moment: datetime.datetime, seed: int) -> Row:
    thing, other = THINGS[seed % len(THINGS)], THINGS[(seed * 7 + 1) % len(THINGS)]
    text = f"Likes {thing} better than {other}, as mentioned while planning trip {seed % 97} with a friend."
    topics = [TOPICS[seed % len(TOPICS)], TOPICS[(seed + 5) % len(TOPICS)]]
    values: Row = {
        "key": composite_key(user_id, memory_id),
        "memory_id": memory_id,
        "user_id": user_id,
        "memory": text,
        "topics": topics,
        "input": f"By the way, I like {thing} better than {other}.",
        "metadata": {"source": "chat", "turn": seed % 31},
        "agent_id": "travel-agent",
        "team_id": None,
        "session_id": f"session-{seed % 1000}",
        "feedback": None,
        "expires_at": None,
        "pinned": False,
        "version": 1,
        "last_updated": moment,
        "created_at": moment,
        "search_text": text.lower(),
        "search_terms": stored_words(text, topics),
        "text_key": None,
    }
    return in_columns(values)


def in_columns(values: Row) -> Row:
    """Return a row in the order of the columns."""
    return {field.attname: values[field.attname] for field in UserMemory._meta.concrete_fields}


def as_memory(row: Row) -> UserMemory:
    """Return the unsaved memory that a caller of ``Memory`` would pass for a row."""
    content = {name: row[name] for name in ("memory_id", *UserMemory.content_fields)}
    return UserMemory(**content)


def as_values(memory: UserMemory) -> tuple[Any, ...]:
    """Return a memory's values in the order of the columns."""
    return tuple(getattr(memory, field.attname) for field in memory._meta.concrete_fields)


class Draw:
    """Draws users and memories at random; each user is drawn once before any is drawn again."""

    def __init__(self, users: int) -> None:
        self.users = itertools.cycle(random.Random(1).sample(range(users), users))

    def row(self) -> Row:
        return stored(next(self.users), random.randrange(PER_USER))

    def rows(self, count: int) -> list[Row]:
        """Return some memories of one user."""
        user = next(self.users)
        return [stored(user, number) for number in random.sample(range(PER_USER), count)]

    def user_id(self) -> str:
        return str(self.row()["user_id"])
