from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from agno_memory.management.commands.erase_user import listed
from agno_memory.management.exporting import ExportingCommand
from agno_memory.transfer.person_exporter import PersonExport


class Command(ExportingCommand):
    help = (
        "Write everything about a person to a file of JSON Lines: memories with their earlier versions, conversations, "
        "traces, metrics and documents of agents; see docs/transfer.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="the id of the user, as USER_ID_FIELD defines it")
        super().add_arguments(parser)

    def handle(self, *args: Any, user: str, database: str | None, **options: Any) -> None:
        try:
            export = PersonExport(user, database)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None

        def write(write_piece: Callable[[str], object]) -> str:
            for piece in export.lines():
                write_piece(piece)
            return listed(export.counts)

        self.write_to(options["output"], write, overwrite=options["overwrite"])
