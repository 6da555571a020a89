"""The readers, one for each system that people come from. Each knows its tables by what is in them."""

from __future__ import annotations

from agno_memory.transfer.readers.agno1 import Agno1
from agno_memory.transfer.readers.agno3 import Agno3
from agno_memory.transfer.readers.base import Reader
from agno_memory.transfer.readers.djongo import Djongo
from agno_memory.transfer.readers.langgraph import LangGraph
from agno_memory.transfer.readers.mem0 import Mem0
from agno_memory.transfer.readers.own import Own
from agno_memory.transfer.sources import Source, SourceError, known_table

# In the order in which they are asked; the first that knows a table reads it.
READERS: dict[str, type[Reader]] = {reader.name: reader for reader in (Own, Agno3, Djongo, Agno1, LangGraph, Mem0)}


def formats() -> str:
    """Return what is known, a line each."""
    return "\n".join(f"  {name:10} {reader.about}" for name, reader in READERS.items())


def reader_for(source: Source, format: str | None, table: str | None) -> Reader:
    """Return a reader of the table that holds memories.

    Args:
        source: where to look.
        format: the name of a reader; by default the one that knows the table.
        table: its name; by default the only one that a reader knows.

    Raises:
        SourceError: there is none, or more than one; the text says what to do.
    """
    tables = source.tables() if table is None else [known_table(source, table)]
    readers = list(READERS.values()) if format is None else [READERS[format]]
    known: list[Reader] = []
    for name in tables:
        first = source.first(name)
        if table is not None and format is not None:
            known.append(READERS[format](source, name))
        elif first is not None:
            known += [reader(source, name) for reader in readers if reader.knows(first)][:1]
    if len(known) == 1:
        return known[0]
    if known:
        choice = ", ".join(f"{reader.table} ({reader.name})" for reader in known)
        raise SourceError(f"Memories are in several tables: {choice}. Choose one with --table.")
    there = ", ".join(tables[:20]) or "none"
    raise SourceError(f"No known format in {there}. Name one with --format, and its table with --table:\n{formats()}")
