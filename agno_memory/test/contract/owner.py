"""Owners: each call acts for one user."""

from __future__ import annotations

from django.test import override_settings

from agno_memory.exceptions import MemoryExists, MemoryNotFound
from agno_memory.models import UserMemory
from agno_memory.test.contract.case import ALICE, BOB, ContractCase
from agno_memory.test.helpers import texts, values


class OwnerContract(ContractCase):
    """Each call acts for one user; a memory of another user behaves as one that does not exist."""

    def test_none_is_the_default_user_and_never_everyone(self) -> None:
        self.add("Alice's")
        self.add("default's", None)
        self.assertEqual(texts(self.memory.get_user_memories()), ["default's"])
        self.assertEqual(texts(self.memory.get_user_memories("default")), ["default's"])
        self.assertEqual(self.memory.clear_user_memories(), 1)
        self.assertEqual(texts(self.rows), ["Alice's"])

    @override_settings(AGNO_MEMORY={"DEFAULT_USER_ID": "anonymous"})
    def test_the_default_user_is_a_setting(self) -> None:
        self.assertEqual(self.add(user_id=None).user_id, "anonymous")

    def test_a_number_is_the_same_user_as_its_text(self) -> None:
        self.add(user_id=5)
        self.assertEqual(len(self.memory.get_user_memories("5")), 1)

    def test_users_differ_by_every_character(self) -> None:
        users = ["bob", "Bob", "bob ", "böb", "bo\u0308b", "b%", "b_b", "*", "中文"]
        for user in users:
            self.add(user, user)
        for user in users:
            self.assertEqual(texts(self.memory.get_user_memories(user)), [user])

    def test_someone_elses_memory_does_not_exist(self) -> None:
        hers = self.add("hers", ALICE, topics=["secret"])
        new = UserMemory(memory="his")
        self.assertIsNone(self.memory.get_user_memory(hers.memory_id, BOB))
        for call in (
            lambda memory_id: self.memory.replace_user_memory(memory_id, new, BOB),
            lambda memory_id: self.memory.replace_user_memory(memory_id, new, BOB, version=1),
            lambda memory_id: self.memory.delete_user_memory(memory_id, BOB),
        ):
            answers = []
            for memory_id in (hers.memory_id, "x" * len(hers.memory_id)):
                with self.assertRaises(MemoryNotFound) as caught:
                    call(memory_id)
                answers.append(str(caught.exception).replace(memory_id, "ID"))
            self.assertEqual(answers[0], answers[1])
        self.assertEqual(self.memory.delete_user_memories([hers.memory_id], BOB), [])
        self.assertEqual(self.memory.get_user_memories(BOB, topics=["secret"]), [])
        self.assertEqual(self.memory.search_user_memories("hers", user_id=BOB), [])
        self.assertEqual(self.memory.clear_user_memories(BOB), 0)
        self.assertEqual([values(memory) for memory in self.rows], [values(hers)])

    def test_upsert_of_someone_elses_id_changes_nothing(self) -> None:
        hers = self.add(memory_id="m")
        with self.assertRaises(MemoryExists):
            self.memory.upsert_user_memory(UserMemory(memory="his", memory_id="m"), BOB)
        self.assertEqual([values(memory) for memory in self.rows], [values(hers)])
