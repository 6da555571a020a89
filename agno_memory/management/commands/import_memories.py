from __future__ import annotations

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from agno_memory.db.store import Store
from agno_memory.transfer.importer import Importer, Totals
from agno_memory.transfer.progress import Progress
from agno_memory.transfer.readers import READERS, formats, reader_for
from agno_memory.transfer.records import Rejected
from agno_memory.transfer.sources import SourceError, open_source


class Command(BaseCommand):
    help = "Move memories in from another system, or from an export. It may be repeated: nothing comes in twice."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(
            prog_name,
            subcommand,
            formatter_class=RawDescriptionHelpFormatter,
            epilog=f"formats:\n{formats()}",
            **kwargs,
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", help="a file, - for standard input, postgresql://... or mongodb://...")
        parser.add_argument("--format", choices=READERS, help="by default what the source looks like")
        parser.add_argument("--table", help="table or collection, where several hold memories")
        parser.add_argument("--user", metavar="ID", help="owner of memories that have none; by default DEFAULT_USER_ID")
        parser.add_argument("--owner-part", type=int, metavar="N", help="LangGraph: the owner is this part, from 1")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, and write nothing")
        parser.add_argument(
            "--rejects", type=Path, default=Path("rejected.jsonl"), help="file for what cannot be read (%(default)s)"
        )
        parser.add_argument("--database", choices=list(connections), help="alias; by default where the router says")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._import(**options)
        except SourceError as error:
            raise CommandError(str(error)) from None
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None

    def _import(
        self, source: str, database: str | None, dry_run: bool, rejects: Path, user: str | None, **options: Any
    ) -> None:
        with ExitStack() as stack:
            opened = stack.enter_context(closing(open_source(source)))
            reader = reader_for(opened, options["format"], options["table"])
            reader.options = options
            rejected = stack.enter_context(closing(Rejects(rejects)))
            move = Importer(Store(database), rejected.add, owner=user, dry_run=dry_run)
            progress = stack.enter_context(closing(Progress(self.stderr)))
            self.stdout.write(f"Reading {reader.table} as {reader.name}.")
            for totals in move.run(reader.read()):
                progress.tell(totals.read, opened.position, opened.total)
        self._say(move.totals, rejects, dry_run)

    def _say(self, totals: Totals, rejects: Path, dry_run: bool) -> None:
        would = "would be " if dry_run else ""
        self.stdout.write(
            f"{totals.read:,} read: {totals.imported:,} {would}imported, {totals.unchanged:,} unchanged, "
            f"{totals.rejected:,} {would}rejected."
        )
        if totals.rejected:
            raise CommandError(f"What was rejected is in {rejects}, with the reasons.", returncode=3)


class Rejects:
    """The file of what was rejected, made with the first of it. Only its owner may read it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Any = None

    def add(self, rejected: Rejected) -> None:
        if self._file is None:
            self._path.unlink(missing_ok=True)
            self._path.touch(mode=0o600)
            self._file = self._path.open("w", encoding="utf-8", errors="backslashreplace")
        told = {"where": rejected.where, "reason": rejected.reason, "raw": rejected.raw}
        self._file.write(json.dumps(told, ensure_ascii=False, default=str) + "\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
