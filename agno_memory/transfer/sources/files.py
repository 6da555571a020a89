"""The base class of sources that are files of text, read from their beginning to their end, once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO, Final

from agno_memory.transfer.sources.base import SAMPLE_SIZE, Item, Row, Source, SourceError

# Bytes that are read at a time.
CHUNK_SIZE: Final = 2**16


class FileSource(Source):
    """Base class: one table in a file. The position is counted in bytes.

    Args:
        stream: the open file, or standard input, after its first bytes.
        head: the first bytes.
        name: for error texts; also the name of the only table.
        size: in bytes; None if unknown.
    """

    def __init__(self, stream: BinaryIO, head: bytes, name: str, size: int | None = None) -> None:
        self._stream = stream
        self._head = head
        self.name = name
        self.total = size
        # The position after the first bytes.
        self._start = stream.tell() if stream.seekable() else 0
        self._is_read = False

    def tables(self) -> list[str]:
        return [self.name]

    def rows(self, table: str) -> Iterator[Item]:
        return self._rows(self._chunks())

    def first_rows(self, table: str) -> list[Row]:
        # Standard input cannot be read twice, so only the first bytes are examined.
        first = _sample(self._rows([self._head]))
        if first or not self._stream.seekable():
            return first
        # The first row may be longer, as that of a session with its runs.
        first = _sample(self._rows(self._chunks()))
        self.position = 0
        return first

    def close(self) -> None:
        self._stream.close()

    def _rows(self, chunks: Iterable[bytes]) -> Iterator[Item]:
        raise NotImplementedError("A file splits its bytes into rows.")

    def _chunks(self) -> Iterator[bytes]:
        if self._stream.seekable():
            # The table may be read twice: for sessions, and for the runs in them.
            self._stream.seek(self._start)
        elif self._is_read:
            raise SourceError(f"{self.name} can be read only once. Save it as a file.")
        self._is_read = True
        yield self._head
        self.position = len(self._head)
        while chunk := self._stream.read(CHUNK_SIZE):
            self.position += len(chunk)
            yield chunk


def _sample(items: Iterable[Item]) -> list[Row]:
    rows = (row for _where, row in items if isinstance(row, dict))
    return list(islice(rows, SAMPLE_SIZE))
