"""The statements of the verbs on one memory, compiled once.

Building and compiling a query takes Django longer than most databases take to answer it, and a verb on one memory
always compiles to the same text. So each statement is built with Django's own query classes and compiler, once for
every table and database, with ``Param`` in the place of its values. What differs between databases is a method
``as_<vendor>``, as in a lookup; a database without one gets ``as_sql``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any, Generic, NamedTuple, TypeVar, cast

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import debug_transaction
from django.db.models import Expression, Field, Model, QuerySet, Value
from django.db.models.sql import DeleteQuery, InsertQuery, Query, UpdateQuery
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.constants import ROW_COUNT

from agno_memory.db.errors import with_django_errors
from agno_memory.db.keyset import ORDERS, Order, after, in_order
from agno_memory.fields import DocumentField, moves

Result = TypeVar("Result")
Form = TypeVar("Form")
# What stands for the value of a name in a query: a Param while compiling, the value itself otherwise.
ValueOf = Callable[[str], Any]
# Values by the name of a field, in the form that pre_save() leaves them in.
Values = dict[str, Any]


class Param(Value):
    """The place of a value that is known only when the statement runs."""

    def __init__(self, field: Field[Any, Any]) -> None:
        super().__init__(field.name, output_field=field)
        self.name = field.name
        # Most fields leave prepared values as they are, and need not be asked each time.
        self.is_plain = type(field).get_db_prep_value is Field.get_db_prep_value

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)

    def as_mql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, as_expr: bool = False) -> Any:
        # In an expression, text that begins with a dollar sign would be a name.
        return {"$literal": self} if as_expr else self

    def prepare(self, values: Values, connection: BaseDatabaseWrapper) -> Any:
        value = values[self.name]
        return value if self.is_plain else self.output_field.get_db_prep_value(value, connection, prepared=True)


def bound(form: Any, values: Values, connection: BaseDatabaseWrapper) -> Any:
    """Return MongoDB's query language with values in the places of the Params."""
    if isinstance(form, Param):
        return form.prepare(values, connection)
    if isinstance(form, list):
        return [bound(item, values, connection) for item in form]
    if isinstance(form, dict):
        return {key: bound(item, values, connection) for key, item in form.items()}
    return form


class Sql(NamedTuple):
    text: str
    params: list[Any]

    def bind(self, values: Values, connection: BaseDatabaseWrapper) -> list[Any]:
        """Return the parameters with values in the places of the Params."""
        return [each.prepare(values, connection) if isinstance(each, Param) else each for each in self.params]


class Statement(Generic[Result]):
    """A query of one shape, run with the values of one call."""

    def __init__(self) -> None:
        self._compiled: dict[Any, Any] = {}

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

    def compiled(
        self, model: type[Model], connection: BaseDatabaseWrapper, form: Callable[[SQLCompiler], Form]
    ) -> Form:
        """Return what the query compiles to, from the second time on without compiling it.

        Args:
            form: takes the query's compiler to what this database runs, Params in the places of values.
        """
        # The alias alone is not enough: tests and handles may give it to another engine.
        key = model, connection.alias, type(connection)
        if key not in self._compiled:
            options = model._meta

            def param(name: str) -> Param:
                return Param(cast("Field[Any, Any]", options.get_field(name)))

            query = self.build(model, connection.alias, param)
            self._compiled[key] = form(query.get_compiler(connection=connection))
        result: Form = self._compiled[key]
        return result


