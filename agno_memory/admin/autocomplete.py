"""Suggestions for topics, people and agents, found without reading the whole table."""

from __future__ import annotations

import datetime
from typing import Any, Final, NamedTuple

from django.utils import timezone

from agno_memory.admin.accounts import Accounts
from agno_memory.db.aggregates import TopicCount
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.stats.cache import CachedFact
from agno_memory.validators import fold

# Topics are counted among this many memories, the newest; this many topics are cached, for this many seconds.
SAMPLE: Final = 10_000
MAX_TOPICS: Final = 500
CACHE_SECONDS: Final = 300

MAX_SUGGESTIONS: Final = 10
# Agents are collected from this many memories, the newest.
AGENT_SAMPLE: Final = 1_000


class Topics(NamedTuple):
    """The most frequent topics of the newest memories, and when they were counted."""

    counts: list[TopicCount]
    moment: datetime.datetime


class Suggestion(NamedTuple):
    """A value for a text field, and a label that explains it."""

    value: str
    label: str = ""


def topics(rows: UserMemoryQuerySet) -> Topics:
    """Return the most frequent topics of these memories, counted at most once every five minutes."""
    fact = CachedFact("topics", rows)
    counted: Topics | None = fact.get()
    if counted is None:
        counted = Topics(count_topics(rows), timezone.now())
        fact.set(counted, CACHE_SECONDS)
    return counted


def count_topics(rows: UserMemoryQuerySet) -> list[TopicCount]:
    """Return the most frequent topics among the newest of these memories."""
    return rows.newest()[:SAMPLE].topic_counts(MAX_TOPICS)


def matching_topics(rows: UserMemoryQuerySet, text: str, accounts: Accounts) -> list[Suggestion]:
    """Return topics that contain a text; topics that begin with it come first."""
    text = fold(text)
    matching = [count.topic for count in topics(rows).counts if text in fold(count.topic)]
    matching.sort(key=lambda topic: not fold(topic).startswith(text))
    return [Suggestion(topic) for topic in matching[:MAX_SUGGESTIONS]]


def matching_people(rows: Any, text: str, accounts: Accounts) -> list[Suggestion]:
    """Return people by the beginning of their user ids, in the order of the ids, then those with accounts of this name.

    Args:
        rows: memories or sessions. Each user id takes one query, which an index serves.
        text: the beginning of a user id, or a part of a name.
        accounts: those that the staff user may view.
    """
    user_ids: list[str] = []
    remaining = rows.filter(user_id__gte=text)
    while len(user_ids) < MAX_SUGGESTIONS:
        user_id = remaining.order_by("user_id").values_list("user_id", flat=True).first()
        if user_id is None or not user_id.startswith(text):
            break
        user_ids.append(user_id)
        remaining = rows.filter(user_id__gt=user_id)
    named = accounts.with_ids(user_ids) | {account.user_id: account for account in accounts.search(text)}
    labels = dict.fromkeys(user_ids, "") | {user_id: account.other_name for user_id, account in named.items()}
    return [Suggestion(*each) for each in labels.items()][: 2 * MAX_SUGGESTIONS]


def matching_agents(rows: UserMemoryQuerySet, text: str, accounts: Accounts) -> list[Suggestion]:
    """Return agents of the newest memories that contain a text in their ids."""
    newest = rows.newest().only("memory_id", "last_updated", "agent_id")[:AGENT_SAMPLE]
    agents = dict.fromkeys(memory.agent_id for memory in newest if memory.agent_id and text in memory.agent_id)
    return [Suggestion(agent) for agent in list(agents)[:MAX_SUGGESTIONS]]
