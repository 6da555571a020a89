"""What an import reads: the tables of a source, by the kinds that ``import_memories --what`` chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agno_memory.transfer.importer import Importer
from agno_memory.transfer.readers.agents import (
    AgentReader,
    OldRuns,
    OldSessions,
    Runs,
    RunsInSessions2,
    Sessions,
    Spans,
    Traces,
)
from agno_memory.transfer.readers.documents import DOCUMENTS
from agno_memory.transfer.records import Rejected
from agno_memory.transfer.row_importers import (
    RecordImporter,
    RunImporter,
    SessionImporter,
    SpanImporter,
    TraceImporter,
)
from agno_memory.transfer.sources import Source, find_table

MEMORIES: Final = "memories"
ALL: Final = "all"
# The readers of each kind, by the names of the rows. A whole comes before its parts.
READERS: Final[dict[str, dict[str, Sequence[type[AgentReader]]]]] = {
    "sessions": {"sessions": (Sessions, OldSessions), "runs": (Runs, RunsInSessions2, OldRuns)},
    "traces": {"traces": (Traces,), "spans": (Spans,)},
    "records": {each.rows: (each,) for each in DOCUMENTS},
}
KINDS: Final = (MEMORIES, *READERS)


@dataclass(frozen=True)
class Plan:
    """The rows of one name, and the readers of the tables that have them."""

    name: str
    readers: list[AgentReader]


def plans(source: Source, kinds: Sequence[str], table: str | None) -> list[Plan]:
    """Return the plans for the kinds, without those for which the source has no rows.

    Args:
        source: to look in.
        kinds: some of ``READERS``.
        table: names of tables, separated by commas; by default all.

    Raises:
        SourceError: the source has no such table.
    """
    if not kinds:
        return []
    tables = source.tables() if table is None else [find_table(source, name) for name in table.split(",")]
    samples = {name: source.first_rows(name) for name in tables}
    found = []
    for kind in kinds:
        for name, readers in READERS[kind].items():
            pairs = [(reader, each) for reader in readers for each in tables if _matches(reader, samples[each])]
            if pairs:
                found.append(Plan(name, [reader(source, each) for reader, each in pairs]))
    return found


def _matches(reader: type[AgentReader], rows: list[Any]) -> bool:
    return any(reader.matches(row) for row in rows)


def importers(
    found: list[Plan], alias: str, reject: Callable[[Rejected], object], *, dry_run: bool
) -> Iterator[tuple[Plan, Importer[Any]]]:
    """Yield each plan with the importer of its rows; the caller runs it before the next one."""
    sessions = SessionImporter(alias, reject, dry_run=dry_run)
    traces = TraceImporter(alias, reject, dry_run=dry_run)
    made: dict[str, Importer[Any]] = {
        "sessions": sessions,
        "runs": RunImporter(alias, reject, sessions=sessions.accepted, dry_run=dry_run),
        "traces": traces,
        "spans": SpanImporter(alias, reject, traces=traces.accepted, dry_run=dry_run),
    }
    for plan in found:
        yield plan, made.get(plan.name) or RecordImporter(alias, reject, dry_run=dry_run)
    sessions.accepted.close()
    traces.accepted.close()
