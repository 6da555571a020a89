"""The same operations, written by hand for the bare drivers, for speed alone.

Each method takes and returns Python values: lists, dictionaries and aware datetimes, as ``Memory`` does. psycopg and
pymongo convert by themselves; for sqlite3 it is done here.
"""

from __future__ import annotations

import datetime
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import psycopg
import pymongo
from psycopg.types.json import Jsonb

from agno_memory.batches import batched
from agno_memory.models import UserMemory
from benchmarks.rows import Row

TABLE = os.environ.get("BENCHMARK_TABLE", "memories")
COLUMNS = [str(field.column) for field in UserMemory._meta.concrete_fields]
WRITTEN = [*UserMemory.content_fields, "search_text", "search_terms", "text_key"]
JSON = ("topics", "metadata")
MOMENTS = ("created_at", "last_updated", "expires_at", "valid_until")
# The rows that the benchmark adds to the loaded ones belong to users between these two.
EXTRA, EXTRA_END = "extra", "extrb"
BATCH = 10_000

Values = Sequence[Any]


class Driver(Protocol):
    """The operations of a bare driver. A row is returned as its values in the order of the columns."""

    # Of the server, or the path of the file.
    url: str

    def version(self) -> str: ...
    def add(self, row: Row) -> None: ...
    def get(self, row: Row) -> Values | None: ...
    def replace(self, row: Row) -> Values | None: ...
    def upsert(self, row: Row) -> Values | None: ...
    def delete(self, row: Row) -> None: ...
    def newest(self, user_id: str, limit: int | None = None) -> list[Values]: ...
    def about(self, user_id: str, topics: list[str], limit: int) -> list[Values]: ...
    def mentioning(self, user_id: str, words: list[str]) -> list[Values]: ...
    def delete_many(self, user_id: str, memory_ids: list[str]) -> list[str]: ...
    def clear(self, user_id: str) -> int: ...
    def add_many(self, rows: list[Row]) -> None: ...
    def everything(self) -> Iterator[Values]: ...
    def topic_counts(self, user_id: str | None) -> list[tuple[str, int]]: ...
    def load(self, rows: Iterable[Row]) -> None:
        """Add any number of rows in the fastest way."""

    def tidy(self) -> None:
        """Remove the rows of extra users."""

    def settle(self) -> None:
        """Run the maintenance that the database does by itself some time after a large import."""


class Sql:
    """The statements, with ``place`` where a value goes.

    Args:
        place: the driver's placeholder.
        greatest: name of the function that returns the larger of two values.
        elements: a row's topics as a table ``topic`` with a column ``value``.
        order: of topics by code point.
    """

    def __init__(self, place: str, *, greatest: str, elements: str, order: str) -> None:
        columns = ", ".join(COLUMNS)
        one_row = f"_id = {place} AND user_id = {place}"
        content = ", ".join(f"{name} = {place}" for name in WRITTEN)
        excluded = ", ".join(f"{name} = excluded.{name}" for name in WRITTEN)
        self.where_user = f"WHERE user_id = {place}"
        self.add = f"INSERT INTO {TABLE} ({columns}) VALUES ({', '.join([place] * len(COLUMNS))})"
        self.get = f"SELECT {columns} FROM {TABLE} WHERE {one_row}"
        self.replace = (
            f"UPDATE {TABLE} SET {content}, version = version + 1, last_updated = {greatest}(last_updated, {place}) "
            f"WHERE {one_row} RETURNING {columns}"
        )
        self.upsert = (
            f"{self.add} ON CONFLICT (_id) DO UPDATE SET {excluded}, version = {TABLE}.version + 1, "
            f"last_updated = {greatest}({TABLE}.last_updated, excluded.last_updated) "
            f"WHERE {TABLE}.user_id = excluded.user_id RETURNING {columns}"
        )
        self.delete = f"DELETE FROM {TABLE} WHERE {one_row}"
        self.clear = f"DELETE FROM {TABLE} {self.where_user}"
        self.tidy = f"DELETE FROM {TABLE} WHERE user_id >= '{EXTRA}' AND user_id < '{EXTRA_END}'"
        self.of_user = f"SELECT {columns} FROM {TABLE} {self.where_user}"
        self.newest = "ORDER BY last_updated DESC, memory_id DESC"
        self.limit = f"{self.newest} LIMIT {place}"
        self.contains = f"search_text LIKE {place} ESCAPE '\\'"
        self.everything = f"SELECT {columns} FROM {TABLE} {self.newest}"
        self.topic_counts = f"SELECT topic.value, COUNT(*) FROM {TABLE}, {elements}"
        self.topic_order = f"GROUP BY topic.value ORDER BY COUNT(*) DESC, {order}"


