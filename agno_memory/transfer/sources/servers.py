"""Base of the sources on database servers: connection limits, and error texts without passwords."""

from __future__ import annotations

import re
from typing import ClassVar, Final
from urllib.parse import unquote

from agno_memory.transfer.sources.base import Source, SourceError

ESCAPE: Final = "%[0-9A-Fa-f]{2}"
HOST: Final = rf"(?:(?:[\w.~-]|{ESCAPE})*|\[[0-9A-Fa-f:.]+\])(?::\d{{0,5}})?"
# A URL with one meaning. A character that is none of these makes a part of the password the user, the host or the port.
URL: Final = re.compile(
    rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    rf"(?:(?P<user>(?:[\w.~+-]|{ESCAPE})*)(?::(?P<password>(?:[^\s@/?#\[\]%]|{ESCAPE})*))?@)?"
    rf"(?P<hosts>{HOST}(?:,{HOST})*)(?P<database>/(?:[\w.~+-]|{ESCAPE})*)?"
    rf"(?:\?(?P<query>[\w.-]+=(?:[^\s@#&%]|{ESCAPE})*(?:&[\w.-]+=(?:[^\s@#&%]|{ESCAPE})*)*)?)?"
)
# What a URL begins with, also a malformed one. The drive of a path has one letter.
SCHEME: Final = re.compile(r"\s*([A-Za-z][\w+.-]+:)")
# What a path has not, but a malformed URL and a list of parameters have.
CREDENTIALS: Final = re.compile(r"=|[:;,|].*@|^\W*(?:postgres|mongo).*@", re.DOTALL | re.IGNORECASE)
# Another user may be one with a password, joined by a plus sign or an escaped colon.
PLAIN_USER: Final = re.compile(r"[\w.~-]*")
PASSWORD_PARAMETER: Final = re.compile(r"(?:^|&)[^&=]*pass[^&=]*=([^&]+)", re.IGNORECASE)


class ServerSource(Source):
    """Base class: a database on a server, named by a URL."""

    # Beginnings of the URLs.
    prefixes: ClassVar[tuple[str, ...]]
    # Seconds to wait for the first response.
    connect_timeout: ClassVar[int] = 10
    # Rows that the server sends at a time.
    batch_size = 1_000

    def __init__(self, url: str) -> None:
        if not URL.fullmatch(url):
            raise SourceError(
                f"{without_secrets(url)} is not a valid URL. Percent-encode the characters %, @, :, /, ?, #, [ and ] "
                "of the user and the password, and of the user any other one but letters, digits, . and -: %40 is an @."
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


def without_secrets(location: str) -> str:
    """Return a location for an error text: without its password and its parameters.

    A malformed URL has its password anywhere: nothing of it is shown but the scheme.
    """
    url = URL.fullmatch(location)
    if url is not None:
        user = f"{url['user'] if PLAIN_USER.fullmatch(url['user']) else '***'}@" if url["user"] else ""
        return f"{url['scheme']}://{user}{url['hosts']}{url['database'] or ''}"
    if scheme := SCHEME.match(location):
        return f"{scheme[1]}***"
    return "***" if CREDENTIALS.search(location) else location


def redacted(text: str, location: str) -> str:
    """Return a driver's error text in one line, with the passwords of a valid URL replaced by ``***``."""
    line, url = " ".join(text.split()), URL.fullmatch(location)
    if url is None:
        return line
    secrets = [url["password"], *PASSWORD_PARAMETER.findall(url["query"] or "")]
    if not PLAIN_USER.fullmatch(url["user"] or ""):
        secrets.append(url["user"])
    for secret in filter(None, secrets):
        for spelling in (secret, unquote(secret)):
            line = line.replace(spelling, "***")
    return line
