"""The exporter: JSON Lines with a header (format and version), a memory per line, and their number in the last line."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from agno_memory.formats import json_lines, version_lines
from agno_memory.models import UserMemory
from agno_memory.revision_models import MemoryRevision

FORMAT: Final = "agno_memory"
VERSION: Final = 1
# The open files of this process, on Linux.
DESCRIPTORS: Final = Path("/proc/self/fd")


def export_lines(memories: Iterable[UserMemory], versions: Iterable[MemoryRevision] = ()) -> Iterator[str]:
    """Yield the lines of an export: a header, a line for each memory, and a last line with their number.

    Args:
        memories: to export.
        versions: earlier versions. They come after the memories, are not counted, and an import leaves them out.
    """
    yield json.dumps({"format": FORMAT, "version": VERSION}) + "\n"
    count = 0
    for line in json_lines(memories):
        count += 1
        yield line
    yield from version_lines(versions)
    # By this line, the reader recognizes an incomplete file.
    yield json.dumps({"end": count}) + "\n"


@contextmanager
def atomic_file(path: Path) -> Iterator[TextIO]:
    """Open a file for writing that gets its name only when it is complete. Only its owner may read it.

    On Linux an incomplete file has no name, so it is gone with its process, even one that is killed. Other systems and
    some network file systems have no such files: there it has a hidden name, which a killed process leaves behind.

    Raises:
        OSError: it cannot be written; the incomplete file is deleted.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = _open_nameless(path.parent)
    is_nameless = descriptor is not None
    try:
        if descriptor is None:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
            if is_nameless and _link(descriptor, path):
                return
            if is_nameless:
                _link(descriptor, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _open_nameless(folder: Path) -> int | None:
    """Open a new file without a name in a folder, or return None if the system has no such files."""
    if not (hasattr(os, "O_TMPFILE") and DESCRIPTORS.exists()):
        return None
    try:
        return os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o600)
    except OSError:
        # The file system may not support it. Any other fault is raised when the file with a name is opened.
        return None


def _link(descriptor: int, path: Path) -> bool:
    """Give a nameless file its name, and return False if there is a file of this name."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        # With a folder, os.link() follows the symbolic link to the file.
        os.link(DESCRIPTORS / str(descriptor), path.name, dst_dir_fd=folder, follow_symlinks=True)
    except FileExistsError:
        return False
    finally:
        os.close(folder)
    return True
