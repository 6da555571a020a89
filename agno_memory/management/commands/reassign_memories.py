from __future__ import annotations

import shlex
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import connections

from agno_memory import people
from agno_memory.management.base import WritingCommand
from agno_memory.management.commands.erase_user import listed


class Command(WritingCommand):
    help = (
        "Give everything about one user id to another one, after an account was renamed or merged: memories, "
        "conversations, traces, metrics, documents of agents, and texts in the admin's log."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", metavar="FROM", help="the id of the owner before")
        parser.add_argument("target", metavar="TO", help="the id of the new owner")
        parser.add_argument("--database", choices=list(connections), help="alias; by default the router's choice")

    def handle(self, *args: Any, source: str, target: str, database: str | None, **options: Any) -> None:
        try:
            result = people.reassign(source, target, database)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        moved = present(result.moved) or {"memories": 0}
        self.stdout.write(f"{listed(moved)} were moved from {source!r} to {target!r}.")
        left = present(result.left)
        if not left or source == target:
            return
        raise CommandError(_about_rest(source, target, database, left, result.conflicts), returncode=3)


def _about_rest(
    source: str, target: str, database: str | None, left: people.Counts, conflicts: dict[str, list[str]]
) -> str:
    """Return the text about the rows that stay with the owner before."""
    option = f" --database {shlex.quote(database)}" if database else ""
    why = [f"{target!r} has other {kind} with their ids, such as {ids[0]!r}." for kind, ids in conflicts.items()]
    return " ".join(
        [
            f"These stay with {source!r}, and the next account with this id has them: {listed(left)}.",
            *(why or ["They were written meanwhile: run the command again."]),
            f"`manage.py erase_user {shlex.quote(source)}{option}` erases them.",
        ]
    )


def present(counts: people.Counts) -> people.Counts:
    """Return the counts of the kinds that there are."""
    return {name: number for name, number in counts.items() if number}
