"""Pages, walks and counts of owners."""

from __future__ import annotations

import datetime
from operator import attrgetter
from unittest import mock

from agno_memory import times
from agno_memory.db.keyset import ORDERS
from agno_memory.models import UserMemory
from agno_memory.test.contract.case import ALICE, BOB, ContractCase
from agno_memory.test.helpers import at


class PagingContract(ContractCase):
    """Pages and walks continue after a position, also while other writers add, change and delete memories."""

    def populate(self) -> list[UserMemory]:
        """Add 20 memories, some at the same moment, and replace some of them later in another order."""
        start = times.now() - datetime.timedelta(hours=1)
        for number in range(20):
            with at(start + datetime.timedelta(seconds=number // 3)):
                self.add(str(number), memory_id=f"m{number * 7 % 20:02}")
        for number in (3, 14, 8, 9):
            with at(start + datetime.timedelta(minutes=1, seconds=number // 2)):
                self.memory.replace_user_memory(f"m{number:02}", UserMemory(memory=f"again {number}"), ALICE)
        return list(self.rows)

    def test_a_page_begins_where_the_last_one_ended(self) -> None:
        everything = self.populate()
        for order, (time, _key) in ORDERS.items():
            with self.subTest(order):
                name, descending = time.removeprefix("-"), time.startswith("-")
                expected = sorted(everything, key=attrgetter(name, "memory_id"), reverse=descending)
                self.assertEqual(list(self.rows.sorted_by(order)), expected)
                for position, memory in enumerate(expected):
                    following = self.rows.sorted_by(order).after(memory, order)
                    self.assertEqual(list(following), expected[position + 1 :])
                    place = (getattr(memory, name), memory.memory_id)
                    self.assertEqual(list(self.rows.after(place, order).sorted_by(order)), expected[position + 1 :])

    def test_pages(self) -> None:
        """Pages of a person's whole list, by the service and by the queryset, and of filtered lists."""
        everything = self.populate()
        self.add("his", BOB)
        hers = UserMemory.objects.using(self.database).for_user(ALICE)
        narrowed = {
            "filter": hers.filter(version=2),
            "exclude": hers.exclude(version=2),
            "about": hers.about("no such topic"),
            "nothing": hers.none(),
            "his of hers": hers.for_user(BOB),
            "union": hers.filter(version=1) | hers.filter(memory_id="m03"),
        }
        for order, (time, _key) in ORDERS.items():
            name, descending = time.removeprefix("-"), time.startswith("-")
            expected = sorted(everything, key=attrgetter(name, "memory_id"), reverse=descending)
            with self.subTest(order), self.assertNumQueries(4, using=self.database):
                self.assertEqual(self.memory.page(ALICE, size=7, order=order), expected[:7])
                self.assertEqual(self.memory.page(ALICE, size=7, position=expected[6], order=order), expected[7:14])
                self.assertEqual(hers.page(7, order=order), expected[:7])
                self.assertEqual(hers.page(7, expected[6], order), expected[7:14])
            for label, rows in narrowed.items():
                with self.subTest(order, narrowed=label):
                    expected_rows = [memory for memory in expected if memory in set(rows)]
                    self.assertEqual(rows.page(3, order=order), expected_rows[:3])
                    self.assertEqual(rows.page(3, expected_rows[1], order) if expected_rows else [], expected_rows[2:5])

    def test_a_walk(self) -> None:
        everything = self.populate()
        expected = sorted(everything, key=attrgetter("created_at", "memory_id"))
        for size in (1, 3, 20, 100):
            self.assertEqual(list(self.rows.walk(size=size)), expected)
        with self.assertNumQueries(5, using=self.database):
            list(self.rows.walk(size=5))
        self.assertEqual(list(self.rows.for_user(BOB).walk()), [])

    def test_a_walk_while_others_write(self) -> None:
        """A walk yields each memory that existed at its start once, also while memories are added or replaced."""
        old = {memory.memory_id for memory in self.populate()}
        seen: list[str] = []
        for memory in self.rows.walk(size=3):
            seen.append(memory.memory_id)
            self.memory.replace_user_memory(memory.memory_id, UserMemory(memory="seen"), ALICE)
            if len(seen) < 20:
                self.add("new")
        self.assertEqual([seen.count(memory_id) for memory_id in old], [1] * 20)

    def test_stats(self) -> None:
        everything = self.populate()
        self.add("his", BOB)
        with self.assertNumQueries(3, using=self.database):
            stats = self.rows.for_user(ALICE).stats()
        first = min(memory.created_at for memory in everything)
        last = max(memory.last_updated for memory in everything)
        self.assertEqual(stats, (20, first, last))
        self.assertEqual(self.rows.for_user("carol").stats(), (0, None, None))

    def test_owners(self) -> None:
        names = ["A", "Z", "a", "b", "é", "中", "😀"]
        last = {}
        for number, name in enumerate(names):
            for text in range(number + 1):
                last[name] = self.add(str(text), name).last_updated
        expected = [(name, number + 1, last[name]) for number, name in enumerate(names)]
        self.assertEqual(self.rows.owners(limit=100), expected)
        self.assertEqual(self.rows.owners(limit=2), expected[:2])
        self.assertEqual(self.rows.owners(after="a", limit=2), expected[3:5])
        self.assertEqual(self.rows.owners(after="aa", limit=1), expected[3:4])
        self.assertEqual(self.rows.owners(after="😀", limit=3), [])
        self.assertEqual(self.rows.owners(limit=0), [])
        self.assertEqual(self.rows.filter(memory="5").owners(limit=9), [("中", 1, last["中"]), ("😀", 1, mock.ANY)])
