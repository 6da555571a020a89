"""Statements on one row that are compiled once, and statements that the ORM has no verb for.

Building and compiling a query takes Django longer than most databases take to answer it. A verb on one memory always
compiles to the same SQL, so each statement here is built with Django's own query classes and compiler, once for every
table and connection, with ``Param`` in the place of its values. What differs between databases is a method
``as_<vendor>``, as in a lookup; every other database gets ``as_sql``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any, Generic, NamedTuple, TypeVar, cast

from django.core.exceptions import EmptyResultSet
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import debug_transaction
from django.db.models import Expression, Field, Model, QuerySet
from django.db.models.sql import DeleteQuery, InsertQuery, Query, UpdateQuery
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.constants import ROW_COUNT

from agno_memory.fields import moves

Result = TypeVar("Result")
# What stands for the value of a name in a query: a Param while compiling, the value itself otherwise.
ValueOf = Callable[[str], Any]
# Values by the name of a field, in the form that pre_save() leaves them in.
Values = dict[str, Any]


class Param(Expression):
    """The place of a value that is known only when the statement runs."""

    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)

    def prepare(self, values: Values, connection: BaseDatabaseWrapper) -> Any:
        return self.output_field.get_db_prep_value(values[self.name], connection, prepared=True)


class Compiled(NamedTuple):
    sql: str
    params: tuple[Any, ...]

    def bind(self, values: Values, connection: BaseDatabaseWrapper) -> list[Any]:
        return [param.prepare(values, connection) if isinstance(param, Param) else param for param in self.params]


class Statement(Generic[Result]):
    """A query of one shape, run with the values of one call."""

    def __init__(self) -> None:
        self._compiled: dict[Any, Compiled] = {}

    def run(self, model: type[Model], alias: str, values: Values) -> Result:
        """Run on one database.

        Args:
            model: whose table is meant.
            alias: of the database.
            values: by the name of a field, in the form that ``pre_save()`` leaves them in.
        """
        connection = connections[alias]
        method = getattr(self, f"as_{connection.vendor}", self.as_sql)
        with transaction.mark_for_rollback_on_error(using=alias):
            result: Result = method(model, connection, values)
        return result

    def build(self, model: type[Model], alias: str, value: ValueOf) -> Query:
        """Return the query with ``value(name)`` where a value goes."""
        raise NotImplementedError("A statement says how its query is built.")

    def as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Result:
        raise NotImplementedError("A statement says what it returns.")

    def compiled(self, model: type[Model], connection: BaseDatabaseWrapper, returning: str = "") -> Compiled:
        # The alias alone is not enough: tests and handles may give it to another engine.
        key = model, connection.alias, type(connection)
        if key not in self._compiled:
            options = model._meta

            def param(name: str) -> Param:
                return Param(name, cast("Field[Any, Any]", options.get_field(name)))

            query = self.build(model, connection.alias, param)
            sql = query.get_compiler(connection=connection).as_sql()
            # An INSERT is a list of statements.
            text, params = sql[0] if isinstance(sql, list) else sql
            self._compiled[key] = Compiled(text + returning, tuple(params))
        return self._compiled[key]

    def built(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Any:
        """Return the compiler of the query with its values in place, for databases that have no text of it."""
        query = self.build(model, connection.alias, values.__getitem__)
        return query.get_compiler(connection=connection)


class Insert(Statement[None]):
    """Add rows, many at the price of one statement that is prepared once."""

    def run_many(self, model: type[Model], alias: str, rows: list[Values]) -> None:
        """Add several rows in one trip. More than the database's memory likes are the caller's to divide."""
        connection = connections[alias]
        method = getattr(self, f"many_as_{connection.vendor}", self.many_as_sql)
        with transaction.mark_for_rollback_on_error(using=alias):
            method(model, connection, rows)

    def build(self, model: type[Model], alias: str, value: ValueOf) -> Query:
        row = {field.attname: value(field.attname) for field in model._meta.concrete_fields}
        return self.build_many(model, [row])

    def build_many(self, model: type[Model], rows: list[Values]) -> Query:
        query = InsertQuery(model)
        # What reads the values of instances reads these as well.
        stand_ins = [cast("Model", SimpleNamespace(**row)) for row in rows]
        query.insert_values(model._meta.concrete_fields, stand_ins, raw=True)
        return query

    def as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> None:
        compiled = self.compiled(model, connection)
        with connection.cursor() as cursor:
            cursor.execute(compiled.sql, compiled.bind(values, connection))

    def many_as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, rows: list[Values]) -> None:
        compiled = self.compiled(model, connection)
        with connection.cursor() as cursor:
            cursor.executemany(compiled.sql, [compiled.bind(values, connection) for values in rows])

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> None:
        self.many_as_mongodb(model, connection, [values])

    def many_as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, rows: list[Values]) -> None:
        self.build_many(model, rows).get_compiler(connection=connection).execute_sql()


class OneRow(Statement[Result]):
    """A statement on the row that meets some equalities.

    Args:
        conditions: lookups, each the name of a field; their values come first under that name.
    """

    def __init__(self, *conditions: str) -> None:
        super().__init__()
        self.conditions = conditions

    def rows(self, model: type[Model], alias: str, value: ValueOf) -> QuerySet[Any]:
        return model._base_manager.using(alias).filter(**{name: value(name) for name in self.conditions})


class Select(OneRow[Model | None]):
    """Return the row, or None."""

    def build(self, model: type[Model], alias: str, value: ValueOf) -> Query:
        return self.rows(model, alias, value).query

    def as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Model | None:
        compiled = self.compiled(model, connection)
        return fetch_instance(model, connection, compiled, values)

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Model | None:
        rows = self.rows(model, connection.alias, values.__getitem__)
        return next(iter(rows[:1]), None)


class Delete(OneRow[int]):
    """Remove the row and return how many there were: 0 or 1."""

    def build(self, model: type[Model], alias: str, value: ValueOf) -> Query:
        return self.rows(model, alias, value).query.chain(DeleteQuery)

    def as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> int:
        compiled = self.compiled(model, connection)
        with connection.cursor() as cursor:
            cursor.execute(compiled.sql, compiled.bind(values, connection))
            return int(cursor.rowcount)

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> int:
        return delete_rows(self.rows(model, connection.alias, values.__getitem__))


class Update(OneRow[Model | None]):
    """Change the row and return it as it is now, or None. Machine-written fields move by themselves.

    Args:
        conditions: names of the fields that pick the row.
        fields: names of the fields to set. The value of ``last_updated`` is the moment of the write.
    """

    def __init__(self, *conditions: str, fields: Sequence[str]) -> None:
        super().__init__(*conditions)
        self.fields = fields

    def build(self, model: type[Model], alias: str, value: ValueOf) -> Query:
        query = cast("UpdateQuery", self.rows(model, alias, value).query.chain(UpdateQuery))
        query.add_update_values({name: value(name) for name in self.fields})
        query.add_update_values(moves(model, value("last_updated")))
        return query

    def as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Model | None:
        """Change, then read: another writer may come in between, where UPDATE cannot return rows."""
        if not self.built(model, connection, values).execute_sql(ROW_COUNT):
            return None
        rows: QuerySet[Any] = model._base_manager.using(connection.alias)
        return rows.filter(pk=values[model._meta.pk.attname]).first()

    def as_postgresql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Model | None:
        columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in model._meta.concrete_fields)
        compiled = self.compiled(model, connection, returning=f" RETURNING {columns}")
        return fetch_instance(model, connection, compiled, values)

    def as_sqlite(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Model | None:
        # SQLite learnt RETURNING for all three kinds of writes in 3.35.
        returns = connection.features.can_return_columns_from_insert
        return (self.as_postgresql if returns else self.as_sql)(model, connection, values)

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Model | None:
        compiler = self.built(model, connection, values)
        collection = FindOneAndUpdate(connection, compiler.collection)
        compiler.collection = collection
        compiler.execute_sql(ROW_COUNT)
        if collection.document is None:
            return None
        row = [collection.document.get(str(field.column)) for field in model._meta.concrete_fields]
        return next(instances(model, connection, [row]))


class FindOneAndUpdate:
    """Stands for a MongoDB collection and turns the compiler's update into one that returns the document."""

    def __init__(self, connection: Any, collection: Any) -> None:
        self.connection = connection
        self.collection = collection
        self.document: dict[str, Any] | None = None

    def update_many(self, criteria: Any, pipeline: Any, session: Any) -> SimpleNamespace:
        with debug_transaction(self.connection, f"db.{self.collection.name}.findOneAndUpdate()"):
            self.document = self.collection.find_one_and_update(
                criteria, pipeline, return_document=True, session=session
            )
        return SimpleNamespace(matched_count=int(self.document is not None))


