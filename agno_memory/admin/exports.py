"""Memories as files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal

from django.contrib.admin.models import LogEntry
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from agno_memory import formats
from agno_memory.admin.history import log_export, log_exported
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.streaming import attachment

Kind = Literal["jsonl", "csv"]

KINDS: Final = {
    "jsonl": (formats.json_lines, "application/x-ndjson"),
    "csv": (formats.csv_lines, "text/csv; charset=utf-8"),
}


def download(request: HttpRequest, rows: UserMemoryQuerySet, kind: Kind, what: str) -> StreamingHttpResponse:
    """Return memories as a file, the oldest first, read while they are sent. The admin's log says who took them.

    Args:
        request: of the staff user, who may view memories: nobody asks that here.
        rows: which memories.
        kind: of the file.
        what: which memories, in words, for the log; no text of theirs.
    """
    lines, content_type = KINDS[kind]
    content = lines(_counted(rows.walk(), log_export(request, what)))
    name = f"memories-{timezone.localdate():%Y-%m-%d}.{kind}"
    return attachment(request, content, content_type=content_type, filename=name)


def _counted(memories: Iterable[UserMemory], entry: LogEntry) -> Iterator[UserMemory]:
    """Yield memories, and log at the end how many left, also where the reader goes away before it."""
    count = 0
    try:
        for memory in memories:
            yield memory
            count += 1
    finally:
        log_exported(entry, count)
