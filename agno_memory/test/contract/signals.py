"""Signals."""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction

from agno_memory.exceptions import MemoryExists
from agno_memory.models import UserMemory
from agno_memory.names import CONTENT_FIELDS
from agno_memory.signals import memory_added, memory_deleted, memory_replaced
from agno_memory.test.contract.case import ALICE, BOB, ContractCase
from agno_memory.test.helpers import texts, with_settings


class SignalContract(ContractCase):
    """Signals are sent after the write. A receiver that fails does not affect the write."""

    def test_arguments_of_signals(self) -> None:
        memory = self.memory
        with (
            self.received(memory_added) as added,
            self.received(memory_replaced) as replaced,
            self.received(memory_deleted) as deleted,
        ):
            self.add(memory_id="1")
            memory.add_user_memories([UserMemory(memory="x", memory_id="2")], ALICE)
            memory.upsert_user_memory(UserMemory(memory="x", memory_id="3"), ALICE)
            memory.upsert_user_memory(UserMemory(memory="x", memory_id="3"), ALICE)
            memory.replace_user_memory("1", UserMemory(memory="x"), ALICE)
            memory.delete_user_memory("1", ALICE)
            memory.delete_user_memories(["2", "nothing"], ALICE)
            memory.clear_user_memories(ALICE)
            self.add(memory_id="4")
            memory.clear()
        self.assertEqual([sent["memory_ids"] for sent in added], [["1"], ["2"], ["3"], ["4"]])
        self.assertEqual([sent["memory_ids"] for sent in replaced], [["3"], ["1"]])
        self.assertEqual([sent["memory_ids"] for sent in deleted], [["1"], ["2"], None, None])
        self.assertEqual([sent["user_id"] for sent in deleted], [ALICE, ALICE, ALICE, None])
        for sent in (*added, *replaced, *deleted):
            self.assertEqual((sent["sender"], sent["using"]), (UserMemory, self.database))

    def test_an_upsert_announces_an_addition_or_a_replacement(self) -> None:
        for days in (30, 0):
            with self.subTest(days=days), with_settings(HISTORY_DAYS=days):
                self._check_upserts()
                self.memory.clear()

    def _check_upserts(self) -> None:
        with self.received(memory_added) as added, self.received(memory_replaced) as replaced:
            for memory_id, names in {"whole": CONTENT_FIELDS, "text": ["memory"], "other": ["feedback"]}.items():
                memory = UserMemory(memory="x", memory_id=memory_id)
                for version in (1, 2, 3):
                    written = self.memory.upsert_fields(memory, ALICE, names)
                    self.assertEqual(written.version, version)
        self.assertEqual([sent["memory_ids"] for sent in added], [["whole"], ["text"], ["other"]])
        self.assertEqual(
            [sent["memory_ids"] for sent in replaced], [["whole"], ["whole"], ["text"], ["text"], ["other"], ["other"]]
        )

    def test_nothing_is_sent_when_nothing_was_written(self) -> None:
        self.add(memory_id="taken")
        with self.received(memory_added) as added, self.received(memory_deleted) as deleted:
            with self.assertRaises(MemoryExists):
                self.add(memory_id="taken")
            self.memory.clear_user_memories(BOB)
            self.memory.delete_user_memories(["nothing"], ALICE)
        self.assertEqual((added, deleted), ([], []))

    def test_a_receiver_that_fails(self) -> None:
        def receiver(**kwargs: Any) -> None:
            raise RuntimeError("receiver")

        memory_added.connect(receiver)
        try:
            with self.assertLogs("django.dispatch", logging.ERROR) as logs:
                added = self.add("secret text")
        finally:
            memory_added.disconnect(receiver)
        self.assertEqual(list(self.rows), [added])
        self.assertNotIn("secret text", "\n".join(logs.output))

    def test_a_receiver_that_breaks_the_callers_transaction(self) -> None:
        def receiver(memory_ids: list[str], using: str, **kwargs: Any) -> None:
            UserMemory.objects.using(using).create(memory_id=memory_ids[0], memory="taken", user_id=ALICE)

        memory_added.connect(receiver)
        try:
            with self.assertLogs("django.dispatch", logging.ERROR), transaction.atomic(using=self.database):
                self.add("first")
                self.add("second")
        finally:
            memory_added.disconnect(receiver)
        self.assertEqual(set(texts(self.rows)), {"first", "second"})
