from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import connections

from agno_memory import people
from agno_memory.management.base import WritingCommand


class Command(WritingCommand):
    help = "Give all memories of one user id to another one, after an account was renamed or merged."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", metavar="FROM", help="the id of the owner before")
        parser.add_argument("target", metavar="TO", help="the id of the new owner")
        parser.add_argument("--database", choices=list(connections), help="alias; by default the router's choice")

    def handle(self, *args: Any, source: str, target: str, database: str | None, **options: Any) -> None:
        try:
            result = people.reassign_memories(source, target, database)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{result.moved:,} memories were moved from {source!r} to {target!r}.")
        if result.conflicts:
            raise CommandError(
                f"{len(result.conflicts):,} memories stay: {target!r} has other memories with their ids, "
                f"such as {result.conflicts[0]!r}.",
                returncode=3,
            )
