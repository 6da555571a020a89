from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from agno_memory.transfer.copier import Copied, Copy, Digest
from agno_memory.transfer.progress import Progress


class Command(BaseCommand):
    help = "Copy every memory from one database to another, and compare both. It may be repeated; the source stays."

    def add_arguments(self, parser: ArgumentParser) -> None:
        aliases = list(connections)
        parser.add_argument("--from", required=True, choices=aliases, dest="source", help="alias to read from")
        parser.add_argument("--to", required=True, choices=aliases, dest="target", help="alias to write to")

    def handle(self, *args: Any, source: str, target: str, **options: Any) -> None:
        if source == target:
            raise CommandError("--from and --to are the same database.")
        copy = Copy(source, target)
        total = copy.count()
        progress = Progress(self.stderr)
        for done in copy.run():
            progress.tell(done, done, 2 * total)
        digests = Digest(0, ""), Digest(0, "")
        for digests in copy.verify():
            progress.tell(digests[0].count, total + digests[0].count, 2 * total)
        progress.close()
        self._say(copy.totals, *digests)

    def _say(self, totals: Copied, ours: Digest, theirs: Digest) -> None:
        self.stdout.write(
            f"{totals.read:,} read: "
            f"{totals.copied:,} copied, {totals.updated:,} updated, {totals.unchanged:,} unchanged."
        )
        self.stdout.write(f"source: {ours.count:,} memories, sha256 {ours.sha256}")
        self.stdout.write(f"copy:   {theirs.count:,} memories, sha256 {theirs.sha256}")
        if totals.refused:
            shown = ", ".join(totals.refused[:5]) + (", ..." if len(totals.refused) > 5 else "")
            raise CommandError(
                f"{len(totals.refused):,} ids are other memories there, which are not written over: {shown}",
                returncode=3,
            )
        if ours != theirs:
            raise CommandError("They differ: memories were written meanwhile. Run it again.", returncode=3)
        self.stdout.write("Done: the copy is the same.")
