from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.db import router

from agno_memory.conf import conf
from agno_memory.db.connections import connection_to
from agno_memory.db.transactions import all_or_nothing
from agno_memory.db.words_index import WordsIndex
from agno_memory.management.base import WritingCommand
from agno_memory.models import UserMemory
from agno_memory.operations import CreateWordsIndex
from agno_memory.search.analyser import current_analyser
from agno_memory.transfer.progress import Progress


class Command(WritingCommand):
    help = (
        "Compute the words of ranked searches again where they are missing or of another analyser: after a change of "
        "LANGUAGE, of the installed packages or of the version of agno_memory. Create the index of words if it is "
        "missing. Can be interrupted and repeated."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--database", help="Alias of the database; that of the memories by default.")
        parser.add_argument("--all", action="store_true", help="Compute the words of all memories.")

    def handle(self, *args: Any, database: str | None, all: bool, **options: Any) -> None:
        alias = database or router.db_for_write(UserMemory)
        rows = UserMemory.objects.using(alias)
        progress = Progress(self.stderr)
        read = written = 0
        name = current_analyser().name
        total = rows.count()
        position = ""
        while batch := list(rows.filter(key__gt=position).order_by("key").only(*COLUMNS)[: conf.BATCH_SIZE]):
            stale = [each.key for each in batch if all or not (each.search_terms or "").startswith(f"{name} ")]
            written += all_or_nothing(alias, rows.filter(key__in=stale).compute_terms) if stale else 0
            read, position = read + len(batch), batch[-1].key
            progress.update(read, read, total)
        progress.close()
        self._create_index(alias)
        self.stdout.write(f"{written:,} of {read:,} memories computed again with {name}.")

    def _create_index(self, alias: str) -> None:
        connection = connection_to(alias)
        if not CreateWordsIndex.is_made_on(connection) or WordsIndex.exists(connection, UserMemory):
            return
        with connection.schema_editor() as editor:
            CreateWordsIndex.create(editor, UserMemory)
        self.stdout.write("Index of words created.")


COLUMNS = ("key", "search_terms")
