"""The formats of an export, chosen by ``Accept``. The view streams the lines; REST framework negotiates the format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rest_framework.renderers import JSONRenderer

from agno_memory.formats import csv_lines, json_lines
from agno_memory.models import UserMemory


class ExportRenderer(JSONRenderer):
    """Base of a format of exports. ``render()`` is called for errors only, and so writes JSON."""

    charset = "utf-8"

    def lines(self, memories: Iterable[UserMemory]) -> Iterator[str]:
        """Yield the file, line by line."""
        raise NotImplementedError("A format of exports defines lines().")


class NDJSONRenderer(ExportRenderer):
    """One JSON object per line."""

    media_type = "application/x-ndjson"
    format = "ndjson"

    def lines(self, memories: Iterable[UserMemory]) -> Iterator[str]:
        return json_lines(memories)


class CSVRenderer(ExportRenderer):
    """CSV with a header."""

    media_type = "text/csv"
    format = "csv"

    def lines(self, memories: Iterable[UserMemory]) -> Iterator[str]:
        return csv_lines(memories)