def fetch_instance(
    model: type[Model], connection: BaseDatabaseWrapper, compiled: Compiled, values: Values
) -> Model | None:
    """Run a statement that returns the columns of at most one row."""
    with connection.cursor() as cursor:
        cursor.execute(compiled.sql, compiled.bind(values, connection))
        row = cursor.fetchone()
    return None if row is None else next(instances(model, connection, [row]))


def instances(model: type[Model], connection: BaseDatabaseWrapper, rows: Iterable[Sequence[Any]]) -> Iterator[Model]:
    """Yield rows of all columns, in the order of the fields, as the model's instances."""
    names = [field.attname for field in model._meta.concrete_fields]
    conversions = [
        (position, column, convert)
        for position, column in converted_columns(model, connection)
        for convert in converters(column, connection)
    ]
    for row in rows:
        values = list(row)
        for position, column, convert in conversions:
            values[position] = convert(values[position], column, connection)
        yield model.from_db(connection.alias, names, values)


def converters(column: Expression, connection: BaseDatabaseWrapper) -> list[Any]:
    """Return what turns a column's value as the driver gives it into the field's, in this order."""
    return [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]


_converted: dict[Any, list[tuple[int, Expression]]] = {}


def converted_columns(model: type[Model], connection: BaseDatabaseWrapper) -> list[tuple[int, Expression]]:
    """Return the columns that have converters, with their positions: asking all of them costs as much as a row."""
    key = model, type(connection)
    if key not in _converted:
        columns = [field.get_col(model._meta.db_table) for field in model._meta.concrete_fields]
        _converted[key] = [pair for pair in enumerate(columns) if converters(pair[1], connection)]
    return _converted[key]


