"""The file that memories are exported to: JSON Lines, versioned by the first line, with their number in the last."""

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


def lines(memories: Iterable[UserMemory]) -> Iterator[str]:
    """Yield the lines of an export: what it is, a memory each, and how many there were."""
    yield json.dumps({"format": FORMAT, "version": VERSION}) + "\n"
    count = 0
    for line in json_lines(memories):
        count += 1
        yield line
    # Who reads it knows by this that nothing was cut off.
    yield json.dumps({"end": count}) + "\n"


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """Open a file that others see under its name only when it is whole. Nobody but its owner may read it.

    Raises:
        OSError: it cannot be written; nothing is left of it.
    """
    made = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        made.touch(mode=0o600, exist_ok=False)
        with made.open("w", encoding="utf-8", newline="\n") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)
