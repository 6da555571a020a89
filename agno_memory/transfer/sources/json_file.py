"""Files of JSON as a source: JSON Lines, or one list of objects."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from agno_memory.transfer.sources.base import Item, Row, Source, SourceError, UnreadableRow
from agno_memory.transfer.sources.extended_json import from_extended_json

# Bytes that are read at a time.
CHUNK_SIZE: Final = 2**16
# The largest JSON of one memory, in bytes; a longer item means that the file has another format.
MAX_ITEM_SIZE: Final = 64 * 2**20


class JsonSource(Source):
    """JSON in UTF-8: an object per line, or a list of objects, alone or under ``results``; also Extended JSON.

    The position is counted in bytes.

    Args:
        stream: the open file, or standard input.
        name: for error texts; also the name of the only table.
        size: in bytes; None if unknown.

    Raises:
        SourceError: the file does not begin like JSON.
    """

    def __init__(self, stream: BinaryIO, name: str, size: int | None = None) -> None:
        self._stream = stream
        self.name = name
        self.total = size
        self._head = stream.read(CHUNK_SIZE).removeprefix(codecs.BOM_UTF8)
        self._list_start = re.match(rb'\s*(\[|\{\s*"results"\s*:\s*\[)', self._head)
        problem = _problem_of(self._head)
        if problem is not None:
            self.close()
            raise SourceError(f"{name} {problem}")

    def tables(self) -> list[str]:
        return [self.name]

    def rows(self, table: str) -> Iterator[Item]:
        yield from self._rows_of_lines() if self._list_start is None else self._rows_of_list(self._list_start.end())

    def first_row(self, table: str) -> Row | None:
        # Standard input cannot be read twice, so only the first chunk is examined.
        head = self._head
        start = head.partition(b"\n")[0] if self._list_start is None else head[self._list_start.end() :]
        try:
            value, _end = json.JSONDecoder().raw_decode(start.decode(errors="ignore").lstrip())
        except ValueError:
            return None
        return from_extended_json(value) if isinstance(value, dict) else None

    def close(self) -> None:
        self._stream.close()

    def _chunks(self) -> Iterator[bytes]:
        yield self._head
        self.position = len(self._head)
        while chunk := self._stream.read(CHUNK_SIZE):
            self.position += len(chunk)
            yield chunk

    def _rows_of_lines(self) -> Iterator[Item]:
        number, rest = 0, b""
        for chunk in self._chunks():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                number += 1
                if line.strip():
                    yield f"line {number}", _row_of_line(line)
            if len(rest) > MAX_ITEM_SIZE:
                raise SourceError(f"Line {number + 1} of {self.name} is longer than {MAX_ITEM_SIZE:,} bytes.")
        if rest.strip():
            yield f"line {number + 1}", _row_of_line(rest)

    def _rows_of_list(self, start: int) -> Iterator[Item]:
        decoder, text = json.JSONDecoder(), ""
        decode = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape").decode
        number = 0
        for chunk in self._chunks():
            text += decode(chunk[start:])
            start = 0
            while (text := text.lstrip(" \t\r\n,")) and not text.startswith("]"):
                try:
                    value, end = decoder.raw_decode(text)
                except ValueError:
                    # The rest of the item is in the next chunk.
                    break
                number += 1
                yield f"item {number}", _row_of_value(value, text[:end])
                text = text[end:]
            if text.startswith("]"):
                return
            if len(text) > MAX_ITEM_SIZE:
                raise SourceError(f"Item {number + 1} of {self.name} is longer than {MAX_ITEM_SIZE:,} characters.")
        yield f"item {number + 1}", UnreadableRow("the file ends before the list does", text)


def _problem_of(head: bytes) -> str | None:
    """Return why a file with these first bytes cannot be read; None if it can."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "is UTF-16: save it as UTF-8."
    if not head.strip():
        return "is empty."
    return None if head.lstrip().startswith((b"{", b"[")) else "is neither JSON nor a SQLite file."


def _row_of_line(line: bytes) -> Row | UnreadableRow:
    raw = line.decode(errors="backslashreplace").strip()
    try:
        return _row_of_value(json.loads(line.decode()), raw)
    except UnicodeDecodeError as error:
        return UnreadableRow(f"not UTF-8: byte {error.start + 1} of the line", raw)
    except (ValueError, KeyError) as error:
        return UnreadableRow(f"not JSON: {error}", raw)
    except RecursionError:
        return UnreadableRow("nested too deeply", raw)


def _row_of_value(value: object, raw: str) -> Row | UnreadableRow:
    return from_extended_json(value) if isinstance(value, dict) else UnreadableRow("not an object", raw)
