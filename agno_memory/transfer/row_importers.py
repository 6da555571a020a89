"""Importers of what agents keep: sessions with runs, traces with spans, and documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from django.db import IntegrityError
from django.db.models import Model

from agno_memory.agent_traces import cleaned_trace
from agno_memory.cleaning import cleaned_row
from agno_memory.db.transactions import all_or_nothing
from agno_memory.fields import CompositeKeyField
from agno_memory.identifiers import owner_id
from agno_memory.models import AgentRecord, AgentRun, AgentSession, AgentSpan, AgentTrace
from agno_memory.transfer.copier import ROWS_AT_ONCE
from agno_memory.transfer.duplicates import Match, SeenIds
from agno_memory.transfer.importer import Importer
from agno_memory.transfer.records import Record, Rejected
from agno_memory.transfer.rows import INSERT, line_of, prepared

REPEATED: Final = "the source has the same id earlier, with other content"
STORED: Final = "a row with this id but other content is stored already; it is not overwritten"
OF_ANOTHER: Final = "the id belongs to another person here; nothing of that person is overwritten"
NO_SESSION: Final = "its session was not imported"
OF_ANOTHERS_TRACE: Final = "its trace belongs to another person here"
NOT_IMPORTED: Final = "what it is a part of was not imported"
NAME_TAKEN: Final = "another document of this kind has its unique name already"
# A later write changes them.
NOT_COMPARED: Final = frozenset({"key", "version", "created_at", "updated_at"})


class RowImporter(Importer[Model]):
    """Base class: imports the rows of a table. Their owners are those of the source.

    Args:
        alias: of the database to write to.
        reject: called with each rejected row.
        dry_run: do everything except writing.
    """

    model: ClassVar[type[Model]]
    repeated_in_source = REPEATED
    already_stored = STORED
    clashes = IntegrityError
    batch_size = ROWS_AT_ONCE

    def __init__(self, alias: str, reject: Callable[[Rejected], object], *, dry_run: bool = False) -> None:
        super().__init__(reject, dry_run=dry_run)
        self._alias = alias
        # The ids of the rows that are stored now, with their owners' consent: their parts may follow.
        self.accepted = SeenIds()

    @property
    def rows(self) -> Any:
        """All rows of the target."""
        return self.model._default_manager.using(self._alias)

    def made(self, record: Record) -> Model:
        values = dict(record.fields)
        if "user_id" in values:
            # agno writes "" for no user in some tables.
            values["user_id"] = owner_id(values["user_id"]) if values["user_id"] else None
        row = self.cleaned(self.model(**values))
        key: Any = self.model._meta.pk
        if isinstance(key, CompositeKeyField):
            row.pk = key.get_pk_value_on_save(row)
        return row

    def cleaned(self, row: Any) -> Model:
        """Return a checked copy of a row; raises ValidationError."""
        checked: Model = cleaned_row(row)
        return checked

    def content_of(self, row: Model) -> object:
        return line_of(row, NOT_COMPARED)

    def stored(self, rows: dict[str, Model]) -> dict[str, Any]:
        stored: dict[str, Any] = self.rows.in_bulk(list(rows))
        for key, row in rows.items():
            if key not in stored:
                self._accept(row)
        return stored

    def match(self, row: Any, stored: Any) -> Match:
        # A conversation that went on in the source has other content there, and new turns.
        if getattr(stored, "user_id", None) == getattr(row, "user_id", None):
            self._accept(row)
        is_same = self.is_edited(stored, row) or self.content_of(row) == self.content_of(stored)
        return Match.SAME if is_same else Match.OTHER_CONTENT

    def is_edited(self, stored: Any, row: Any) -> bool:
        """Return whether a stored row is one that was edited after its import."""
        return bool(stored.version > 1)

    def refusals(self, rows: dict[str, Any]) -> dict[str, str]:
        owners = self.rows.filter(pk__in=list(rows)).values_list("pk", "user_id")
        return {key: OF_ANOTHER for key, owner in owners if owner not in (None, rows[key].user_id)}

    def write(self, rows: list[Model]) -> None:
        all_or_nothing(self._alias, lambda: INSERT.run_many(self.model, self._alias, [prepared(row) for row in rows]))

    def _accept(self, row: Any) -> None:
        """Note that the parts of a row may be written."""


class SessionImporter(RowImporter):
    """Imports sessions without their runs."""

    model = AgentSession

    def _accept(self, row: Any) -> None:
        self.accepted.add(row.session_id, None)


class ChildImporter(RowImporter):
    """Imports rows of parents that were imported, now or earlier: runs of a session, spans of a trace.

    Args:
        alias: of the database to write to.
        reject: called with each rejected row.
        parents: the ids of the sessions or traces that the source has and that may have children.
        dry_run: do everything except writing.
    """

    def __init__(
        self, alias: str, reject: Callable[[Rejected], object], *, parents: SeenIds, dry_run: bool = False
    ) -> None:
        super().__init__(alias, reject, dry_run=dry_run)
        self._parents = parents


class RunImporter(ChildImporter):
    """Imports runs."""

    model = AgentRun

    def cleaned(self, row: Any) -> Model:
        checked: Model = cleaned_row(row, exclude=["session"])
        return checked

    def is_edited(self, stored: Any, row: Any) -> bool:
        return bool(stored.updated_at > row.updated_at)

    def refusals(self, rows: dict[str, Any]) -> dict[str, str]:
        return {key: NO_SESSION for key, row in rows.items() if row.session_id not in self._parents}


class TraceImporter(RowImporter):
    """Imports traces without their spans."""

    model = AgentTrace

    def cleaned(self, row: Any) -> Model:
        checked: Model = cleaned_trace(row)
        return checked

    def _accept(self, row: Any) -> None:
        self.accepted.add(row.trace_id, None)


class SpanImporter(ChildImporter):
    """Imports spans. One may be there before its trace."""

    model = AgentSpan

    def cleaned(self, row: Any) -> Model:
        checked: Model = cleaned_trace(row)
        return checked

    def is_edited(self, stored: Any, row: Any) -> bool:
        return False

    def refusals(self, rows: dict[str, Any]) -> dict[str, str]:
        unknown = {row.trace_id for row in rows.values() if row.trace_id not in self._parents}
        traces = AgentTrace.objects.using(self._alias).filter(trace_id__in=unknown)
        taken = set(traces.values_list("trace_id", flat=True))
        return {key: OF_ANOTHERS_TRACE for key, row in rows.items() if row.trace_id in taken}


class RecordImporter(RowImporter):
    """Imports documents."""

    model = AgentRecord

    def refusals(self, rows: dict[str, Any]) -> dict[str, str]:
        refused = super().refusals(rows)
        owners_of: dict[str, str] = {}
        for key, row in rows.items():
            if row.unique_key and owners_of.setdefault(row.unique_key, key) != key:
                refused[key] = NAME_TAKEN
        taken = self.rows.filter(unique_key__in=list(owners_of)).values_list("pk", "unique_key")
        return refused | {owners_of[unique]: NAME_TAKEN for key, unique in taken if owners_of[unique] != key}

    def _accept(self, row: Any) -> None:
        self.accepted.add(row.record_id, None)


class PartImporter(RecordImporter):
    """Imports documents that are a part of a component, a schedule or a session, and belong to its owner.

    Args:
        alias: of the database to write to.
        reject: called with each rejected row.
        wholes: the ids of those that the source has and that may have parts.
        kind: of those, if they are documents; otherwise they are sessions.
        dry_run: do everything except writing.
    """

    def __init__(
        self,
        alias: str,
        reject: Callable[[Rejected], object],
        *,
        wholes: SeenIds,
        kind: str | None,
        dry_run: bool = False,
    ) -> None:
        super().__init__(alias, reject, dry_run=dry_run)
        self._wholes = wholes
        self._kind = kind

    def refusals(self, rows: dict[str, Any]) -> dict[str, str]:
        owners = self._owners({self._whole_of(row) for row in rows.values()})
        lost = {}
        for key, row in rows.items():
            whole = self._whole_of(row)
            if whole in self._wholes:
                row.user_id = row.user_id or owners.get(whole)
            elif whole in owners or self._kind is not None:
                # A part of something that this import did not bring: it may be another person's.
                lost[key] = NOT_IMPORTED
        return lost | super().refusals({key: row for key, row in rows.items() if key not in lost})

    def _whole_of(self, row: Any) -> str:
        return str(row.session_id if self._kind is None else row.parent_id)

    def _owners(self, ids: set[str]) -> dict[str, str | None]:
        if self._kind is None:
            sessions = AgentSession.objects.using(self._alias).filter(session_id__in=ids)
            return dict(sessions.values_list("session_id", "user_id"))
        records = self.rows.filter(kind=self._kind, record_id__in=ids)
        return dict(records.values_list("record_id", "user_id"))
