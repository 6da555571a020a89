"""Rows that may be large, read a few at a time and without a cursor of the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeVar

from django.db.models import Model

from agno_memory.base_querysets import ErasableQuerySet
from agno_memory.batches import batched

Row = TypeVar("Row", bound=Model)

# Rows in memory at once. Their keys are all read first.
SIZE: Final = 50


def in_small_pages(rows: ErasableQuerySet[Row]) -> Iterator[Row]:
    """Yield rows in their order. Those that are deleted meanwhile are left out, and new ones are not read."""
    keys: list[Any] = list(rows.values_list("pk", flat=True))
    for batch in batched(keys, SIZE):
        found = {row.pk: row for row in rows.order_by().filter(pk__in=batch)}
        yield from (found[key] for key in batch if key in found)
