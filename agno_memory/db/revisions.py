"""The statements of a write that keeps the version before it: as one statement, or in one transaction.

On PostgreSQL one statement locks the row, copies it and writes it. On other SQL databases two statements of a
transaction do. MongoDB's server copies nothing, so the version is read and kept first, under a key of the memory and
the version, and written only while it is still the current one. A process that is killed in between leaves a revision
of a version that is still current; readers leave it out, and the next write completes it.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import Any, Final, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, F, Field, Model, OuterRef, Value
from django.db.models.functions import Concat, Greatest
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler

from agno_memory.acting import Author, current_author
from agno_memory.conf import conf
from agno_memory.db import mongodb
from agno_memory.db.compiled import Param, Sql, Values, bind, sql_of
from agno_memory.db.connections import connection_to
from agno_memory.db.dispatch import vendor_method
from agno_memory.db.errors import with_django_errors
from agno_memory.db.expiry import EXPIRES_AFTER, has_expired
from agno_memory.db.rows import instance_of, read_columns, returning_sql_of
from agno_memory.db.statements import Delete, OneRow, Result, Select, Update, ValueOf
from agno_memory.fields import TimestampField
from agno_memory.keys import uuid7
from agno_memory.times import now, to_milliseconds

# The fields of a revision that say how its version ended; the others are copied.
ENDING: Final = ("valid_until", "action", "is_deleted", "actor", "through", "reason", "merged_into")
# Actions after which there is no memory, apart from the one that others were merged into.
DELETING: Final = frozenset({"deleted", "merged", "expired"})


NO_AUTHOR: Final = Author(through="")


class Ending(NamedTuple):
    """How a write ends a version.

    Args:
        action: one of ``MemoryRevision.Action``.
        moment: the time of the write; None is the time at which each memory expires.
        merged_into: the id of the memory that has the content now.
    """

    action: str
    moment: datetime.datetime | None
    merged_into: str | None = None

    @property
    def leaves_no_memory(self) -> bool:
        """Whether there is no memory after the write. Of merged memories, one stays: that without ``merged_into``."""
        return self.action in DELETING and (self.action != "merged" or self.merged_into is not None)

    def values(self, author: Any = None) -> Values:
        """Return the values of the fields of ``ENDING``, and ``write``, which is another one for each write."""
        # Time ends a version, and not the author of the write that finds it.
        author = author or (NO_AUTHOR if self.action == "expired" else current_author())
        return {
            "valid_until": self.moment,
            "action": self.action,
            "is_deleted": self.leaves_no_memory,
            "actor": author.actor,
            "through": author.through,
            "reason": author.reason,
            "merged_into": self.merged_into,
            "write": f"-{uuid7()}",
        }


def ending(action: str, merged_into: str | None = None) -> Ending:
    """Return how a write at this moment ends a version."""
    return Ending(action, now(), merged_into)


@cache
def _copied(model: type[Model]) -> tuple[tuple[str, str], ...]:
    """Return the names and columns of the fields that a revision copies from a memory.

    Args:
        model: of the memories.
    """
    revision = revisions_of(model)
    of_memory = {field.name for field in model._meta.concrete_fields if not field.primary_key}
    return tuple((field.name, str(field.column)) for field in revision._meta.concrete_fields if field.name in of_memory)


@cache
def revisions_of(model: Any) -> type[Model]:
    """Return the model of the revisions of a model's memories."""
    revision: type[Model] = model.revisions(None).model
    return revision


def _insertion(model: type[Model], select: str, connection: BaseDatabaseWrapper) -> str:
    """Return an INSERT of the rows of a SELECT of ``_with_ending()``."""
    options = revisions_of(model)._meta
    names = [*(name for name, _column in _copied(model)), "memory_key", "key", *ENDING]
    columns = ", ".join(connection.ops.quote_name(str(options.get_field(name).column)) for name in names)  # type: ignore[union-attr]
    return f"INSERT INTO {connection.ops.quote_name(options.db_table)} ({columns}) {select}"


def _with_ending(rows: Any, value: ValueOf) -> Query:
    """Return the query that selects the values of revisions of rows.

    Args:
        rows: a queryset of memories.
        value: returns a value of ``Ending.values()`` as an expression.
    """
    ended: dict[str, Any] = {name: value(name) for name in ENDING}
    # A clock that went back makes neither a gap nor an overlap.
    ended["valid_until"] = Greatest(F("last_updated"), ended["valid_until"], output_field=TimestampField())
    names = [name for name, _column in _copied(rows.model)]
    annotated = rows.order_by().annotate(of_memory=F("key"), revision_key=Concat("key", value("write")), **ended)
    query: Query = annotated.values_list(*names, "of_memory", "revision_key", *ENDING).query
    return query


