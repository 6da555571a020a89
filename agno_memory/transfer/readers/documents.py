"""The documents of agno 3, each kind in a table of agno's own."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar, Final

from django.core.exceptions import ValidationError

from agno_memory.agent_document_kinds import (
    ACCOUNT,
    APPROVAL,
    AUTH_TOKEN,
    COMPACTION,
    COMPONENT,
    CONFIG,
    CONTENT,
    EVALUATION,
    LEARNING,
    LINK,
    SCHEDULE,
    SCHEDULE_RUN,
    TRANSCRIPT,
)
from agno_memory.agent_documents import Document, Kind
from agno_memory.times import from_milliseconds
from agno_memory.transfer.readers.agents import AgentReader
from agno_memory.transfer.readers.base import parse_json
from agno_memory.transfer.records import InvalidRecord
from agno_memory.transfer.sources import Row


class Documents(AgentReader):
    """Base of the readers of documents, a class for each kind."""

    name = "agno3"
    kind: ClassVar[Kind]
    # Their name in the plural.
    rows: ClassVar[str]
    # The columns of true and false, for which SQLite has no type.
    flags: ClassVar[Collection[str]] = ()

    def values(self, row: Row) -> Document:
        values = super().values(row)
        values |= {name: bool(values[name]) for name in self.flags if values.get(name) is not None}
        if values.get("user_id") == "":
            values["user_id"] = None
        return values

    def fields(self, row: Row) -> dict[str, Any]:
        try:
            record = self.kind.record(self.values(row))
        except ValidationError as error:
            raise InvalidRecord(" ".join(error.messages)) from None
        names = [field.attname for field in record._meta.concrete_fields if field.attname != "search_text"]
        return {name: getattr(record, name) for name in names}


class Transcripts(Documents):
    """Reads the entries of transcripts, which are texts of JSON on every database."""

    kind = TRANSCRIPT
    rows = "transcript entries"
    columns = frozenset({"framework", "project_key", "entry", "agno_session_id"})

    def values(self, row: Row) -> Document:
        values = super().values(row)
        # A time in milliseconds, and a copy of a value in the entry.
        others = ("created_at", "entry_uuid")
        document = {name: value for name, value in values.items() if name not in others}
        return {**document, "entry": parse_json(values["entry"])}

    def fields(self, row: Row) -> dict[str, Any]:
        milliseconds = row.get("created_at")
        moment = None if milliseconds is None else from_milliseconds(milliseconds)
        return {**super().fields(row), "created_at": moment, "updated_at": moment}


def _reader(
    rows: str, kind: Kind, *columns: str, json: Collection[str] = (), flags: Collection[str] = ()
) -> type[Documents]:
    """Return the reader of a kind.

    Args:
        rows: the name of the documents, in the plural.
        kind: of the documents.
        columns: those by which the table is recognized.
        json: the columns with JSON.
        flags: the columns of true and false.
    """
    members = {"rows": rows, "kind": kind, "columns": frozenset(columns), "json_columns": json, "flags": flags}
    return type(f"{kind.name.title()}Documents", (Documents,), members)


# A whole comes before its parts.
DOCUMENTS: Final[tuple[type[Documents], ...]] = (
    _reader("learnings", LEARNING, "learning_id", "learning_type", "content", json=("content", "metadata")),
    _reader("knowledge contents", CONTENT, "id", "linked_to", "access_count", "status_message", json=("metadata",)),
    _reader("evaluation runs", EVALUATION, "run_id", "eval_type", "eval_data", json=("eval_data", "eval_input")),
    _reader("components", COMPONENT, "component_id", "component_type", "current_version", json=("metadata",)),
    _reader("component versions", CONFIG, "component_id", "version", "stage", "config", json=("config",)),
    _reader("component links", LINK, "parent_component_id", "child_component_id", "link_kind", json=("meta",)),
    _reader("schedules", SCHEDULE, "id", "cron_expr", "endpoint", "next_run_at", json=("payload",), flags=("enabled",)),
    _reader("schedule runs", SCHEDULE_RUN, "id", "schedule_id", "attempt", json=("input", "output", "requirements")),
    _reader(
        "approvals",
        APPROVAL,
        "id",
        "approval_type",
        "pause_type",
        "source_type",
        json=("tool_args", "requirements", "context", "resolution_data"),
    ),
    _reader("service accounts", ACCOUNT, "id", "token_hash", "token_prefix", json=("scopes",)),
    _reader("auth tokens", AUTH_TOKEN, "provider", "service", "token_data", json=("token_data", "granted_scopes")),
    _reader("compactions", COMPACTION, "compaction_id", "session_id", "first_kept_message_id"),
    Transcripts,
)
