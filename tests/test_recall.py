"""Every database ranks the same rows in the same order, with the same scores."""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator
from typing import Any, Final

import pytest

from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.test import at
from tests.databases import RUNNING

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

START: Final = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
# The first ones are drawn most.
WORDS: Final = (
    *(
        "tea",
        "likes",
        "running",
        "green",
        "coffee",
        "morning",
        "allergic",
        "peanuts",
        "Zürich",
        "café",
        "marathon",
        "book",
    ),
    *(
        "swimming",
        "child",
        "children",
        "went",
        "gone",
        "Straße",
        "ﬁne",
        "İstanbul",
        "蕎麦アレルギー",
        "成都",
        "กาแฟ",
        "காலை",
    ),
    *(f"word{number}" for number in range(150)),
    *("dentist", "dental", "piano", "guitar", "guitars", "yesterday", "Sunday", "x", "42", "2026", "don't", "Maya's"),
)
TOPICS: Final = ("food", "drinks", "green tea", "sports", "dental care", "書", "work")
SPEAKERS: Final = ("Maya", "Tom", None, None)
# Persons, with fewer and with more memories than those of which words are counted.
PERSONS: Final = {"few": 3, "some": 300, "many": 2_300}


def sentence(chance: random.Random) -> str:
    number = chance.randint(1, 12)
    words = [WORDS[min(int(chance.expovariate(0.03)), len(WORDS) - 1)] for _ in range(number)]
    return " ".join(words) + chance.choice([".", "?", "!", "", "\uff1f"])


def memories(person: str, number: int) -> Iterator[UserMemory]:
    chance = random.Random(person)
    for position in range(number):
        speaker = chance.choice(SPEAKERS)
        yield UserMemory(
            memory_id=f"{chance.randint(0, 10**9)}-{position}",
            memory=" ".join(sentence(chance) for _ in range(chance.randint(1, 3))),
            topics=chance.sample(TOPICS, chance.choice([0, 0, 1, 2])),
            session_id=f"s{chance.randint(0, number // 12)}" if chance.random() < 0.6 else None,
            agent_id=chance.choice(["a", "b", None]),
            metadata={"speaker": speaker} if speaker else {},
        )


def queries(number: int) -> Iterator[tuple[str, dict[str, Any]]]:
    chance = random.Random(7)
    options: list[dict[str, Any]] = [{}, {}, {}, {"precise": True}, {"min_relative": 0.5}, {"agent_id": "a"}]
    for _ in range(number):
        query = chance.choice(["", "", "When did ", "What about Maya: "]) + sentence(chance)
        if chance.random() < 0.3:
            # A letter less.
            cut = chance.randrange(len(query))
            query = query[:cut] + query[cut + 1 :]
        yield query or "tea", {**chance.choice(options), "limit": chance.choice([1, 10, None])}


def fill(alias: str) -> Memory:
    memory = Memory(alias)
    for person, number in PERSONS.items():
        batch: list[UserMemory] = list(memories(person, number))
        # Many memories of one moment, so that ties are broken by their ids.
        for first in range(0, number, 100):
            with at(START + datetime.timedelta(minutes=first)):
                memory.add_user_memories(batch[first : first + 100], person)
    return memory


def test_every_database_ranks_alike(request: pytest.FixtureRequest) -> None:
    by_alias = {alias: fill(alias) for alias in RUNNING}
    (first, reference), *others = by_alias.items()
    found = 0
    for number, (query, options) in enumerate(queries(120)):
        person = list(PERSONS)[number % 3]
        expected = ranking(reference, person, query, options)
        found += len(expected)
        for alias, memory in others:
            assert ranking(memory, person, query, options) == expected, (first, alias, person, query, options)
    assert found > 1_000


def ranking(memory: Memory, person: str, query: str, options: dict[str, Any]) -> list[Any]:
    matches = memory.search_user_memories(query, user_id=person, retrieval_method="ranked", explain=True, **options)
    return [(match.memory.memory_id, match.score, match.explanation) for match in matches]
