"""Compiled queries: the result of Django's compiler, with a ``Param`` in the place of each value."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Value
from django.db.models.sql.compiler import SQLCompiler

# Values by the name of a field, as pre_save() returns them.
Values = dict[str, Any]


class Param(Value):
    """A placeholder for a value of a field. Each run of the statement has its own."""

    def __init__(self, field: Field[Any, Any]) -> None:
        super().__init__(field.name, output_field=field)
        self.name = field.name
        # Most fields leave prepared values as they are, so their method need not be called for each value.
        self.is_plain = type(field).get_db_prep_value is Field.get_db_prep_value

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)

    def as_mql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, as_expr: bool = False) -> Any:
        # In an expression, text that begins with a dollar sign would name a field.
        return {"$literal": self} if as_expr else self

    def prepare(self, values: Values, connection: BaseDatabaseWrapper) -> Any:
        """Return this field's value as the driver takes it."""
        value = values[self.name]
        return value if self.is_plain else self.output_field.get_db_prep_value(value, connection, prepared=True)


class Sql(NamedTuple):
    """The text of a statement and its parameters, among them ``Param`` objects."""

    text: str
    params: list[Any]

    def bind(self, values: Values, connection: BaseDatabaseWrapper) -> list[Any]:
        """Return the parameters with each ``Param`` replaced by its value."""
        return [each.prepare(values, connection) if isinstance(each, Param) else each for each in self.params]


def sql_of(compiler: SQLCompiler) -> Sql:
    """Return the text and the parameters of a statement."""
    sql: Any = compiler.as_sql()
    # An INSERT compiles to a list of statements.
    text, params = sql[0] if isinstance(sql, list) else sql
    return Sql(text, list(params))


def returning_sql_of(compiler: SQLCompiler) -> Sql:
    """Return the text and the parameters of a statement that returns every column."""
    columns = [str(field.column) for field in compiler.query.get_meta().concrete_fields]
    text, params = sql_of(compiler)
    return Sql(f"{text} RETURNING {', '.join(map(compiler.connection.ops.quote_name, columns))}", params)
