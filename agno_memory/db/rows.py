"""Rows as the driver returns them, made into instances of a model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, Model

from agno_memory.db.compiled import Sql, Values
from agno_memory.fields import DocumentField


def fetch_instance(model: type[Model], connection: BaseDatabaseWrapper, sql: Sql, values: Values) -> Model | None:
    """Run SQL that returns every column of at most one row, and return its instance or None."""
    with connection.cursor() as cursor:
        cursor.execute(sql.text, sql.bind(values, connection))
        row = cursor.fetchone()
    return instance_of(model, connection, row)


def instance_of(model: type[Model], connection: BaseDatabaseWrapper, row: Sequence[Any] | None) -> Model | None:
    """Return the instance of a row of all columns, or None of None."""
    return None if row is None else next(instances(model, connection, [row]))


def instances(model: type[Model], connection: BaseDatabaseWrapper, rows: Iterable[Sequence[Any]]) -> Iterator[Model]:
    """Yield an instance for each row.

    Args:
        model: the class of the instances.
        connection: to the database that returned the rows.
        rows: every column of the table, in the order of the model's fields.
    """
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
    """Return the functions that turn a value of the driver into one of the field, in the order of their calls."""
    if isinstance(column.output_field, DocumentField):
        return [_decode_document]
    return _django_converters(column, connection)


def _django_converters(column: Expression, connection: BaseDatabaseWrapper) -> list[Any]:
    return [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]


def _decode_document(value: Any, column: Expression, connection: BaseDatabaseWrapper) -> Any:
    """Return decoded JSON. MongoDB's backend would encode the document first, for the field to decode it again."""
    if isinstance(value, list | dict):
        return value
    if isinstance(value, str):
        return json.loads(value)
    for convert in _django_converters(column, connection):
        value = convert(value, column, connection)
    return value


_converted_columns: dict[Any, list[tuple[int, Expression]]] = {}


def converted_columns(model: type[Model], connection: BaseDatabaseWrapper) -> list[tuple[int, Expression]]:
    """Return the columns that have converters, with their positions.

    The result is kept for each model and backend: looking at all columns takes as long as reading a row.
    """
    key = model, type(connection)
    if key not in _converted_columns:
        columns = [field.get_col(model._meta.db_table) for field in model._meta.concrete_fields]
        _converted_columns[key] = [pair for pair in enumerate(columns) if converters(pair[1], connection)]
    return _converted_columns[key]
