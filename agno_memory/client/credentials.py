"""The address of the service and the credentials: validated when the client is made, and never displayed."""

from __future__ import annotations

from collections.abc import Generator
from urllib.parse import urlsplit

import httpx

Auth = tuple[str, str] | httpx.Auth


class TokenAuth(httpx.Auth):
    """A token for the ``Authorization`` header. ``repr()`` does not contain it."""

    def __init__(self, token: str, scheme: str) -> None:
        if not token or not (token + scheme).isascii() or not (token + scheme).isprintable() or " " in token:
            # The error of httpx would contain the token.
            raise ValueError("The token must be printable ASCII without spaces; check it for a line break.")
        self._header = f"{scheme} {token}"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = self._header
        yield request


def credentials(token: str | None, scheme: str, auth: Auth | None) -> httpx.Auth | None:
    """Return the credentials as an object that does not display its secret.

    Raises:
        ValueError: a token together with ``auth``, or a token that a header cannot contain.
    """
    if token is not None and auth is not None:
        raise ValueError("Pass either token or auth, not both.")
    if token is not None:
        return TokenAuth(token, scheme)
    return httpx.BasicAuth(*auth) if isinstance(auth, tuple) else auth


def validated_base_url(base_url: str) -> str:
    """Return the address of the service with a slash at its end.

    Raises:
        ValueError: it is not an HTTP address, or contains more than an address.
    """
    try:
        httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise ValueError(f"base_url is not a valid address: {error}") from None
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError('base_url must be an http or https address, such as "https://example.com/api/".')
    if parts.username is not None or parts.password is not None:
        # Logs and errors contain addresses.
        raise ValueError("Pass the password as auth=, not in base_url.")
    if parts.query or parts.fragment:
        raise ValueError("base_url must not contain ? or #: pass only the address at which the service is mounted.")
    return base_url.rstrip("/") + "/"
