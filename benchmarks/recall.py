"""Measure recall: how good ranked searches are, and how fast.

    python -m benchmarks.recall [--databases sqlite postgres mongodb] [--locomo FILE] [--rows 100000] [--large 10000]

Quality: on the questions of ``questions.jsonl`` about the people of the demo, and on conversations of LoCoMo if the
data set is there (``--locomo``, or ``data/locomo*.json`` in a folder beside the project). R@k is the mean part of the
right memories among the first k, MRR the mean of 1 / place of the first right one.

Speed: of people with 1,000 memories each, and of one person with many, who is erased then; and of writes with and
without words. The full size is ``--rows 1000000 --large 100000``.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import statistics
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
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
from benchmarks.places import PLACES, Place
from benchmarks.rows import SINCE, Row, stored

ROOT = Path(__file__).resolve().parent.parent
QUESTIONS = ROOT / "benchmarks" / "questions.jsonl"
DEMO = ROOT / "demo_project" / "memories.jsonl"
CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open", 4: "single-hop", 5: "adversarial"}
PER_PERSON = 1_000
SEARCHES = 200


class Question(NamedTuple):
    """A question, and the ids of what answers it.

    Args:
        user_id: the person that it is about.
        text: of the question.
        answers: the ids of the right answers.
        category: of the data set.
    """

    user_id: str
    text: str
    answers: frozenset[str]
    category: str


class Score(NamedTuple):
    """How well a search answers one question, and its time."""

    at_10: float
    at_20: float
    reciprocal: float
    seconds: float


def main() -> None:
    options = parsed()
    print(f"Python {platform.python_version()}, {platform.system()}, {platform.machine()}")
    for name in options.databases:
        with PLACES[name]() as place:
            print(f"\n{place.driver.version()}")
            measure_writes(place)
            print(f"{'':34}{'questions':>10}{'R@10':>8}{'R@20':>8}{'MRR':>8}{'p50':>11}{'p95':>11}")
            measure_demo(place.memory)
            if options.locomo:
                measure_locomo(place.memory, json.loads(options.locomo.read_text("utf-8")))
            measure_speed(place, options.rows, options.large)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--databases", nargs="+", choices=list(PLACES), default=["sqlite", "postgres", "mongodb"])
    beside = sorted(ROOT.parent.glob("*/data/locomo*.json"))
    parser.add_argument("--locomo", type=Path, default=beside[0] if beside else None, help="a file of LoCoMo")
    parser.add_argument("--rows", type=int, default=100_000, help="memories in the table; 0 measures quality only")
    parser.add_argument("--large", type=int, default=10_000, help="memories of one person")
    return parser.parse_args()


# Quality


def measure_demo(memory: Memory) -> None:
    """Print how well the demo's questions are answered."""
    records = json_lines(DEMO)
    ids = {(record["user_id"], record["memory"]): str(number) for number, record in enumerate(records)}
    for user_id in {record["user_id"] for record in records}:
        own = [record for record in records if record["user_id"] == user_id]
        memory.add_user_memories([as_memory(record, ids) for record in own], user_id)
    questions = [
        Question(
            record["user_id"],
            record["question"],
            frozenset(ids[record["user_id"], text] for text in record["answers"]),
            "demo",
        )
        for record in json_lines(QUESTIONS)
    ]
    print_scores("questions about the demo's people", score_all(memory, questions, {}))


def as_memory(record: dict[str, Any], ids: dict[tuple[str, str], str]) -> UserMemory:
    return UserMemory(memory_id=ids[record["user_id"], record["memory"]], **content_of(record))


def content_of(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name in UserMemory.content_fields}


def json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def measure_locomo(memory: Memory, samples: list[dict[str, Any]]) -> None:
    """Print how well questions about conversations are answered: from their turns, and from facts about them."""
    for kind, memories_of in (("turns", turns), ("facts", facts)):
        scores: dict[str, list[Score]] = {}
        for sample in samples:
            user_id = f"{sample['sample_id']}-{kind}"
            sources, memories = memories_of(sample)
            memory.add_user_memories(memories, user_id)
            for category, found in score_all(memory, locomo_questions(sample, user_id), sources).items():
                scores.setdefault(category, []).extend(found)
        print_scores(f"LoCoMo, {kind}", scores)


def locomo_questions(sample: dict[str, Any], user_id: str) -> Iterator[Question]:
    for asked in sample["qa"]:
        if asked["evidence"]:
            evidence = frozenset(asked["evidence"])
            yield Question(user_id, asked["question"], evidence, CATEGORIES[asked["category"]])


def turns(sample: dict[str, Any]) -> tuple[dict[str, set[str]], list[UserMemory]]:
    """Return the turns of a conversation, with the turns that each contains: itself."""
    conversation = sample["conversation"]
    memories: list[UserMemory] = []
    for number in range(1, len(conversation)):
        for turn in conversation.get(f"session_{number}", []):
            caption = turn.get("blip_caption")
            memories.append(
                UserMemory(
                    memory_id=turn["dia_id"],
                    memory=turn["text"],
                    topics=[caption[:100]] if caption else [],
                    session_id=f"session_{number}",
                    metadata={"speaker": turn["speaker"]},
                    created_at=minute(len(memories)),
                )
            )
    return {memory.memory_id: {memory.memory_id} for memory in memories}, memories


