"""Exports: memories as a file to download."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, Literal, TypeVar

from django.contrib.admin.models import LogEntry
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from agno_memory import formats
from agno_memory.admin.history import log_export, log_exported
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.revision_models import MemoryRevision
from agno_memory.streaming import attachment

Row = TypeVar("Row")
Format = Literal["jsonl", "csv"]

# The writer and the content type of each format.
FORMATS: Final = {
    "jsonl": (formats.json_lines, "application/x-ndjson"),
    "csv": (formats.csv_lines, "text/csv; charset=utf-8"),
}
# The format that has earlier versions too.
WITH_HISTORY: Final = "jsonl"


def download(
    request: HttpRequest,
    rows: UserMemoryQuerySet,
    file_format: Format,
    selection: str,
    versions: Iterable[MemoryRevision] = (),
) -> StreamingHttpResponse:
    """Return memories as a file, the oldest first, read while they are sent, and log the export.

    Args:
        request: the request of the staff user. Their permissions are not checked here.
        rows: the memories.
        file_format: the format of the file.
        selection: a description of the rows for the log, without any text of a memory.
        versions: earlier versions, after the memories; only JSON Lines has them.
    """
    lines, content_type = FORMATS[file_format]
    content = lines(logged(rows.walk(), log_export(request, selection)))
    if file_format == WITH_HISTORY:
        content = chain(content, formats.version_lines(versions))
    name = f"memories-{timezone.localdate():%Y-%m-%d}.{file_format}"
    return attachment(request, content, content_type=content_type, filename=name)


def logged(rows: Iterable[Row], entry: LogEntry) -> Iterator[Row]:
    """Yield the rows of an export, and log their number at the end, also if the client disconnects earlier."""
    count = 0
    try:
        for row in rows:
            yield row
            count += 1
    finally:
        log_exported(entry, count)
