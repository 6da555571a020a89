"""What is known to complete from: topics, owners and agents, without reading the whole table."""

from __future__ import annotations

import datetime
from typing import Final, NamedTuple

from django.core.cache import cache
from django.utils import timezone

from agno_memory.db.aggregates import TopicCount
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.stats.cache import cache_key
from agno_memory.validators import fold

# Of how many memories, the newest, topics are counted; how many topics are kept, and for how many seconds.
SAMPLE: Final = 10_000
MOST_TOPICS: Final = 500
SECONDS: Final = 300

COMPLETIONS: Final = 10


class Topics(NamedTuple):
    """The most frequent topics of the newest memories, and when they were counted."""

    counts: list[TopicCount]
    moment: datetime.datetime


def topics(rows: UserMemoryQuerySet, viewer: object) -> Topics:
    """Return the most frequent topics, counted not more often than every five minutes.

    Args:
        rows: what the viewer may see.
        viewer: whose cache it is, where that is not everything.
    """
    key = cache_key("topics", rows, viewer)
    found: Topics | None = cache.get(key)
    if found is None:
        found = Topics(topics_of(rows), timezone.now())
        cache.set(key, found, SECONDS)
    return found


def topics_of(rows: UserMemoryQuerySet) -> list[TopicCount]:
    """Return the most frequent topics of some memories, the newest of them."""
    return rows.newest()[:SAMPLE].topic_counts(MOST_TOPICS)


def matching_topics(rows: UserMemoryQuerySet, text: str, viewer: object) -> list[str]:
    """Return known topics that contain a text, those that begin with it first."""
    wanted = fold(text)
    found = [count.topic for count in topics(rows, viewer).counts if wanted in fold(count.topic)]
    found.sort(key=lambda topic: not fold(topic).startswith(wanted))
    return found[:COMPLETIONS]


def matching_owners(rows: UserMemoryQuerySet, text: str, viewer: object) -> list[str]:
    """Return owners whose ids begin with a text, in the order of their ids: each is one step along an index."""
    found: list[str] = []
    behind = rows.filter(user_id__gte=text)
    while len(found) < COMPLETIONS:
        owner = behind.order_by("user_id").values_list("user_id", flat=True).first()
        if owner is None or not owner.startswith(text):
            break
        found.append(owner)
        behind = rows.filter(user_id__gt=owner)
    return found


def matching_agents(rows: UserMemoryQuerySet, text: str, viewer: object) -> list[str]:
    """Return agents of the newest memories whose ids contain a text."""
    agents = rows.newest().only("memory_id", "last_updated", "agent_id")[:1000]
    known = dict.fromkeys(memory.agent_id for memory in agents if memory.agent_id and text in memory.agent_id)
    return list(known)[:COMPLETIONS]