def _param(model: type[Model], name: str) -> Param:
    field: Any = revisions_of(model)._meta.get_field("key" if name == "write" else name)
    return Param(field, name)


@cache
def _ending_params(model: type[Model]) -> list[Param]:
    """Return a placeholder for each field of ``ENDING``."""
    return [_param(model, name) for name in ENDING]


class KeepRow(OneRow[None]):
    """Keep the version of a row."""

    def __init__(self, *conditions: str, unexpired: bool) -> None:
        super().__init__(*conditions, unexpired=unexpired)
        self.found = Select(*conditions)

    def build(self, model: type[Model], alias: str, value: ValueOf) -> Query:
        return _with_ending(self.rows(model, alias, value), partial(_param, model))

    def select(self, model: type[Model], connection: BaseDatabaseWrapper) -> Sql:
        """Return the SELECT of the revision."""
        return self.compiled(model, connection, sql_of)

    def as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> None:
        select = self.select(model, connection)
        with connection.cursor() as cursor:
            text = f"{select.text} {_lock(connection)}"
            cursor.execute(_insertion(model, text, connection), select.bind(values, connection))

    def then(
        self,
        write: Callable[[dict[str, Any]], Result | None],
        model: type[Model],
        connection: BaseDatabaseWrapper,
        values: Values,
    ) -> Result | None:
        """Keep the version of a document of MongoDB and write it, until no other write comes between.

        Args:
            write: takes the filter of the document as it was read, and returns None if it matches none.
            model: of the memories.
            connection: to the database.
            values: of the statement.

        Returns:
            The result of the write; None if there is no such document.
        """
        revision = revisions_of(model)
        query_filter = bind(self.found.compiled(model, connection, mongodb.filter_of), values, connection)
        while (document := mongodb.find_document(model, connection, query_filter)) is not None:
            # The server takes longer to plan a find() with this condition than to find the document.
            if self.unexpired and has_expired(document.get("expires_at"), values[EXPIRES_AFTER]):
                return None
            kept = _kept_document(model, connection, document, values)
            server = mongodb.writing_server(connection)
            is_new = mongodb.add_missing(revision, connection, kept, is_followed=server is not None)
            # The key of the revision has the same, and in this state the document met the other conditions.
            written = write({name: document.get(name) for name in ("_id", "user_id", "version", "last_updated")})
            if written is None:
                continue
            if mongodb.writing_server(connection) != server:
                # The first one may have failed before it had saved the version.
                mongodb.add_missing(revision, connection, kept)
            if not is_new:
                # Another write had kept it, and lost against this one or was killed.
                ended = {name: kept[name] for name in ENDING}
                mongodb.set_values(revision, connection, _identity(kept), {"$set": ended})
            return written
        return None


def _lock(connection: BaseDatabaseWrapper) -> str:
    return connection.ops.for_update_sql() if connection.features.has_select_for_update else ""


def _in_one_statement(keep: KeepRow, model: type[Model], compiler: SQLCompiler, write: Sql) -> Sql:
    """Return a write of PostgreSQL that first locks the row and copies it.

    The condition on the copy lets the server read, and so lock, the row before it writes it.
    """
    connection: Any = compiler.connection
    select = keep.select(model, connection)
    insertion = _insertion(model, "SELECT * FROM before", connection)
    text = f"WITH before AS ({select.text} {_lock(connection)}), kept AS ({insertion}) {write.text}"
    text = f"{text} AND EXISTS (SELECT 1 FROM before)"  # noqa: S608  names of columns and parameters alone
    return Sql(text, [*select.params, *write.params])


class KeepingUpdate(Update):
    """``Update`` that keeps the version before. The values have those of ``Ending.values()`` too."""

    def __init__(self, *conditions: str, fields: Sequence[str], unexpired: bool) -> None:
        super().__init__(*conditions, fields=fields, unexpired=unexpired)
        self.keep = KeepRow(*conditions, unexpired=unexpired)

    def as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Model | None:
        with transaction.atomic(using=connection.alias, savepoint=False):
            self.keep.as_sql(model, connection, values)
            return super().as_sql(model, connection, values)

    def as_postgresql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Model | None:
        sql = self.compiled(model, connection, partial(self._compile_postgresql, model))
        with connection.cursor() as cursor:
            cursor.execute(sql.text, sql.bind(values, connection))
            row = cursor.fetchone()
        return instance_of(model, connection, row)

    def _compile_postgresql(self, model: type[Model], compiler: SQLCompiler) -> Sql:
        write = _in_one_statement(self.keep, model, compiler, sql_of(compiler))
        returning = returning_sql_of(compiler).text.rpartition(" RETURNING ")[2]
        return Sql(f"{write.text} RETURNING {returning}", write.params)

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Model | None:
        _filter, compiled = self.compiled(model, connection, mongodb.update_of)
        changes, columns = bind(compiled, values, connection), read_columns(model)

        def update(unchanged: dict[str, Any]) -> Any:
            return mongodb.update_one(model, connection, unchanged, changes, columns)

        return instance_of(model, connection, self.keep.then(update, model, connection, values))


