from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from contextlib import ExitStack, closing
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import connections

from agno_memory.db.store import Store
from agno_memory.management.base import WritingCommand
from agno_memory.transfer.importer import Importer, ImportTotals, MemoryImporter
from agno_memory.transfer.kinds import chosen
from agno_memory.transfer.plans import ALL, KINDS, MEMORIES, Importers, Plan, plans
from agno_memory.transfer.plans import READERS as AGENT_READERS
from agno_memory.transfer.progress import Progress
from agno_memory.transfer.readers import READERS, find_reader, format_list, reader_for
from agno_memory.transfer.readers.base import Reader
from agno_memory.transfer.records import reason_of
from agno_memory.transfer.rejects import DEFAULT_REJECTS, RejectsFile
from agno_memory.transfer.sources import Source, SourceError, open_source, table_names


class Command(WritingCommand):
    help = (
        "Import memories from another system, or from an export, and what agents keep in agno's own databases. "
        "The command can be repeated: nothing is imported twice."
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
        parser.add_argument(
            "--what",
            metavar="KINDS",
            help=f"some of {','.join(KINDS)}, or {ALL}; all but memories are of agno (default: {MEMORIES})",
        )
        parser.add_argument(
            "--table",
            help="table or collection, if several of them hold memories; several, separated by commas, with --what",
        )
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

    def _import(self, source: str, **options: Any) -> None:
        what = options["what"] or MEMORIES
        kinds = chosen(None if what == ALL else what, KINDS)
        with ExitStack() as stack:
            rejected = stack.enter_context(closing(RejectsFile(options["rejects"])))
            opened = stack.enter_context(closing(open_source(str(source))))
            totals = self._import_memories(opened, rejected, kinds, **options) if MEMORIES in kinds else []
            others = [kind for kind in kinds if kind != MEMORIES]
            found = plans(opened, others, options["table"])
            if not totals and not found:
                raise SourceError(
                    f"The source has no {', '.join(kinds)}; tables: {table_names(opened.tables())}. "
                    "Other kinds or formats are chosen with --what and --format."
                )
            totals += self._import_others(opened, rejected, found, **options)
            names = {plan.name for plan in found}
            missing = [kind for kind in others if not names & AGENT_READERS[kind].keys()]
            if missing and what != ALL:
                self.stdout.write(f"The source has no {', '.join(missing)}.")
            if not others and options["table"] is None:
                self._show_others(opened)
        if any(each.rejected for each in totals):
            raise CommandError(f"The rejected rows are in {rejected.path}, with the reasons.", returncode=3)

    def _import_memories(
        self,
        opened: Source,
        rejected: RejectsFile,
        kinds: list[str],
        database: str | None,
        dry_run: bool,
        lenient: bool,
        user: str | None,
        **options: Any,
    ) -> list[ImportTotals]:
        """Import the memories, and return their totals; nothing if there are none beside the other kinds."""
        find = reader_for if kinds == [MEMORIES] else find_reader
        reader = find(opened, options["format"], options["table"])
        if reader is None:
            return []
        reader.options = options
        importer = MemoryImporter(Store(database), rejected.add, owner=user, dry_run=dry_run, lenient=lenient)
        self._run(importer, reader, opened, MEMORIES)
        if reader.kept_fields:
            self.stdout.write(f"Kept in the metadata: {', '.join(sorted(reader.kept_fields))}.")
        if opened.left_out:
            self.stdout.write(f"Not imported, because it belongs to no memory: {', '.join(sorted(opened.left_out))}.")
        self._report(importer.totals, dry_run)
        return [importer.totals]

    def _import_others(
        self,
        opened: Source,
        rejected: RejectsFile,
        found: list[Plan],
        database: str | None,
        dry_run: bool,
        **options: Any,
    ) -> list[ImportTotals]:
        """Import what agents keep, and return the totals of each table."""
        alias = Store(database).write_alias
        totals = []
        with closing(Importers(alias, rejected.add, dry_run=dry_run)) as importers:
            for plan in found:
                importer = importers.get(plan.name)
                for reader in plan.readers:
                    self._run(importer, reader, opened, plan.name)
                self._report(importer.totals, dry_run, f"{plan.name}: ")
                totals.append(importer.totals)
        return totals

    def _run(self, importer: Importer[Any], reader: Reader, opened: Source, unit: str) -> None:
        self.stdout.write(f"Reading {reader.table} in the format {reader.name}.")
        with closing(Progress(self.stderr, unit)) as progress:
            for totals in importer.run(reader.read()):
                progress.update(totals.read, opened.position, opened.total)

    def _show_others(self, opened: Source) -> None:
        """Name what the source has beside memories."""
        names = [plan.name for plan in plans(opened, list(AGENT_READERS), None)]
        if names:
            self.stdout.write(f"The source also has {', '.join(names)}. --what {ALL} brings them too.")

    def _report(self, totals: ImportTotals, dry_run: bool, start: str = "") -> None:
        would = "would be " if dry_run else ""
        expired = f"{totals.expired:,} expired and left out, " if totals.expired else ""
        self.stdout.write(
            f"{start}{totals.read:,} read: {totals.imported:,} {would}imported, {totals.unchanged:,} unchanged, "
            f"{expired}{totals.rejected:,} {would}rejected."
        )
