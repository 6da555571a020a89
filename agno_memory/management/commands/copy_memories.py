from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import connections

from agno_memory.management.base import WritingCommand
from agno_memory.transfer.copier import Copier, CopyTotals, Digest
from agno_memory.transfer.progress import Progress


class Command(WritingCommand):
    help = (
        "Copy all memories from one database to another, and compare both. The source is only read. "
        "The command can be repeated: changes in the source are copied too."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        aliases = list(connections)
        parser.add_argument("--from", required=True, choices=aliases, dest="source", help="alias to read from")
        parser.add_argument("--to", required=True, choices=aliases, dest="target", help="alias to write to")

    def handle(self, *args: Any, source: str, target: str, **options: Any) -> None:
        if source == target:
            raise CommandError("--from and --to name the same database.")
        copier = Copier(source, target)
        total = copier.count()
        progress = Progress(self.stderr)
        for done in copier.run():
            progress.update(done, done, 2 * total)
        digests = Digest(0, ""), Digest(0, "")
        for digests in copier.verify():
            progress.update(digests[0].count, total + digests[0].count, 2 * total)
        progress.close()
        self._report(copier.totals, *digests)

    def _report(self, totals: CopyTotals, source: Digest, target: Digest) -> None:
        self.stdout.write(
            f"{totals.read:,} read: "
            f"{totals.copied:,} copied, {totals.updated:,} updated, {totals.unchanged:,} unchanged."
        )
        self.stdout.write(f"source: {source.count:,} memories, sha256 {source.sha256}")
        self.stdout.write(f"copy:   {target.count:,} memories, sha256 {target.sha256}")
        if totals.conflicts:
            examples = ", ".join(totals.conflicts[:5]) + (", ..." if len(totals.conflicts) > 5 else "")
            raise CommandError(
                f"{len(totals.conflicts):,} memories have the same or a later version with other content in the target "
                f"and were not overwritten: {examples}",
                returncode=3,
            )
        if source != target:
            raise CommandError(
                "The copy differs from the source: memories were written during the copy. Run the command again.",
                returncode=3,
            )
        self.stdout.write("Done: the copy is identical to the source.")
