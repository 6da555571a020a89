"""``Insert``: the statement that adds a row, or many."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import cast

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from django.db.models.sql import InsertQuery, Query

from agno_memory.batches import batched
from agno_memory.db import mongodb
from agno_memory.db.compiled import Values, sql_of
from agno_memory.db.connections import connection_to
from agno_memory.db.dispatch import vendor_method
from agno_memory.db.errors import with_django_errors
from agno_memory.db.statements import Statement, ValueOf
from agno_memory.db.transactions import marked


class Insert(Statement[None]):
    """Add a row; or many rows with one statement that is prepared once."""

    def run_many(self, model: type[Model], alias: str, rows: list[Values]) -> None:
        """Add several rows in one round trip. The caller limits their number."""
        connection = connection_to(alias)
        with marked(connection):
            with_django_errors(connection, partial(vendor_method(self, connection, "many_as"), model, connection, rows))

    def build(self, model: type[Model], alias: str, value: ValueOf) -> Query:
        # The compiler reads values from an instance, but needs nothing else of it.
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

    def many_as_sqlite(self, model: type[Model], connection: BaseDatabaseWrapper, rows: list[Values]) -> None:
        # The index of words writes a part of its file for each statement.
        sql = self.compiled(model, connection, sql_of)
        size = max(cast("int", connection.features.max_query_params) // len(sql.params), 1)
        place = sql.text[sql.text.rindex("(") :]
        with connection.cursor() as cursor:
            for batch in batched(rows, size):
                params = [param for values in batch for param in sql.bind(values, connection)]
                cursor.execute(sql.text + f", {place}" * (len(batch) - 1), params)

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> None:
        mongodb.insert(model, connection, values)

    def many_as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, rows: list[Values]) -> None:
        mongodb.insert_many(model, connection, rows)
