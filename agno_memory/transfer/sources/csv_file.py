"""Files of CSV as a source: a header, then a memory per row, as the admin and the REST API export them."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from typing import Final

from agno_memory.transfer.sources.base import Item, Row, UnreadableRow
from agno_memory.transfer.sources.files import FileSource

# The beginning of a header, with the separator: spreadsheets of some languages write semicolons or tabs.
HEADER: Final = re.compile(rb'(?:\xef\xbb\xbf)?"?memory_id"?([,;\t])')
# The largest cell, in characters; the default of the csv module is less than a memory may have.
MAX_CELL_SIZE: Final = 64 * 2**20


class CsvSource(FileSource):
    """CSV in UTF-8, with the separator that its header has."""

    has_cells = True

    @classmethod
    def reads(cls, head: bytes) -> bool:
        """Return whether a file with these first bytes is CSV with a memory per row."""
        return HEADER.match(head) is not None

    def is_empty(self, table: str) -> bool:
        return not self.first_rows(table)

    def _rows(self, chunks: Iterable[bytes]) -> Iterator[Item]:
        header = HEADER.match(self._head)
        assert header is not None
        csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL_SIZE))
        cells = csv.reader(_lines(chunks), delimiter=header[1].decode())
        names = next(cells)
        number = 0
        while True:
            number += 1
            try:
                values = next(cells, None)
            except csv.Error as error:
                yield f"row {number}", UnreadableRow(f"not CSV: {error}", "")
                continue
            if values is None:
                return
            if values:
                yield f"row {number}", _row(names, values)


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines with their ends; a byte that is not UTF-8 becomes a surrogate, which no memory may have."""
    decode = codecs.getincrementaldecoder("utf-8-sig")(errors="surrogateescape").decode
    rest = ""
    for chunk in chunks:
        *lines, rest = (rest + decode(chunk)).split("\n")
        yield from (f"{line}\n" for line in lines)
    yield rest


def _row(names: list[str], values: list[str]) -> Row | UnreadableRow:
    if len(values) != len(names):
        return UnreadableRow(f"the row has {len(values)} cells, but the header has {len(names)}", str(values))
    return dict(zip(names, values, strict=True))
