"""The file of the rows that an import rejects."""

from __future__ import annotations

import json
import os
from itertools import count
from pathlib import Path
from typing import Any, Final, TextIO

from agno_memory.transfer.records import Rejected
from agno_memory.transfer.sources import SourceError

DEFAULT_REJECTS: Final = Path("rejected.jsonl")


class RejectsFile:
    """A new file, created with the first rejected row. Only its owner may read it.

    Args:
        path: of the file. By default ``rejected.jsonl``, or the first free one of ``rejected-2.jsonl`` and so on.

    Raises:
        SourceError: the path exists, or its folder is not writable: no row was read.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self._is_given = path is not None
        self.path = Path(path) if path is not None else DEFAULT_REJECTS
        self._file: TextIO | None = None
        if self._is_given and os.path.lexists(self.path):
            raise self._exists()
        if self._is_given and not os.access(self.path.parent, os.W_OK):
            raise SourceError(f"{self.path} cannot be written. Choose another file with --rejects.")

    def add(self, rejected: Rejected) -> None:
        """Write a line with ``where``, ``reason`` and ``raw``."""
        if self._file is None:
            self._file = self._create()
        row = {"where": rejected.where, "reason": rejected.reason, "raw": rejected.raw}
        self._file.write(_as_json(row) + "\n")

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()

    def _create(self) -> TextIO:
        for number in count(2):
            try:
                # O_EXCL: never a file or a link that exists.
                descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600)
            except FileExistsError:
                if self._is_given:
                    raise self._exists() from None
                self.path = DEFAULT_REJECTS.with_stem(f"{DEFAULT_REJECTS.stem}-{number}")
                continue
            except OSError as error:
                raise SourceError(f"{self.path} cannot be written: {error.strerror}") from None
            return os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace")
        raise AssertionError("count() does not end")

    def _exists(self) -> SourceError:
        return SourceError(f"{self.path} exists already, and is not overwritten. Choose another file with --rejects.")


def _as_json(row: dict[str, Any]) -> str:
    try:
        return json.dumps(row, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        # Keys that JSON does not have, or a row that is nested too deeply.
        return json.dumps({**row, "raw": "this row cannot be written as JSON"}, ensure_ascii=False)