class KeepingDelete(Delete):
    """``Delete`` that keeps the version before; see ``KeepingUpdate``."""

    def __init__(self, *conditions: str, unexpired: bool) -> None:
        super().__init__(*conditions, unexpired=unexpired)
        self.keep = KeepRow(*conditions, unexpired=unexpired)

    def as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> int:
        with transaction.atomic(using=connection.alias, savepoint=False):
            self.keep.as_sql(model, connection, values)
            return super().as_sql(model, connection, values)

    def as_postgresql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> int:
        def compile_postgresql(compiler: SQLCompiler) -> Sql:
            return _in_one_statement(self.keep, model, compiler, sql_of(compiler))

        sql = self.compiled(model, connection, compile_postgresql)
        with connection.cursor() as cursor:
            cursor.execute(sql.text, sql.bind(values, connection))
            return int(cursor.rowcount)

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> int:
        def delete(unchanged: dict[str, Any]) -> int | None:
            return mongodb.delete_one(model, connection, unchanged) or None

        return self.keep.then(delete, model, connection, values) or 0


def _identity(document: dict[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in ("_id", "user_id")}


def _kept_document(
    model: type[Model], connection: BaseDatabaseWrapper, document: dict[str, Any], values: Values
) -> dict[str, Any]:
    """Return the document of a revision."""
    kept: dict[str, Any] = {column: document.get(column) for _name, column in _copied(model)}
    for param in _ending_params(model):
        kept[param.name] = param.prepare(values, connection)
    kept["valid_until"] = kept["valid_until"] or document["expires_at"]
    began = document.get("last_updated")
    if isinstance(began, datetime.datetime):
        kept["valid_until"] = max(kept["valid_until"], began)
        began = to_milliseconds(began.replace(tzinfo=datetime.UTC))
    kept["memory_key"] = str(document["_id"])
    kept["_id"] = f"{document['_id']}-{document.get('version')}-{began}"
    kept["restored"] = None
    return kept


class KeepMany:
    """Keep the versions of all rows of a queryset, before a statement that writes them.

    The caller opens the transaction, which all databases but a stand-alone MongoDB have. There, a version that another
    call writes in between is not kept.
    """

    def run(self, rows: Any, end: Ending) -> Any:
        """Keep the versions, and return the rows to write: a row that meets the conditions since is not among them.

        Args:
            rows: a queryset without a slice.
            end: of the versions.
        """
        connection = connection_to(rows.db)
        with suppress(EmptyResultSet):
            keep = partial(vendor_method(self, connection), rows, end.values(), connection)
            return with_django_errors(connection, keep)
        return rows

    def as_postgresql(self, rows: Any, values: Values, connection: BaseDatabaseWrapper) -> Any:
        """Narrow to the rows with a version: this server shows each statement what was committed before it."""
        self.as_sql(rows, values, connection)
        revision: Any = revisions_of(rows.model)
        key = Concat(OuterRef("key"), Value(values["write"]))
        kept = revision._base_manager.using(rows.db).filter(user_id=OuterRef("user_id"), key=key)
        return rows.filter(Exists(kept))

    def as_sql(self, rows: Any, values: Values, connection: BaseDatabaseWrapper) -> Any:
        def value(name: str) -> Any:
            if name == "valid_until" and values[name] is None:
                return F("expires_at")
            field: Field[Any, Any] = _param(rows.model, name).output_field
            return Value(values[name], output_field=field)

        query = _with_ending(rows, value)
        text, params = query.get_compiler(connection=connection).as_sql()
        with connection.cursor() as cursor:
            cursor.execute(_insertion(rows.model, f"{text} {_lock(connection)}", connection), params)
        return rows

    def as_mongodb(self, rows: Any, values: Values, connection: BaseDatabaseWrapper) -> Any:
        query_filter = mongodb.filter_of(rows.order_by().query.get_compiler(connection=connection))
        for documents in mongodb.document_batches(rows.model, connection, query_filter, conf.BATCH_SIZE):
            kept = [_kept_document(rows.model, connection, document, values) for document in documents]
            mongodb.put_documents(revisions_of(rows.model), connection, kept)
        return rows