def like(word: str) -> str:
    return "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


class SqlDriver:
    """The common part of sqlite3 and psycopg."""

    connection: Any
    sql: ClassVar[Sql]

    def encoded(self, row: Row) -> Row:
        """Return a row in the types of the driver."""
        raise NotImplementedError

    def many(self, sql: str, params: Sequence[Any]) -> list[Values]:
        raise NotImplementedError

    def one(self, sql: str, params: Sequence[Any]) -> Values | None:
        raise NotImplementedError

    def add_params(self, row: Row) -> list[Any]:
        return list(self.encoded(row).values())

    upsert_params = add_params

    def get_params(self, row: Row) -> list[Any]:
        return [row["key"], row["user_id"]]

    delete_params = get_params

    def replace_params(self, row: Row) -> list[Any]:
        encoded = self.encoded(row)
        return [encoded[name] for name in (*WRITTEN, "last_updated", "key", "user_id")]

    def add(self, row: Row) -> None:
        self.connection.execute(self.sql.add, self.add_params(row))

    def get(self, row: Row) -> Values | None:
        return self.one(self.sql.get, self.get_params(row))

    def replace(self, row: Row) -> Values | None:
        return self.one(self.sql.replace, self.replace_params(row))

    def upsert(self, row: Row) -> Values | None:
        return self.one(self.sql.upsert, self.upsert_params(row))

    def delete(self, row: Row) -> None:
        self.connection.execute(self.sql.delete, self.delete_params(row))

    def newest(self, user_id: str, limit: int | None = None) -> list[Values]:
        if limit is None:
            return self.many(f"{self.sql.of_user} {self.sql.newest}", (user_id,))
        return self.many(f"{self.sql.of_user} {self.sql.limit}", (user_id, limit))

    def mentioning(self, user_id: str, words: list[str]) -> list[Values]:
        sql = " AND ".join([self.sql.of_user, *[self.sql.contains] * len(words)])
        return self.many(f"{sql} {self.sql.newest}", (user_id, *map(like, words)))

    def clear(self, user_id: str) -> int:
        count: int = self.connection.execute(self.sql.clear, (user_id,)).rowcount
        return count

    def topic_counts(self, user_id: str | None) -> list[tuple[str, int]]:
        where, params = ("", ()) if user_id is None else (self.sql.where_user, (user_id,))
        sql = f"{self.sql.topic_counts} {where} {self.sql.topic_order}"
        counts: list[tuple[str, int]] = self.connection.execute(sql, params).fetchall()
        return counts

    def tidy(self) -> None:
        self.connection.execute(self.sql.tidy)


