"""What agents keep in agno's own tables: sessions, runs, traces, spans and documents.

The tables of agno 3 and 2, and those of the sessions of agno 1.8. SQLite, PostgreSQL and MongoDB.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any, ClassVar, Final

from agno_memory.agno_rows import (
    SESSION_IDS,
    SESSION_JSON,
    old_run,
    old_session,
    runs_by_id,
    span_columns,
    split_name,
)
from agno_memory.exact_times import as_utc
from agno_memory.transfer.readers.base import NOT_KEPT, Reader, get_text, parse_json
from agno_memory.transfer.records import InvalidRecord, Record, Rejected, parse_moment
from agno_memory.transfer.sources import Row, UnreadableRow

TRACE_IDS: Final = ("run_id", "session_id", "user_id", *SESSION_IDS)
# Rows may be large: as many are read from a server at a time.
ROWS_AT_ONCE: Final = 100


class AgentReader(Reader):
    """Base class of the readers of one of agno's tables."""

    # The columns by which the table is recognized: it has all of the first, and none of the others.
    columns: ClassVar[frozenset[str]]
    other_columns: ClassVar[frozenset[str]] = frozenset()
    json_columns: ClassVar[Collection[str]] = ()
    # Whether some releases encoded the values of these columns twice; they are objects and lists.
    is_encoded_twice: ClassVar[bool] = False

    @classmethod
    def matches(cls, row: Row) -> bool:
        return cls.columns <= row.keys() and not cls.other_columns & row.keys()

    def read(self) -> Iterator[Record | Rejected]:
        self.source.read_at_once(ROWS_AT_ONCE)
        for each in super().read():
            yield replace(each, where=f"{self.table}, {each.where}")

    def values(self, row: Row) -> Row:
        """Return the values of a row, with those of JSON decoded."""
        values = {name: value for name, value in row.items() if name not in NOT_KEPT}
        if self.source.stores_json_as_text:
            values |= {name: parse_json(values[name]) for name in self.json_columns if name in values}
        if self.is_encoded_twice:
            values |= {name: parse_json(values[name]) for name in self.json_columns if name in values}
        return values


class Sessions(AgentReader):
    """Reads the sessions of agno 2 and 3 without their runs."""

    name = "agno3"
    columns = frozenset({"session_id", "session_type", "session_data"})
    json_columns = ("session_data", *SESSION_JSON, "runs")
    is_encoded_twice = True

    def fields(self, row: Row) -> dict[str, Any]:
        values = self.values(row)
        data, name = split_name(_object(values, "session_data"))
        return {
            "session_id": _required(values, "session_id"),
            "session_type": get_text(values, "session_type"),
            "user_id": get_text(values, "user_id"),
            "name": name,
            "session_data": data,
            **{each: get_text(values, each) for each in SESSION_IDS},
            **{each: values.get(each) for each in SESSION_JSON},
            **_times(values),
        }


class OldSessions(AgentReader):
    """Reads the sessions of agno 1.8 without their runs."""

    name = "agno1"
    columns = frozenset({"session_id", "session_data", "extra_data"})
    other_columns = frozenset({"session_type"})
    json_columns = ("memory", "session_data", "extra_data", "agent_data", "team_data", "workflow_data", "runs")

    def fields(self, row: Row) -> dict[str, Any]:
        values = self.values(row)
        session, _runs = old_session(values, _old_type(values))
        names = [field.attname for field in session._meta.concrete_fields if field.attname != "search_name"]
        fields = {name: getattr(session, name) for name in names}
        return {**fields, "session_id": _required(values, "session_id"), **_times(values)}


class Runs(AgentReader):
    """Reads the runs of agno 3, each of which has a row of its own."""

    name = "agno3"
    columns = frozenset({"run_id", "session_id", "run_data", "run_type"})
    json_columns = ("run_data",)

    def fields(self, row: Row) -> dict[str, Any]:
        values = self.values(row)
        names = (*SESSION_IDS, "parent_run_id", "status")
        return {
            "run_id": _required(values, "run_id"),
            "session_id": _required(values, "session_id"),
            "run_type": get_text(values, "run_type"),
            "run_index": values.get("run_index") or 0,
            "data": values["run_data"],
            **{name: get_text(values, name) for name in names},
            **_times(values),
        }


