"""What a reader is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from agno_memory.transfer.records import NotAMemory, Record, Rejected
from agno_memory.transfer.sources import NotRead, Row, Source


class Reader:
    """Makes memories of the rows of one table.

    Args:
        source: what holds the table.
        table: its name.
        options: what the command was told.
    """

    name: ClassVar[str]
    # In a line, for people.
    about: ClassVar[str]

    def __init__(self, source: Source, table: str) -> None:
        self.source = source
        self.table = table
        self.options: dict[str, Any] = {}

    @classmethod
    def knows(cls, row: Row) -> bool:
        """Tell whether a table whose first row is this one is of this system."""
        raise NotImplementedError

    def fields(self, row: Row) -> dict[str, Any] | None:
        """Return the fields of the memory in a row; None for what is no memory and none is missed.

        Raises:
            NotAMemory: there should be one, and there is none.
        """
        raise NotImplementedError

    def read(self) -> Iterator[Record | Rejected]:
        """Yield everything, one by one."""
        for where, row in self.source.rows(self.table):
            if isinstance(row, NotRead):
                yield Rejected(where, row.reason, row.raw)
                continue
            try:
                fields = self.fields(row)
            except NotAMemory as error:
                yield Rejected(where, str(error), row)
                continue
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                # What another release, or a hand, left in the row.
                yield Rejected(where, f"not as {self.name} writes it: {type(error).__name__} {error}", row)
                continue
            if fields is not None:
                yield Record(where, {name: value for name, value in fields.items() if value is not None}, row)


def text_of(row: Row, name: str) -> str | None:
    """Return a value of a row that is to be a text.

    Raises:
        NotAMemory: it is something else.
    """
    value = row.get(name)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise NotAMemory(f"{name} is no text, but {type(value).__name__}")


def decoded(value: object) -> Any:
    """Return JSON that a database without a type for it keeps as text.

    Raises:
        NotAMemory: it is no JSON.
    """
    if not isinstance(value, str | bytes):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise NotAMemory("no JSON where JSON should be") from None
