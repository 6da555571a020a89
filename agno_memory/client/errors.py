"""Errors that only a call over HTTP can raise; the other errors are in ``agno_memory.exceptions``.

Messages name the call and the next step. They contain neither the credentials nor the content that was sent.
"""

from __future__ import annotations

from agno_memory.exceptions import AgnoMemoryError


class RemoteError(AgnoMemoryError):
    """The call failed for a reason outside the memories.

    ``status`` is the status of the HTTP response, or None without a response.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message, status)
        self.status = status

    def __str__(self) -> str:
        return str(self.args[0])


class AccessDenied(RemoteError):
    """The service does not accept the credentials (``status`` 401), or does not permit the call (403)."""


class Throttled(RemoteError):
    """Too many calls (429), also after all attempts.

    ``retry_after`` is in seconds, or None if the service sends none.
    """

    def __init__(self, message: str, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, status)
        self.args = (message, status, retry_after)
        self.retry_after = retry_after


class ServiceUnavailable(RemoteError):
    """No response from the service, or a temporary failure (502, 503, 504), also after all attempts.

    ``may_have_happened`` is False when the call certainly changed nothing, and True when that is unknown: read before
    you write again. ``retry_after`` is in seconds, or None if the service sends none.
    """

    def __init__(
        self,
        message: str,
        status: int | None = None,
        retry_after: float | None = None,
        may_have_happened: bool = True,
    ) -> None:
        super().__init__(message, status)
        self.args = (message, status, retry_after, may_have_happened)
        self.retry_after = retry_after
        self.may_have_happened = may_have_happened


class UnexpectedAnswer(RemoteError):
    """A response that the service does not send: a proxy's page, a redirect, truncated JSON, or an internal error."""
