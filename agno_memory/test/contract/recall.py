"""Ranked searches."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from agno_memory.models import UserMemory
from agno_memory.search.recall import Match
from agno_memory.test.contract.case import ALICE, BOB, ContractCase
from agno_memory.test.helpers import texts


class RecallContract(ContractCase):
    """A ranked search returns the memories that answer a query, the best first, and says why."""

    def search(self, query: str, limit: int | None = None, **options: Any) -> list[str]:
        """Return the texts of the memories that a ranked search finds."""
        return texts(self.memory.search_user_memories(query, limit, "ranked", ALICE, **options))

    def explained(self, query: str, **options: Any) -> list[Match]:
        return self.memory.search_user_memories(query, user_id=ALICE, explain=True, **options)

    def test_the_best_first(self) -> None:
        self.add("Likes green tea")
        self.add("Likes black coffee")
        self.add("Drinks green tea every morning, never coffee")
        self.assertEqual(self.search("green tea in the morning")[0], "Drinks green tea every morning, never coffee")
        self.assertEqual(self.search("Who likes coffee?", limit=1), ["Likes black coffee"])
        self.assertEqual(texts(self.memory.search_user_memories("coffee", user_id=ALICE)), self.search("coffee"))

    def test_words_in_any_form(self) -> None:
        self.add("She ran a marathon in Zürich")
        for query in ("running", "zurich", "ZÜRICH", "marathons", "\uff2darathon"):
            with self.subTest(query):
                self.assertEqual(self.search(query), ["She ran a marathon in Zürich"])
        self.assertEqual(self.search("swimming"), [])

    def test_languages_without_blanks(self) -> None:
        self.add("蕎麦アレルギーがある")
        self.add("朝型で 五時半に起きて走る")
        self.add("喜欢吃辣 但是不吃香菜")
        self.assertEqual(self.search("アレルギー"), ["蕎麦アレルギーがある"])
        self.assertEqual(self.search("香菜")[0], "喜欢吃辣 但是不吃香菜")
        self.assertEqual(self.search("辣"), ["喜欢吃辣 但是不吃香菜"])

    def test_topics_are_searched(self) -> None:
        self.add("No nuts", topics=["food", "allergies"])
        self.add("Lives in Ghent")
        self.assertEqual(self.search("Is there an allergy?"), ["No nuts"])

    def test_the_answer_to_a_question_stands_in_the_next_row(self) -> None:
        self.add("What pets do you have?", session_id="s")
        self.add("A grey one called Miso.", session_id="s")
        self.add("The weather is fine", session_id="other")
        best = self.explained("Which pets does she have?")[0]
        self.assertEqual(best.memory.memory, "A grey one called Miso.")
        (word,) = best.explanation.neighbours
        self.assertEqual(best.explanation.words, {})
        self.assertEqual(best.explanation.neighbours[word][1], self.rows.get(memory__startswith="What pets").memory_id)

    def test_the_speaker_that_the_query_names(self) -> None:
        self.add("I play the guitar", metadata={"speaker": "Maya"})
        self.add("I play the guitar", metadata={"speaker": "Tom"})
        best = self.explained("What does Tom play?")[0]
        self.assertEqual(best.memory.metadata, {"speaker": "Tom"})
        self.assertGreater(best.explanation.speaker, 0)

    def test_explanation(self) -> None:
        self.add("Likes green tea", topics=["drinks"])
        self.add("Rides a bike")
        (match,) = self.explained("green drinks")
        self.assertEqual(set(match.explanation.words), {"green", "drink"})
        self.assertEqual(match.explanation.topics, ("drinks",))
        self.assertAlmostEqual(match.score, sum(match.explanation.words.values()))
        self.assertEqual(
            (match.explanation.model, match.explanation.model_name, match.explanation.order), (0, None, "score")
        )

    def test_explanation_of_other_methods(self) -> None:
        self.add("Likes tea")
        for method, order in {"last_n": "newest", "first_n": "oldest", "keyword": "newest"}.items():
            (match,) = self.explained("tea", retrieval_method=method)
            self.assertEqual((match.score, match.explanation.order), (0, order))

    def test_only_words_that_say_nothing(self) -> None:
        self.add("first")
        self.add("second")
        matches = self.explained("what about it?", limit=1)
        self.assertEqual([match.memory.memory for match in matches], ["second"])
        self.assertEqual(matches[0].explanation.order, "newest")

    def test_spelling_is_repaired_where_no_memory_has_the_word(self) -> None:
        self.add("Is allergic to peanuts")
        self.add("Rides a bike")
        for query in ("peanus", "paenuts", "peannuts", "peanutz"):
            with self.subTest(query):
                expected = [] if query == "paenuts" else ["Is allergic to peanuts"]
                self.assertEqual(self.search(query), expected)
        (match,) = self.explained("alergic")
        self.assertEqual(match.explanation.repairs, {"alerg": "allerg"})
        self.add("Bought a peanutz poster")
        self.assertEqual(self.search("peanutz"), ["Bought a peanutz poster"])

    def test_min_relative(self) -> None:
        self.add("Likes green tea")
        self.add("Likes tea and cake and toast and jam and butter and bread and cheese")
        self.add("Rides a bike")
        self.assertEqual(len(self.search("green tea")), 2)
        self.assertEqual(self.search("green tea", min_relative=0.7), ["Likes green tea"])
        self.assertEqual(len(self.search("green tea", min_relative=0)), 2)

    def test_precise(self) -> None:
        self.add("No nuts", topics=["food", "allergies"])
        self.add("Pasta on Fridays", topics=["food"])
        self.add("A dentist named Food", topics=["dental care"])
        self.assertEqual(sorted(self.search("what food does she like?", precise=True)), ["No nuts", "Pasta on Fridays"])
        self.assertEqual(self.search("alergies?", precise=True), ["No nuts"])
        self.assertEqual(self.search("dental", precise=True), [])
        self.assertEqual(self.search("who cares for her dental health?", precise=True), ["A dentist named Food"])
        self.assertEqual(self.search("dentist", precise=True), [])

    def test_topics_that_a_question_names_otherwise(self) -> None:
        self.add("喜欢吃辣", topics=["饮食"])
        self.add("每天读书", topics=["书"])
        self.add("Bakes bread", topics=["cooking"])
        self.add("Plans the month, as she gave her word", topics=["work"])
        (match,) = self.explained("她的饮食怎么样", precise=True)
        self.assertEqual((match.memory.memory, match.explanation.topics), ("喜欢吃辣", ("饮食",)))
        self.assertEqual(self.search("喜欢什么书", precise=True), ["每天读书"])
        # A letter of an ending, which a stem has not.
        self.assertEqual(self.search("What about cookinf?", precise=True), ["Bakes bread"])
        self.assertEqual(self.search("About wor", precise=True), [])
        self.assertEqual(self.search("About worl", precise=True), ["Plans the month, as she gave her word"])
        # A memory has this word, so it is not misspelt.
        self.assertEqual(self.search("In a word?", precise=True), [])

    def test_filters_apply_before_ranking(self) -> None:
        self.add("Likes tea", topics=["a"], agent_id="x")
        self.add("Likes tea a lot", topics=["b"], session_id="s")
        self.assertEqual(self.search("tea", topics=["a"]), ["Likes tea"])
        self.assertEqual(self.search("tea", session_id="s"), ["Likes tea a lot"])
        self.assertEqual(self.search("tea", limit=1, agent_id="x"), ["Likes tea"])
        self.assertEqual(
            texts(self.memory.search_user_memories("tea", None, "keyword", ALICE, topics=["b"])), ["Likes tea a lot"]
        )
        with self.assertRaises(TypeError):
            self.search("tea", colour="red")

    def test_another_persons_words_do_not_count(self) -> None:
        self.add("Likes tea")
        self.add("Likes cake")
        before = self.explained("tea cake")
        for number in range(20):
            self.add(f"tea {number}", user_id=BOB, session_id="s")
        self.add("unique peanuts", user_id=BOB)
        self.assertEqual(self.explained("tea cake"), before)
        self.assertEqual(self.search("peanuts"), [])
        self.assertEqual(self.search("peanutz"), [])

    def test_ranked_search_follows_every_kind_of_write(self) -> None:
        added = self.add("first", topics=["one"])
        self.memory.replace_user_memory(added.memory_id, UserMemory(memory="second", topics=["two"]), ALICE)
        self.assertEqual(
            (self.search("second"), self.search("two"), self.search("first"), self.search("one")),
            (["second"], ["second"], [], []),
        )
        self.rows.update(memory="third")
        self.assertEqual((self.search("third"), self.search("two"), self.search("second")), (["third"], ["third"], []))
        self.rows.update(topics=["three"])
        self.assertEqual((self.search("three"), self.search("third"), self.search("two")), (["third"], ["third"], []))
        memory = self.rows.get()
        memory.memory = "fourth"
        memory.save()
        self.assertEqual((self.search("fourth"), self.search("third")), (["fourth"], []))
        memory.memory, memory.topics = "fifth", ["five"]
        memory.save(update_fields=["topics"])
        self.assertEqual(
            (self.search("five"), self.search("fourth"), self.search("fifth")), (["fourth"], ["fourth"], [])
        )
        memory = self.rows.get()
        memory.memory = "sixth"
        self.rows.bulk_update([memory], ["memory"])
        self.assertEqual((self.search("sixth"), self.search("five"), self.search("fourth")), (["sixth"], ["sixth"], []))
        self.memory.upsert_fields(UserMemory(memory_id=memory.memory_id, memory="seventh"), ALICE, ["memory"])
        self.assertEqual(
            (self.search("seventh"), self.search("five"), self.search("sixth")), (["seventh"], ["seventh"], [])
        )
        self.memory.upsert_fields(UserMemory(memory_id="new", memory="eighth", topics=["eight"]), ALICE, ["memory"])
        self.assertEqual(len(self.search("eighth")), 1)
        self.memory.delete_user_memory("new", ALICE)
        self.assertEqual(self.search("eighth"), [])

    def test_number_of_statements(self) -> None:
        self.add("Likes tea")
        with self.assertNumQueries(3, using=self.database):
            self.search("tea")
        self.add("Do you like tea?", session_id="s")
        self.add("Very much", session_id="s")
        with self.assertNumQueries(5, using=self.database):
            self.assertEqual(len(self.search("tea")), 3)

    def test_many_memories(self) -> None:
        wanted = "Keeps a spare key under the blue stone"
        added = [
            UserMemory(memory=f"Note {number}: nothing of interest", memory_id=f"n{number:05}")
            for number in range(2_400)
        ]
        self.memory.add_user_memories([UserMemory(memory=wanted), *added], ALICE)
        self.assertEqual(self.search("Where is the spare key?", limit=1), [wanted])
        self.assertEqual(len(self.search("interest", limit=10)), 10)

    def test_odd_queries(self) -> None:
        self.add("Paid 5 EUR; DROP TABLE users NEAR the $where clause")
        for query in (
            '" OR 1=1 --',
            "NEAR(users clause)",
            "{$where: 1}",
            "users*",
            "'); DROP TABLE x; --",
            "%_\\",
            "🔧🌿",
            "‮abc مرحبا",
            "word " * 10_000,
            " ".join(f"w{number}" for number in range(5_000)),
            "a:b/c:1",
            "\n\t.",
        ):
            with self.subTest(query[:20]):
                self.assertLessEqual(len(self.search(query)), 1)
        self.assertEqual(len(self.search("DROP TABLE")), 1)
        for query in ("", "  ", "a\x00b", "x" * 200_000):
            with self.assertRaises(ValidationError):
                self.search(query)
        for share in (-0.1, 1.1, "1", True):
            self.assert_refused(
                "min_relative", self.memory.search_user_memories, "x", user_id=ALICE, min_relative=share
            )
