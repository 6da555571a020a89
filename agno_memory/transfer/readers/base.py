"""The base class of readers, and conversions of values that several readers use."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any, ClassVar, Final

from agno_memory.transfer.records import InvalidRecord, Record, Rejected
from agno_memory.transfer.sources import Row, Source, UnreadableRow


class Reader:
    """Base class: converts the rows of one table into records.

    Args:
        source: the open source.
        table: name of the table in the source.
    """

    # The value of --format.
    name: ClassVar[str]
    # One line for the command's help.
    description: ClassVar[str]

    def __init__(self, source: Source, table: str) -> None:
        self.source = source
        self.table = table
        # Options of the command import_memories, by name.
        self.options: dict[str, Any] = {}
        # The fields of the source that have no place in a memory, and are kept in its metadata.
        self.kept_fields: set[str] = set()

    @classmethod
    def matches(cls, row: Row) -> bool:
        """Return whether a table with this first row is in the reader's format."""
        raise NotImplementedError("A reader recognizes its format by a row.")

    def fields(self, row: Row) -> dict[str, Any] | None:
        """Return the fields of the memory in a row; None for a row that is skipped because it holds no memory.

        Raises:
            InvalidRecord: the row cannot be converted.
        """
        raise NotImplementedError("A reader converts a row into fields.")

    def read(self) -> Iterator[Record | Rejected]:
        """Yield a record or a rejection for each row, except for skipped ones."""
        for where, row in self.source.rows(self.table):
            record = self.record(where, row)
            if record is not None:
                yield record

    def record(self, where: str, row: Row | UnreadableRow) -> Record | Rejected | None:
        """Convert one row; None if it is skipped."""
        if isinstance(row, UnreadableRow):
            return Rejected(where, row.reason, row.raw)
        try:
            fields = self.fields(row)
        except InvalidRecord as error:
            return Rejected(where, str(error), row)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            # Another release wrote the row, or it was edited by hand.
            return Rejected(where, f"not in the format {self.name}: {type(error).__name__} {error}", row)
        if fields is None:
            return None
        return Record(where, {name: value for name, value in fields.items() if value is not None}, row)

    def with_other_fields(self, metadata: Any, row: Row, known: Collection[str]) -> Any:
        """Return metadata with the fields of a row that have no place in a memory.

        Args:
            metadata: of the row. Its values stay: a field with one of its keys is kept under ``source_<name>``.
            row: the row.
            known: the names of the fields that the reader reads, or leaves out deliberately.
        """
        others = {name: value for name, value in row.items() if name not in known and value is not None}
        if not others or not isinstance(metadata, dict | None):
            return metadata
        self.kept_fields |= others.keys()
        kept = dict(metadata or {})
        for name, value in others.items():
            kept[f"source_{name}" if name in kept else name] = _json_value(value)
        return kept

    def metadata_with_others(self, row: Row, known: Collection[str]) -> Any:
        """Return a row's other fields as metadata, for a source without metadata of its own.

        Args:
            row: the row. An object in a field of this name becomes the metadata.
            known: as of ``with_other_fields()``.
        """
        try:
            metadata = parse_json(row.get("metadata"))
        except InvalidRecord:
            metadata = None
        if isinstance(metadata, dict):
            return self.with_other_fields(metadata, row, {*known, "metadata"})
        return self.with_other_fields(None, row, known)


# MongoDB's own key, and the number that agno 1.8 writes into its documents.
NOT_KEPT: Final = frozenset(("_id", "_version"))
# The values of agno's memories that are not kept in the metadata: they have a place in a memory, or none at all.
READ_OF_AGNO: Final = NOT_KEPT | {
    "memory_id",
    "user_id",
    "memory",
    "topics",
    "input",
    "feedback",
    "agent_id",
    "team_id",
    "created_at",
    "updated_at",
    "last_updated",
}


def _json_value(value: Any) -> Any:
    """Return a value of a database as JSON; times and ids become text."""
    return json.loads(json.dumps(value, default=str))


def get_text(row: Row, name: str) -> str | None:
    """Return a text of a row, or None; a whole number becomes its digits.

    Raises:
        InvalidRecord: the value has another type.
    """
    value = row.get(name)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise InvalidRecord(f"{name} is not a text, but {type(value).__name__}")


def parse_json(value: object) -> Any:
    """Return the value of JSON that a database stores as text; a value that is not text is returned unchanged.

    Raises:
        InvalidRecord: the text is not JSON.
    """
    if not isinstance(value, str | bytes):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise InvalidRecord("a value that must be JSON is not JSON") from None
