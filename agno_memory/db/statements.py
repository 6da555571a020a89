"""The statements of the verbs on one memory and on one list, compiled once.

Django takes longer to build and compile a query than most databases take to answer it, and a verb always compiles to
the same few texts. So each statement is built with Django's own query classes and compiler, once for every table and
database, with a ``Param`` in the place of each value. A database that differs has a method ``as_<vendor>``, as in a
lookup; any other one uses ``as_sql``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar, cast

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model, QuerySet
from django.db.models.sql import DeleteQuery, Query, UpdateQuery
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.constants import ROW_COUNT

from agno_memory.db import mongodb, postgresql
from agno_memory.db.capabilities import returns_written_rows
from agno_memory.db.compiled import Param, Values, bind, sql_of
from agno_memory.db.connections import connection_to
from agno_memory.db.dispatch import vendor_method
from agno_memory.db.errors import with_django_errors
from agno_memory.db.expiry import EXPIRES_AFTER, unexpired
from agno_memory.db.keyset import ORDERS, Order, after, in_order
from agno_memory.db.rows import (
    fetch_instance,
    fetch_rows,
    instance_of,
    instances,
    read_columns,
    returning_sql_of,
    with_read_fields,
)
from agno_memory.db.transactions import marked
from agno_memory.fields import MachineWritten, moves

Result = TypeVar("Result")
Compiled = TypeVar("Compiled")
# Returns the value of a field by its name: a Param while compiling, the value itself otherwise.
ValueOf = Callable[[str], Any]


class Condition(NamedTuple):
    """The part of a condition that is compiled.

    Args:
        lookup: an argument of ``QuerySet.filter()``.
        length: of the list that the lookup takes; None for a single value.
    """

    lookup: str
    length: int | None


class Statement(Generic[Result]):
    """A query of one shape, run with the values of each call."""

    def __init__(self) -> None:
        self._compiled: dict[Any, Any] = {}

    def run(self, model: type[Model], alias: str, values: Values) -> Result:
        """Run on one database.

        Args:
            model: the model of the table.
            alias: of the database.
            values: by the name of a field, as ``pre_save()`` returns them.
        """
        connection = connection_to(alias)
        run: Callable[[], Result] = partial(vendor_method(self, connection), model, connection, values)
        with marked(connection):
            return with_django_errors(connection, run)

    def build(self, model: type[Model], alias: str, value: ValueOf) -> Query:
        """Return the query, with ``value(name)`` as the value of a field."""
        raise NotImplementedError("A subclass of Statement must define build().")

    def as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Result:
        raise NotImplementedError("A subclass of Statement must define as_sql().")

    def compiled(
        self, model: type[Model], connection: BaseDatabaseWrapper, compile_with: Callable[[SQLCompiler], Compiled]
    ) -> Compiled:
        """Return the compiled query; only the first call compiles it.

        Args:
            model: the model of the table.
            connection: to the database.
            compile_with: takes the query's compiler and returns its result, with a Param in the place of each value.
        """
        # The alias alone does not suffice: tests and handles may use it for another engine.
        key = model, connection.alias, type(connection)
        if key not in self._compiled:
            options = model._meta

            def param(lookup: str, position: int | None = None) -> Param:
                field = options.get_field(lookup.partition("__")[0])
                return Param(cast("Field[Any, Any]", field), lookup, position)

            query = self.build(model, connection.alias, param)
            self._compiled[key] = compile_with(query.get_compiler(connection=connection))
        result: Compiled = self._compiled[key]
        return result


class OneRow(Statement[Result]):
    """Base of statements on the row in which some fields have the values of the call.

    Args:
        conditions: names of the fields, or lookups with another name for the value, such as ``created_at__exact``.
        unexpired: whether to leave out a memory that has expired.
    """

    def __init__(self, *conditions: str, unexpired: bool = False) -> None:
        super().__init__()
        self.conditions = conditions
        self.unexpired = unexpired

    def rows(self, model: type[Model], alias: str, value: ValueOf) -> QuerySet[Any]:
        """Return the queryset of the rows that meet the conditions."""
        rows = model._base_manager.using(alias).filter(**{name: value(name) for name in self.conditions})
        return rows.filter(unexpired(value(EXPIRES_AFTER))) if self.unexpired else rows


class Select(OneRow[Model | None]):
    """Return the row, or None."""

    def build(self, model: type[Model], alias: str, value: ValueOf) -> Query:
        return with_read_fields(self.rows(model, alias, value)).query

    def as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Model | None:
        return fetch_instance(model, connection, self.compiled(model, connection, sql_of), values)

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Model | None:
        query_filter = bind(self.compiled(model, connection, mongodb.filter_of), values, connection)
        return instance_of(model, connection, mongodb.find_one(model, connection, query_filter, read_columns(model)))


class SelectMany(Statement[list[Model]]):
    """Return all memories that meet the conditions and have not expired, in an order.

    Args:
        conditions: those of the rows.
        order: one of ``ORDERS``.
        after_position: whether to return only the rows after a position: the values of the two fields of the
            order.
    """

    def __init__(self, *conditions: Condition, order: Order, after_position: bool) -> None:
        super().__init__()
        self.conditions = conditions
        self.order = order
        self.after_position = after_position

    def first(self, limit: int | None, model: type[Model], alias: str, values: Values) -> list[Model]:
        """Run, for at most ``limit`` rows; None is all of them."""
        # Django's limit_offset_sql() and MongoDB take 0 for "no limit".
        return [] if limit == 0 else self.run(model, alias, {**values, "limit": limit})

    def build(self, model: type[Model], alias: str, value: Callable[..., Any]) -> Query:
        """Return the query, with ``value(lookup, position)`` as a value of a lookup."""
        rows = with_read_fields(model._base_manager.using(alias)).filter(unexpired(value(EXPIRES_AFTER)))
        for lookup, length in self.conditions:
            compared = value(lookup) if length is None else [value(lookup, position) for position in range(length)]
            rows = rows.filter(**{lookup: compared})
        if self.after_position:
            moment, identifier = (value(name.removeprefix("-")) for name in ORDERS[self.order])
            rows = rows.filter(after(ORDERS[self.order], (moment, identifier)))
        return rows.order_by(*in_order(*ORDERS[self.order])).query

    def as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> list[Model]:
        with connection.cursor() as cursor:
            return self.read(cursor, model, connection, values)

    def as_postgresql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> list[Model]:
        with connection.cursor() as cursor:
            postgresql.load_times_in_c(cursor, connection)
            return self.read(cursor, model, connection, values)

    def read(self, cursor: Any, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> list[Model]:
        """Execute the statement and return its instances."""
        sql = self.compiled(model, connection, sql_of)
        limit = connection.ops.limit_offset_sql(0, values["limit"])
        cursor.execute(f"{sql.text} {limit}", sql.bind(values, connection))
        return instances(model, connection, fetch_rows(cursor))

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> list[Model]:
        compiled = self.compiled(model, connection, mongodb.filter_and_order_of)
        query_filter, order = bind(compiled, values, connection)
        rows = mongodb.find(model, connection, query_filter, read_columns(model), order, values["limit"])
        return instances(model, connection, rows)


class Delete(OneRow[int]):
    """Delete the row and return the number of deleted rows: 0 or 1."""

    def build(self, model: type[Model], alias: str, value: ValueOf) -> Query:
        return self.rows(model, alias, value).query.chain(DeleteQuery)

    def as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> int:
        sql = self.compiled(model, connection, sql_of)
        with connection.cursor() as cursor:
            cursor.execute(sql.text, sql.bind(values, connection))
            return int(cursor.rowcount)

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> int:
        query_filter = bind(self.compiled(model, connection, mongodb.filter_of), values, connection)
        return mongodb.delete_one(model, connection, query_filter)


class DeleteAll(Delete):
    """Delete all rows that meet the conditions, and return their number."""

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> int:
        query_filter = bind(self.compiled(model, connection, mongodb.filter_of), values, connection)
        return mongodb.delete_all(model, connection, query_filter)


class SetValues(OneRow[None]):
    """Set fields of the row that are no content: the machine-written fields stay as they are.

    Args:
        conditions: names of the fields that select the row.
        fields: names of the fields to set.
    """

    def __init__(self, *conditions: str, fields: Sequence[str]) -> None:
        super().__init__(*conditions)
        self.fields = fields

    def build(self, model: type[Model], alias: str, value: ValueOf) -> Query:
        query = cast("UpdateQuery", self.rows(model, alias, value).query.chain(UpdateQuery))
        query.add_update_values({name: value(name) for name in self.fields})
        return query

    def as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> None:
        sql = self.compiled(model, connection, sql_of)
        with connection.cursor() as cursor:
            cursor.execute(sql.text, sql.bind(values, connection))

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> None:
        query_filter, changes = bind(self.compiled(model, connection, mongodb.update_of), values, connection)
        mongodb.set_values(model, connection, query_filter, changes)


class Change(OneRow[Result]):
    """Base of statements that change the row. Machine-written fields change by themselves.

    Args:
        conditions: names of the fields that select the row.
        fields: names of the fields to set.
        moment: the name of the field with the time of the write.
        unexpired: as of ``OneRow``.
    """

    def __init__(
        self, *conditions: str, fields: Sequence[str], moment: str = "last_updated", unexpired: bool = False
    ) -> None:
        super().__init__(*conditions, unexpired=unexpired)
        self.fields = fields
        self.moment = moment

    def build(self, model: type[Model], alias: str, value: ValueOf) -> Query:
        query = cast("UpdateQuery", self.rows(model, alias, value).query.chain(UpdateQuery))
        query.add_update_values({name: value(name) for name in self.fields})
        query.add_update_values(moves(model, value(self.moment)))
        return query


class Update(Change[Model | None]):
    """Change the row and return it as it is afterwards, or None."""

    def as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Model | None:
        if returns_written_rows(connection):
            return fetch_instance(model, connection, self.compiled(model, connection, returning_sql_of), values)
        return self.before_reading(model, connection, values)

    def before_reading(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Model | None:
        """Change, then read the row. Another write may come between the two."""
        query = self.build(model, connection.alias, values.__getitem__)
        if not query.get_compiler(connection=connection).execute_sql(ROW_COUNT):
            return None
        rows: QuerySet[Any] = model._base_manager.using(connection.alias)
        # The others have changed.
        kept = [
            name
            for name in self.conditions
            if not isinstance(model._meta.get_field(name.partition("__")[0]), MachineWritten)
        ]
        return with_read_fields(rows).filter(**{name: values[name] for name in kept}).first()

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Model | None:
        query_filter, changes = bind(self.compiled(model, connection, mongodb.update_of), values, connection)
        row = mongodb.update_one(model, connection, query_filter, changes, read_columns(model))
        return instance_of(model, connection, row)


class Upsert(Update):
    """Change the row, or add it if the database can do both in one statement. Returns None if it did neither."""

    # Not by ``INSERT ... ON CONFLICT``: its target must be a unique index, and on a distributed table that is not
    # the primary key of the model.

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Model | None:
        query_filter, changes = bind(self.compiled(model, connection, mongodb.update_of), values, connection)
        row = mongodb.update_one(model, connection, query_filter, changes, read_columns(model), values)
        return instance_of(model, connection, row)
