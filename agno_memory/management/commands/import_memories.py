from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import connections

from agno_memory.db.store import Store
from agno_memory.management.base import WritingCommand
from agno_memory.transfer.importer import ImportTotals, MemoryImporter
from agno_memory.transfer.progress import Progress
from agno_memory.transfer.readers import READERS, format_list, reader_for
from agno_memory.transfer.records import reason_of
from agno_memory.transfer.rejects import DEFAULT_REJECTS, RejectsFile
from agno_memory.transfer.sources import SourceError, open_source


class Command(WritingCommand):
    help = (
        "Import memories from another system, or from an export. The command can be repeated: "
        "no memory is imported twice."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(
            prog_name,
            subcommand,
            formatter_class=RawDescriptionHelpFormatter,
            epilog=f"formats:\n{format_list()}",
            **kwargs,
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", help="a file, - for standard input, postgresql://... or mongodb://...")
        parser.add_argument("--format", choices=READERS, help="format of the source (default: recognized by its rows)")
        parser.add_argument("--table", help="table or collection, if several of them hold memories")
        parser.add_argument(
            "--user", metavar="ID", help="user id for memories without an owner (default: DEFAULT_USER_ID)"
        )
        parser.add_argument(
            "--owner-part", type=int, metavar="N", help="LangGraph: the owner is this part of the namespace, from 1"
        )
        parser.add_argument("--dry-run", action="store_true", help="show the result without writing anything")
        parser.add_argument(
            "--lenient",
            action="store_true",
            help="remove characters that no database stores, and blank topics, instead of rejecting the row",
        )
        parser.add_argument(
            "--rejects",
            metavar="FILE",
            help=f"new file for rejected rows, with the reasons (default: {DEFAULT_REJECTS}, or the next free number)",
        )
        parser.add_argument(
            "--database", choices=list(connections), help="alias to write to (default: chosen by the router)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._import(**options)
        except SourceError as error:
            raise CommandError(str(error)) from None
        except ValidationError as error:
            raise CommandError(reason_of(error)) from None

    def _import(
        self, source: str, database: str | None, dry_run: bool, lenient: bool, user: str | None, **options: Any
    ) -> None:
        with ExitStack() as stack:
            rejects = stack.enter_context(closing(RejectsFile(options["rejects"])))
            opened = stack.enter_context(closing(open_source(str(source))))
            reader = reader_for(opened, options["format"], options["table"])
            reader.options = options
            importer = MemoryImporter(Store(database), rejects.add, owner=user, dry_run=dry_run, lenient=lenient)
            progress = stack.enter_context(closing(Progress(self.stderr)))
            self.stdout.write(f"Reading {reader.table} in the format {reader.name}.")
            for totals in importer.run(reader.read()):
                progress.update(totals.read, opened.position, opened.total)
        if reader.kept_fields:
            self.stdout.write(f"Kept in the metadata: {', '.join(sorted(reader.kept_fields))}.")
        self._report(importer.totals, rejects.path, dry_run)

    def _report(self, totals: ImportTotals, rejects: Path, dry_run: bool) -> None:
        would = "would be " if dry_run else ""
        expired = f"{totals.expired:,} expired and left out, " if totals.expired else ""
        self.stdout.write(
            f"{totals.read:,} read: {totals.imported:,} {would}imported, {totals.unchanged:,} unchanged, {expired}"
            f"{totals.rejected:,} {would}rejected."
        )
        if totals.rejected:
            raise CommandError(f"The rejected rows are in {rejects}, with the reasons.", returncode=3)
