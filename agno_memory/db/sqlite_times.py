"""Times and days of SQLite, which has no type for them: read as the texts that are stored.

The driver converts each value of a column of such a type, and fails for the whole list if one is no time. A text in
another form than Django's is a time in another place of a list: its place is that of the text.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateField
from django.db.models.expressions import Col
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

from agno_memory.db.dispatch import vendor_method

# Of "2026-11-25 09:30:00.125000", with no, three or six digits after the second: three are those of SQLite's functions.
LENGTHS: Final = frozenset({19, 23, 26})
SEPARATORS: Final = itemgetter(4, 7, 10, 13, 16)
SEPARATED: Final = frozenset({("-", "-", " ", ":", ":")})
DAY_LENGTH: Final = 10


class StoredTime(Col):
    """A column of times that SQLite's driver returns as they are stored: a sum has no type of a column."""

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        text, params = super().as_sql(compiler, connection)
        return as_stored(text), params

    def get_group_by_cols(self) -> list[Any]:
        return [Col(self.alias, self.target, self.output_field)]


def as_stored(column: str) -> str:
    """Return the SQL of a column that the driver does not convert."""
    return f"+{column}"


def is_time(field: object) -> bool:
    """Return whether a field is one of times or of days."""
    return isinstance(field, DateField)


class _Selected:
    """Let a compiler read times as they are stored; one method per database."""

    def by_sql(self, compiler: Any) -> None:
        """Do nothing: other databases have a type for times."""

    def by_sqlite(self, compiler: Any) -> None:
        compiler.get_select = partial(_select, compiler, compiler.get_select)

    by_mongodb = by_sql


SELECTED: Final = _Selected()


def select_stored_times(compiler: Any) -> None:
    """Let a compiler select times so that one of another program does not fail."""
    vendor_method(SELECTED, compiler.connection, "by")(compiler)


def _select(compiler: SQLCompiler, get_select: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    select, klass_info, annotations = get_select(*args, **kwargs)
    # The orders of a union and of DISTINCT name its columns, and another expression is none of them.
    if not (compiler.query.combinator or compiler.query.distinct):
        select = [_stored(*each) for each in select]
    return select, klass_info, annotations


def _stored(expression: Any, sql: Any, alias: str | None) -> Any:
    if type(expression) is not Col or not is_time(expression.target):
        return expression, sql, alias
    text, params = sql
    # Not the same as the column: an order by that one is served by an index.
    return StoredTime(expression.alias, expression.target, expression.output_field), (as_stored(text), params), alias


def moments(fallback: Callable[..., Any], connection: BaseDatabaseWrapper, values: Sequence[Any]) -> Sequence[Any]:
    """Return the times of texts.

    Args:
        fallback: converts other values of the driver.
        connection: to the database.
        values: of a column.

    Raises:
        ValueError: a text in another form than Django's.
    """
    texts = [value for value in values if value is not None]
    if not {str}.issuperset(map(type, texts)):
        converted: Sequence[Any] = fallback(connection, values)
        return converted
    if not _are_djangos(texts):
        raise ValueError("a time in another form")
    parse = datetime.datetime.fromisoformat
    if connection.timezone is datetime.UTC:
        return [None if value is None else parse(f"{value}+00:00") for value in values]
    return [None if value is None else _aware(parse(value), connection.timezone) for value in values]


def days(fallback: Callable[..., Any], connection: BaseDatabaseWrapper, values: Sequence[Any]) -> Sequence[Any]:
    """Return the days of texts; see ``moments()``."""
    texts = [value for value in values if value is not None]
    if not {str}.issuperset(map(type, texts)):
        converted: Sequence[Any] = fallback(connection, values)
        return converted
    if not {DAY_LENGTH}.issuperset(map(len, texts)):
        raise ValueError("a day in another form")
    return [None if value is None else datetime.date.fromisoformat(value) for value in values]


def _are_djangos(texts: Sequence[str]) -> bool:
    """Return whether texts sort as their times do."""
    if not (LENGTHS.issuperset(map(len, texts)) and SEPARATED.issuperset(map(SEPARATORS, texts))):
        return False
    joined = "\n".join(texts)
    return not (".000000" in joined or "," in joined)


def _aware(moment: datetime.datetime, zone: Any) -> datetime.datetime:
    return moment if zone is None else timezone.make_aware(moment, zone)
