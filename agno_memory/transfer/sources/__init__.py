"""Sources of memories, a module for each kind: files of SQLite and JSON, servers of PostgreSQL and MongoDB."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from agno_memory.transfer.sources.base import Row, Source, SourceError, UnreadableRow, find_table, table_names
from agno_memory.transfer.sources.json_file import JsonSource
from agno_memory.transfer.sources.mongodb import MongoSource
from agno_memory.transfer.sources.postgresql import PostgresSource
from agno_memory.transfer.sources.servers import ServerSource
from agno_memory.transfer.sources.sqlite import HEADER, SqliteSource

__all__ = ["Row", "Source", "SourceError", "UnreadableRow", "find_table", "open_source", "table_names"]

SERVERS: Final[tuple[type[ServerSource], ...]] = (PostgresSource, MongoSource)


def open_source(location: str) -> Source:
    """Open a file or connect to a server.

    Args:
        location: a path, ``-`` for standard input, ``postgresql://...`` or ``mongodb://...``.

    Raises:
        SourceError: it cannot be read.
    """
    for server in SERVERS:
        if location.startswith(server.prefixes):
            return server(location)
    if location == "-":
        return JsonSource(sys.stdin.buffer, "standard input")
    return _open_file(Path(location))


def _open_file(path: Path) -> Source:
    try:
        stream = path.open("rb")
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    with stream:
        is_sqlite = stream.read(len(HEADER)) == HEADER
    return SqliteSource(path) if is_sqlite else JsonSource(path.open("rb"), str(path), path.stat().st_size)
