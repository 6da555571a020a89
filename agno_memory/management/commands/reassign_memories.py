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
        "Give all memories of one user id to another one, after an account was renamed or merged. Conversations and "
        "everything else about the person stay; the command counts them."
    )

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
        if source != target:
            self._write_rest(source, database)
        if result.conflicts:
            raise CommandError(
                f"{len(result.conflicts):,} memories stay: {target!r} has other memories with their ids, "
                f"such as {result.conflicts[0]!r}.",
                returncode=3,
            )

    def _write_rest(self, source: str, database: str | None) -> None:
        counts = people.count(source, database)
        rest = {name: number for name, number in counts.items() if number and name != "memories"}
        alias, option = (repr(database), f" --database {shlex.quote(database)}") if database else ("", "")
        if rest:
            self.stdout.write(
                f"These stay with {source!r}: {listed(rest)}. The next account with this id has them. "
                f"Give each session to its owner with AgentSessions({alias}).reassign_session() (docs/people.md), "
                f"then erase the rest with `manage.py erase_user {shlex.quote(source)}{option}`."
            )