class SqliteDriver(SqlDriver):
    sql = Sql("?", greatest="MAX", elements="json_each(memories.topics) AS topic", order="topic.value")
    json_positions = [COLUMNS.index(name) for name in JSON]
    moment_positions = [COLUMNS.index(name) for name in MOMENTS if name in COLUMNS]

    def __init__(self, path: Path) -> None:
        self.url = str(path)
        self.connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        # As SqliteMemoryDb sets them; all other options have SQLite's defaults on both sides.
        self.connection.execute("PRAGMA journal_mode=WAL")

    def version(self) -> str:
        return f"SQLite {sqlite3.sqlite_version}"

    def encoded(self, row: Row) -> Row:
        encoded = dict(row)
        for name in JSON:
            encoded[name] = json.dumps(row[name])
        for name in encoded.keys() & MOMENTS:
            encoded[name] = row[name] and str(row[name].replace(tzinfo=None))
        return encoded

    def decoded(self, values: Values) -> Values:
        row = list(values)
        for position in self.json_positions:
            row[position] = json.loads(row[position])
        for position in self.moment_positions:
            moment = row[position]
            row[position] = moment and datetime.datetime.fromisoformat(moment).replace(tzinfo=datetime.UTC)
        return row

    def one(self, sql: str, params: Sequence[Any]) -> Values | None:
        values = self.connection.execute(sql, params).fetchone()
        return None if values is None else self.decoded(values)

    def many(self, sql: str, params: Sequence[Any]) -> list[Values]:
        return [self.decoded(values) for values in self.connection.execute(sql, params)]

    def newest_undecoded(self, user_id: str) -> list[Values]:
        """Return rows as sqlite3 returns them: JSON and times as text."""
        rows: list[Values] = self.connection.execute(f"{self.sql.of_user} {self.sql.newest}", (user_id,)).fetchall()
        return rows

    def about(self, user_id: str, topics: list[str], limit: int) -> list[Values]:
        one = "EXISTS (SELECT 1 FROM json_each(topics) AS topic WHERE topic.value = ?)"
        sql = " AND ".join([self.sql.of_user, *[one] * len(topics)])
        return self.many(f"{sql} {self.sql.limit}", (user_id, *topics, limit))

    def delete_many(self, user_id: str, memory_ids: list[str]) -> list[str]:
        places = ", ".join("?" * len(memory_ids))
        sql = f"{self.sql.clear} AND memory_id IN ({places}) RETURNING memory_id"
        return [memory_id for (memory_id,) in self.connection.execute(sql, (user_id, *memory_ids)).fetchall()]

    def add_many(self, rows: list[Row]) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany(self.sql.add, map(self.add_params, rows))
        self.connection.execute("COMMIT")

    def everything(self) -> Iterator[Values]:
        return map(self.decoded, self.connection.execute(self.sql.everything))

    def load(self, rows: Iterable[Row]) -> None:
        for batch in batched(rows, BATCH):
            self.add_many(batch)

    def settle(self) -> None:
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class PostgresDriver(SqlDriver):
    sql = Sql(
        "%s",
        greatest="GREATEST",
        elements="jsonb_array_elements_text(memories.topics) AS topic(value)",
        order='topic.value COLLATE "C"',
    )

    def __init__(self, url: str) -> None:
        self.url = url
        self.connection = psycopg.connect(url, autocommit=True, options="-c TimeZone=UTC")

    def version(self) -> str:
        return f"PostgreSQL {self.connection.info.server_version // 10_000}"

    def encoded(self, row: Row) -> Row:
        encoded = dict(row)
        for name in JSON:
            encoded[name] = Jsonb(row[name])
        return encoded

    def one(self, sql: str, params: Sequence[Any]) -> Values | None:
        values: Values | None = self.connection.execute(sql, params).fetchone()
        return values

    def many(self, sql: str, params: Sequence[Any]) -> list[Values]:
        rows: list[Values] = self.connection.execute(sql, params).fetchall()
        return rows

    def about(self, user_id: str, topics: list[str], limit: int) -> list[Values]:
        sql = f"{self.sql.of_user} AND (topics ?& %s::text[]) IS TRUE {self.sql.limit}"
        return self.many(sql, (user_id, topics, limit))

    def delete_many(self, user_id: str, memory_ids: list[str]) -> list[str]:
        sql = f"{self.sql.clear} AND memory_id = ANY(%s) RETURNING memory_id"
        return [memory_id for (memory_id,) in self.many(sql, (user_id, memory_ids))]

    def add_many(self, rows: list[Row]) -> None:
        with self.connection.transaction(), self.connection.cursor() as cursor:
            cursor.executemany(self.sql.add, map(self.add_params, rows))

    def copy_many(self, rows: list[Row]) -> None:
        """Add many rows by COPY, which an ORM does not use."""
        copying = f"COPY {TABLE} ({', '.join(COLUMNS)}) FROM STDIN"
        with self.connection.transaction(), self.connection.cursor() as cursor, cursor.copy(copying) as copy:
            for row in rows:
                copy.write_row(self.add_params(row))

    def everything(self) -> Iterator[Values]:
        with self.connection.transaction(), self.connection.cursor("everything") as cursor:
            cursor.itersize = 2_000
            yield from cursor.execute(self.sql.everything)

    def load(self, rows: Iterable[Row]) -> None:
        for batch in batched(rows, BATCH):
            self.copy_many(batch)

    def settle(self) -> None:
        # Without a limit the table stays in the server's cache, as on a server that has run for some time.
        self.connection.execute(f"VACUUM (ANALYZE, BUFFER_USAGE_LIMIT 0) {TABLE}")