def facts(sample: dict[str, Any]) -> tuple[dict[str, set[str]], list[UserMemory]]:
    """Return the facts about a conversation, with the turns that each comes from."""
    sources: dict[str, set[str]] = {}
    memories: list[UserMemory] = []
    for session, by_speaker in sample["observation"].items():
        for speaker, observed in by_speaker.items():
            for text, source in observed:
                memory_id = f"fact-{len(memories)}"
                sources[memory_id] = set(source) if isinstance(source, list) else {source}
                moment = minute(len(memories))
                metadata = {"speaker": speaker}
                memories.append(
                    UserMemory(
                        memory_id=memory_id, memory=text, session_id=session, metadata=metadata, created_at=moment
                    )
                )
    return sources, memories


def minute(number: int) -> datetime.datetime:
    return SINCE + datetime.timedelta(minutes=number)


def score_all(memory: Memory, questions: Iterable[Question], sources: dict[str, set[str]]) -> dict[str, list[Score]]:
    """Search for each question, and return the scores by category.

    Args:
        memory: the service.
        questions: to search for.
        sources: the ids that a memory answers for, by its id; its own by default.
    """
    scores: dict[str, list[Score]] = {}
    for question in questions:
        start = time.perf_counter()
        found = memory.search_user_memories(question.text, 20, user_id=question.user_id)
        seconds = time.perf_counter() - start
        hits = [question.answers & sources.get(each.memory_id, {each.memory_id}) for each in found]
        first = next((1 / place for place, hit in enumerate(hits, 1) if hit), 0.0)
        at_10, at_20 = (len(frozenset().union(*hits[:k])) / len(question.answers) for k in (10, 20))
        scores.setdefault(question.category, []).append(Score(at_10, at_20, first, seconds))
    return scores


def print_scores(title: str, scores: dict[str, list[Score]]) -> None:
    every = [score for of_category in scores.values() for score in of_category]
    rows = {title: every}
    if len(scores) > 1:
        rows |= {f"  {category}": scores[category] for category in sorted(scores)}
    for name, found in rows.items():
        figures = [100 * statistics.mean(each[:3][at] for each in found) for at in range(3)]
        text = "".join(f"{figure:8.1f}" for figure in figures)
        print(f"{name:34}{len(found):10,}{text}{times([score.seconds for score in found])}", flush=True)


def times(seconds: list[float]) -> str:
    """Return the median and the 95th of 100, in milliseconds."""
    ordered = sorted(seconds)
    return "".join(f"{ordered[int(len(ordered) * part)] * 1_000:8.2f} ms" for part in (0.5, 0.95))


# Speed


def measure_speed(place: Place, rows: int, large: int) -> None:
    """Print the times of searches among a few people, then among all, and of one person with many memories."""
    people = max(rows - large, 0) // PER_PERSON
    if people:
        sizes = sorted({min(10, people), people})
        loaded = 0
        for size in sizes:
            place.driver.load(row for person in range(loaded, size) for row in rows_of(person, PER_PERSON))
            place.driver.settle()
            loaded = size
            print_times(place.memory, f"1,000 of {size * PER_PERSON:,}", range(size), PER_PERSON)
        place.driver.load(rows_of(people, large))
        place.driver.settle()
        print_times(place.memory, f"{large:,} of one person", range(people, people + 1), large)
        measure_erasure(place.memory, people)


ROUNDS = 4
SINGLE, BULK = 40, 1_000


def measure_writes(place: Place) -> None:
    """Print what words for searches add to writes: with words and their index, and without, in turns."""
    taken: dict[tuple[bool, int], list[float]] = {}
    for number in range(ROUNDS * 2):
        with_words = number % 2 == 0
        with written_with(place, with_words=with_words):
            memories = [UserMemory(**content_of(row)) for row in rows_of(number, SINGLE + BULK * 2)]
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
    model, connection = place.handle.model, connections[place.handle.alias]
    if with_words:
        yield
        return
    with connection.schema_editor() as editor:
        CreateWordsIndex.drop(editor, model)
    try:
        with patch.object(SearchTermsField, "of", lambda field, instance: field.NOT_COMPUTED):
            yield
    finally:
        place.memory.clear()
        with connection.schema_editor() as editor:
            CreateWordsIndex.create(editor, model)
        connection.disable_constraint_checking()


def measure_erasure(memory: Memory, person: int) -> None:
    start = time.perf_counter()
    count = memory.clear_user_memories(f"reader-{person:06d}")
    print(f"{'erasing this person':34}{count:10,}{'':24}{time.perf_counter() - start:8.2f} s", flush=True)


def rows_of(person: int, count: int) -> Iterator[Row]:
    """Yield the rows of a person with texts of few frequent and many rare words."""
    for number in range(count):
        row = stored(person, number)
        text = sample_text(person * 1_000_003 + number)
        user_id = f"reader-{person:06d}"
        yield row | {
            "key": composite_key(user_id, row["memory_id"]),
            "user_id": user_id,
            "memory": text,
            "session_id": None,
            "search_text": text,
            "search_terms": stored_words(text, row["topics"]),
        }


def print_times(memory: Memory, title: str, people: range, count: int) -> None:
    taken = []
    for number in range(SEARCHES):
        person = people[number % len(people)]
        question = sample_question(person * 1_000_003 + number * 7919 % count)
        start = time.perf_counter()
        found = memory.search_user_memories(question, 10, user_id=f"reader-{person:06d}")
        taken.append(time.perf_counter() - start)
        if not found:
            raise ValueError(f"{question!r} of reader {person} has no result.")
    # The first searches fill caches and prepare statements.
    print(f"{title:34}{len(taken):10,}{'':24}{times(taken[10:])}", flush=True)


if __name__ == "__main__":
    main()
