"""``AgentTraces``: the verbs on traces of agents' runs and their spans, sync and async. Each call acts for one user."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from django.db import IntegrityError, models
from django.db.models import F

from agno_memory.agent_trace_models import AgentSpan, AgentTrace
from agno_memory.agent_trace_querysets import AgentSpanQuerySet, AgentTraceQuerySet, SpanCounts
from agno_memory.batches import batched
from agno_memory.cleaning import cleaned_row
from agno_memory.conf import conf
from agno_memory.db import MemoryDb
from agno_memory.db.damaged import Damaged, unchanged
from agno_memory.db.table import Table
from agno_memory.db.transactions import all_or_nothing, savepoint
from agno_memory.identifiers import Identifier, identifier, owner_id
from agno_memory.person_sessions import Person
from agno_memory.person_traces import About
from agno_memory.retries import retry
from agno_memory.services import ANYONE, NO_USER, Service, async_twin

__all__ = ["ANYONE", "NO_USER", "AgentTraces"]

Row = TypeVar("Row", AgentTrace, AgentSpan)

# The first writer that knows one of these decides it: the run of a part, such as a hook, has others.
CONTEXT: Final = ("run_id", "session_id", "user_id", "agent_id", "team_id", "workflow_id")
# The components that begin a run, the most important first, and the parts of a span's name that mark the beginning.
LEVELS: Final = ("workflow_id", "team_id", "agent_id")
ROOT_NAMES: Final = (".run", ".arun")
MERGED: Final = ("name", "status", "start_time", "end_time", "duration_ms", *CONTEXT)


class TraceChanged(Exception):
    """Another writer was faster."""


class AgentTraces(Service[AgentTraceQuerySet]):
    """The traces of agents' runs, with their spans.

    Every verb acts for one user, as those of ``AgentSessions``: another user's trace behaves exactly as one that does
    not exist. ``NO_USER`` is the traces without a user, ``ANYONE`` is all traces. Every verb has an async twin with an
    ``a`` in front of its name.

    Args:
        db: an alias of ``DATABASES``; ``None`` follows the router.

    Raises:
        TypeError: a handle, such as ``SqliteMemoryDb``: it has a table of memories only.
    """

    _sender = AgentTrace

    def __init__(self, db: str | None = None) -> None:
        if isinstance(db, MemoryDb):
            raise TypeError(
                f"AgentTraces cannot use a {type(db).__name__}, which has a table of memories only. "
                "Pass an alias of DATABASES to which the app's migrations were applied, or None for the router's."
            )
        super().__init__(Table(AgentTrace, db))
        self._alias = db

    # Reading

    def get_trace(self, trace_id: Identifier, user_id: object = None) -> AgentTrace | None:
        """Return a trace of a user, or None.

        Args:
            trace_id: the id of the trace.
            user_id: the owner, ``ANYONE`` or ``NO_USER``.

        Raises:
            ValidationError: bad input.
        """
        return self.rows(user_id).filter(trace_id=identifier("trace_id", trace_id)).first()

    def get_spans(self, trace_id: Identifier, user_id: object = None) -> AgentSpanQuerySet:
        """Return the spans of a trace in the order in which they began; none if this user has no such trace.

        Args:
            trace_id: the id of the trace.
            user_id: the owner, ``ANYONE`` or ``NO_USER``.

        Raises:
            ValidationError: bad input.
        """
        trace_id = identifier("trace_id", trace_id)
        spans = self.span_rows().in_order()
        if user_id is not ANYONE and not self.rows(user_id).filter(trace_id=trace_id).exists():
            return spans.none()
        return spans.filter(trace_id=trace_id)

    def span_rows(self) -> AgentSpanQuerySet:
        """Return the spans of everyone, to read."""
        return AgentSpan.objects.using(self._alias)

    def count_spans(self, traces: Iterable[AgentTrace]) -> dict[str, SpanCounts]:
        """Return the numbers of the spans of traces, by the ids of the traces."""
        counts = dict.fromkeys((trace.trace_id for trace in traces), SpanCounts())
        return {**counts, **self.span_rows().of_traces(counts).counts()} if counts else {}

    # Writing

    def save_trace(self, trace: AgentTrace, user_id: object = None) -> AgentTrace:
        """Add a trace, or merge it into the one with the same id: a trace is written each time when a part ends.

        The merged trace lasts from the first start to the last end. Its name is that of the most important component:
        a workflow, a team, an agent. The context (user, session, run, component) is the first that was known. The
        status is that of the last write. No write of another program at the same time is lost.

        Args:
            trace: to write. It is not changed.
            user_id: the owner, or ``NO_USER``; ``trace.user_id`` is ignored.

        Returns:
            The trace as it is now.

        Raises:
            ValidationError: bad input; nothing was written.
        """
        candidate = cleaned_trace(trace, user_id=None if user_id is NO_USER else owner_id(user_id), version=1)
        rows = self.rows_to_write(ANYONE).filter(trace_id=candidate.trace_id)

        def write() -> AgentTrace:
            # agno's exporter only logs an error, which must not break a transaction of the run's caller.
            with savepoint(rows.db):
                existing = rows.first()
                if existing is None:
                    candidate.save(using=rows.db, force_insert=True)
                    return candidate
                return _merge(rows, existing, candidate)

        return retry(write, (IntegrityError, TraceChanged))

    def save_spans(self, spans: Sequence[AgentSpan]) -> None:
        """Add spans, all or nothing where the database has transactions. A span that exists already stays as it is.

        Args:
            spans: to write. They are not changed.

        Raises:
            ValidationError: bad input; nothing was written.
        """
        candidates = {span.key: span for span in map(_with_key, spans)}
        rows = AgentSpan.objects.using(self.write_alias)

        def write(*, reads: bool) -> None:
            for keys in batched(list(candidates), conf.BATCH_SIZE):
                present = set(rows.filter(key__in=keys).values_list("key", flat=True)) if reads else set()
                rows.bulk_create([candidates[key] for key in keys if key not in present])

        try:
            all_or_nothing(rows.db, partial(write, reads=False))
        except IntegrityError:
            # A span exists already. If it happens again, another writer has added one since.
            retry(lambda: all_or_nothing(rows.db, partial(write, reads=True)), IntegrityError)

    # Deleting

    def delete_traces(self, trace_ids: Iterable[Identifier], user_id: object = None) -> int:
        """Delete traces with their spans, and return their number. Ids that the user does not have are ignored.

        Args:
            trace_ids: the ids of the traces.
            user_id: the owner, ``ANYONE`` or ``NO_USER``.

        Raises:
            ValidationError: bad input; nothing was deleted.
        """
        ids = [identifier("trace_id", each, "trace_ids") for each in trace_ids]
        rows = self.rows_to_write(user_id)
        return sum(self._delete(rows.filter(trace_id__in=batch)) for batch in batched(ids, conf.BATCH_SIZE))

    def delete_user_traces(self, user_id: object = None, *, session_ids: Sequence[str] | None = None) -> int:
        """Delete all traces of a user with their spans, and return the number of traces.

        What is about the user in other traces is deleted too: traces without a user in which a span names this one, and
        such spans in traces of others, with all that they called. Also traces that name no user, but a session of this
        one.

        Args:
            user_id: the owner.
            session_ids: of the user's sessions, also of those that are deleted; by default those that there are.

        Raises:
            ValidationError: bad input; nothing was deleted.
        """
        owner = owner_id(user_id)
        if session_ids is None:
            session_ids = Person(owner, self._alias).session_ids
        about = About.of(owner, self.write_alias, session_ids)
        rows = self.rows_to_write(ANYONE)
        count = sum(
            self._delete(rows.filter(trace_id__in=batch)) for batch in batched(about.trace_ids, conf.BATCH_SIZE)
        )
        about.erase_spans(self.write_alias)
        # Another program may have written traces without an id.
        for batch in batched(about.trace_keys, conf.BATCH_SIZE):
            count += rows.filter(key__in=batch).exclude(user_id__gt="").erase()
        return count + self.rows_to_write(owner).erase()

    def reassign_user_traces(self, user_id: object, new_user_id: object) -> int:
        """Give all traces of a user, and the spans that name the user, to another one; return the number of traces.

        In batches of ``BATCH_SIZE``. If a call is interrupted, call it again. The attributes of spans do not change.

        Args:
            user_id: the owner.
            new_user_id: the new owner.

        Raises:
            ValidationError: bad input; nothing was written.
        """
        before, owner = owner_id(user_id), owner_id(new_user_id)
        if before == owner:
            return 0
        # The next version: a part of a run that ends meanwhile merges into the trace as it is now.
        count = _give(self.rows_to_write(before), user_id=owner, version=F("version") + 1)
        _give(AgentSpan.objects.using(self.write_alias).for_user(before), user_id=owner)
        return count

    aget_trace = async_twin(get_trace)
    aget_spans = async_twin(get_spans)
    acount_spans = async_twin(count_spans)
    asave_trace = async_twin(save_trace)
    asave_spans = async_twin(save_spans)
    adelete_traces = async_twin(delete_traces)
    adelete_user_traces = async_twin(delete_user_traces)
    areassign_user_traces = async_twin(reassign_user_traces)

    def _delete(self, rows: AgentTraceQuerySet) -> int:
        """Delete traces with their spans, all or nothing, and return their number."""

        def delete() -> int:
            ids = list(rows.values_list("trace_id", flat=True))
            spans = AgentSpan.objects.using(rows.db).of_traces(ids)
            spans.erase()
            count = AgentTrace.objects.using(rows.db).filter(trace_id__in=ids).erase()
            # Those that were written in between.
            spans.all().erase()
            return count

        return all_or_nothing(rows.db, delete)


def _give(rows: AgentTraceQuerySet | AgentSpanQuerySet, **values: Any) -> int:
    """Give rows to another owner, a batch at a time, and return their number."""
    first, count = rows.order_by("key").values_list("key", flat=True)[: conf.BATCH_SIZE], 0
    while given := rows.filter(key__in=list(first.all())).update(**values):
        count += given
    # Another program may have written documents with keys of another type.
    return count + rows.update(**values)


def _merge(rows: AgentTraceQuerySet, existing: AgentTrace, new: AgentTrace) -> AgentTrace:
    """Merge a trace into the row that was read; raises TraceChanged if it has been written or deleted since."""
    version = existing.version
    if _level(new) > _level(existing):
        existing.name = new.name
    existing.status = new.status
    existing.start_time = min(_sound(existing.start_time, new.start_time))
    existing.end_time = max(_sound(existing.end_time, new.end_time))
    existing.duration_ms = int((existing.end_time - existing.start_time).total_seconds() * 1000)
    for name in CONTEXT:
        if getattr(existing, name) is None:
            setattr(existing, name, getattr(new, name))
    values: dict[str, Any] = {name: getattr(existing, name) for name in MERGED}
    following = version + 1 if isinstance(version, Damaged) else F("version") + 1
    if not rows.filter(**unchanged(version=version)).update(**values, version=following):
        raise TraceChanged
    existing.version = version + 1
    return existing


def _sound(*moments: Any) -> list[Any]:
    return [moment for moment in moments if not isinstance(moment, Damaged)]


def _level(trace: AgentTrace) -> int:
    """Return the importance of the component that the trace is named after: 0 if the name is not that of a run."""
    if not any(part in trace.name.lower() for part in ROOT_NAMES):
        return 0
    known = [getattr(trace, name) is not None for name in LEVELS]
    return len(LEVELS) - known.index(True) if any(known) else 0


def _with_key(span: AgentSpan) -> AgentSpan:
    candidate = cleaned_trace(span)
    field: Any = AgentSpan._meta.pk
    candidate.key = field.get_pk_value_on_save(candidate)
    return candidate


def cleaned_trace(row: Row, **values: Any) -> Row:
    """Return a checked copy of a trace or a span with texts that every database stores; raises ValidationError."""
    texts = {
        field.attname: storable(getattr(row, field.attname))
        for field in row._meta.concrete_fields
        if isinstance(field, models.TextField | models.CharField) and isinstance(getattr(row, field.attname), str)
    }
    # The text of the attributes is checked when it is written.
    return cleaned_row(row, exclude=["attributes"], **texts | values)


def storable(text: str) -> str:
    """Return a text as traces and spans store it: an error message may have characters that a database refuses."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