class MongoDriver:
    ORDER = {"last_updated": -1, "memory_id": -1}

    def __init__(self, url: str, database: str) -> None:
        self.url = url
        # A write waits for the journal, as in the handles of the service.
        self.client = pymongo.MongoClient[dict[str, Any]](url, tz_aware=True, journal=True)
        self.collection = self.client[database][TABLE]

    def version(self) -> str:
        return f"MongoDB {self.client.server_info()['version']}"

    @staticmethod
    def values(document: dict[str, Any]) -> Values:
        return [document[name] for name in COLUMNS]

    def add(self, row: Row) -> None:
        self.collection.insert_one(self.document(row))

    @staticmethod
    def document(row: Row) -> dict[str, Any]:
        return {"_id" if name == "key" else name: value for name, value in row.items()}

    @staticmethod
    def key(row: Row) -> dict[str, Any]:
        return {"_id": row["key"], "user_id": row["user_id"]}

    @staticmethod
    def change(row: Row) -> dict[str, Any]:
        return {
            "$set": {name: row[name] for name in WRITTEN},
            "$inc": {"version": 1},
            "$max": {"last_updated": row["last_updated"]},
        }

    def get(self, row: Row) -> Values | None:
        document = self.collection.find_one(self.key(row))
        return None if document is None else self.values(document)

    def replace(self, row: Row) -> Values | None:
        document = self.collection.find_one_and_update(self.key(row), self.change(row), return_document=True)
        return None if document is None else self.values(document)

    def upsert(self, row: Row) -> Values | None:
        change = {**self.change(row), "$setOnInsert": {"created_at": row["created_at"], "memory_id": row["memory_id"]}}
        document = self.collection.find_one_and_update(self.key(row), change, upsert=True, return_document=True)
        assert document is not None
        return self.values(document)

    def delete(self, row: Row) -> None:
        self.collection.delete_one(self.key(row))

    def found(self, criteria: dict[str, Any], limit: int = 0) -> list[Values]:
        return [self.values(document) for document in self.collection.find(criteria, sort=self.ORDER, limit=limit)]

    def newest(self, user_id: str, limit: int | None = None) -> list[Values]:
        return self.found({"user_id": user_id}, limit or 0)

    def about(self, user_id: str, topics: list[str], limit: int) -> list[Values]:
        return self.found({"user_id": user_id, "topics": {"$all": topics}}, limit)

    def mentioning(self, user_id: str, words: list[str]) -> list[Values]:
        return self.found({"user_id": user_id, "$and": [{"search_text": {"$regex": word}} for word in words]})

    def delete_many(self, user_id: str, memory_ids: list[str]) -> list[str]:
        criteria = {"user_id": user_id, "memory_id": {"$in": memory_ids}}
        found = [document["memory_id"] for document in self.collection.find(criteria, {"memory_id": 1})]
        self.collection.delete_many(criteria)
        return found

    def clear(self, user_id: str) -> int:
        return self.collection.delete_many({"user_id": user_id}).deleted_count

    def add_many(self, rows: list[Row]) -> None:
        self.collection.insert_many([self.document(row) for row in rows])

    def everything(self) -> Iterator[Values]:
        return map(self.values, self.collection.find(sort=self.ORDER))

    def topic_counts(self, user_id: str | None) -> list[tuple[str, int]]:
        counting: list[dict[str, Any]] = [
            {"$match": {} if user_id is None else {"user_id": user_id}},
            {"$unwind": "$topics"},
            {"$group": {"_id": "$topics", "count": {"$sum": 1}}},
            {"$sort": {"count": -1, "_id": 1}},
        ]
        counted = self.collection.aggregate(counting)
        return [(document["_id"], document["count"]) for document in counted]

    def load(self, rows: Iterable[Row]) -> None:
        for batch in batched(rows, BATCH):
            self.collection.insert_many(map(self.document, batch), ordered=False)

    def tidy(self) -> None:
        self.collection.delete_many({"user_id": {"$gte": EXTRA, "$lt": EXTRA_END}})

    def settle(self) -> None:
        self.client.admin.command("fsync")
