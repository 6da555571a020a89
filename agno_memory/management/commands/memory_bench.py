from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agno_memory.keys import uuid7
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.search.sample_texts import sample_question, sample_text

MAX_MEMORIES: Final = 100_000
MAX_CALLS: Final = 1_000
BATCH: Final = 1_000


class Command(BaseCommand):
    help = (
        "Measure the speed of this site's store: adding, reading and searching the memories of one person. It writes "
        "under a new owner, whose memories it removes at the end, and sends the signals of these writes. It reads and "
        "changes nobody else's memories."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--database", help="Alias of the database; that of the memories by default.")
        parser.add_argument(
            "--memories",
            type=int,
            default=1_000,
            help=f"Memories of the owner, 1 to {MAX_MEMORIES:,}; 1,000 by default.",
        )
        parser.add_argument(
            "--calls", type=int, default=100, help=f"Calls of each operation, 1 to {MAX_CALLS:,}; 100 by default."
        )

    def handle(self, *args: Any, database: str | None, memories: int, calls: int, **options: Any) -> None:
        if not 1 <= memories <= MAX_MEMORIES:
            raise CommandError(f"--memories is a number from 1 to {MAX_MEMORIES:,}.")
        if not 1 <= calls <= MAX_CALLS:
            raise CommandError(f"--calls is a number from 1 to {MAX_CALLS:,}.")
        memory = Memory(db=database)
        owner = f"memory_bench-{uuid7()}"
        self.stdout.write(f"Writes {memories + calls:,} memories of the owner {owner}, and removes them at the end.")
        try:
            self._measure(memory, owner, memories, calls)
        finally:
            removed = memory.clear_user_memories(owner)
            self.stdout.write(f"Removed the {removed:,} memories of {owner}.")

    def _measure(self, memory: Memory, owner: str, memories: int, calls: int) -> None:
        start = time.perf_counter()
        for first in range(0, memories, BATCH):
            texts = map(sample_text, range(first, min(first + BATCH, memories)))
            memory.add_user_memories([UserMemory(memory=text) for text in texts], owner)
        seconds = time.perf_counter() - start
        self.stdout.write(f"{'added in batches':24}{memories / seconds:10,.0f} memories a second")
        first_id = memory.get_user_memories(owner, limit=1)[0].memory_id
        operations: dict[str, Callable[[int], Any]] = {
            "add one memory": lambda number: memory.add_user_memory(UserMemory(memory=sample_text(number)), owner),
            "read one memory": lambda number: memory.get_user_memory(first_id, owner),
            "list the newest 20": lambda number: memory.get_user_memories(owner, limit=20),
            "search, the best 10": lambda number: memory.search_user_memories(
                sample_question(number % memories), 10, user_id=owner
            ),
            "context for a prompt": lambda number: memory.context(owner, sample_question(number % memories)),
        }
        self.stdout.write(f"{'':24}{'median':>10}{'95 of 100':>12}")
        for name, operation in operations.items():
            times = sorted(_milliseconds(operation, number) for number in range(calls))
            median, late = times[len(times) // 2], times[int(len(times) * 0.95)]
            self.stdout.write(f"{name:24}{median:7.2f} ms{late:9.2f} ms")


def _milliseconds(operation: Callable[[int], Any], number: int) -> float:
    start = time.perf_counter()
    operation(number)
    return (time.perf_counter() - start) * 1_000
