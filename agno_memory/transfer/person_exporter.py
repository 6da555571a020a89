"""Everything about one person as a file: JSON Lines, of which ``import_memories`` reads the memories."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Final

from django.db.models import Model

from agno_memory.agent_document_kinds import SECRET_KINDS
from agno_memory.agent_metrics import AgentMetrics
from agno_memory.agent_records import ANYONE, AgentRecords
from agno_memory.agent_sessions import AgentSessions
from agno_memory.agent_traces import AgentTraces
from agno_memory.batches import batched
from agno_memory.db.damaged import identified
from agno_memory.db.store import Store
from agno_memory.derived_fields import DerivedTextField
from agno_memory.formats import SESSION_COLUMNS, json_lines, session_pieces, version_lines
from agno_memory.identifiers import owner_id
from agno_memory.models import AgentRecord, AgentRun, AgentSpan, AgentTrace
from agno_memory.people import Counts
from agno_memory.person_sessions import record_keys
from agno_memory.person_traces import About
from agno_memory.small_pages import SIZE, in_small_pages
from agno_memory.transfer.exporter import FORMAT, VERSION

# The columns that the store needs for itself.
INTERNAL: Final = ("key", "version", "unique_key")
# Of a document with the means to log in, a file has these columns alone.
OF_SECRETS: Final = ("kind", "name", "status", "reference_type", "namespace", "created_at", "updated_at")

# The kinds of ``people.HOLDINGS`` in a file, in its order. Vectors are computed from the texts, and the admin's log
# belongs to the site.
COUNTED: Final = ("memories", "earlier versions", "sessions", "runs", "traces", "spans", "metrics", "records")
# The lines of each kind but memories: an object with the name of the kind as its only key.
SESSION, TRACE, SPAN, METRIC, RECORD = KINDS = ("session", "trace", "span", "metric", "record")


class PersonExport:
    """The file of one person. **The caller checks permissions.**

    Args:
        user: a string, an int, a UUID, a Django user, or ``None`` for ``DEFAULT_USER_ID``.
        db: an alias of ``DATABASES``; ``None`` follows the router.

    Raises:
        ValidationError: an invalid user.
    """

    def __init__(self, user: object, db: str | None = None) -> None:
        self._owner = owner_id(user)
        self._db = db
        # The numbers of objects of the lines so far.
        self.counts: Counts = dict.fromkeys(COUNTED, 0)

    def lines(self) -> Iterator[str]:
        """Yield the file in pieces, read while it is written.

        The header and the memories are those of ``export_memories``. The last line has the numbers by kind.
        """
        yield _line({"format": FORMAT, "version": VERSION})
        memories = Store(self._db).rows().current().for_user(self._owner)
        yield from json_lines(self._counted("memories", memories.walk()))
        yield from version_lines(self._counted("earlier versions", memories.walk_versions()))
        yield from self._sessions()
        yield from self._traces()
        metrics: Any = AgentMetrics(self._db).rows(self._owner).order_by("day")
        yield from self._rows(METRIC, "metrics", in_small_pages(metrics))
        yield from self._records()
        counts = {name.replace(" ", "_"): number for name, number in self.counts.items()}
        yield _line({"end": self.counts["memories"], "counts": counts})

    def _sessions(self) -> Iterator[str]:
        sessions = AgentSessions(self._db).rows(self._owner)
        for session in self._counted("sessions", sessions.only(*SESSION_COLUMNS).walk()):
            self.counts["runs"] += AgentRun.objects.using(session._state.db).filter(session=session.pk).count()
            yield f'{{"{SESSION}": '
            yield from session_pieces(session)
            yield "}\n"

    def _traces(self) -> Iterator[str]:
        alias = AgentTraces(self._db).read_alias
        about = About.of(self._owner, alias, self._session_ids)
        traces = AgentTrace.objects.using(alias)
        spans: Any = AgentSpan.objects.using(alias)
        for ids in batched(about.trace_ids, SIZE):
            without_trace = set(ids)
            for trace in traces.filter(trace_id__in=ids).order_by("start_time", "key"):
                yield from self._rows(TRACE, "traces", [trace])
                yield from self._rows(SPAN, "spans", in_small_pages(spans.of_traces([trace.trace_id]).in_order()))
                without_trace.discard(trace.trace_id)
            for trace_id in sorted(without_trace):
                yield from self._rows(SPAN, "spans", in_small_pages(spans.of_traces([trace_id]).in_order()))
        for keys in batched(about.trace_keys, SIZE):
            yield from self._rows(TRACE, "traces", traces.filter(key__in=keys))
        # Those in traces of other people.
        for keys in batched(about.span_keys, SIZE):
            yield from self._rows(SPAN, "spans", spans.filter(key__in=keys).in_order())

    def _records(self) -> Iterator[str]:
        records = AgentRecords(None, self._db)
        own: Any = records.rows(self._owner).order_by("kind", "created_at", "key")
        yield from self._rows(RECORD, "records", in_small_pages(own))
        for keys in batched(record_keys(self._session_ids, records.read_alias), SIZE):
            yield from self._rows(RECORD, "records", records.rows(ANYONE).filter(key__in=keys).order_by("key"))

    @cached_property
    def _session_ids(self) -> list[str]:
        return identified(AgentSessions(self._db).rows(self._owner).values_list("session_id", flat=True))

    def _rows(self, kind: str, name: str, rows: Iterable[Model]) -> Iterator[str]:
        for row in self._counted(name, rows):
            yield _line({kind: _as_dict(row)})

    def _counted(self, name: str, rows: Iterable[Any]) -> Iterator[Any]:
        for row in rows:
            yield row
            self.counts[name] += 1


def _as_dict(row: Model) -> dict[str, Any]:
    """Return the columns of a row that say something about the person and have a value."""
    is_secret = isinstance(row, AgentRecord) and row.kind in SECRET_KINDS
    values: dict[str, Any] = {}
    for column in row._meta.concrete_fields:
        name = column.attname
        is_left_out = name not in OF_SECRETS if is_secret else name in INTERNAL
        if not is_left_out and not isinstance(column, DerivedTextField):
            values[name] = getattr(row, name)
    return {name: value for name, value in values.items() if value not in (None, "")}


def _line(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, default=_text) + "\n"


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime.date) else str(value)
