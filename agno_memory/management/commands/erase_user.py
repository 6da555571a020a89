from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import connections

from agno_memory import people
from agno_memory.management.base import WritingCommand
from agno_memory.stats.cache import KEEP_LOCAL_SECONDS, is_process_local

# Of a site with Django's default cache.
LOCAL_CACHE = (
    "The default cache of this site is in the memory of each process (LocMemCache), so running servers may name the "
    f"person on the dashboard and in suggestions for {KEEP_LOCAL_SECONDS // 60} more minutes: restart the servers, or "
    "configure a shared cache."
)


def listed(counts: people.Counts) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in counts.items())


class Command(WritingCommand):
    help = "Erase everything about a person: memories, conversations, and texts in the cache and in the admin's log."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="the id of the user, as USER_ID_FIELD defines it")
        parser.add_argument("--database", choices=list(connections), help="alias; by default the router's choice")
        parser.add_argument("--no-input", action="store_true", help="do not ask for a confirmation")

    def handle(self, *args: Any, user: str, database: str | None, no_input: bool, **options: Any) -> None:
        try:
            counts = people.count(user, database)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"User {user!r} has {listed(counts)}.")
        if not no_input and input("Erase all of it, for good? Type 'yes': ") != "yes":
            raise CommandError("Nothing was erased.")
        erasure = people.erase(user, database)
        if is_process_local():
            self.stderr.write(self.style.WARNING(LOCAL_CACHE))
        self.stdout.write(f"Erased {listed(erasure.erased)}.")
        if not erasure.is_complete:
            raise CommandError(f"A second count found {listed(erasure.left)}: run the command again.", returncode=3)
        self.stdout.write("A second count found nothing.")
