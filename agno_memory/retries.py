"""Writes that are tried again when somebody else writes the same row in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

Result = TypeVar("Result")
Error = TypeVar("Error", bound=Exception)

# A row has to come and go this many times in a row before a caller hears of it.
ATTEMPTS: Final = 20


def retry(
    attempt: Callable[[], Result],
    on: type[Error] | tuple[type[Error], ...],
    *,
    unless: Callable[[Error], bool] = lambda error: False,
    attempts: int = ATTEMPTS,
) -> Result:
    """Call until it succeeds.

    Args:
        attempt: the work. It must read again what it depends on.
        on: errors after which another attempt may succeed; any other travels at once.
        unless: given such an error, returns whether it travels at once after all.
        attempts: the number of calls after which the last error travels.

    Returns:
        What the first successful call returned.
    """
    for _attempt in range(attempts - 1):
        try:
            return attempt()
        except on as error:
            if unless(error):
                raise
    return attempt()
