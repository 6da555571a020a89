"""The values of a column as the driver returns them, made into those of a field: a function for each column.

It is chosen once for all rows, and does what Django does for each value.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, DateField, DateTimeField, Expression, Field, IntegerField

from agno_memory.db import sqlite_times
from agno_memory.db.dispatch import vendor_method
from agno_memory.exact_times import ExactTimeField
from agno_memory.fields import TimestampField
from agno_memory.json_fields import DocumentField
from agno_memory.times import EPOCH

Column = Sequence[Any]
# Takes the connection and a column of the driver's values, and returns the column of the field's values.
Conversion = Callable[[BaseDatabaseWrapper, Column], Column]
NAIVE_EPOCH: Final = EPOCH.replace(tzinfo=None)


class _Times:
    """Return the conversion of times and days, for the usual one; one method per database."""

    def of_sql(self, field: Field[Any, Any], usual: Conversion) -> Conversion:
        return usual

    def of_sqlite(self, field: Field[Any, Any], usual: Conversion) -> Conversion:
        read = sqlite_times.moments if isinstance(field, DateTimeField) else sqlite_times.days
        return partial(read, usual)


TIMES: Final = _Times()


def conversion(field: Field[Any, Any], expression: Expression, connection: BaseDatabaseWrapper) -> Conversion:
    """Return the conversion of the column of a field.

    Args:
        field: of the values.
        expression: of the query that reads the column.
        connection: to the database.
    """
    if not _converters(expression, connection):
        return unchanged
    if isinstance(field, DocumentField):
        # A backend with a converter of its own (MongoDB's) returns documents; the others return texts.
        has_documents = connection.ops.get_db_converters(expression)
        return partial(_documents if has_documents else _decoded, expression)
    if isinstance(field, DateField):
        is_in_utc = isinstance(field, TimestampField) and connection.timezone is datetime.UTC
        usual: Conversion = _in_utc if is_in_utc else partial(_converted, expression)
        chosen: Conversion = vendor_method(TIMES, connection, "of")(field, usual)
        return chosen
    if isinstance(field, IntegerField | BooleanField) and not isinstance(field, ExactTimeField):
        return partial(_plain, expression, {bool if isinstance(field, BooleanField) else int})
    return partial(_converted, expression)


def _converters(expression: Expression, connection: BaseDatabaseWrapper) -> list[Any]:
    return [*connection.ops.get_db_converters(expression), *expression.get_db_converters(connection)]


def _converted(expression: Expression, connection: BaseDatabaseWrapper, values: Column) -> Column:
    """Convert values as Django does."""
    for convert in _converters(expression, connection):
        values = [convert(value, expression, connection) for value in values]
    return values


def unchanged(connection: BaseDatabaseWrapper, values: Column) -> Column:
    """Return values as they are."""
    return values


def _in_utc(connection: BaseDatabaseWrapper, values: Column) -> Column:
    """Return the driver's datetimes as aware ones."""
    # A sum takes a tenth of the time of replace().
    return [EPOCH + (value - NAIVE_EPOCH) if value and value.tzinfo is None else value for value in values]


def _plain(expression: Expression, types: set[type], connection: BaseDatabaseWrapper, values: Column) -> Column:
    """Return values of these types as they are: the backend's conversion is for other numbers of the driver."""
    return values if types.issuperset(map(type, values)) else _converted(expression, connection, values)


def _decoded(expression: Expression, connection: BaseDatabaseWrapper, values: Column) -> Column:
    """Return decoded JSON: one call for all texts takes a fifth of the time of a call for each."""
    try:
        decoded: list[Any] = json.loads(f"[{','.join(values)}]")
    except (TypeError, ValueError):
        decoded = []
    # Django returns None, and a text that is not JSON, as they are.
    return decoded if len(decoded) == len(values) else _converted(expression, connection, values)


def _documents(expression: Expression, connection: BaseDatabaseWrapper, values: Column) -> Column:
    """Return documents as they are: the backend would encode each one, for the field to decode it again."""
    if set(map(type, values)) <= {list, dict}:
        return values
    return [
        value if isinstance(value, list | dict) else _converted(expression, connection, [value])[0] for value in values
    ]
