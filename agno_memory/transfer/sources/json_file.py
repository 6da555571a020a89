"""Files of JSON as a source: JSON Lines, or one list of objects."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from agno_memory.transfer.sources.base import Item, Row, SourceError, UnreadableRow
from agno_memory.transfer.sources.extended_json import from_extended_json
from agno_memory.transfer.sources.files import FileSource

# The largest JSON of one memory, in bytes; a longer item means that the file has another format.
MAX_ITEM_SIZE: Final = 64 * 2**20
# Strings, the quotation mark of a string that does not end, brackets and commas.
TOKENS: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|["\[\]{},]', re.DOTALL)


class JsonSource(FileSource):
    """JSON in UTF-8: an object per line, or a list of objects, alone or under ``results``; also Extended JSON.

    Raises:
        SourceError: the file does not begin like JSON.
    """

    def __init__(self, stream: BinaryIO, head: bytes, name: str, size: int | None = None) -> None:
        super().__init__(stream, head.removeprefix(codecs.BOM_UTF8), name, size)
        self._list_start = re.match(rb'\s*(\[|\{\s*"results"\s*:\s*\[)', self._head)
        problem = _problem_of(self._head)
        if problem is not None:
            self.close()
            raise SourceError(f"{name} {problem}")

    def is_empty(self, table: str) -> bool:
        return self._list_start is not None and self._head[self._list_start.end() :].lstrip().startswith(b"]")

    def _rows(self, chunks: Iterable[bytes]) -> Iterator[Item]:
        if self._list_start is None:
            return self._rows_of_lines(chunks)
        return self._rows_of_list(chunks, self._list_start.end())

    def _rows_of_lines(self, chunks: Iterable[bytes]) -> Iterator[Item]:
        number, rest = 0, b""
        for chunk in chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                number += 1
                if line.strip():
                    yield f"line {number}", _row_of_bytes(line)
            if len(rest) > MAX_ITEM_SIZE:
                raise SourceError(f"Line {number + 1} of {self.name} is longer than {MAX_ITEM_SIZE:,} bytes.")
        if rest.strip():
            yield f"line {number + 1}", _row_of_bytes(rest)

    def _rows_of_list(self, chunks: Iterable[bytes], start: int) -> Iterator[Item]:
        decode = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape").decode
        number, text, item = 0, "", ItemEnd()
        for chunk in chunks:
            text += decode(chunk[start:])
            start = 0
            while (text := text.lstrip(" \t\r\n,")) and not text.startswith("]"):
                end = item.find(text)
                if end is None:
                    # The rest of the item is in the next chunk.
                    break
                number += 1
                yield f"item {number}", _row_of_text(text[:end])
                text, item = text[end:], ItemEnd()
            if text.startswith("]"):
                return
            if len(text) > MAX_ITEM_SIZE:
                raise SourceError(f"Item {number + 1} of {self.name} is longer than {MAX_ITEM_SIZE:,} characters.")
        yield f"item {number + 1}", UnreadableRow("the file ends before the list does", text)


class ItemEnd:
    """Finds the end of an item of a list by its brackets, without parsing: an invalid item ends there, too."""

    def __init__(self) -> None:
        self._closing: list[str] = []
        self._position = 0

    def find(self, text: str) -> int | None:
        """Return the position after the item; None if the text does not contain its end.

        Args:
            text: begins with the item. The next call continues, so it passes the same text with more at the end.
        """
        for token in TOKENS.finditer(text, self._position):
            match token[0]:
                case '"':
                    # The rest of the string is in the next chunk.
                    self._position = token.start()
                    return None
                case "{" | "[" as bracket:
                    self._closing.append("}" if bracket == "{" else "]")
                case "," | "]" if not self._closing:
                    return token.start()
                case "}" | "]" as bracket if self._close(bracket):
                    return token.end()
            self._position = token.end()
        return None

    def _close(self, bracket: str) -> bool:
        """Close the innermost bracket of this kind, with those inside it, and return whether it was the outermost."""
        if bracket not in self._closing[-1:] and bracket not in self._closing:
            return False
        while self._closing.pop() != bracket:
            pass
        return not self._closing


def _problem_of(head: bytes) -> str | None:
    """Return why a file with these first bytes cannot be read; None if it can."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "is UTF-16: save it as UTF-8."
    if not head.strip():
        return "is empty."
    return None if head.lstrip().startswith((b"{", b"[")) else "is neither JSON nor CSV nor a SQLite file."


def _row_of_bytes(line: bytes) -> Row | UnreadableRow:
    try:
        return _row_of_text(line.decode().strip())
    except UnicodeDecodeError as error:
        raw = line.decode(errors="backslashreplace").strip()
        return UnreadableRow(f"not UTF-8: byte {error.start + 1} of the line", raw)


def _row_of_text(text: str) -> Row | UnreadableRow:
    try:
        value = from_extended_json(json.loads(text))
    except ValueError as error:
        return UnreadableRow(f"not JSON: {error}", text)
    except RecursionError:
        return UnreadableRow("nested too deeply", text)
    return value if isinstance(value, dict) else UnreadableRow("not an object", text)
