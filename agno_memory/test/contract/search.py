"""Searching texts."""

from __future__ import annotations

from agno_memory.conditions import mentions
from agno_memory.models import UserMemory
from agno_memory.test.contract.case import ALICE, ContractCase
from agno_memory.test.helpers import texts


class SearchContract(ContractCase):
    """A search ignores case and treats special characters as plain text."""

    def test_mentioning(self) -> None:
        memories = ["Likes CAFÉ au lait", "100% sure", "snake_case [x] (y) {z} ^$.*+?|\\", "Straße", "ΟΔΟΣ", "Ⅷ ﬁ"]
        for text in memories:
            self.add(text)
        for query, expected in {
            "café": memories[0],
            "CAFE\u0301": memories[0],
            "Au LAIT": memories[0],
            "0%": memories[1],
            "e_c": memories[2],
            "[x] (y) {z} ^$.*+?|\\": memories[2],
            "STRASSE": memories[3],
            "οδος": memories[4],
            "VIII FI": memories[5],
        }.items():
            with self.subTest(query):
                self.assertEqual(texts(self.rows.mentioning(query)), [expected])
        for query in ("%", "_", "cafe", "5% s", ".*x"):
            self.assertLessEqual(self.rows.mentioning(query).count(), 1)
        self.assertEqual(self.rows.mentioning("cafe").count(), 0)

    def test_a_part_is_found_wherever_it_is(self) -> None:
        """At the begin of the text, in the middle, at its end, and as the whole text."""
        for text in ("tea", "tea leaves", "green tea cup", "green tea", "t ea", "te"):
            self.add(text)
        with_tea = {"tea", "tea leaves", "green tea cup", "green tea"}
        self.assertEqual(set(texts(self.rows.mentioning("tea"))), with_tea)
        self.assertEqual(set(texts(self.memory.search_user_memories("tea", None, "keyword", ALICE))), with_tea)
        self.assertEqual(texts(self.rows.mentioning("tea", "leaves")), ["tea leaves"])
        self.assertEqual(texts(self.rows.exclude(**mentions("tea")).order_by("memory")), ["t ea", "te"])

    def test_keyword_needs_every_word_in_any_order(self) -> None:
        self.add("Likes green tea")
        self.add("Likes black coffee")
        newest = self.add("Tea, green or black, is what she LIKES")

        def search(query: str, limit: int | None = None) -> list[UserMemory]:
            return self.memory.search_user_memories(query, limit, "keyword", ALICE)

        self.assertEqual(search("tea likes green")[0], newest)
        self.assertEqual(len(search("tea likes green")), 2)
        self.assertEqual(search("tea coffee"), [])
        self.assertEqual(len(search("LIKES", limit=1)), 1)

    def test_search_follows_every_kind_of_write(self) -> None:
        added = self.add("first")
        self.memory.replace_user_memory(added.memory_id, UserMemory(memory="SECOND"), ALICE)
        self.rows.mentioning("second").update(memory="THIRD")
        memory = self.rows.mentioning("third").get()
        memory.memory = "FOURTH"
        memory.save()
        memory = self.rows.only("memory").mentioning("fourth").get()
        memory.memory = "FIFTH"
        memory.save()
        memory = self.rows.mentioning("fifth").get()
        memory.memory = "SIXTH"
        self.rows.bulk_update([memory], ["memory"])
        self.assertEqual(texts(self.rows.mentioning("sixth")), ["SIXTH"])

    def test_methods(self) -> None:
        for number in range(4):
            self.add(str(number))
        search = self.memory.search_user_memories
        self.assertEqual(texts(search(user_id=ALICE)), ["3", "2", "1", "0"])
        self.assertEqual(texts(search(limit=2, retrieval_method="last_n", user_id=ALICE)), ["3", "2"])
        self.assertEqual(texts(search(limit=2, retrieval_method="first_n", user_id=ALICE)), ["0", "1"])
        self.assertEqual(search(limit=0, user_id=ALICE), [])
