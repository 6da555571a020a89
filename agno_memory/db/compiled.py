"""Compiled queries: the result of Django's compiler, with a ``Param`` in the place of each value."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, NamedTuple, Self

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Value
from django.db.models.sql.compiler import SQLCompiler

# Values by the name of a field, as pre_save() returns them, or by a lookup.
Values = dict[str, Any]


class Param(Value):
    """A placeholder for a value. Each run of the statement has its own.

    Args:
        field: the value is written to this field, or compared with it.
        name: of the value; the field's name by default.
        position: of the item, if the value is a list with a placeholder for each item.
    """

    def __init__(self, field: Field[Any, Any], name: str | None = None, position: int | None = None) -> None:
        super().__init__(field.name, output_field=field)
        self.name = name or field.name
        self.position = position
        # Most fields leave prepared values as they are, so their method need not be called for each value.
        prepare: Any = type(field).get_db_prep_value
        is_plain = prepare is Field.get_db_prep_value or getattr(prepare, "is_plain", False)
        self.is_plain = position is not None or is_plain
        self.function: Callable[[Any], Any] | None = None
        # Whether the parameter is the value itself.
        self.is_value = self.is_plain and position is None

    def mapped(self, function: Callable[[Any], Any]) -> Self:
        """Return a placeholder for the result of a function of the value."""
        param = copy(self)
        param.function = function
        param.is_value = False
        return param

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)

    def as_mql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, as_expr: bool = False) -> Any:
        # In an expression, text that begins with a dollar sign would name a field.
        return {"$literal": self} if as_expr else self

    def prepare(self, values: Values, connection: BaseDatabaseWrapper) -> Any:
        """Return the value as the driver takes it."""
        value = values[self.name]
        if self.position is not None:
            value = value[self.position]
        if not self.is_plain:
            value = self.output_field.get_db_prep_value(value, connection, prepared=True)
        return value if self.function is None else self.function(value)


def mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    """Return the result of a function of a value, or a placeholder for it if the value is a ``Param``."""
    return value.mapped(function) if isinstance(value, Param) else function(value)


def bind(compiled: Any, values: Values, connection: BaseDatabaseWrapper) -> Any:
    """Return parameters, or a query in MongoDB's query language, with each ``Param`` replaced by its value."""
    # Of 10,000 rows with 20 columns, most values need no call.
    if isinstance(compiled, list):
        return [
            values[each.name] if type(each) is Param and each.is_value else bind(each, values, connection)
            for each in compiled
        ]
    if isinstance(compiled, dict):
        return {
            key: values[each.name] if type(each) is Param and each.is_value else bind(each, values, connection)
            for key, each in compiled.items()
        }
    return compiled.prepare(values, connection) if isinstance(compiled, Param) else compiled


class Sql(NamedTuple):
    """The text of a statement and its parameters, among them ``Param`` objects."""

    text: str
    params: list[Any]

    def bind(self, values: Values, connection: BaseDatabaseWrapper) -> list[Any]:
        """Return the parameters with each ``Param`` replaced by its value."""
        params: list[Any] = bind(self.params, values, connection)
        return params


def sql_of(compiler: SQLCompiler) -> Sql:
    """Return the text and the parameters of a statement."""
    sql: Any = compiler.as_sql()
    # An INSERT compiles to a list of statements.
    text, params = sql[0] if isinstance(sql, list) else sql
    return Sql(text, list(params))
