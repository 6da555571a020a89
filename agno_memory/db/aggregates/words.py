from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from django.core.exceptions import EmptyResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet

from agno_memory.db import mongodb
from agno_memory.db.connections import connection_to
from agno_memory.db.dispatch import vendor_method
from agno_memory.db.expressions import SumOfParts, sum_of_parts_mql
from agno_memory.times import EPOCH

# Key, id, time of the last write, session, stored words, metadata.
ToRank = tuple[str, str, datetime.datetime, str | None, str | None, Any]
COLUMNS: Final = ("key", "memory_id", "last_updated", "session_id", "search_terms", "metadata")


class WordMasks:
    """The keys of memories in their order, each with the sum of the numbers of the parts that its words contain.

    Args:
        rows: the memories, in an order.
        parts: numbers by part of the stored words.
        limit: the maximum number of memories.
    """

    def __init__(self, rows: QuerySet[Any], parts: Mapping[str, int], limit: int) -> None:
        self.rows = rows
        self.parts = parts
        self.limit = limit

    def run(self) -> list[tuple[str, int]]:
        """Return the keys with their sums."""
        return list(_run(self, self.rows))

    def as_sql(self, connection: BaseDatabaseWrapper) -> Iterable[tuple[str, int]]:
        masked = self.rows.annotate(mask=SumOfParts("search_terms", self.parts))
        return cast("Iterable[tuple[str, int]]", masked.values_list("key", "mask")[: self.limit])

    def as_mongodb(self, connection: BaseDatabaseWrapper) -> Iterable[tuple[str, int]]:
        # An annotation would be computed before the sort, and so keep an index from serving the order.
        mask = sum_of_parts_mql("$search_terms", self.parts)
        stages: list[Any] = [{"$limit": self.limit}, {"$project": {"mask": mask}}]
        for document in mongodb.aggregate(self.rows, connection, lambda pipeline: [*pipeline, *stages]):
            yield str(document["_id"]), document["mask"]


class RowsToRank:
    """The columns of memories that a ranking reads.

    Args:
        rows: the memories.
    """

    def __init__(self, rows: QuerySet[Any]) -> None:
        self.rows = rows

    def run(self) -> list[ToRank]:
        """Return the columns of each memory."""
        return list(_run(self, self.rows))

    def as_sql(self, connection: BaseDatabaseWrapper) -> Iterable[ToRank]:
        return self.rows.values_list(*COLUMNS)

    def as_mongodb(self, connection: BaseDatabaseWrapper) -> Iterable[ToRank]:
        # The backend encodes each document of a JSON field, for the field to decode it again.
        stages: list[Any] = [{"$project": dict.fromkeys(COLUMNS[1:], 1)}]
        for document in mongodb.aggregate(self.rows, connection, lambda pipeline: [*pipeline, *stages]):
            yield _to_rank(document)


def _to_rank(document: dict[str, Any]) -> ToRank:
    """Return the columns of a document. One of another program may lack any of them, or have other types."""
    moment = document.get("last_updated")
    texts = [value if isinstance(value := document.get(name), str) else None for name in COLUMNS[3:5]]
    return (
        # One of another program may have an ObjectId.
        str(document["_id"]),
        str(document.get("memory_id", "")),
        moment.replace(tzinfo=datetime.UTC) if isinstance(moment, datetime.datetime) else EPOCH,
        texts[0],
        texts[1],
        document.get("metadata"),
    )


def _run(owner: object, rows: QuerySet[Any]) -> Iterable[Any]:
    connection = connection_to(rows.db)
    try:
        yield from vendor_method(owner, connection)(connection)
    except EmptyResultSet:
        return
