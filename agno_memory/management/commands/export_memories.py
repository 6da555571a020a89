from __future__ import annotations

import datetime
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from agno_memory.db.store import Store
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.transfer.exporter import atomic_file, export_lines
from agno_memory.transfer.progress import Progress


class Command(BaseCommand):
    help = "Write memories to a file that import_memories reads: JSON Lines; see docs/moving.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--output", type=Path, help="a file; by default standard output")
        parser.add_argument("--overwrite", action="store_true", help="where the file is there already")
        parser.add_argument("--user", metavar="ID", help="only this owner's")
        parser.add_argument("--topic", action="append", default=[], help="only those with this topic; may be repeated")
        parser.add_argument("--since", metavar="DATE", help="only those last updated from this moment on")
        parser.add_argument("--until", metavar="DATE", help="only those last updated before this moment")
        parser.add_argument("--database", choices=list(connections), help="alias; by default where the router says")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rows = self._rows(**options)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        output: Path | None = options["output"]
        if output is None:
            self._write(rows, lambda line: self.stdout.write(line, ending=""))
            return
        if output.exists() and not options["overwrite"]:
            raise CommandError(f"{output} is there already: --overwrite replaces it.")
        try:
            with atomic_file(output) as file:
                count = self._write(rows, file.write)
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}") from None
        self.stdout.write(f"{count:,} memories in {output}.")

    def _rows(
        self, database: str | None, user: str | None, topic: list[str], since: str | None, until: str | None, **_: Any
    ) -> UserMemoryQuerySet:
        rows = Store(database).rows().all()
        if user is not None:
            rows = rows.for_user(user)
        if topic:
            rows = rows.about(*topic)
        for condition, text in {"last_updated__gte": since, "last_updated__lt": until}.items():
            if text is not None:
                rows = rows.filter(**{condition: _moment(text)})
        return rows

    def _write(self, rows: UserMemoryQuerySet, write: Callable[[str], object]) -> int:
        progress, total, count = Progress(self.stderr), rows.count(), -2
        for line in export_lines(rows.walk()):
            write(line)
            # Neither the first line nor the last is a memory.
            count += 1
            if count % 100 == 0:
                progress.update(count, count, total)
        progress.close()
        return count


def _moment(text: str) -> datetime.datetime:
    """Return a date, or a date with a time, in the time zone of the site where it names none."""
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f"{text!r} is no date: write 2026-11-25 or 2026-11-25T09:30:00+00:00.")
    return found if timezone.is_aware(found) else timezone.make_aware(found)
