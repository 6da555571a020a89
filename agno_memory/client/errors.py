"""What only a service at the other end of a wire can do to a caller; the rest is in ``agno_memory.exceptions``.

Texts name the call and what to do. They carry neither the credentials nor what was sent.
"""

from __future__ import annotations

from agno_memory.exceptions import AgnoMemoryError


class RemoteError(AgnoMemoryError):
    """The call came to nothing, for a reason that is not in the memories.

    ``status`` is that of the HTTP answer, None when there was no answer.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message, status)
        self.status = status

    def __str__(self) -> str:
        return str(self.args[0])


class AccessDenied(RemoteError):
    """The service does not know the caller (``status`` 401), or does not let them do this (403)."""


class Throttled(RemoteError):
    """Too many calls (429), also after the tries.

    ``retry_after`` is in seconds, or None where the service names none.
    """

    def __init__(self, message: str, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, status)
        self.args = (message, status, retry_after)
        self.retry_after = retry_after


class ServiceUnavailable(RemoteError):
    """No answer from the service, or one that says "later" (502, 503, 504), also after the tries.

    ``may_have_happened`` is False when the call certainly changed nothing, and True when nobody knows: read before you
    write again. ``retry_after`` is in seconds, or None where the service names none.
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
    """An answer that is none of the service's: a page of a proxy, a redirect, JSON that is cut, an internal error."""
