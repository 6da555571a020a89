"""Statements of ranked searches, whose results are read without the converters of each value."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model, QuerySet

from agno_memory.db import mongodb
from agno_memory.db.connections import connection_to
from agno_memory.db.dispatch import vendor_method
from agno_memory.db.expressions import SumOfParts, sum_of_parts_mql
from agno_memory.db.rows import converted, fetch_rows, instances, read_columns, with_read_fields
from agno_memory.db.words_index import found_by_key
from agno_memory.times import EPOCH

# Key, id, time of the last write, session, stored words, metadata.
ToRank = tuple[str, str, datetime.datetime, str | None, str | None, Any]
COLUMNS: Final = ("key", "memory_id", "last_updated", "session_id", "search_terms", "metadata")


class Reading:
    """Base of statements that read rows of a queryset by the driver.

    Args:
        rows: the memories, as a queryset with the methods of ``ErasableQuerySet``.
    """

    def __init__(self, rows: Any) -> None:
        self.rows = rows

    def run(self) -> list[Any]:
        """Return the rows."""
        result: list[Any] = self.rows.read(self._read)
        return result

    def _read(self) -> list[Any]:
        connection = connection_to(self.rows.db)
        try:
            return list(vendor_method(self, connection)(connection))
        except EmptyResultSet:
            return []


def _fetched(rows: QuerySet[Any], connection: BaseDatabaseWrapper) -> list[Sequence[Any]]:
    """Return the columns of a queryset's rows as the driver has them."""
    text, params = rows.query.get_compiler(connection=connection).as_sql()
    with connection.cursor() as cursor:
        cursor.execute(text, params)
        return fetch_rows(cursor)


class Masks(NamedTuple):
    """The parts that the stored words of memories contain.

    Args:
        total: the number of memories.
        found: the keys of memories in their order, each with the sum of the numbers of its parts.
    """

    total: int
    found: list[tuple[str, int]]


class WordMasks(Reading):
    """Which parts the stored words of memories contain.

    Args:
        rows: the memories, in an order.
        parts: numbers by part of the stored words.
        limit: the maximum number of memories.
        usual: the sum of most memories. Those with it are only counted.
    """

    def __init__(self, rows: Any, parts: Mapping[str, int], limit: int, usual: int) -> None:
        super().__init__(rows)
        self.parts = parts
        self.limit = limit
        self.usual = usual

    def masks(self) -> Masks:
        """Return the number of memories, and those of them that have another sum than the usual one."""
        found = self.run()
        return found[0] if found else Masks(0, [])

    def as_sql(self, connection: BaseDatabaseWrapper) -> Iterable[Masks]:
        masked = self.rows.annotate(mask=SumOfParts("search_terms", self.parts))
        pairs = _fetched(masked.values_list("key", "mask")[: self.limit], connection)
        yield Masks(len(pairs), [(key, mask) for key, mask in pairs if mask != self.usual])

    def as_mongodb(self, connection: BaseDatabaseWrapper) -> Iterable[Masks]:
        # An annotation would be computed before the sort, and so keep an index from serving the order.
        mask = sum_of_parts_mql("$search_terms", self.parts)
        # One document: of a thousand, the server would send all but 101 in a second round trip.
        keys, masks = (
            {"$push": {"$cond": [{"$eq": ["$mask", self.usual]}, "$$REMOVE", column]}} for column in ("$_id", "$mask")
        )
        together = {"_id": None, "total": {"$sum": 1}, "keys": keys, "masks": masks}
        stages: list[Any] = [{"$limit": self.limit}, {"$project": {"mask": mask}}, {"$group": together}]
        for document in mongodb.aggregate(self.rows, connection, lambda pipeline: [*pipeline, *stages]):
            yield Masks(document["total"], list(zip(map(str, document["keys"]), document["masks"], strict=True)))


class Keys(Reading):
    """The keys of a queryset's rows, in its order."""

    def as_sql(self, connection: BaseDatabaseWrapper) -> Iterable[str]:
        return [key for (key,) in _fetched(self.rows.values_list("key"), connection)]

    def as_mongodb(self, connection: BaseDatabaseWrapper) -> Iterable[str]:
        # One document, as above.
        together = {"$group": {"_id": None, "keys": {"$push": "$_id"}}}
        rows = self.rows.values_list("key")
        for document in mongodb.aggregate(rows, connection, lambda pipeline: [*pipeline, together]):
            yield from map(str, document["keys"])


class ByKey(Reading):
    """Base of statements that read the rows with some keys, in any order.

    Args:
        rows: the memories of one person, with the conditions of a search.
        keys: of those to read.
    """

    def __init__(self, rows: Any, keys: Iterable[str]) -> None:
        super().__init__(found_by_key(rows))
        self.keys = list(keys)

    def _with_keys(self) -> Any:
        return self.rows.filter(key__in=self.keys)


class RowsToRank(ByKey):
    """The columns of memories that a ranking reads."""

    def as_sql(self, connection: BaseDatabaseWrapper) -> Iterable[Any]:
        fetched = _fetched(self._with_keys().values_list(*COLUMNS), connection)
        return converted(self.rows.model, connection, fetched, COLUMNS)

    def as_mongodb(self, connection: BaseDatabaseWrapper) -> Iterable[ToRank]:
        columns = ("_id", *COLUMNS[1:])
        return map(_to_rank, mongodb.find_by_key(self.rows, connection, self.keys, columns))


class Memories(ByKey):
    """The memories as instances, of which the fields are read that lists read."""

    def as_sql(self, connection: BaseDatabaseWrapper) -> Iterable[Model]:
        return instances(self.rows.model, connection, _fetched(with_read_fields(self._with_keys()), connection))

    def as_mongodb(self, connection: BaseDatabaseWrapper) -> Iterable[Model]:
        model = self.rows.model
        rows = mongodb.find_by_key(self.rows, connection, self.keys, read_columns(model))
        return instances(model, connection, rows)


def _to_rank(row: Sequence[Any]) -> ToRank:
    """Return the columns of a document. One of another program may lack any of them, or have other types."""
    key, memory_id, moment, session, stored, metadata = row
    return (
        # One of another program may have an ObjectId.
        str(key),
        str("" if memory_id is None else memory_id),
        moment.replace(tzinfo=datetime.UTC) if isinstance(moment, datetime.datetime) else EPOCH,
        session if isinstance(session, str) else None,
        stored if isinstance(stored, str) else None,
        metadata,
    )
