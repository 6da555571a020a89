"""Documents of agno 3, the rows of its own tables (knowledge, learnings, schedules and so on), as records of this app.

Needs no agno: the stores for agno use it, and the import of agno's own databases.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agno_memory.agent_record_models import AgentRecord
from agno_memory.identifiers import owner_id
from agno_memory.keys import composite_key
from agno_memory.names import MAX_IDENTIFIER_LENGTH
from agno_memory.times import from_epoch, now, to_epoch

# A row of agno's own tables: the values by the names of its columns.
Document = dict[str, Any]


def optional_moment(seconds: float | None) -> datetime.datetime | None:
    """Return the moment of a number of seconds since 1970; None of None."""
    return None if seconds is None else from_epoch(seconds)


def short_id(document_id: str) -> str:
    """Return the id of the record of a document. agno makes ids of a user's or an entity's, which may be too long."""
    return document_id if len(document_id) <= MAX_IDENTIFIER_LENGTH else composite_key(document_id)


@dataclass(frozen=True)
class Kind:
    """A kind of documents, and the columns by which agno filters and sorts them.

    Args:
        name: of the kind; the ``kind`` of its records.
        id_of: returns the id of a document.
        columns: the names of agno's columns, by the names of the record's, where they differ.
    """

    name: str
    id_of: Callable[[Document], str]
    columns: Mapping[str, str]

    def column(self, name: str) -> str | None:
        """Return the column of a record for one of agno's, or None."""
        if name in ("user_id", "created_at", "updated_at"):
            return name
        return next((column for column, other in self.columns.items() if other == name), None)

    def record(self, document: Document, owner: str | None = None) -> AgentRecord:
        """Return the unsaved record of a document.

        Args:
            document: the values by agno's names, which JSON can represent.
            owner: of a document without a ``user_id``, because it is a part of another one.
        """
        record = AgentRecord(kind=self.name, record_id=short_id(self.id_of(document)), user_id=owner)
        self.fill(record, document)
        return record

    def fill(self, record: AgentRecord, document: Document) -> None:
        """Set the data of a record, and the columns that follow from it.

        Args:
            record: to change.
            document: as of ``record()``.

        Raises:
            ValidationError: the document's user is not an id.
        """
        record.data = document
        for column, name in self.columns.items():
            setattr(record, column, column_value(column, record.data.get(name)))
        if "user_id" in document:
            record.user_id = owner_or_none(document["user_id"])
            record.data = {**document, "user_id": record.user_id}
        record.created_at = _moment(document.get("created_at"), record.created_at)
        record.updated_at = _moment(document.get("updated_at"), record.updated_at, default=record.created_at)


def kind(name: str, id_name: str, /, *same: str, **columns: str) -> Kind:
    """Return a kind whose documents have their id in one column.

    Args:
        name: of the kind.
        id_name: agno's column with the id.
        same: the columns of a record that agno also has under this name.
        columns: agno's names of other columns.
    """
    named = {"record_id": id_name, **{each: each for each in same}, **columns}
    return Kind(name, lambda document: str(document[id_name]), named)


def owner_or_none(user_id: Any) -> str | None:
    """Return the id under which the documents of a user are stored; None for none."""
    return None if user_id is None else owner_id(user_id)


def column_value(column: str, value: Any) -> Any:
    if column == "record_id":
        return short_id(str(value))
    if column in ("due_at", "claimed_at"):
        return optional_moment(value)
    if column == "name":
        return "" if value is None else str(value)
    return value if value is None or column == "sort_number" else str(value)


def _moment(seconds: Any, stored: Any, default: Any = None) -> Any:
    """Return the moment of agno's whole seconds: the stored one, or now, if it is in that second, as they are exact."""
    if seconds is None:
        return stored if default is None else default
    exact = (moment for moment in (now(), stored) if moment is not None and to_epoch(moment) == seconds)
    return next(exact, None) or optional_moment(seconds)
