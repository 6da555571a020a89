"""Base of the sources on database servers: connection limits, and error texts without passwords."""

from __future__ import annotations

import re
from typing import ClassVar, Final
from urllib.parse import unquote, urlsplit

from agno_memory.transfer.sources.base import Source, SourceError

# A percent sign that does not begin an escape.
BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
# The scheme of a URL, also if it is incomplete (postgresql:/host).
SCHEME: Final = re.compile(r"[A-Za-z][\w+.-]*:/+")
# The rest of a URL from a colon on that no port follows.
NOT_A_PORT: Final = re.compile(r":(?!\d+(?:[/?,]|$)).*", re.DOTALL)
# A password among parameters.
PASSWORD: Final = re.compile(r"(password\s*=\s*)\S+", re.IGNORECASE)


class ServerSource(Source):
    """Base class: a database on a server, named by a URL."""

    # Beginnings of the URLs.
    prefixes: ClassVar[tuple[str, ...]]
    # Seconds to wait for the first response.
    connect_timeout: ClassVar[int] = 10
    # Rows that the server sends at a time.
    batch_size = 1_000

    def __init__(self, url: str) -> None:
        if not _is_well_formed(url):
            raise SourceError(
                f"{without_secrets(url)} is not a valid URL. Percent-encode the characters %, @, :, /, ?, #, [ and ] "
                "of the user and the password: %40 is an @."
            )
        self.url = url

    def read_at_once(self, rows: int) -> None:
        self.batch_size = rows

    def connection_error(self, error: Exception) -> SourceError:
        """Return the error that reports why the server cannot be read."""
        return SourceError(f"{without_secrets(self.url)} cannot be read: {redacted(str(error), self.url)}")

    def reading_error(self, error: Exception, table: str) -> SourceError:
        """Return the error that reports why a table cannot be read to its end."""
        return SourceError(f"{table} cannot be read to its end: {redacted(str(error), self.url)}")


def _is_well_formed(url: str) -> bool:
    """Return whether a URL has one meaning. Otherwise a part of its password is taken for the host or the port."""
    try:
        parts = urlsplit(url)
        # A port that is not a number is a ValueError. Several hosts have a port each.
        is_port_valid = "," in parts.netloc or (parts.port or 0) >= 0
    except ValueError:
        return False
    rest = url.partition("://")[2].removeprefix(parts.netloc)
    return is_port_valid and not BAD_ESCAPE.search(url) and parts.netloc.count("@") <= 1 and "@" not in rest


def without_secrets(location: str) -> str:
    """Return a location for an error text: without its password and its parameters, also if it is malformed."""
    scheme = SCHEME.match(location)
    rest = location[scheme.end() :] if scheme else location
    credentials, at, host = rest.rpartition("@")
    if at and ":" in credentials:
        rest = f"{credentials.partition(':')[0]}@{host}"
    elif scheme and not at:
        # The host may be missing: then a password is in the place of the port.
        rest = NOT_A_PORT.sub("", rest)
    if scheme:
        rest = rest.partition("?")[0]
    return PASSWORD.sub(r"\1***", (scheme[0] if scheme else "") + rest)


def redacted(text: str, url: str) -> str:
    """Return a driver's error text in one line, with the passwords of a valid URL replaced by ``***``."""
    parts = urlsplit(url)
    parameters = re.findall(r"[^&=]*password=([^&]+)", parts.query, re.IGNORECASE)
    line = " ".join(text.split())
    for password in (parts.password or "", *parameters):
        for spelling in (password, unquote(password)):
            line = line.replace(spelling, "***") if spelling else line
    return line
