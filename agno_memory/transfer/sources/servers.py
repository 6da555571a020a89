"""Base of the sources on database servers: connection limits, and error texts without passwords."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import unquote, urlsplit

from agno_memory.transfer.sources.base import Source, SourceError


class ServerSource(Source):
    """Base class: a database on a server, named by a URL."""

    # Beginnings of the URLs.
    prefixes: ClassVar[tuple[str, ...]]
    # Seconds to wait for the first response.
    connect_timeout: ClassVar[int] = 10
    # Rows that the server sends at a time.
    batch_size: ClassVar[int] = 1_000

    def __init__(self, url: str) -> None:
        self.url = url

    def connection_error(self, error: Exception) -> SourceError:
        """Return the error that reports why the server cannot be read."""
        return SourceError(f"{display_url(self.url)} cannot be read: {redacted(str(error), self.url)}")


def display_url(url: str) -> str:
    """Return a URL without its password and its parameters."""
    scheme, _, rest = url.partition("://")
    credentials, at, host = rest.rpartition("@")
    return f"{scheme}://{credentials.partition(':')[0]}{at}{host.partition('?')[0]}"


def redacted(text: str, url: str) -> str:
    """Return a driver's error text in one line, with the password of the URL replaced by ``***``."""
    try:
        password = urlsplit(url).password
    except ValueError:
        password = None
    line = " ".join(text.split())
    for spelling in (password, unquote(password or "")):
        line = line.replace(spelling, "***") if spelling else line
    return line
