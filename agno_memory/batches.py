"""Iterables in batches. Imports no Django: the client uses it too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield the items in their order, in lists of ``size``; the last one may be smaller.

    ``itertools.batched`` does the same from Python 3.12 on.
    """
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch
