from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from contextlib import closing
from typing import Any

from django.core.management.base import CommandError
from django.db import connections

from agno_memory.management.base import WritingCommand
from agno_memory.transfer.copier import Copier, Digest
from agno_memory.transfer.copiers import COPIERS
from agno_memory.transfer.kinds import chosen
from agno_memory.transfer.progress import Progress
from agno_memory.transfer.sources import SourceError

# Of conflicts, in an error text.
MAX_EXAMPLES = 5


class Command(WritingCommand):
    help = (
        "Copy all memories, their history, and what agents keep, from one database to another, and compare both. "
        "The source is only read. The command can be repeated: changes in the source are copied too."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        aliases = list(connections)
        parser.add_argument("--from", required=True, choices=aliases, dest="source", help="alias to read from")
        parser.add_argument("--to", required=True, choices=aliases, dest="target", help="alias to write to")
        parser.add_argument("--what", metavar="KINDS", help=f"some of {','.join(COPIERS)} (default: all)")

    def handle(
        self, *args: Any, source: str, target: str, what: str | Iterable[str] | None = None, **options: Any
    ) -> None:
        if source == target:
            raise CommandError("--from and --to name the same database.")
        try:
            names = chosen(what, COPIERS)
        except SourceError as error:
            raise CommandError(str(error)) from None
        copiers = [copier(source, target) for name in names for copier in COPIERS[name]]
        with closing(Progress(self.stderr, "rows")) as progress:
            digests = self._copy(copiers, progress)
        for copier, pair in zip(copiers, digests, strict=True):
            self._report(copier, *pair)
        self._refuse_conflicts(copiers)
        if any(source != target for source, target in digests):
            raise CommandError(
                "The copy differs from the source: rows were written during the copy. Run the command again.",
                returncode=3,
            )
        self.stdout.write("Done: the copy is identical to the source.")

    def _copy(self, copiers: list[Copier], progress: Progress) -> list[tuple[Digest, Digest]]:
        """Copy all tables, then compare all of them, and return their digests."""
        # Each row is read twice.
        total = 2 * sum(copier.count() for copier in copiers)
        finished, digests = 0, []
        for copier in copiers:
            for done in copier.run():
                progress.update(finished + done, finished + done, total)
            finished += copier.totals.read
        for copier in copiers:
            pair = Digest(0, ""), Digest(0, "")
            for pair in copier.verify():
                progress.update(finished + pair[0].count, finished + pair[0].count, total)
            finished += pair[0].count
            digests.append(pair)
        return digests

    def _report(self, copier: Copier, source: Digest, target: Digest) -> None:
        totals = copier.totals
        self.stdout.write(
            f"{copier.name}: {totals.read:,} read: "
            f"{totals.copied:,} copied, {totals.updated:,} updated, {totals.unchanged:,} unchanged."
        )
        if source.count:
            self.stdout.write(f"  source: {source.count:,} {copier.name}, sha256 {source.sha256}")
            self.stdout.write(f"  copy:   {target.count:,} {copier.name}, sha256 {target.sha256}")

    def _refuse_conflicts(self, copiers: list[Copier]) -> None:
        refused = []
        for copier in copiers:
            conflicts = copier.totals.conflicts
            examples = ", ".join(conflicts[:MAX_EXAMPLES]) + (", ..." if len(conflicts) > MAX_EXAMPLES else "")
            if conflicts:
                refused.append(
                    f"{len(conflicts):,} {copier.name} were not overwritten, because the target has them with another "
                    f"owner, or in the same or a later version with other content: {examples}"
                )
        if refused:
            raise CommandError("; ".join(refused), returncode=3)
