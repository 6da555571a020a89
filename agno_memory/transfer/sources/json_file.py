"""Files of JSON as a source: JSON Lines, or one list of objects."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, Final

from agno_memory.transfer.sources.base import Item, Row, SourceError, UnreadableRow
from agno_memory.transfer.sources.extended_json import from_extended_json
from agno_memory.transfer.sources.files import FileSource

# The largest JSON of one memory, in bytes; a longer item means that the file has another format.
MAX_ITEM_SIZE: Final = 64 * 2**20
# Strings, the quotation mark of a string that does not end, brackets and commas.
TOKENS: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|["\[\]{},]', re.DOTALL)
SPACE: Final = re.compile(r"[ \t\r\n]*")
# The member of an object that lists the rows.
LIST: Final = "results"


class JsonSource(FileSource):
    """JSON in UTF-8: an object per line, or a list of objects, alone or under ``results``; also Extended JSON.

    ``left_out`` names the members beside ``results``, which are of no row, if they have a content.

    Raises:
        SourceError: the file does not begin like JSON.
    """

    def __init__(self, stream: BinaryIO, head: bytes, name: str, size: int | None = None) -> None:
        super().__init__(stream, head.removeprefix(codecs.BOM_UTF8), name, size)
        self._list_start, members = _find_list(self._head)
        self._is_in_object = members is not None
        self.left_out: set[str] = _with_content(members or {})
        problem = _problem_of(self._head)
        if problem is not None:
            self.close()
            raise SourceError(f"{name} {problem}")

    def is_empty(self, table: str) -> bool:
        return self._list_start is not None and self._head[self._list_start :].lstrip().startswith(b"]")

    def _rows(self, chunks: Iterable[bytes]) -> Iterator[Item]:
        if self._list_start is None:
            return self._rows_of_lines(chunks)
        return self._rows_of_list(iter(chunks), self._list_start)

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

    def _rows_of_list(self, chunks: Iterator[bytes], start: int) -> Iterator[Item]:
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
                for chunk in chunks:
                    text += decode(chunk)
                    if len(text) > MAX_ITEM_SIZE:
                        break
                yield from self._after_list(text[1:].strip(" \t\r\n"))
                return
            if len(text) > MAX_ITEM_SIZE:
                raise SourceError(f"Item {number + 1} of {self.name} is longer than {MAX_ITEM_SIZE:,} characters.")
        yield f"item {number + 1}", UnreadableRow("the file ends before the list does", text)

    def _after_list(self, text: str) -> Iterator[Item]:
        """Note the members of the object after its list. Other text is a row that cannot be read."""
        try:
            self.left_out |= _with_content(json.loads(('{"": 0' if self._is_in_object else "{}") + text))
        except (ValueError, RecursionError):
            yield "the end", UnreadableRow("other text after the list", text)


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


def _find_list(head: bytes) -> tuple[int | None, dict[str, Any] | None]:
    """Return where the list of rows begins, and the members before it of the object that has it.

    Args:
        head: the first bytes of the file.

    Returns:
        The position of the first row, and the members; None for a list alone. Twice None if no list begins there.
    """
    # A character per byte, so that positions are the same.
    text = head.decode("latin-1")

    def after_space(position: int) -> int:
        return SPACE.match(text, position).end()  # type: ignore[union-attr]  # may be empty, so it matches

    position = after_space(0)
    if text.startswith("[", position):
        return position + 1, None
    parse, mark = json.JSONDecoder().raw_decode, "{"
    members: dict[str, Any] = {}
    try:
        while text.startswith(mark, position):
            name, position = parse(text, after_space(position + 1))
            position = after_space(position)
            if not isinstance(name, str) or not text.startswith(":", position):
                break
            position = after_space(position + 1)
            if name == LIST and text.startswith("[", position):
                return position + 1, members
            if name == "memory" or name.endswith("id"):
                # A row, which may have any other members.
                break
            members[name], position = parse(text, position)
            position, mark = after_space(position), ","
    except (ValueError, RecursionError):
        pass
    return None, None


def _with_content(members: dict[str, Any]) -> set[str]:
    """Return the names of the members that are more than a number about the list, such as ``count``."""
    return {name for name, value in members.items() if value and isinstance(value, str | list | dict)}


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