def delete_rows(rows: QuerySet[Any]) -> int:
    """Delete what a queryset finds in one statement and return how many rows there were.

    No row is loaded and no cascade looked for, so ``pre_delete`` and ``post_delete`` are not sent.
    """
    with transaction.mark_for_rollback_on_error(using=rows.db):
        return int(rows._raw_delete(rows.db) or 0)


class TopicCount(NamedTuple):
    """A topic and how many memories have it."""

    topic: str
    count: int  # type: ignore[assignment]  # hides tuple.count(), which nobody needs here


class TopicCounts:
    """How many of a queryset's memories each topic has: the most frequent first, ties by code point."""

    def __init__(self, rows: QuerySet[Any], limit: int | None) -> None:
        # Order does not matter to a count, unless it decides what a slice holds.
        self.rows = rows if rows.query.is_sliced else rows.order_by()
        self.limit = limit

    def run(self) -> list[TopicCount]:
        connection = connections[self.rows.db]
        method = getattr(self, f"as_{connection.vendor}", self.as_sql)
        try:
            return [TopicCount(*row) for row in method(connection)]
        except EmptyResultSet:
            return []

    def as_sql(self, connection: BaseDatabaseWrapper) -> Iterable[tuple[str, int]]:
        """Count here, one topic list at a time: there is no SQL for it that every database has."""
        counts = Counter(topic for topics in self.rows.values_list("topics", flat=True).iterator() for topic in topics)
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: self.limit]

    def as_sqlite(self, connection: BaseDatabaseWrapper) -> list[tuple[str, int]]:
        return self._select(connection, "topic.value", "json_each(memories.topics) AS topic", "topic.value")

    def as_postgresql(self, connection: BaseDatabaseWrapper) -> list[tuple[str, int]]:
        source = "jsonb_array_elements_text(memories.topics) AS topic"
        return self._select(connection, "topic", source, 'topic COLLATE "C"')

    def _select(self, connection: BaseDatabaseWrapper, topic: str, source: str, order: str) -> list[tuple[str, int]]:
        compiler = self.rows.values("topics").query.get_compiler(connection=connection)
        inner, params = compiler.as_sql()
        # Names of this class and compiled SQL are written into the text, never a value.
        sql = f"SELECT {topic}, COUNT(*) FROM ({inner}) AS memories, {source} "  # noqa: S608
        sql += f"GROUP BY {topic} ORDER BY COUNT(*) DESC, {order}"
        if self.limit is not None:
            sql += f" LIMIT {self.limit:d}"
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            rows: list[tuple[str, int]] = cursor.fetchall()
        return rows

    def as_mongodb(self, connection: BaseDatabaseWrapper) -> Iterator[tuple[str, int]]:
        compiler: Any = self.rows.query.get_compiler(connection=connection)
        compiler.pre_sql_setup()
        query = compiler.build_query()
        pipeline = [
            *query.get_pipeline(),
            {"$unwind": "$topics"},
            {"$group": {"_id": "$topics", "count": {"$sum": 1}}},
            {"$sort": {"count": -1, "_id": 1}},
            *([] if self.limit is None else [{"$limit": self.limit}]),
        ]
        # The backend runs it, so that errors and the log are Django's.
        query.get_pipeline = lambda: pipeline
        for document in query.get_cursor():
            yield document["_id"], document["count"]
