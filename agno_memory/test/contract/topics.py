"""Topics: their canonical format, filters and counts."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Case, Value, When

from agno_memory.test.contract.case import ALICE, BOB, ContractCase
from agno_memory.test.helpers import texts


class TopicsContract(ContractCase):
    """Topics are stored in canonical format, and filters compare whole topics."""

    def test_canonical(self) -> None:
        added = self.add(topics=[" ui ", "Cafe\u0301", "ui", "Café", "UI", "a, b"])
        self.assertEqual(added.topics, ["ui", "Café", "UI", "a, b"])

    def found(self, **filters: Any) -> set[str]:
        return set(texts(self.memory.get_user_memories(ALICE, **filters)))

    def test_all_and_any(self) -> None:
        for text, topics in {"ab": ["a", "b"], "b": ["b"], "c": ["c"], "none": []}.items():
            self.add(text, topics=topics)
        self.assertEqual(self.found(topics=["b"]), {"ab", "b"})
        self.assertEqual(self.found(topics=["a", "b"]), {"ab"})
        self.assertEqual(self.found(topics=["a", "c"]), set())
        self.assertEqual(self.found(any_topics=["a", "c"]), {"ab", "c"})
        self.assertEqual(self.found(topics=["b"], any_topics=["a", "c"]), {"ab"})

    def test_no_topics_to_ask_for(self) -> None:
        self.add("with", topics=["a"])
        self.add("without")
        self.assertEqual(self.found(topics=[]), {"with", "without"})
        self.assertEqual(self.found(any_topics=[]), set())
        self.assertEqual(self.rows.exclude(topics__about=[]).count(), 0)
        self.assertEqual(self.rows.exclude(topics__about_any=[]).count(), 2)

    def test_exclude(self) -> None:
        self.add("ab", topics=["a", "b"])
        self.add("b", topics=["b"])
        self.add("none")
        self.assertEqual(set(texts(self.rows.exclude(topics__about=["a"]))), {"b", "none"})
        self.assertEqual(set(texts(self.rows.exclude(topics__about_any=["a", "b"]))), {"none"})

    def test_topics_are_whole_and_plain(self) -> None:
        topics = [
            "art",
            "party",
            "%",
            "_",
            "a%",
            "'",
            '"',
            '", "',
            "[",
            "]",
            "\\",
            "$a",
            "$in",
            "a.b",
            "?",
            "?&",
            "{a}",
        ]
        topics += ["café", "食事", "🎉", "NULL", "null", "1", "true", "%s", "%(a)s", "--", "\u200f", "x\ny"]
        for topic in topics:
            self.add(topic, topics=[topic])
        for topic in topics:
            with self.subTest(topic=topic):
                self.assertEqual(self.found(topics=[topic]), {topic})
                self.assertEqual(self.found(any_topics=[topic, "no such topic"]), {topic})

    def test_many_topics_to_ask_for(self) -> None:
        self.add("a", topics=["a"])
        many = [f"topic {number}" for number in range(2_000)]
        self.assertEqual(self.found(any_topics=[*many, "a"]), {"a"})
        self.assertEqual(self.found(topics=[*many, "a"]), set())

    def test_topics_as_a_condition(self) -> None:
        self.add("ab", topics=["a", "b"])
        self.add("b", topics=["b"])
        about_a = When(topics__about=["a"], then=Value("yes"))
        about_any = When(topics__about_any=["a", "x"], then=Value("yes"))
        rows = self.rows.annotate(
            all=Case(about_a, default=Value("no")),
            any=Case(about_any, default=Value("no")),
        )
        answers = set(rows.values_list("memory", "all", "any"))
        self.assertEqual(answers, {("ab", "yes", "yes"), ("b", "no", "no")})
        rows = self.rows.annotate(
            all=Case(When(topics__about=[], then=Value("yes")), default=Value("no")),
            any=Case(When(topics__about_any=[], then=Value("yes")), default=Value("no")),
        )
        self.assertEqual(set(rows.values_list("all", "any")), {("yes", "no")})

    def test_the_question_is_made_canonical_too(self) -> None:
        self.add(topics=["Café"])
        self.assertEqual(len(self.found(topics=[" Cafe\u0301 "])), 1)
        self.assertEqual(self.rows.filter(topics__about=[" Cafe\u0301 ", "Café"]).count(), 1)
        self.assertEqual(self.rows.filter(topics__about_any=(each for each in (" Cafe\u0301 ", "x"))).count(), 1)
        for wrong in ("Café", 7, [7]):
            with self.assertRaises(ValidationError):
                self.rows.filter(topics__about=wrong)

    def test_topic_counts(self) -> None:
        for topics in (["b", "a"], ["b"], ["b", "é"], ["c", "a"], []):
            self.add(topics=topics)
        self.add(user_id=BOB, topics=["his", "b"])
        counts = self.rows.for_user(ALICE).topic_counts()
        self.assertEqual(counts, [("b", 3), ("a", 2), ("c", 1), ("é", 1)])
        self.assertEqual((counts[0].topic, counts[0].count), ("b", 3))
        self.assertEqual(self.rows.for_user(ALICE).topic_counts(limit=2), counts[:2])
        self.assertEqual(self.rows.about("his").topic_counts(), [("b", 1), ("his", 1)])
        self.assertEqual(self.rows.for_user("carol").topic_counts(), [])
        self.assertEqual(self.rows.none().topic_counts(), [])
        self.assertEqual(sum(count for _, count in self.rows.newest()[:2].topic_counts()), 2)
        with self.assertNumQueries(1, using=self.database):
            self.rows.topic_counts()
