"""Distribution over several servers: the statements for Citus (PostgreSQL) and for a sharded MongoDB.

Memories and their earlier versions are distributed by the owner, sessions and runs by the session: then each verb is
answered by one server, and uniqueness holds there. See docs/scaling.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar, Final, TypeAlias

from django.db import NotSupportedError, ProgrammingError, models

from agno_memory.db.connections import connection_to
from agno_memory.db.errors import with_django_errors
from agno_memory.db.guarded import run_on
from agno_memory.db.mongodb import is_mongos
from agno_memory.db.table_models import model_for
from agno_memory.models import AgentRun, AgentSession, UserMemory
from agno_memory.revision_models import MemoryRevision
from agno_memory.vector_models import MemoryVector

# Each table with the field that decides the server of a row.
Tables: TypeAlias = "dict[type[models.Model], str]"
DISTRIBUTED_BY: Final[Tables] = {
    UserMemory: "user_id",
    MemoryVector: "user_id",
    MemoryRevision: "user_id",
    AgentSession: "session_id",
    AgentRun: "session",
}


def tables_of_handle(table: str) -> Tables:
    """Return the tables of a handle for a table of memories: those and their earlier versions."""
    model = model_for(table)
    return {model: "user_id", model.revisions(None).model: "user_id"}


class Sharding:
    """The statements that distribute the tables of one database.

    A run that was stopped can be repeated.

    Args:
        alias: of the database, as in ``DATABASES``. It has the tables.
        tables: each with the field that decides the server of a row. A table stands before those that refer to it.

    Raises:
        NotSupportedError: a database of another kind.
        DatabaseError: it does not answer.
        ProgrammingError: a table does not exist.
    """

    # The vendor of the connections that the engine distributes.
    vendor: ClassVar[str]
    # The end of a statement in a script.
    end: ClassVar[str] = ""

    def __init__(self, alias: str, tables: Tables = DISTRIBUTED_BY) -> None:
        self.connection: Any = connection_to(alias)
        self.tables = tables
        if self.connection.vendor != self.vendor:
            raise NotSupportedError(
                f"Database {alias!r} is {self.connection.display_name}; name the alias of the right one by --database."
            )
        existing = set(run_on(alias, self.connection.introspection.table_names))
        if absent := [model._meta.db_table for model in tables if model._meta.db_table not in existing]:
            raise ProgrammingError(f"Tables that do not exist: {', '.join(absent)}. Apply the migrations first.")

    def statements(self) -> list[str]:
        """Return the statements that are still to be executed, in their order."""
        raise NotImplementedError("An engine lists its statements.")

    def execute(self) -> Iterator[str]:
        """Execute the statements one by one, and yield each after it was executed.

        Raises:
            DatabaseError: the server refused a statement. Those before it stay executed.
        """
        raise NotImplementedError("An engine executes its statements.")

    def _column(self, model: type[models.Model]) -> str:
        """Return the column that decides the server of a row."""
        field: Any = model._meta.get_field(self.tables[model])
        return str(field.column)


class Citus(Sharding):
    """PostgreSQL with the extension Citus. Each table has its distribution column in its primary key.

    Statements that have been executed are left out.
    """

    vendor = "postgresql"
    end = ";"

    def statements(self) -> list[str]:
        missing = [model for model in self.tables if not self._is_distributed(model)]
        foreign_keys = [key for model in self.tables for key in self._foreign_keys(model, model in missing)]
        return [
            *(drop for drop, _add in foreign_keys if drop),
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
        table, column = self._table(model), self._column(model)
        key = str(model._meta.pk.column)
        name = self._primary_key(model)
        if column != key and name is not None:
            drop = f"ALTER TABLE {table} DROP CONSTRAINT {self._quote(name)}"
            yield f"{drop}, ADD PRIMARY KEY ({self._quote(column)}, {self._quote(key)})"
        beside = f", colocate_with => {_literal(self._table(AgentSession))}" if model is AgentRun else ""
        yield f"SELECT create_distributed_table({_literal(table)}, {_literal(column)}{beside})"

    def _foreign_keys(self, model: type[models.Model], is_local: bool) -> Iterator[tuple[str, str]]:
        """Yield the statements that drop and add the foreign keys of a table: a local one cannot refer to others.

        The first is empty for a foreign key that an earlier run has dropped. Those that are in place are left out.
        """
        alter = f"ALTER TABLE {self._table(model)}"
        constraints = self._constraints(model).items()
        for field in model._meta.local_concrete_fields:
            if not isinstance(field, models.ForeignKey):
                continue
            names = [name for name, each in constraints if each["foreign_key"] and each["columns"] == [field.column]]
            if names and not is_local:
                continue
            name = self._quote(names[0]) if names else self._default_name(model, field)
            target: Any = field.target_field
            yield (
                f"{alter} DROP CONSTRAINT {name}" if names else "",
                f"{alter} ADD CONSTRAINT {name} FOREIGN KEY ({self._quote(str(field.column))}) "
                f"REFERENCES {self._table(target.model)} ({self._quote(target.column)})",
            )

    def _default_name(self, model: type[models.Model], field: Any) -> str:
        """Return the name that migrations give to a foreign key, quoted."""
        editor = self.connection.schema_editor(collect_sql=True)
        return str(editor._fk_constraint_name(model, field, "_fk_%(to_table)s_%(to_column)s"))

    def _primary_key(self, model: type[models.Model]) -> str | None:
        """Return the name of the primary key, or None if it has the distribution column already."""
        constraints = self._constraints(model).items()
        found = (name for name, each in constraints if each["primary_key"] and len(each["columns"]) == 1)
        return next(found, None)

    def _constraints(self, model: type[models.Model]) -> dict[str, Any]:
        with self.connection.cursor() as cursor:
            constraints: dict[str, Any] = self.connection.introspection.get_constraints(cursor, model._meta.db_table)
        return constraints

    def _has_extension(self) -> bool:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'citus'")
            return cursor.fetchone() is not None

    def _is_distributed(self, model: type[models.Model]) -> bool:
        if not self._has_extension():
            return False
        with self.connection.cursor() as cursor:
            # By the search path: another schema may have a table of the same name.
            cursor.execute("SELECT 1 FROM pg_dist_partition WHERE logicalrelid = to_regclass(%s)", [self._table(model)])
            return cursor.fetchone() is not None

    def _table(self, model: type[models.Model]) -> str:
        return self._quote(model._meta.db_table)

    def _quote(self, name: str) -> str:
        return str(self.connection.ops.quote_name(name))


def _literal(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


class MongoSharding(Sharding):
    """A sharded MongoDB, reached through ``mongos``.

    Vectors and versions are hashed by owner. Memories are ranged by owner, sessions and runs by session id: they have
    unique indexes, which must begin with the shard key, and a hashed index cannot be unique.
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
        for model in self.tables:
            yield f"{database}.{model._meta.db_table}", {self._column(model): self._method(model)}

    @staticmethod
    def _method(model: type[models.Model]) -> str | int:
        return "hashed" if issubclass(model, MemoryVector | MemoryRevision) else 1


ENGINES: Final[dict[str, type[Sharding]]] = {"citus": Citus, "mongodb": MongoSharding}
