"""The forms of an export, chosen by the client's Accept. The views stream them; here they are negotiated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rest_framework.renderers import JSONRenderer

from agno_memory.formats import csv_lines, json_lines
from agno_memory.models import UserMemory


class ExportRenderer(JSONRenderer):
    """A form that memories are streamed in; what is rendered whole is an error, and so JSON."""

    charset = "utf-8"

    def lines(self, memories: Iterable[UserMemory]) -> Iterator[str]:
        """Yield the file, line by line."""
        raise NotImplementedError("A form of exports says how its lines are written.")


class NDJSONRenderer(ExportRenderer):
    media_type = "application/x-ndjson"
    format = "ndjson"

    def lines(self, memories: Iterable[UserMemory]) -> Iterator[str]:
        return json_lines(memories)


class CSVRenderer(ExportRenderer):
    media_type = "text/csv"
    format = "csv"

    def lines(self, memories: Iterable[UserMemory]) -> Iterator[str]:
        return csv_lines(memories)
