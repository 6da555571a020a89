"""The order of memories, limits, and filters by origin."""

from __future__ import annotations

import datetime

from django.db.models import F

from agno_memory import times
from agno_memory.models import UserMemory
from agno_memory.test.contract.case import ALICE, ContractCase
from agno_memory.test.helpers import at, texts


class OrderContract(ContractCase):
    """The order is newest first by ``last_updated``, ties by ``memory_id``, the same on every database."""

    def test_ties_by_code_point(self) -> None:
        ids = ["-", "0", "A", "B", "Z", "_", "a", "z", "é", "中", "\ufb01", "😀"]
        moment = times.now()
        with at(moment):
            for memory_id in reversed(ids):
                self.add(memory_id=memory_id)
        self.assertEqual([memory.memory_id for memory in self.rows.oldest()], ids)
        self.assertEqual([memory.memory_id for memory in self.rows.newest()], ids[::-1])
        self.assertEqual([memory.memory_id for memory in self.rows.newest().reverse()], ids)

    def test_a_write_makes_it_the_newest(self) -> None:
        first, second = self.add("first"), self.add("second")
        later = second.last_updated + datetime.timedelta(seconds=1)
        with at(later):
            self.memory.replace_user_memory(first.memory_id, UserMemory(memory="now last"), ALICE)
        self.assertEqual(texts(self.memory.get_user_memories(ALICE)), ["now last", "second"])
        self.assertEqual(texts(self.memory.get_user_memories(ALICE, limit=1)), ["now last"])

    def test_limits(self) -> None:
        for number in range(3):
            self.add(str(number))
        for limit, expected in {0: [], 1: ["2"], 2: ["2", "1"], 9: ["2", "1", "0"]}.items():
            self.assertEqual(texts(self.memory.get_user_memories(ALICE, limit=limit)), expected)
            self.assertEqual(texts(self.memory.get_user_memories(ALICE, topics=[], limit=limit)), expected)
            self.assertEqual(texts(self.memory.search_user_memories(user_id=ALICE, limit=limit)), expected)

    def test_order_of_parts_of_rows(self) -> None:
        for number in (3, 1, 2):
            self.add(str(number), memory_id=str(number), agent_id="a")
        now = times.now()
        for number in (1, 2, 3):
            with at(now + datetime.timedelta(seconds=number)):
                self.rows.filter(memory_id=str(number)).update(agent_id="b")
        newest = self.rows.newest()
        self.assertEqual(list(newest.values_list("memory", flat=True)), ["3", "2", "1"])
        self.assertEqual([row["memory"] for row in newest.values("memory")[:2]], ["3", "2"])
        self.assertEqual(texts(newest.only("memory")), ["3", "2", "1"])
        self.assertEqual(texts(newest.annotate(text=F("memory"))), ["3", "2", "1"])
        self.assertEqual(texts(newest.distinct()), ["3", "2", "1"])
        self.assertEqual(texts(self.rows.oldest().filter(agent_id="b")), ["1", "2", "3"])

    def test_filters_of_origin(self) -> None:
        self.add("1", agent_id="a", team_id="t", session_id="s")
        self.add("2", agent_id="b", team_id="t")
        get = self.memory.get_user_memories
        self.assertEqual(texts(get(ALICE, agent_id="a")), ["1"])
        self.assertEqual(texts(get(ALICE, team_id="t")), ["2", "1"])
        self.assertEqual(texts(get(ALICE, team_id="t", session_id="s")), ["1"])
        self.assertEqual(get(ALICE, agent_id="A"), [])

    def test_reading_takes_one_statement(self) -> None:
        self.add(topics=["a"])
        with self.assertNumQueries(3, using=self.database):
            self.memory.get_user_memory("nothing", ALICE)
            self.memory.get_user_memories(ALICE, topics=["a"], limit=1)
            self.memory.search_user_memories("dark mode", None, "keyword", ALICE)
