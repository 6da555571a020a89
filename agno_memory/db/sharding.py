"""Distribution over several servers: the statements for Citus (PostgreSQL) and for a sharded MongoDB.

Memories are distributed by their owner, sessions and runs by the session: then each verb is answered by one server, and
uniqueness holds there. See docs/scaling.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar, Final

from django.db import NotSupportedError, connections, models

from agno_memory.db.errors import with_django_errors
from agno_memory.db.mongodb import is_mongos
from agno_memory.models import AgentRun, AgentSession, UserMemory

# Each table with the field that decides the server of a row. A table stands before those that refer to it.
DISTRIBUTED_BY: Final[dict[type[models.Model], str]] = {
    UserMemory: "user_id",
    AgentSession: "session_id",
    AgentRun: "session",
}


class Sharding:
    """The statements that distribute the tables of one database.

    Statements that have been executed are left out, so a run that was stopped can be repeated.

    Args:
        alias: of the database, as in ``DATABASES``. The app's migrations were applied to it.
    """

    # Of connections that can be distributed so.
    vendor: ClassVar[str]
    # Comes before a statement and after it, where its text stands alone.
    end: ClassVar[str] = ""

    def __init__(self, alias: str) -> None:
        self.connection: Any = connections[alias]
        if self.connection.vendor != self.vendor:
            raise NotSupportedError(
                f"Database {alias!r} is {self.connection.display_name}; name the alias of the right one by --database."
            )

    def statements(self) -> list[str]:
        """Return the statements that are still to be executed, in their order."""
        raise NotImplementedError("An engine lists its statements.")

    def execute(self) -> Iterator[str]:
        """Execute the statements one by one, and yield each after it was executed.

        Raises:
            DatabaseError: the server refused a statement. Those before it stay executed.
        """
        raise NotImplementedError("An engine executes its statements.")


class Citus(Sharding):
    """PostgreSQL with the extension Citus. Each table has its distribution column in its primary key."""

    vendor = "postgresql"
    end = ";"

    def statements(self) -> list[str]:
        missing = [model for model in DISTRIBUTED_BY if model._meta.db_table not in self._distributed_tables()]
        foreign_keys = [key for model in missing for key in self._foreign_keys(model)]
        return [
            *(drop for drop, _add in foreign_keys),
            *(text for model in missing for text in self._distribute(model)),
            *(add for _drop, add in foreign_keys),
        ]

    def execute(self) -> Iterator[str]:
        if not self._has_extension():
            raise NotSupportedError(
                "This PostgreSQL server does not have the extension Citus: install it, and run CREATE EXTENSION citus."
            )
        for text in self.statements():
            with self.connection.cursor() as cursor:
                cursor.execute(text)
            yield text

    def _distribute(self, model: type[models.Model]) -> Iterator[str]:
        table, column = model._meta.db_table, self._column(model)
        key = str(model._meta.pk.column)
        name = self._primary_key(table)
        if column != key and name is not None:
            drop = f"ALTER TABLE {self._quote(table)} DROP CONSTRAINT {self._quote(name)}"
            yield f"{drop}, ADD PRIMARY KEY ({self._quote(column)}, {self._quote(key)})"
        beside = "" if model is not AgentRun else f", colocate_with => '{AgentSession._meta.db_table}'"
        yield f"SELECT create_distributed_table('{self._quote(table)}', '{column}'{beside})"

    def _foreign_keys(self, model: type[models.Model]) -> Iterator[tuple[str, str]]:
        """Yield the statements that drop and add a table's foreign keys: a local table cannot refer to others."""
        table = model._meta.db_table
        for name, constraint in self._constraints(table).items():
            if constraint["foreign_key"]:
                column, (other, referred) = constraint["columns"][0], constraint["foreign_key"]
                alter = f"ALTER TABLE {self._quote(table)}"
                add = f"{alter} ADD CONSTRAINT {self._quote(name)} FOREIGN KEY ({self._quote(column)})"
                yield (
                    f"{alter} DROP CONSTRAINT {self._quote(name)}",
                    f"{add} REFERENCES {self._quote(other)} ({self._quote(referred)})",
                )

    def _primary_key(self, table: str) -> str | None:
        """Return the name of the primary key, or None if it has the distribution column already."""
        constraints = self._constraints(table).items()
        found = (name for name, each in constraints if each["primary_key"] and len(each["columns"]) == 1)
        return next(found, None)

    def _constraints(self, table: str) -> dict[str, Any]:
        with self.connection.cursor() as cursor:
            constraints: dict[str, Any] = self.connection.introspection.get_constraints(cursor, table)
        return constraints

    def _has_extension(self) -> bool:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'citus'")
            return cursor.fetchone() is not None

    def _distributed_tables(self) -> set[str]:
        if not self._has_extension():
            return set()
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT relname FROM pg_dist_partition JOIN pg_class ON pg_class.oid = logicalrelid")
            return {name for (name,) in cursor.fetchall()}

    @staticmethod
    def _column(model: type[models.Model]) -> str:
        return str(model._meta.get_field(DISTRIBUTED_BY[model]).column)  # type: ignore[union-attr]

    def _quote(self, name: str) -> str:
        return str(self.connection.ops.quote_name(name))


class MongoSharding(Sharding):
    """A sharded MongoDB, reached through ``mongos``.

    Memories are hashed by owner. Sessions and runs are ranged by session id: a unique index must begin with the shard
    key, and a hashed index cannot be unique.
    """

    vendor = "mongodb"

    def statements(self) -> list[str]:
        return [f"sh.shardCollection({json.dumps(namespace)}, {json.dumps(key)})" for namespace, key in self._keys()]

    def execute(self) -> Iterator[str]:
        if not is_mongos(self.connection):
            raise NotSupportedError("This server is not a sharded cluster: connect to its mongos.")
        for text, (namespace, key) in zip(self.statements(), self._keys(), strict=True):
            with_django_errors(self.connection, partial(self._shard, namespace, key))
            yield text

    def _shard(self, namespace: str, key: dict[str, Any]) -> None:
        # The server makes this index by itself only for an empty collection.
        self.connection.get_collection(namespace.partition(".")[2]).create_index(list(key.items()))
        self.connection.database.client.admin.command({"shardCollection": namespace, "key": key})

    def _keys(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the full name of each collection with its shard key."""
        database = self.connection.settings_dict["NAME"]
        for model, name in DISTRIBUTED_BY.items():
            column = str(model._meta.get_field(name).column)  # type: ignore[union-attr]
            yield f"{database}.{model._meta.db_table}", {column: "hashed" if model is UserMemory else 1}


ENGINES: Final[dict[str, type[Sharding]]] = {"citus": Citus, "mongodb": MongoSharding}
