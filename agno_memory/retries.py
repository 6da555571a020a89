"""Retries of a write that loses against another write of the same row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

Result = TypeVar("Result")
Error = TypeVar("Error", bound=Exception)

# The other writer has to win this many times in a row before the error travels to the caller.
ATTEMPTS: Final = 20


def retry(
    attempt: Callable[[], Result],
    on: type[Error] | tuple[type[Error], ...],
    *,
    unless: Callable[[Error], bool] = lambda error: False,
    attempts: int = ATTEMPTS,
) -> Result:
    """Call a function until it succeeds.

    Args:
        attempt: the function. Each call must read all data that it depends on.
        on: errors after which another attempt may succeed; all others travel at once.
        unless: takes such an error and returns whether it travels at once.
        attempts: the maximum number of calls; the error of the last one travels.

    Returns:
        The result of the first successful call.
    """
    for _attempt in range(attempts - 1):
        try:
            return attempt()
        except on as error:
            if unless(error):
                raise
    return attempt()