class RunsInSessions(AgentReader):
    """Base of the readers of runs that are a list in the row of their session."""

    def read(self) -> Iterator[Record | Rejected]:
        self.source.read_at_once(ROWS_AT_ONCE)
        for where, row in self.source.rows(self.table):
            # The reader of the sessions rejects a row that it cannot read.
            for number, (run_id, fields) in enumerate(self._runs(row), start=1):
                place = f"{self.table}, {where}, run {number}"
                yield self.record(place, {"run_id": run_id, "fields": fields})  # type: ignore[misc]

    def fields(self, row: Row) -> dict[str, Any]:
        fields = row["fields"]
        if not isinstance(fields, dict):
            raise InvalidRecord("the run is not an object")
        return fields

    def _runs(self, row: Row | UnreadableRow) -> list[tuple[str, Any]]:
        if isinstance(row, UnreadableRow):
            return []
        try:
            values = self.values(row)
            runs = self.runs_of(values)
        except (InvalidRecord, TypeError, ValueError, AttributeError, KeyError):
            return []
        whole = {"session_id": values.get("session_id")}
        return [(run_id, self._fields_of(run_id, number, run, values) | whole) for run_id, (number, run) in runs]

    def runs_of(self, values: Row) -> list[tuple[str, tuple[int, Any]]]:
        """Return the runs of a session with their ids and positions."""
        raise NotImplementedError("A reader knows where a session has its runs.")

    def type_of(self, run: Row, session: Row) -> str:
        """Return the type of a run."""
        raise NotImplementedError("A reader knows the types of runs.")

    def _fields_of(self, run_id: str, number: int, run: Row, session: Row) -> dict[str, Any]:
        moment = parse_moment(run.get("created_at")) or parse_moment(session.get("created_at"))
        times = {"created_at": moment, "updated_at": moment} if moment else {}
        ids = {name: get_text(run, name) for name in (*SESSION_IDS, "parent_run_id", "status")}
        own = {"run_id": run_id, "run_index": number, "run_type": self.type_of(run, session), "data": run}
        return {**own, **ids, **times}


class RunsInSessions2(RunsInSessions):
    """Reads the runs in the sessions of agno 2."""

    name = "agno3"
    columns = Sessions.columns | {"runs"}
    json_columns = Sessions.json_columns
    is_encoded_twice = True

    def runs_of(self, values: Row) -> list[tuple[str, tuple[int, Any]]]:
        return list(runs_by_id(values.get("runs") or []).items())

    def type_of(self, run: Row, session: Row) -> str:
        if run.get("agent_id") or run.get("agent_name"):
            return "agent"
        return "team" if run.get("team_id") or run.get("team_name") else "workflow"


class OldRuns(RunsInSessions):
    """Reads the runs in the sessions of agno 1.8."""

    name = "agno1"
    columns = OldSessions.columns
    other_columns = OldSessions.other_columns
    json_columns = OldSessions.json_columns

    def runs_of(self, values: Row) -> list[tuple[str, tuple[int, Any]]]:
        _session, runs = old_session(values, _old_type(values))
        return list(runs_by_id(runs or []).items())

    def type_of(self, run: Row, session: Row) -> str:
        return str(old_run("", run, _old_type(session)).run_type)


class Traces(AgentReader):
    """Reads the traces of agno 3 without their spans."""

    name = "agno3"
    columns = frozenset({"trace_id", "name", "start_time", "end_time", "duration_ms"})
    other_columns = frozenset({"span_id"})

    def fields(self, row: Row) -> dict[str, Any]:
        return {
            **_step(row),
            "status": get_text(row, "status"),
            **{name: get_text(row, name) for name in TRACE_IDS},
        }


class Spans(AgentReader):
    """Reads the spans of agno 3."""

    name = "agno3"
    columns = frozenset({"trace_id", "span_id", "span_kind", "start_time"})
    json_columns = ("attributes",)

    def fields(self, row: Row) -> dict[str, Any]:
        values = self.values(row)
        attributes = _object(values, "attributes")
        texts = ("parent_span_id", "span_kind", "status_code", "status_message")
        return {
            **_step(values),
            "span_id": _required(values, "span_id"),
            "attributes": attributes,
            **{name: get_text(values, name) for name in texts},
            **span_columns(attributes or {}),
        }


def _step(row: Row) -> dict[str, Any]:
    """Return what traces and spans have in common."""
    times = {name: parse_moment(row.get(name)) for name in ("start_time", "end_time", "created_at")}
    exact = {name: None if moment is None else as_utc(moment) for name, moment in times.items()}
    exact["created_at"] = exact["created_at"] or exact["end_time"]
    return {
        "trace_id": _required(row, "trace_id"),
        "name": get_text(row, "name"),
        "duration_ms": row["duration_ms"],
        **exact,
    }


def _old_type(values: Row) -> str:
    """Return the type of a session of agno 1.8, which has columns for it alone."""
    return next((name for name in ("team", "workflow") if f"{name}_id" in values), "agent")


def _times(values: Row) -> dict[str, Any]:
    """Return the times of a row, those that it has."""
    created, updated = parse_moment(values.get("created_at")), parse_moment(values.get("updated_at"))
    times = {"created_at": created or updated, "updated_at": updated or created}
    return {name: moment for name, moment in times.items() if moment is not None}


def _required(values: Row, name: str) -> str:
    text = get_text(values, name)
    if not text:
        raise InvalidRecord(f"{name} is missing")
    return text


def _object(values: Row, name: str) -> dict[str, Any] | None:
    value = values.get(name)
    if value is not None and not isinstance(value, dict):
        raise InvalidRecord(f"{name} is not an object")
    return value
