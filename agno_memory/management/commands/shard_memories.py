from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections, router

from agno_memory.db.sharding import DISTRIBUTED_BY, ENGINES, tables_of_handle
from agno_memory.models import UserMemory


class Command(BaseCommand):
    help = (
        "Print the statements that distribute memories and sessions over several servers, or execute them. "
        "See docs/scaling.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--engine", required=True, choices=ENGINES, help="the kind of cluster")
        parser.add_argument("--database", choices=list(connections), help="alias; by default the router's choice")
        parser.add_argument("--table", help="a table of memories, as a handle has it; by default the tables of the app")
        parser.add_argument("--execute", action="store_true", help="execute the statements")

    def handle(
        self, *args: Any, engine: str, database: str | None, table: str | None, execute: bool, **options: Any
    ) -> None:
        alias = database or router.db_for_write(UserMemory)
        try:
            sharding = ENGINES[engine](alias, tables_of_handle(table) if table else DISTRIBUTED_BY)
            for text in sharding.execute() if execute else sharding.statements():
                self.stdout.write(f"{text}{sharding.end}")
        except DatabaseError as error:
            raise CommandError(f"{alias}: {error}") from error
