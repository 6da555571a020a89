from __future__ import annotations

import datetime
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from agno_memory.conditions import metadata_conditions
from agno_memory.db.store import Store
from agno_memory.management.exporting import ExportingCommand
from agno_memory.models import UserMemory
from agno_memory.names import FILTERS, Filter, Kind
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.revision_models import MemoryRevision
from agno_memory.times import in_zone
from agno_memory.transfer.exporter import export_lines
from agno_memory.transfer.progress import Progress
from agno_memory.transfer.records import reason_of

# Shorter options for filters of names.FILTERS, by the filter's name.
SHORT_OPTIONS: Final = {"updated_after": "--since", "updated_before": "--until"}
METAVARS: Final = {Kind.TOPICS: "TOPIC", Kind.IDENTIFIER: "ID", Kind.TEXT: "TEXT", Kind.MOMENT: "DATE"}


class Command(ExportingCommand):
    help = (
        "Write memories to a file of JSON Lines that import_memories reads; see docs/transfer.md. export_user writes "
        "everything about a person."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        filters = parser.add_argument_group("filters", "Only memories that match all of these are exported.")
        filters.add_argument("--user", metavar="ID", help="User id; the file has the earlier versions too")
        for each in FILTERS:
            short = [SHORT_OPTIONS[each.name]] if each.name in SHORT_OPTIONS else []
            filters.add_argument(
                *short,
                f"--{each.parameter.replace('_', '-')}",
                dest=each.name,
                action="append" if each.kind is Kind.TOPICS else "store",
                metavar=METAVARS[each.kind],
                help=each.label,
            )

        filters.add_argument(
            "--metadata",
            action="append",
            default=[],
            metavar="KEY=VALUE",
            help="Value under a key of the metadata; repeat it to require several",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rows = self._rows(**options)
        except ValidationError as error:
            raise CommandError(reason_of(error)) from None
        # A person's export has the history too. Its lines come after the memories.
        versions = () if options["user"] is None else rows.walk_versions()
        write = partial(self._write, rows, versions)
        self.write_to(options["output"], write, overwrite=options["overwrite"])

    def _rows(
        self, database: str | None, user: str | None, metadata: list[str] | None, **options: Any
    ) -> UserMemoryQuerySet:
        rows = Store(database).rows().current().filter(**metadata_conditions(metadata or []))
        if user is not None:
            rows = rows.for_user(user)
        return rows.matching(**{each.name: _filter_value(each, options[each.name]) for each in FILTERS})

    def _write(
        self, rows: UserMemoryQuerySet, versions: Iterable[MemoryRevision], write: Callable[[str], object]
    ) -> str:
        """Write the lines of an export, and return the number of memories in words."""
        progress, total, count = Progress(self.stderr), rows.count(), 0

        def counted() -> Iterator[UserMemory]:
            nonlocal count
            for memory in rows.walk():
                yield memory
                count += 1
                if count % 100 == 0:
                    progress.update(count, count, total)

        for line in export_lines(counted(), versions):
            write(line)
        progress.close()
        return f"{count:,} memories"


def _filter_value(each: Filter, value: Any) -> Any:
    return _parse_moment(value) if each.kind is Kind.MOMENT and value is not None else value


def _parse_moment(text: object) -> datetime.datetime:
    """Return the moment of a date, or of a date with a time. Without an offset, the site's time zone applies."""
    try:
        # A datetime from call_command() is a text of ISO 8601 then.
        moment = parse_datetime(str(text))
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError(f"{text!r} is not a date. Write 2026-11-25 or 2026-11-25T09:30:00+00:00.")
    return moment if timezone.is_aware(moment) else in_zone(moment)
