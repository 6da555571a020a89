from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from agno_memory.conf import conf
from agno_memory.management.base import WritingCommand
from agno_memory.pruning import prune
from agno_memory.transfer.progress import Progress


class Command(WritingCommand):
    help = (
        "Remove the memories that have expired, and earlier versions and deleted memories that are older than "
        "HISTORY_DAYS. For cron, once a day. Can be interrupted and repeated."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--database", help="Alias of the database; that of the memories by default.")

    def handle(self, *args: Any, database: str | None, **options: Any) -> None:
        progress = Progress(self.stderr)
        done = 0

        def show(count: int) -> None:
            nonlocal done
            done += count
            progress.update(done, done, None)

        pruned = prune(database, show)
        progress.close()
        self.stdout.write(
            f"{pruned.expired:,} memories had expired; {pruned.versions:,} versions were older than "
            f"{conf.HISTORY_DAYS} days."
        )
