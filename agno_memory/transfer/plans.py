"""The tables of a source that an import reads, by the kinds that ``import_memories --what`` chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agno_memory.agent_document_kinds import COMPONENT, SCHEDULE, WHOLES
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
    PartImporter,
    RecordImporter,
    RowImporter,
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
# The names of the wholes, by their kinds.
NAMES: Final = {COMPONENT.name: "components", SCHEDULE.name: "schedules", None: "sessions"}
# The documents that are parts: the name of the whole, and its kind if it is a document.
PARTS: Final = {
    each.rows: (NAMES[WHOLES[each.kind.name]], WHOLES[each.kind.name]) for each in DOCUMENTS if each.kind.name in WHOLES
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


class Importers:
    """The importers of an import, by the names of their rows. Those of parts know which wholes were imported.

    Args:
        alias: of the database to write to.
        reject: called with each rejected row.
        dry_run: do everything except writing.
    """

    def __init__(self, alias: str, reject: Callable[[Rejected], object], *, dry_run: bool) -> None:
        self._options: Any = {"alias": alias, "reject": reject, "dry_run": dry_run}
        self._wholes: dict[str, RowImporter] = {
            "sessions": SessionImporter(**self._options),
            "traces": TraceImporter(**self._options),
            "components": RecordImporter(**self._options),
            "schedules": RecordImporter(**self._options),
        }

    def get(self, name: str) -> RowImporter:
        """Return the importer of the rows of this name. A whole comes before its parts."""
        if name in self._wholes:
            return self._wholes[name]
        if name == "runs":
            return RunImporter(**self._options, parents=self._wholes["sessions"].accepted)
        if name == "spans":
            return SpanImporter(**self._options, parents=self._wholes["traces"].accepted)
        if name not in PARTS:
            return RecordImporter(**self._options)
        whole, kind = PARTS[name]
        return PartImporter(**self._options, wholes=self._wholes[whole].accepted, kind=kind)

    def close(self) -> None:
        """Delete the rows that they have kept on disk."""
        for importer in self._wholes.values():
            importer.accepted.close()
