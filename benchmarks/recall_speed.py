"""The speed of recall: of searches among few and many memories, of an erasure, and what words add to writes."""

from __future__ import annotations

import datetime
import statistics
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from unittest.mock import patch

from django.db import connections

from agno_memory.batches import batched
from agno_memory.derived_fields import SearchTermsField
from agno_memory.keys import composite_key
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.operations import CreateWordsIndex
from agno_memory.search.sample_texts import sample_question, sample_text
from agno_memory.search.stored_words import stored_words
from benchmarks.places import Place
from benchmarks.rows import SINCE, TOPICS, Row, stored

PER_PERSON = 1_000
SEARCHES = 200
ROUNDS = 4
SINGLE, BULK = 40, 1_000
# Of small models.
DIMENSIONS = 384


def times(seconds: list[float]) -> str:
    """Return the median and the 95th of 100, in milliseconds."""
    ordered = sorted(seconds)
    return "".join(f"{ordered[int(len(ordered) * part)] * 1_000:8.2f} ms" for part in (0.5, 0.95))


def measure_speed(place: Place, rows: int, large: int) -> None:
    """Print the times of searches among a few people, then among all, and of one person with many memories."""
    people = max(rows - large, 0) // PER_PERSON
    few = min(10, people)
    if not people:
        return
    load(place, rows_of_each(range(few)))
    print_times(place.memory, f"1,000 of {few * PER_PERSON:,}", range(few), PER_PERSON)
    load(place, chain(rows_of_each(range(few, people)), rows_of(people, large)))
    print_times(place.memory, f"1,000 of {people * PER_PERSON + large:,}", range(people), PER_PERSON)
    print_times(place.memory, f"{large:,} of one person", range(people, people + 1), large)
    measure_erasure(place, people, large)


def load(place: Place, rows: Iterable[Row]) -> None:
    """Add rows, and index their words afterwards: that takes a part of the time."""
    start = time.perf_counter()
    with without_index(place):
        place.driver.load(rows)
    place.driver.settle()
    print(f"loaded in {time.perf_counter() - start:,.0f} s", flush=True)


def measure_writes(place: Place) -> None:
    """Print what words for searches add to writes: with words and their index, and without, in turns."""
    taken: dict[tuple[bool, int], list[float]] = {}
    for number in range(ROUNDS * 2):
        with_words = number % 2 == 0
        with written_with(place, with_words=with_words):
            memories = [
                UserMemory(**{name: row[name] for name in UserMemory.content_fields})
                for row in rows_of(number, SINGLE + BULK * 2)
            ]
            for count, batches in ((1, batched(memories[:SINGLE], 1)), (BULK, batched(memories[SINGLE:], BULK))):
                for batch in batches:
                    start = time.perf_counter()
                    if count == 1:
                        place.memory.add_user_memory(batch[0], "writer")
                    else:
                        place.memory.add_user_memories(batch, "writer")
                    taken.setdefault((with_words, count), []).append(time.perf_counter() - start)
        place.memory.clear()
    for count, title in ((1, "adding one memory"), (BULK, f"adding {BULK:,} memories")):
        longer, shorter = (1_000 * statistics.median(taken[each, count]) for each in (True, False))
        figures = f"{longer:.2f} ms with words, {shorter:.2f} ms without, {longer / shorter:.2f} times"
        print(f"{title:34}{figures}", flush=True)


@contextmanager
def written_with(place: Place, *, with_words: bool) -> Iterator[None]:
    """Let memories be written with their words and an index of them, or without both."""
    if with_words:
        yield
        return
    with without_index(place):
        with patch.object(SearchTermsField, "of", lambda field, instance: field.NOT_COMPUTED):
            yield
        place.memory.clear()


@contextmanager
def without_index(place: Place) -> Iterator[None]:
    """Write without the index of words, which is created afterwards."""
    model, connection = place.handle.model, connections[place.handle.alias]
    with connection.schema_editor() as editor:
        CreateWordsIndex.drop(editor, model)
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            CreateWordsIndex.create(editor, model)
        connection.disable_constraint_checking()


def measure_erasure(place: Place, person: int, count: int) -> None:
    """Print the time to erase a person with the words and the vectors of their memories."""
    add_vectors(place, person, count)
    start = time.perf_counter()
    count = place.memory.clear_user_memories(reader(person))
    print(f"{'erasing this person':34}{count:10,}{'':32}{time.perf_counter() - start:8.2f} s", flush=True)


def add_vectors(place: Place, person: int, count: int) -> None:
    """Add a vector of each memory of a person, as ``embed_memories`` does."""
    vectors = place.handle.model.vectors(place.handle.alias)
    data = bytes(DIMENSIONS)
    made = (
        vectors.model(
            memory_key=composite_key(reader(person), memory_id(person, number)),
            user_id=reader(person),
            model="made up",
            text_hash="",
            dims=DIMENSIONS,
            scale=1.0,
            data=data,
        )
        for number in range(count)
    )
    for batch in batched(made, BULK):
        vectors.bulk_create(batch)


def reader(person: int) -> str:
    return f"reader-{person:06d}"


def memory_id(person: int, number: int) -> str:
    return f"{number:08d}-0000-7000-8000-{person:012d}"


def rows_of_each(people: range) -> Iterator[Row]:
    return chain.from_iterable(rows_of(person, PER_PERSON) for person in people)


def rows_of(person: int, count: int) -> Iterator[Row]:
    """Yield the rows of a person with texts of few frequent and many rare words."""
    user_id, like = reader(person), stored(person, 0)
    for number in range(count):
        moment = SINCE + datetime.timedelta(hours=number)
        text = sample_text(person * 1_000_003 + number)
        topics = [TOPICS[number % len(TOPICS)], TOPICS[(number + 5) % len(TOPICS)]]
        yield like | {
            "key": composite_key(user_id, memory_id(person, number)),
            "memory_id": memory_id(person, number),
            "user_id": user_id,
            "memory": text,
            "topics": topics,
            "session_id": None,
            "last_updated": moment,
            "created_at": moment,
            "search_text": text,
            "search_terms": stored_words(text, topics),
        }


def print_times(memory: Memory, title: str, people: range, count: int) -> None:
    taken = []
    for number in range(SEARCHES):
        person = people[number % len(people)]
        question = sample_question(person * 1_000_003 + number * 7919 % count)
        start = time.perf_counter()
        found = memory.search_user_memories(question, 10, user_id=reader(person))
        taken.append(time.perf_counter() - start)
        if not found:
            raise ValueError(f"{question!r} of reader {person} has no result.")
    # The first searches fill caches and prepare statements.
    print(f"{title:34}{len(taken):10,}{'':32}{times(taken[10:])}", flush=True)
