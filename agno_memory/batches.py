"""Items, so many at a time. No Django in it: the client uses it too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield the items in order, ``size`` at a time; the last batch may be smaller.

    As ``itertools.batched``, which Python has from 3.12 on.
    """
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch
