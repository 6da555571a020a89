"""agno 3's small documents (knowledge, learnings, schedules and so on) as records of this app, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import MISSING, Field, fields
from typing import Any, Final

from agno_memory.agent_documents import Document, Kind, column_value, short_id
from agno_memory.agent_record_querysets import AgentRecordQuerySet
from agno_memory.agent_records import AgentRecords
from agno_memory.contrib.agno import owners
from agno_memory.contrib.agno.v3.listing import Listing
from agno_memory.contrib.agno.v3.rows import to_json
from agno_memory.json_texts import object_or_none
from agno_memory.models import AgentRecord
from agno_memory.services import ANYONE
from agno_memory.times import now, to_epoch

# Returns a document with other values, or None to write nothing.
Edit = Callable[[Document], "Document | None"]

# Values by the names of agno's columns; None matches every value.
Filters = Mapping[str, Any]
NO_FILTERS: Final[Filters] = {}


class Documents:
    """The documents of one kind in one database. ``user_id=None`` means every user, as in agno.

    Args:
        kind: of the documents.
        db: an alias of ``DATABASES``; ``None`` follows the router.
    """

    def __init__(self, kind: Kind, db: str | None) -> None:
        self.kind = kind
        self.records = AgentRecords(kind.name, db)

    def rows(self, user_id: str | None, filters: Filters = NO_FILTERS, *, shared: bool = False) -> AgentRecordQuerySet:
        """Return the records that match all of agno's filters.

        Args:
            user_id: the owner; None for every user.
            filters: values by agno's names; None matches every value.
            shared: also the records without a user.
        """
        if shared and user_id is not None:
            rows = self.records.rows(ANYONE).visible_to(user_id)
        else:
            rows = self.records.rows(owners.reader(user_id))
        return self.matching(rows, filters)

    def matching(self, rows: AgentRecordQuerySet, filters: Filters) -> AgentRecordQuerySet:
        """Narrow records to those that match all of agno's filters."""
        values = {str(self.kind.column(name)): value for name, value in filters.items() if value is not None}
        return rows.filter(**{column: column_value(column, value) for column, value in values.items()})

    def stored(self, filters: Filters = NO_FILTERS) -> AgentRecordQuerySet:
        """Return the records that match all of agno's filters, on the database to write to."""
        return self.matching(self.records.rows_to_write(ANYONE), filters)

    def stored_at(self, *record_ids: str) -> AgentRecordQuerySet:
        """Return the records with these ids, on the database to write to."""
        return self.at(self.stored(), *record_ids)

    def at(self, rows: AgentRecordQuerySet, *record_ids: str) -> AgentRecordQuerySet:
        """Narrow records to those with these ids."""
        return rows.filter(key__in=[self.records.key_of(short_id(each)) for each in record_ids])

    def get(self, record_id: str, user_id: str | None = None, *, shared: bool = False) -> Document | None:
        """Return a document, or None."""
        return first_document(self.at(self.rows(user_id, shared=shared), record_id))

    def page(self, rows: AgentRecordQuerySet, listing: Listing, default: AgentRecordQuerySet) -> list[Document]:
        """Return the documents of a page.

        Args:
            rows: the matches.
            listing: the page; ``sort_by`` is one of agno's names.
            default: the matches in the order for a ``sort_by`` that names no column.
        """
        column = None if listing.sort_by is None else self.kind.column(listing.sort_by)
        ordered = listing._replace(sort_by=column).ordered(rows, default)
        return documents(listing.sliced(ordered))

    def add(self, document: Document, owner: str | None = None) -> Document:
        """Add a document, and return it as it is stored; raises RecordExists."""
        added: Document = self.records.add_record(self.kind.record(to_json(document), owner)).data
        return added

    def edit(self, record_id: str, edit: Edit, user_id: object = ANYONE) -> Document | None:
        """Change a document by one conditional statement; see ``AgentRecords.change_record()``.

        Args:
            record_id: the id of the document.
            edit: returns the new document, or None to write nothing. It may be called several times.
            user_id: the owner, ``ANYONE`` or ``NO_USER``.

        Returns:
            The document as it is now, or None if nothing was written.
        """
        changed = self.records.change_record(short_id(record_id), self.change(edit), user_id)
        return None if changed is None else changed.data

    def delete(self, record_ids: Iterable[str], user_id: str | None) -> int:
        """Delete documents of a user, or of any user, and return their number. Other ids are ignored."""
        return self.records.delete_records(map(short_id, record_ids), owners.reader(user_id))

    def change(self, edit: Edit) -> Callable[[AgentRecord], bool]:
        """Return the change of a record that edits its document."""

        def change(record: AgentRecord) -> bool:
            # A value of another program is no document.
            document = edit(dict(record.data)) if isinstance(record.data, dict) else None
            if document is None:
                return False
            self.kind.fill(record, to_json(document))
            return True

        return change


def documents(rows: Iterable[AgentRecord]) -> list[Document]:
    """Return the documents of records, without values of other programs that are not objects."""
    return [record.data for record in rows if isinstance(record.data, dict)]


def first_document(rows: AgentRecordQuerySet) -> Document | None:
    """Return the document of the first of some records, or None."""
    record = rows.first()
    return None if record is None else object_or_none(record.data)


def readable(schema: type[Any], found: Iterable[Document]) -> list[Any]:
    """Return documents as agno's objects, without those of other programs that lack values of them.

    Args:
        schema: agno's class, a model of pydantic.
        found: the documents.
    """
    results = []
    for document in found:
        # Pydantic's error is a ValueError.
        with suppress(ValueError):
            results.append(schema.model_validate(document))
    return results


def merged(document: Document, **values: Any) -> Document:
    """Return a document with those of the values that are not None."""
    return document | {name: value for name, value in values.items() if value is not None}


def complete(schema: type[Any], values: Document) -> Document:
    """Return a document with a value for each column of agno's table.

    Args:
        schema: agno's class with the columns and their defaults.
        values: those that are set.
    """
    return {field.name: _default(field) for field in fields(schema)} | values


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return None if field.default is MISSING else field.default


def check_fixed(document: Document, values: Document, *names: str) -> None:
    """Raise ValueError if one of these values of a document would change."""
    changed = [name for name in names if name in values and values[name] != document[name]]
    if changed:
        raise ValueError(f"{', '.join(changed)} cannot change.")


def seconds_now() -> int:
    """Return the current time as agno stores it."""
    return to_epoch(now())
