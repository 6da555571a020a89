"""The formats of an export, chosen by ``Accept``. The view streams the lines; REST framework negotiates the format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rest_framework.renderers import JSONRenderer

from agno_memory.formats import csv_lines, json_lines, version_lines
from agno_memory.models import UserMemory
from agno_memory.revision_models import MemoryRevision


class ExportRenderer(JSONRenderer):
    """Base of a format of exports. ``render()`` is called for errors only, and so writes JSON."""

    charset = "utf-8"

    def lines(self, memories: Iterable[UserMemory]) -> Iterator[str]:
        """Yield the file, line by line."""
        raise NotImplementedError("A format of exports defines lines().")

    def history(self, versions: Iterable[MemoryRevision]) -> Iterator[str]:
        """Yield the lines of earlier versions, after the memories. A format may leave them out."""
        return iter(())


class NDJSONRenderer(ExportRenderer):
    """One JSON object per line: the memories, then their earlier versions."""

    media_type = "application/x-ndjson"
    format = "ndjson"

    def lines(self, memories: Iterable[UserMemory]) -> Iterator[str]:
        return json_lines(memories)

    def history(self, versions: Iterable[MemoryRevision]) -> Iterator[str]:
        return version_lines(versions)


class CSVRenderer(ExportRenderer):
    """CSV with a header."""

    media_type = "text/csv"
    format = "csv"

    def lines(self, memories: Iterable[UserMemory]) -> Iterator[str]:
        return csv_lines(memories)
