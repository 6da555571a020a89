"""The exporter: JSON Lines with a header (format and version), a memory per line, and their number in the last line."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from agno_memory.formats import json_lines
from agno_memory.models import UserMemory

FORMAT: Final = "agno_memory"
VERSION: Final = 1


def export_lines(memories: Iterable[UserMemory]) -> Iterator[str]:
    """Yield the lines of an export: a header, a line for each memory, and a last line with their number."""
    yield json.dumps({"format": FORMAT, "version": VERSION}) + "\n"
    count = 0
    for line in json_lines(memories):
        count += 1
        yield line
    # By this line, the reader recognizes an incomplete file.
    yield json.dumps({"end": count}) + "\n"


@contextmanager
def atomic_file(path: Path) -> Iterator[TextIO]:
    """Open a file for writing that gets its name only when it is complete. Only its owner may read it.

    Raises:
        OSError: it cannot be written; the incomplete file is deleted.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        temporary.touch(mode=0o600, exist_ok=False)
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
