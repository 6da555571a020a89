"""When a call is made again. Nothing here waits or sends: ``persistently()`` says what to do next, a runner does it."""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

import httpx

from agno_memory.client.errors import RemoteError, ServiceUnavailable, Throttled, UnexpectedAnswer
from agno_memory.client.protocol import Answer, Request

Result = TypeVar("Result")

THROTTLED: Final = 429
UNAVAILABLE: Final = frozenset({502, 503, 504})
# In seconds. The first wait, doubled at every try, and the longest one; and what nobody should wait for unasked.
FIRST_WAIT: Final = 0.5
LONGEST_WAIT: Final = 30.0
PATIENCE: Final = 60.0
# Errors before anything was sent.
NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
# Errors that come again however often one tries.
HOPELESS: Final = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)

_random = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Pause:
    """So many seconds to wait."""

    seconds: float


Outcome = Answer | httpx.HTTPError | None
# What has to be done, one step after the other: it is sent each outcome, None for a pause, and returns what it was for.
Exchange = Generator[Request | Pause, Outcome, Result]


def persistently(request: Request, retries: int) -> Exchange[Answer]:
    """Make a call, and again where that is right.

    A call that was throttled did nothing, so it is made again whatever it is. One that was answered with 502, 503 or
    504, or not at all, may have been carried out: it is made again only where doing it twice is doing it once.

    Args:
        request: the call.
        retries: how often to try again.

    Raises:
        Throttled, ServiceUnavailable: still, after the last try.
        UnexpectedAnswer: no HTTP.
    """
    lost = False
    for tried in range(retries + 1):
        outcome = yield request
        if isinstance(outcome, Answer) and outcome.status != THROTTLED and outcome.status not in UNAVAILABLE:
            return replace(outcome, lost=lost)
        error = _trouble(request, outcome, tried + 1, lost)
        wait = pause_before(error, tried)
        again = isinstance(error, Throttled) or (isinstance(error, ServiceUnavailable) and request.is_idempotent)
        if tried == retries or not again or wait > PATIENCE:
            raise error from (outcome if isinstance(outcome, Exception) else None)
        lost = lost or (isinstance(error, ServiceUnavailable) and error.may_have_happened)
        yield Pause(wait)
    raise AssertionError("unreachable: the last try returns or raises")


def _trouble(request: Request, outcome: Outcome, tries: int, lost: bool) -> RemoteError:
    """Return the error for a try that brought no answer, or one that says "later"."""
    times = "once" if tries == 1 else f"{tries} times"
    if isinstance(outcome, Answer):
        wait = retry_after(outcome)
        message = f"{request} was tried {times} and answered with {outcome.status}."
        if outcome.status == THROTTLED:
            return Throttled(f"{message} Make fewer calls, or later ones.", outcome.status, wait)
        return _unavailable(request, message, lost=True, status=outcome.status, retry_after=wait)
    name = type(outcome).__name__
    if isinstance(outcome, HOPELESS) or not isinstance(outcome, httpx.TransportError):
        return UnexpectedAnswer(f"{request} cannot be sent, or its answer cannot be read ({name}).")
    message = f"{request} was tried {times} without an answer ({name})."
    return _unavailable(request, message, lost=lost or not isinstance(outcome, NOT_SENT))


def _unavailable(request: Request, message: str, lost: bool, **told: Any) -> ServiceUnavailable:
    if request.method == "GET":
        return ServiceUnavailable(message, **told, may_have_happened=False)
    doubt = "It may have been done: read before you write again." if lost else "Nothing was done."
    return ServiceUnavailable(f"{message} {doubt}", **told, may_have_happened=lost)


def retry_after(answer: Answer) -> float | None:
    """Return the seconds that the service asks to wait, given as a number or as a date; None where it does not."""
    told = answer.headers.get("retry-after", "").strip()
    if told.isascii() and told.isdigit():
        return float(told[:9])
    try:
        return max(0.0, (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def pause_before(error: RemoteError, tried: int) -> float:
    """Return the seconds to wait after the tries so far: longer each time, never the same, no less than asked for."""
    wait = min(FIRST_WAIT * 2.0**tried, LONGEST_WAIT) * _random.uniform(0.5, 1)
    asked = error.retry_after if isinstance(error, Throttled | ServiceUnavailable) else None
    return max(wait, asked or 0.0)
