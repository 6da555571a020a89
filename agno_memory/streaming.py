"""Answers that are sent while they are read: memory stays flat however much there is, under WSGI and under ASGI."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import chain

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header

# Lines are sent together until they are so many characters: one at a time, the server works more than the database.
BLOCK = 65_536


def attachment(
    request: HttpRequest, lines: Iterable[str], *, content_type: str, filename: str
) -> StreamingHttpResponse:
    """Return lines as a file to download.

    The first block is read before the answer begins, so that a database that is down is still an error and not a file
    that breaks off.
    """
    rest = blocks(lines)
    content = chain([next(rest, "")], rest)
    response = StreamingHttpResponse(
        in_its_thread(content) if isinstance(request, ASGIRequest) else content, content_type=content_type
    )
    disposition = content_disposition_header(as_attachment=True, filename=filename)
    if disposition:
        response["Content-Disposition"] = disposition
    # What somebody's browser or proxy keeps is not erased with the person.
    response["Cache-Control"] = "no-store"
    return response


def blocks(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines joined to blocks."""
    block: list[str] = []
    length = 0
    for line in lines:
        block.append(line)
        length += len(line)
        if length >= BLOCK:
            yield "".join(block)
            block, length = [], 0
    if block:
        yield "".join(block)


async def in_its_thread(content: Iterator[str]) -> AsyncIterator[str]:
    """Yield what an iterator yields that asks the database, without holding up the event loop."""
    read = sync_to_async(lambda: next(content, None))
    while (block := await read()) is not None:
        yield block
