"""Downloads that are sent while they are read, so that their size does not matter to the process's memory.

They work under WSGI and under ASGI.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import chain

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header

from agno_memory.privacy import make_private

# Characters of a block. Sent one by one, lines cost the server more work than the database.
BLOCK_SIZE = 65_536


def attachment(
    request: HttpRequest, lines: Iterable[str], *, content_type: str, filename: str
) -> StreamingHttpResponse:
    """Return lines as a file to download.

    The first block is read before the response starts, so an unreachable database is still an error response and not
    an incomplete file.

    Args:
        request: under ASGI, the lines are read in a thread.
        lines: with their line ends.
        content_type: the content type of the response.
        filename: suggested to the browser.
    """
    rest = blocks(lines)
    content = chain([next(rest, "")], rest)
    response = StreamingHttpResponse(
        in_thread(content) if isinstance(request, ASGIRequest) else content, content_type=content_type
    )
    disposition = content_disposition_header(as_attachment=True, filename=filename)
    if disposition:
        response["Content-Disposition"] = disposition
    return make_private(response)


def blocks(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines joined to blocks of at least ``BLOCK_SIZE`` characters; the last one may be smaller."""
    block: list[str] = []
    length = 0
    for line in lines:
        block.append(line)
        length += len(line)
        if length >= BLOCK_SIZE:
            yield "".join(block)
            block, length = [], 0
    if block:
        yield "".join(block)


async def in_thread(content: Iterator[str]) -> AsyncIterator[str]:
    """Yield the items of an iterator that reads from the database, without blocking the event loop."""
    read = sync_to_async(lambda: next(content, None))
    while (block := await read()) is not None:
        yield block