class Insert(Statement[None]):
    """Add rows, many at the price of one statement that is prepared once."""

    def run_many(self, model: type[Model], alias: str, rows: list[Values]) -> None:
        """Add several rows in one trip; how many are good for the database's memory is the caller's to know."""
        connection = connections[alias]
        method = getattr(self, f"many_as_{connection.vendor}", self.many_as_sql)
        with transaction.mark_for_rollback_on_error(using=alias):
            method(model, connection, rows)

    def build(self, model: type[Model], alias: str, value: ValueOf) -> Query:
        # What reads the values of an instance reads these as well.
        row = SimpleNamespace(**{field.attname: value(field.attname) for field in model._meta.concrete_fields})
        query = InsertQuery(model)
        query.insert_values(model._meta.concrete_fields, [cast("Model", row)], raw=True)
        return query

    def as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> None:
        sql = self.compiled(model, connection, sql_of)
        with connection.cursor() as cursor:
            cursor.execute(sql.text, sql.bind(values, connection))

    def many_as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, rows: list[Values]) -> None:
        sql = self.compiled(model, connection, sql_of)
        with connection.cursor() as cursor:
            cursor.executemany(sql.text, [sql.bind(values, connection) for values in rows])

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> None:
        call_collection(model, connection, "insert_one", self._document(model, connection, values))

    def many_as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, rows: list[Values]) -> None:
        documents = [self._document(model, connection, values) for values in rows]
        call_collection(model, connection, "insert_many", documents)

    def _document(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> dict[str, Any]:
        return {
            str(field.column): field.get_db_prep_value(values[field.attname], connection, prepared=True)
            for field in model._meta.concrete_fields
        }


class OneRow(Statement[Result]):
    """A statement on the row in which some fields have given values.

    Args:
        conditions: names of the fields.
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
        return fetch_instance(model, connection, self.compiled(model, connection, sql_of), values)

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Model | None:
        criteria = bound(self.compiled(model, connection, criteria_of), values, connection)
        return instance_of(model, connection, call_collection(model, connection, "find_one", criteria))


class SelectMany(OneRow[list[Model]]):
    """Return all rows in which the conditions' fields have these values, in order.

    Args:
        conditions: names of the fields.
        order: one of ``ORDERS``.
        is_behind: whether only rows behind a position are meant, the values of that order's fields.
    """

    def __init__(self, *conditions: str, order: Order, is_behind: bool = False) -> None:
        super().__init__(*conditions)
        self.order = order
        self.is_behind = is_behind

    def first(self, limit: int | None, model: type[Model], alias: str, values: Values) -> list[Model]:
        """Run, for so many rows or, with None, for all of them."""
        # No database has a word for no rows.
        return [] if limit == 0 else self.run(model, alias, {**values, "limit": limit})

    def build(self, model: type[Model], alias: str, value: ValueOf) -> Query:
        rows = self.rows(model, alias, value)
        if self.is_behind:
            moment, key = (value(name.removeprefix("-")) for name in ORDERS[self.order])
            rows = rows.filter(after(ORDERS[self.order], (moment, key)))
        return rows.order_by(*in_order(*ORDERS[self.order])).query

    def as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> list[Model]:
        sql = self.compiled(model, connection, sql_of)
        limit = connection.ops.limit_offset_sql(0, values["limit"])
        with connection.cursor() as cursor:
            cursor.execute(f"{sql.text} {limit}", sql.bind(values, connection))
            return list(instances(model, connection, cursor.fetchall()))

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> list[Model]:
        criteria, order = bound(self.compiled(model, connection, find_of), values, connection)
        documents = call_collection(model, connection, "find", criteria, sort=order, limit=values["limit"] or 0)
        return list(instances(model, connection, (row_of(model, document) for document in documents)))


class Delete(OneRow[int]):
    """Remove the row and return how many there were: 0 or 1."""

    def build(self, model: type[Model], alias: str, value: ValueOf) -> Query:
        return self.rows(model, alias, value).query.chain(DeleteQuery)

    def as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> int:
        sql = self.compiled(model, connection, sql_of)
        with connection.cursor() as cursor:
            cursor.execute(sql.text, sql.bind(values, connection))
            return int(cursor.rowcount)

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> int:
        criteria = bound(self.compiled(model, connection, criteria_of), values, connection)
        return int(call_collection(model, connection, "delete_one", criteria).deleted_count)


class DeleteMany:
    """Remove the rows that a queryset finds, and return their keys."""

    def run(self, rows: QuerySet[Any]) -> list[Any]:
        connection = connections[rows.db]
        method = getattr(self, f"as_{connection.vendor}", self.as_sql)
        with transaction.mark_for_rollback_on_error(using=rows.db):
            keys: list[Any] = method(rows, connection)
        return keys

    def as_sql(self, rows: QuerySet[Any], connection: BaseDatabaseWrapper) -> list[Any]:
        """Read, then remove: outside of a transaction, two that do it at once may both count a row as theirs."""
        keys = list(rows.values_list("pk", flat=True))
        rows.filter(pk__in=keys)._raw_delete(rows.db)
        return keys

    def as_postgresql(self, rows: QuerySet[Any], connection: BaseDatabaseWrapper) -> list[Any]:
        text, params = rows.query.chain(DeleteQuery).get_compiler(connection=connection).as_sql()
        key = connection.ops.quote_name(str(rows.model._meta.pk.column))
        with connection.cursor() as cursor:
            cursor.execute(f"{text} RETURNING {key}", params)
            return [row[0] for row in cursor.fetchall()]

    def as_sqlite(self, rows: QuerySet[Any], connection: BaseDatabaseWrapper) -> list[Any]:
        returns = connection.features.can_return_columns_from_insert
        return (self.as_postgresql if returns else self.as_sql)(rows, connection)


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
        query = self.build(model, connection.alias, values.__getitem__)
        if not query.get_compiler(connection=connection).execute_sql(ROW_COUNT):
            return None
        rows: QuerySet[Any] = model._base_manager.using(connection.alias)
        return rows.filter(pk=values[model._meta.pk.attname]).first()

    def as_postgresql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Model | None:
        return fetch_instance(model, connection, self.compiled(model, connection, returning_sql_of), values)

    def as_sqlite(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Model | None:
        # SQLite learnt RETURNING for all three kinds of writes in 3.35.
        returns = connection.features.can_return_columns_from_insert
        return (self.as_postgresql if returns else self.as_sql)(model, connection, values)

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Model | None:
        criteria, pipeline = bound(self.compiled(model, connection, update_of), values, connection)
        document = call_collection(model, connection, "find_one_and_update", criteria, pipeline, return_document=True)
        return instance_of(model, connection, document)


# What a query compiles to, Params in the places of values


def sql_of(compiler: SQLCompiler) -> Sql:
    """Return the text and parameters of a statement."""
    sql: Any = compiler.as_sql()
    # An INSERT is a list of statements.
    text, params = sql[0] if isinstance(sql, list) else sql
    return Sql(text, list(params))


def returning_sql_of(compiler: SQLCompiler) -> Sql:
    """Return the text and parameters of a statement that returns every column."""
    columns = [str(field.column) for field in compiler.query.get_meta().concrete_fields]
    text, params = sql_of(compiler)
    return Sql(f"{text} RETURNING {', '.join(map(compiler.connection.ops.quote_name, columns))}", params)


def criteria_of(compiler: Any) -> dict[str, Any]:
    """Return MongoDB's filter for a query's WHERE."""
    criteria: dict[str, Any] = compiler.build_query().match_mql
    return criteria


def find_of(compiler: Any) -> list[Any]:
    """Return MongoDB's filter and order for a query."""
    compiler.pre_sql_setup()
    query = compiler.build_query()
    return [query.match_mql, list(query.ordering.items())]


def update_of(compiler: Any) -> list[Any]:
    """Return MongoDB's filter and pipeline for an UPDATE: what its compiler would run, not run."""
    forms: list[Any] = []

    def update(criteria: dict[str, Any], pipeline: list[Any]) -> int:
        forms.extend((criteria, pipeline))
        return 0

    compiler.update = update
    compiler.execute_sql(ROW_COUNT)
    return forms


# What a database answers


def call_collection(model: type[Model], connection: Any, method: str, *args: Any, **kwargs: Any) -> Any:
    """Call a method of the table's MongoDB collection; errors, session and log are those of the backend's queries."""
    table = model._meta.db_table

    def call() -> Any:
        result = getattr(connection.database[table], method)(*args, session=connection.session, **kwargs)
        # A cursor asks the server when it is read, and that can fail like any call.
        return list(result) if method == "find" else result

    with debug_transaction(connection, f"db.{table}.{method}()"):
        return with_django_errors(connection, call)


def row_of(model: type[Model], document: dict[str, Any]) -> list[Any]:
    """Return the values of a MongoDB document in the order of the fields."""
    return [document.get(str(field.column)) for field in model._meta.concrete_fields]


def fetch_instance(model: type[Model], connection: BaseDatabaseWrapper, sql: Sql, values: Values) -> Model | None:
    """Run SQL that returns the columns of at most one row, and return its instance."""
    with connection.cursor() as cursor:
        cursor.execute(sql.text, sql.bind(values, connection))
        row = cursor.fetchone()
    return None if row is None else next(instances(model, connection, [row]))


def instance_of(model: type[Model], connection: BaseDatabaseWrapper, document: dict[str, Any] | None) -> Model | None:
    """Return the instance of a MongoDB document."""
    if document is None:
        return None
    return next(instances(model, connection, [row_of(model, document)]))


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
    if isinstance(column.output_field, DocumentField):
        return [_document]
    return _usual_converters(column, connection)


def _usual_converters(column: Expression, connection: BaseDatabaseWrapper) -> list[Any]:
    return [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]


def _document(value: Any, column: Expression, connection: BaseDatabaseWrapper) -> Any:
    """Return JSON decoded: MongoDB's backend encodes what it has read, for the field to decode it again."""
    if isinstance(value, list | dict):
        return value
    if isinstance(value, str):
        return json.loads(value)
    for convert in _usual_converters(column, connection):
        value = convert(value, column, connection)
    return value


_converted: dict[Any, list[tuple[int, Expression]]] = {}


def converted_columns(model: type[Model], connection: BaseDatabaseWrapper) -> list[tuple[int, Expression]]:
    """Return the columns that have converters, with their positions: asking all of them costs as much as a row."""
    key = model, type(connection)
    if key not in _converted:
        columns = [field.get_col(model._meta.db_table) for field in model._meta.concrete_fields]
        _converted[key] = [pair for pair in enumerate(columns) if converters(pair[1], connection)]
    return _converted[key]
