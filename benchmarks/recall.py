"""Measure recall: how good ranked searches are, and how fast.

    python -m benchmarks.recall [--databases sqlite postgres mongodb] [--locomo FILE] [--rows 100000] [--large 10000]

Quality: on the questions of ``questions.jsonl`` about the people of the demo, on those of ``paraphrases.jsonl``, which
share no word with their memories, and on conversations of LoCoMo if the data set is there (``--locomo``, or
``data/locomo*.json`` in a folder beside the project); without a model, and with those of ``models.py`` that are
installed. R@k is the mean part of the right memories among the first k, MRR the mean of 1 / place of the first right
one, and ``first`` the number of questions with a right one at the first place.

Speed: of people with 1,000 memories each, and of one person with many, who is erased then; and of writes with and
without words. The full size is ``--rows 1000000 --large 100000``.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import random
import statistics
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.search.analyser import without_accents
from agno_memory.validators import fold
from benchmarks.models import Model, installed, used
from benchmarks.places import PLACES, Place
from benchmarks.recall_speed import measure_speed, measure_writes, times
from benchmarks.rows import SINCE

ROOT = Path(__file__).resolve().parent.parent
QUESTIONS = ROOT / "benchmarks" / "questions.jsonl"
PARAPHRASES = ROOT / "benchmarks" / "paraphrases.jsonl"
DEMO = ROOT / "demo_project" / "memories.jsonl"
# Questions that name a topic.
TOPICS = 100
CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open", 4: "single-hop", 5: "adversarial"}


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


class QuestionSet(NamedTuple):
    """Questions that are measured together.

    Args:
        title: of their line.
        questions: about memories that are stored.
        sources: by owner, the ids that a memory answers for, by its id; its own by default.
    """

    title: str
    questions: list[Question]
    sources: dict[str, dict[str, set[str]]]


class Score(NamedTuple):
    """How well a search answers one question, and its time."""

    at_10: float
    at_20: float
    reciprocal: float
    seconds: float


def main() -> None:
    options = parsed()
    print(f"Python {platform.python_version()}, {platform.system()}, {platform.machine()}")
    models = installed() if options.models else []
    for name in options.databases:
        with PLACES[name]() as place:
            print(f"\n{place.driver.version()}")
            measure_writes(place)
            print(f"{'':34}{'questions':>10}{'R@10':>8}{'R@20':>8}{'MRR':>8}{'first':>8}{'p50':>11}{'p95':>11}")
            measure_quality(place, options.locomo, models)
            measure_speed(place, options.rows, options.large)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--databases", nargs="+", choices=list(PLACES), default=["sqlite", "postgres", "mongodb"])
    beside = sorted(ROOT.parent.glob("*/data/locomo*.json"))
    parser.add_argument("--locomo", type=Path, default=beside[0] if beside else None, help="a file of LoCoMo")
    parser.add_argument("--no-models", dest="models", action="store_false", help="measure without embedding models")
    parser.add_argument("--rows", type=int, default=100_000, help="memories in the table; 0 measures quality only")
    parser.add_argument("--large", type=int, default=10_000, help="memories of one person")
    return parser.parse_args()


# Quality


def measure_quality(place: Place, locomo: Path | None, models: list[Model]) -> None:
    """Print how well each set of questions is answered, without a model and with each."""
    measure_demo(place.memory)
    measure_topics(place.memory)
    sets = [paraphrases(place.memory)]
    if locomo:
        sets += conversations(place.memory, json.loads(locomo.read_text("utf-8")))
    for each in sets:
        print_scores(each.title, score_all(place.memory, each))
        for model in models:
            with used(model, place, {question.user_id for question in each.questions}):
                scores = score_all(place.memory, each)
            every = [score for of_category in scores.values() for score in of_category]
            print_scores(f"  with {model.name}", {"": every})


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
    title = "questions about the demo's people"
    print_scores(title, score_all(memory, QuestionSet(title, questions, {})))


def measure_topics(memory: Memory) -> None:
    """Print how often ``precise=True`` finds exactly the memories with the topic that a question names.

    The topics are those of the demo's people, as they are spelt and with one wrong letter.
    """
    by_owner: dict[str, list[dict[str, Any]]] = {}
    for record in json_lines(DEMO):
        by_owner.setdefault(record["user_id"], []).append(record)
    pairs = sorted({(owner, topic) for owner, own in by_owner.items() for each in own for topic in each["topics"]})
    chance = random.Random(1)
    chance.shuffle(pairs)
    for title, spelt in (("named topics", lambda topic: topic), ("named topics, misspelt", partial(misspelt, chance))):
        asked = [(owner, topic, text) for owner, topic in pairs if (text := spelt(topic))][:TOPICS]
        right = 0
        for owner, topic, text in asked:
            found = memory.search_user_memories(f"What about {text}?", user_id=owner, precise=True)
            expected = {each["memory"] for each in by_owner[owner] if names(topic, each["topics"])}
            right += {each.memory for each in found} == expected
        print(f"{title:34}{len(asked):10,}{'':24}{right:8,}", flush=True)


def names(topic: str, topics: list[str]) -> bool:
    """Return whether a topic has all words of one of some topics, with other accents too."""
    words, *others = (set(without_accents(fold(each)).split()) for each in (topic, *topics))
    return any(words >= other for other in others)


def misspelt(chance: random.Random, topic: str) -> str:
    """Return a topic with one wrong letter, but not among the first two; "" for a topic of short words."""
    long = [word for word in topic.split() if len(word) > 4 and word.isalpha()]
    if not long:
        return ""
    word = chance.choice(long)
    place, letter = chance.randrange(2, len(word) - 1), chance.choice("abcdefghijklmnopqrstuvwxyz")
    wrong = chance.choice(
        (
            word[:place] + word[place + 1 :],
            word[:place] + letter + word[place:],
            word[:place] + letter + word[place + 1 :],
            word[:place] + word[place + 1] + word[place] + word[place + 2 :],
        )
    )
    return "" if wrong == word else topic.replace(word, wrong)


def paraphrases(memory: Memory) -> QuestionSet:
    """Return questions of one person in seven languages that share no word with the memory that answers."""
    records = json_lines(PARAPHRASES)
    texts = enumerate(record["memory"] for record in records)
    memory.add_user_memories([UserMemory(memory_id=str(number), memory=text) for number, text in texts], "polyglot")
    questions = [
        Question("polyglot", record["question"], frozenset([str(number)]), record["language"])
        for number, record in enumerate(records)
    ]
    return QuestionSet("paraphrases", questions, {})


def as_memory(record: dict[str, Any], ids: dict[tuple[str, str], str]) -> UserMemory:
    return UserMemory(memory_id=ids[record["user_id"], record["memory"]], **content_of(record))


def content_of(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name in UserMemory.content_fields}


def json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def conversations(memory: Memory, samples: list[dict[str, Any]]) -> Iterator[QuestionSet]:
    """Yield questions about conversations: answered by their turns, and by facts about them."""
    for kind, memories_of in (("turns", turns), ("facts", facts)):
        found = QuestionSet(f"LoCoMo, {kind}", [], {})
        for sample in samples:
            user_id = f"{sample['sample_id']}-{kind}"
            found.sources[user_id], memories = memories_of(sample)
            memory.add_user_memories(memories, user_id)
            found.questions.extend(locomo_questions(sample, user_id))
        yield found


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


def score_all(memory: Memory, asked: QuestionSet) -> dict[str, list[Score]]:
    """Search for each question, and return the scores by category."""
    scores: dict[str, list[Score]] = {}
    for question in asked.questions:
        start = time.perf_counter()
        found = memory.search_user_memories(question.text, 20, user_id=question.user_id)
        seconds = time.perf_counter() - start
        sources = asked.sources.get(question.user_id, {})
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
        first = sum(score.reciprocal == 1 for score in found)
        print(f"{name:34}{len(found):10,}{text}{first:8,}{times([score.seconds for score in found])}", flush=True)


if __name__ == "__main__":
    main()
