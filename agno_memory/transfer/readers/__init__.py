"""Readers, a module for each system that people come from. A reader recognizes its tables by their first rows."""

from __future__ import annotations

from itertools import islice

from agno_memory.transfer.readers.agno1 import Agno1
from agno_memory.transfer.readers.agno3 import Agno3
from agno_memory.transfer.readers.base import Reader
from agno_memory.transfer.readers.djongo import Djongo
from agno_memory.transfer.readers.export import Download, Export
from agno_memory.transfer.readers.langgraph import LangGraph
from agno_memory.transfer.readers.mem0 import Mem0
from agno_memory.transfer.sources import Source, SourceError, find_table, table_names

# In the order in which they are tried: the first one that matches reads the table.
READERS: dict[str, type[Reader]] = {
    reader.name: reader for reader in (Export, Agno3, Djongo, Agno1, LangGraph, Mem0, Download)
}


def format_list() -> str:
    """Return names and descriptions of the formats, one per line."""
    return "\n".join(f"  {name:10} {reader.description}" for name, reader in READERS.items())


def reader_for(source: Source, format: str | None, table: str | None) -> Reader:
    """Return a reader for the table that holds memories.

    Args:
        source: to look in.
        format: name of a reader; by default the first one that matches.
        table: name of a table; by default the only one that a reader matches.

    Raises:
        SourceError: no table matches, or several do; the text names the options to add.
    """
    tables = source.tables() if table is None else [find_table(source, table)]
    if format is not None and len(tables) == 1:
        return READERS[format](source, tables[0])
    matching = _only_reader(source, format, tables)
    if matching is not None:
        return matching
    if len(tables) == 1 and source.is_empty(tables[0]):
        # mem0 writes {"results": []} for a person without memories.
        return Mem0(source, tables[0])
    raise SourceError(
        f"The format is not recognized; tables: {table_names(tables)}. "
        f"Choose a format with --format and a table with --table:\n{format_list()}"
    )


def find_reader(source: Source, format: str | None, table: str | None) -> Reader | None:
    """Return a reader for the table that holds memories; None if the source has no memories.

    Args:
        source: to look in.
        format: as of ``reader_for()``.
        table: names of tables to look in, separated by commas; by default all.

    Raises:
        SourceError: several tables match.
    """
    tables = source.tables() if table is None else [find_table(source, name) for name in table.split(",")]
    return _only_reader(source, format, tables)


def _only_reader(source: Source, format: str | None, tables: list[str]) -> Reader | None:
    readers = list(READERS.values()) if format is None else [READERS[format]]
    matching = [reader for name in tables for reader in _matching(source, name, readers)]
    if len(matching) > 1:
        choices = ", ".join(f"{reader.table} ({reader.name})" for reader in matching)
        raise SourceError(f"Several tables hold memories: {choices}. Choose one with --table.")
    return matching[0] if matching else None


def _matching(source: Source, table: str, readers: list[type[Reader]]) -> list[Reader]:
    """Return the reader that recognizes the first of a table's rows that any does, or an empty list."""
    matching = (reader for row in source.first_rows(table) for reader in readers if reader.matches(row))
    return [reader(source, table) for reader in islice(matching, 1)]
