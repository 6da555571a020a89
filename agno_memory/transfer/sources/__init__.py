"""Sources of memories, a module for each kind: files of SQLite and JSON, servers of PostgreSQL and MongoDB."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO, Final

from agno_memory.transfer.sources.base import Row, Source, SourceError, UnreadableRow, find_table, table_names
from agno_memory.transfer.sources.csv_file import CsvSource
from agno_memory.transfer.sources.files import CHUNK_SIZE
from agno_memory.transfer.sources.json_file import JsonSource
from agno_memory.transfer.sources.mongodb import MongoSource
from agno_memory.transfer.sources.postgresql import PostgresSource
from agno_memory.transfer.sources.servers import ServerSource, without_secrets
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
        return _open_text(sys.stdin.buffer, "standard input")
    return _open_file(Path(location))


def _open_file(path: Path) -> Source:
    try:
        stream = path.open("rb")
        is_sqlite = stream.read(len(HEADER)) == HEADER
    except (OSError, ValueError) as error:
        # The path may be a URL with a typing error.
        reason = getattr(error, "strerror", None) or error
        raise SourceError(f"{without_secrets(str(path))} cannot be read: {reason}") from None
    if is_sqlite:
        stream.close()
        return SqliteSource(path)
    stream.seek(0)
    return _open_text(stream, str(path), path.stat().st_size)


def _open_text(stream: BinaryIO, name: str, size: int | None = None) -> Source:
    head = stream.read(CHUNK_SIZE)
    return (CsvSource if CsvSource.reads(head) else JsonSource)(stream, head, name, size)
