"""Where the service is and who asks: checked when the client is made, and never shown."""

from __future__ import annotations

from collections.abc import Generator
from urllib.parse import urlsplit

import httpx

Auth = tuple[str, str] | httpx.Auth


class TokenAuth(httpx.Auth):
    """A token in the ``Authorization`` header, and nowhere where somebody might print it."""

    def __init__(self, token: str, scheme: str) -> None:
        if not token or not (token + scheme).isascii() or not (token + scheme).isprintable() or " " in token:
            # httpx's own error would show it.
            raise ValueError("The token must be printable ASCII without spaces: is there a line end in it?")
        self._header = f"{scheme} {token}"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = self._header
        yield request


def credentials(token: str | None, scheme: str, auth: Auth | None) -> httpx.Auth | None:
    """Return who asks, in a form that does not show its secret.

    Raises:
        ValueError: two answers to one question, or a token that cannot be sent.
    """
    if token is not None and auth is not None:
        raise ValueError("Give a token or auth, not both.")
    if token is not None:
        return TokenAuth(token, scheme)
    return httpx.BasicAuth(*auth) if isinstance(auth, tuple) else auth


def checked_address(base_url: str) -> str:
    """Return the address of the service with a slash at its end.

    Raises:
        ValueError: nothing can be asked there.
    """
    try:
        httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise ValueError(f"base_url is no address: {error}") from None
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError('base_url is the address of the service, such as "https://example.com/api/".')
    if parts.username is not None or parts.password is not None:
        # Addresses are shown in logs and errors.
        raise ValueError("Give the password by auth=, not in base_url.")
    if parts.query or parts.fragment:
        raise ValueError("base_url takes no ? and no #: only the address at which the service is mounted.")
    return base_url.rstrip("/") + "/"
