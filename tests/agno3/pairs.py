"""The same calls on this project's store and on agno's own, with the results side by side."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from agno.db.base import BaseDb
from agno.db.sqlite import SqliteDb

from agno_memory.contrib.agno import DjangoDb

# Returns an observation of a store.
Steps = Callable[[BaseDb], Any]
# Values that differ from call to call.
TIMES = ("created_at", "updated_at", "deleted_at", "last_learning_updated_at")


@contextmanager
def agnos_own(folder: Path) -> Iterator[SqliteDb]:
    """Return a new store of agno's own, in a file of this folder."""
    db = SqliteDb(db_file=str(folder / "agno.db"))
    try:
        # It uses functions of SQLAlchemy that are deprecated.
        with warnings.catch_warnings(category=DeprecationWarning, action="ignore"):
            yield db
    finally:
        db.close()


def comparable(value: Any) -> Any:
    """Return a result as plain values; of a time only whether there is one, because the stores are asked in turn."""
    if hasattr(value, "model_dump"):
        # An object of pydantic.
        value = value.model_dump()
    if isinstance(value, dict):
        return {
            key: each is not None if key in TIMES and not isinstance(each, bool) else comparable(each)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [comparable(each) for each in value]
    return getattr(value, "value", value)


def outcome(call: Callable[[], Any]) -> Any:
    """Return the result of a call, or the name of its error: the stores have texts of their own."""
    try:
        return comparable(call())
    # Any error is an outcome, which the other store must have too.
    except Exception as error:
        return type(error).__name__


# The outcomes on agno's own store, which are the same for each database, by the identity of the steps.
_expected: dict[int, list[Any]] = {}


def differences(steps: list[Steps], alias: str, folder: Path) -> list[tuple[int, Any, Any]]:
    """Return the number of each step with another outcome on this project's store, with both outcomes: ours first.

    Args:
        steps: constant; the outcomes on agno's own store are kept.
        alias: of the database.
        folder: for the file of agno's own store.
    """
    if id(steps) not in _expected:
        with agnos_own(folder) as theirs:
            _expected[id(steps)] = [outcome(partial(step, theirs)) for step in steps]
    ours = DjangoDb(alias)
    pairs = [
        (outcome(partial(step, ours)), expected) for step, expected in zip(steps, _expected[id(steps)], strict=True)
    ]
    return [(number, *pair) for number, pair in enumerate(pairs) if pair[0] != pair[1]]
