"""The runs of other programs among those of a session: agno's classes cannot read all JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

# Errors of agno's classes, made of an object that another program wrote.
UNREADABLE: Final = (TypeError, ValueError, KeyError, AttributeError)


def objects(data: Iterable[Any]) -> list[dict[str, Any]]:
    """Return those of the data of runs that are objects."""
    return [each for each in data if isinstance(each, dict)]


def with_runs(make: Callable[[Sequence[Any] | None], Any], runs: Sequence[dict[str, Any]] | None) -> Any:
    """Return what a function makes of runs, without those that it cannot read.

    Args:
        make: takes runs and returns agno's session.
        runs: the data of each; None for no list.
    """
    try:
        return make(_copies(runs))
    except UNREADABLE:
        return make(_copies([run for run in runs or () if _is_readable(make, run)]))


def _copies(runs: Sequence[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    # agno's classes take values out of the dictionaries that they read.
    return None if runs is None else [dict(run) for run in runs]


def _is_readable(make: Callable[[Sequence[Any] | None], Any], run: Any) -> bool:
    try:
        make(_copies([run]))
    except UNREADABLE:
        return False
    return True
