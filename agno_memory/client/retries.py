"""Retries of a request. Nothing here waits or sends: ``send_with_retries()`` yields steps for the client."""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

import httpx

from agno_memory.client.errors import RemoteError, ServiceUnavailable, Throttled, UnexpectedAnswer
from agno_memory.client.protocol import Request, Response

Result = TypeVar("Result")

THROTTLED: Final = 429
UNAVAILABLE: Final = frozenset({502, 503, 504})
# Seconds: the first wait, which doubles at every retry; the longest one; and the longest Retry-After that is obeyed.
FIRST_WAIT: Final = 0.5
MAX_WAIT: Final = 30.0
MAX_RETRY_AFTER: Final = 60.0
# Errors before the request was sent.
NOT_SENT_ERRORS: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
# Errors that every retry repeats.
PERMANENT_ERRORS: Final = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
# The advice in errors of writes with a lost response.
MAY_HAVE_HAPPENED: Final = "The write may have been done: read before you write again."

_random = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Pause:
    """A wait before the next attempt, in seconds."""

    seconds: float


Outcome = Response | httpx.HTTPError | None
# The steps of a verb: yields a request or a pause, receives its outcome (None after a pause), returns the result.
Exchange = Generator[Request | Pause, Outcome, Result]


def send_with_retries(request: Request, retries: int) -> Exchange[Response]:
    """Send a request, and send it again if that is safe.

    A throttled request changed nothing, so it is sent again with any method. A request without a response, or with 502,
    503 or 504, may have been carried out: it is sent again only with an idempotent method.

    Args:
        request: the request.
        retries: number of attempts after the first one.

    Raises:
        Throttled, ServiceUnavailable: after the last attempt.
        UnexpectedAnswer: the response is not HTTP.
    """
    lost = False
    for attempt in range(retries + 1):
        outcome = yield request
        if isinstance(outcome, Response) and outcome.status != THROTTLED and outcome.status not in UNAVAILABLE:
            return replace(outcome, follows_lost_response=lost)
        error = _to_error(request, outcome, attempt + 1, lost)
        wait = wait_before_retry(error, attempt)
        is_safe = isinstance(error, Throttled) or (isinstance(error, ServiceUnavailable) and request.is_idempotent)
        if attempt == retries or not is_safe or wait > MAX_RETRY_AFTER:
            raise error from (outcome if isinstance(outcome, Exception) else None)
        lost = lost or (isinstance(error, ServiceUnavailable) and error.may_have_happened)
        yield Pause(wait)
    raise AssertionError("unreachable: the last attempt returns or raises")


def _to_error(request: Request, outcome: Outcome, attempts: int, lost: bool) -> RemoteError:
    """Return the error for an attempt without a response, or with a temporary failure."""
    times = "once" if attempts == 1 else f"{attempts} times"
    if isinstance(outcome, Response):
        wait = retry_after(outcome)
        message = f"{request}: tried {times}, last response {outcome.status}."
        if outcome.status == THROTTLED:
            return Throttled(f"{message} Make fewer calls, or wait longer.", outcome.status, wait)
        return _unavailable(request, message, lost=True, status=outcome.status, retry_after=wait)
    name = type(outcome).__name__
    if isinstance(outcome, PERMANENT_ERRORS) or not isinstance(outcome, httpx.TransportError):
        return UnexpectedAnswer(f"{request}: the request cannot be sent, or its response cannot be read ({name}).")
    message = f"{request}: tried {times} without a response ({name})."
    return _unavailable(request, message, lost=lost or not isinstance(outcome, NOT_SENT_ERRORS))


def _unavailable(request: Request, message: str, lost: bool, **details: Any) -> ServiceUnavailable:
    if request.method == "GET":
        return ServiceUnavailable(message, **details, may_have_happened=False)
    hint = MAY_HAVE_HAPPENED if lost else "Nothing was done."
    return ServiceUnavailable(f"{message} {hint}", **details, may_have_happened=lost)


def retry_after(response: Response) -> float | None:
    """Return the seconds in the ``Retry-After`` header, a number or a date; None without a valid one."""
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def wait_before_retry(error: RemoteError, attempt: int) -> float:
    """Return the seconds to wait: exponential, randomized, and at least the service's ``Retry-After``.

    Args:
        error: the error of the last attempt.
        attempt: its number, from 0.
    """
    wait = min(FIRST_WAIT * 2.0**attempt, MAX_WAIT) * _random.uniform(0.5, 1)
    requested = error.retry_after if isinstance(error, Throttled | ServiceUnavailable) else None
    return max(wait, requested or 0.0)
