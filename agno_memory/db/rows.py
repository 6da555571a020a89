"""Rows as the driver returns them, made into instances of a model.

A person's list is read more often than anything else. So values are converted column by column, by functions that are
chosen once, and instances are filled without ``Model.__init__()`` unless a subclass or a signal would notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from typing import Any, Final, NamedTuple, TypeVar, cast

from django.db import DataError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model, QuerySet
from django.db.models.base import ModelState
from django.db.models.signals import post_init, pre_init
from django.db.models.sql.compiler import SQLCompiler

from agno_memory.db import postgresql
from agno_memory.db.compiled import Sql, Values, sql_of
from agno_memory.db.conversions import Column, Conversion, conversion
from agno_memory.db.dispatch import vendor_method
from agno_memory.db.readable import CONVERSION_ERRORS, plain_types, readable_column, soundness_of
from agno_memory.db.sqlite_times import as_stored, is_time
from agno_memory.derived_fields import DerivedTextField

Rows = TypeVar("Rows", bound="QuerySet[Any]")


# The fields to read


@cache
def read_fields(model: type[Model]) -> tuple[Field[Any, Any], ...]:
    """Return the fields that are read, in their order; the others are deferred.

    A ``DerivedTextField`` is not read: only searches in the database use it.
    """
    return tuple(field for field in model._meta.concrete_fields if not isinstance(field, DerivedTextField))


@cache
def read_names(model: type[Model]) -> tuple[str, ...]:
    """Return the names of the attributes of the fields that are read."""
    return tuple(field.attname for field in read_fields(model))


@cache
def read_columns(model: type[Model]) -> tuple[str, ...]:
    """Return the columns of the fields that are read."""
    return tuple(str(field.column) for field in read_fields(model))


def with_read_fields(rows: Rows) -> Rows:
    """Defer all other fields."""
    return rows.only(*(field.name for field in read_fields(cast("type[Model]", rows.model))))


class _Returned:
    """Return the SQL of a column that a statement returns; one method per database."""

    def as_sql(self, field: Field[Any, Any], column: str) -> str:
        return column

    def as_sqlite(self, field: Field[Any, Any], column: str) -> str:
        return as_stored(column) if is_time(field) else column


RETURNED: Final = _Returned()


def returning_sql_of(compiler: SQLCompiler) -> Sql:
    """Return the text and the parameters of a statement that returns the columns that are read."""
    text, params = sql_of(compiler)
    returned: Callable[[Field[Any, Any], str], str] = vendor_method(RETURNED, compiler.connection)
    quote = compiler.connection.ops.quote_name
    columns = (returned(field, quote(str(field.column))) for field in read_fields(cast("Any", compiler.query.model)))
    return Sql(f"{text} RETURNING {', '.join(columns)}", params)


# Instances


def fetch_instance(model: type[Model], connection: BaseDatabaseWrapper, sql: Sql, values: Values) -> Model | None:
    """Run SQL that returns at most one row, and return its instance or None."""
    with connection.cursor() as cursor:
        cursor.execute(sql.text, sql.bind(values, connection))
        try:
            row = cursor.fetchone()
        except DataError as error:
            (row,) = postgresql.fetched(cursor, error)
    return instance_of(model, connection, row)


def fetch_rows(cursor: Any) -> list[Sequence[Any]]:
    """Return all rows of a cursor."""
    try:
        rows: list[Sequence[Any]] = cursor.fetchall()
    except DataError as error:
        return postgresql.fetched(cursor, error)
    return rows


def instance_of(model: type[Model], connection: BaseDatabaseWrapper, row: Sequence[Any] | None) -> Model | None:
    """Return the instance of a row, or None of None."""
    return None if row is None else instances(model, connection, [row])[0]


def instances(model: type[Model], connection: BaseDatabaseWrapper, rows: Iterable[Sequence[Any]]) -> list[Model]:
    """Return an instance for each row.

    Args:
        model: the class of the instances.
        connection: to the database that returned the rows.
        rows: the columns of ``read_fields(model)``, in their order.
    """
    names = read_names(model)
    return created(model, connection.alias, names, converted(model, connection, rows, names))


def created(model: type[Model], alias: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[Model]:
    """Return an instance for each row of a database.

    Args:
        model: the class of the instances.
        alias: of the database.
        names: of the fields.
        rows: the values of the fields.
    """
    create: Any = partial(_fill, model) if _is_plain(model) else model.from_db
    return [create(alias, names, values) for values in rows]


def converted(
    model: type[Model], connection: BaseDatabaseWrapper, rows: Iterable[Sequence[Any]], names: tuple[str, ...]
) -> Iterable[Sequence[Any]]:
    """Return the values of fields for the driver's values of rows.

    Args:
        model: of the rows.
        connection: to the database that returned the rows.
        rows: the columns of the fields, in their order.
        names: of the fields.
    """
    rows, readers = list(rows), _readers(model, connection, names)
    if len(rows) == 1:
        # Columns of one value take longer than the value.
        each = zip(readers, rows[0], strict=True)
        return [
            [value if type(value) in reader.plain else reader.read(connection, (value,))[0] for reader, value in each]
        ]
    # A loop over one column costs a fraction of a loop over all columns of each row.
    columns: list[Column] = list(zip(*rows, strict=True))
    for position, column in enumerate(columns):
        if not readers[position].plain.issuperset(map(type, column)):
            columns[position] = readers[position].read(connection, column)
    return zip(*columns, strict=True)


def _is_plain(model: type[Model]) -> bool:
    """Return whether to create an instance is no more than to set its attributes."""
    own: Any = model
    is_djangos = own.__init__ is Model.__init__ and own.from_db.__func__ is Model.from_db.__func__  # type: ignore[attr-defined]
    return is_djangos and not any(signal.receivers and signal.has_listeners(model) for signal in (pre_init, post_init))


def _fill(model: type[Model], alias: str, names: Sequence[str], values: Sequence[Any]) -> Model:
    """Return the same as ``Model.from_db()``, in a quarter of the time."""
    instance = model.__new__(model)
    attributes = instance.__dict__
    attributes["_state"] = state = ModelState()
    state.adding = False
    state.db = alias
    # The check of strict=True would take a quarter of the time of this function.
    attributes.update(zip(names, values))  # noqa: B905
    return instance


class _Reader(NamedTuple):
    """Converts the values of a column.

    Args:
        field: of the column.
        plain: the types of the driver's values that need not be read.
        convert: returns the values of the field.
        are_sound: returns whether all of these are as they should be.
    """

    field: Field[Any, Any]
    plain: frozenset[type]
    convert: Conversion
    are_sound: Callable[[Sequence[Any]], bool]

    def read(self, connection: BaseDatabaseWrapper, stored: Column) -> Column:
        """Return the values of the field, those of other programs included."""
        try:
            values = self.convert(connection, stored)
        except CONVERSION_ERRORS:
            values = None
        if values is not None and self.are_sound(values):
            return values
        return readable_column(self.field, stored, partial(self.convert, connection))


_chosen: dict[Any, list[_Reader]] = {}


def _readers(model: type[Model], connection: BaseDatabaseWrapper, names: tuple[str, ...]) -> list[_Reader]:
    """Return the reader of the column of each of these fields.

    The result is kept: to choose takes longer than to read a row.
    """
    key = model, type(connection), connection.timezone, names
    if key not in _chosen:
        fields = [cast("Field[Any, Any]", model._meta.get_field(name)) for name in names]
        table = model._meta.db_table
        converts = [conversion(field, field.get_col(table), connection) for field in fields]
        _chosen[key] = [
            _Reader(field, plain_types(field, convert), convert, soundness_of(field))
            for field, convert in zip(fields, converts, strict=True)
        ]
    return _chosen[key]
