"""Texts that identify where rows are and which rows a queryset selects, for the keys of caches."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import EmptyResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet

from agno_memory.db import mongodb
from agno_memory.db.connections import connection_to
from agno_memory.db.dispatch import vendor_method
from agno_memory.db.expiry import fixed_moment

# The settings of a connection that lead to the rows.
PLACE_SETTINGS: Final = ("ENGINE", "HOST", "PORT", "NAME", "USER")


class Place:
    """The database, the schema and the table of a queryset, with the alias that leads there."""

    def __init__(self, rows: QuerySet[Any]) -> None:
        self.alias = rows.db
        self.table = rows.model._meta.db_table

    def __str__(self) -> str:
        connection = connection_to(self.alias)
        settings = connection.settings_dict
        places = [str(settings.get(name)) for name in PLACE_SETTINGS]
        # Other options are objects, such as functions, without a stable text.
        options = {name: each for name, each in settings.get("OPTIONS", {}).items() if isinstance(each, str)}
        return repr((self.alias, self.table, places, options, vendor_method(self, connection)(connection)))

    def as_sql(self, connection: BaseDatabaseWrapper) -> str:
        return ""

    def as_postgresql(self, connection: BaseDatabaseWrapper) -> str:
        """Ask the server for the schemas: with tenants by schema, one alias leads to another place per request."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_schemas(false)::text")
            return str(cursor.fetchone()[0])


class RowsCondition:
    """The condition of the rows of a queryset. Querysets of the same rows may differ in it, but never the reverse.

    Args:
        rows: without a slice. Their order and columns do not matter.
    """

    def __init__(self, rows: QuerySet[Any]) -> None:
        self.rows: Any = rows

    def __str__(self) -> str:
        if not self.rows.query.where and not self.rows.query.combinator:
            return ""
        connection = connection_to(self.rows.db)
        keys = self.rows.order_by().values_list("pk")
        try:
            with fixed_moment():
                return str(vendor_method(self, connection)(keys.query.get_compiler(connection=connection)))
        except EmptyResultSet:
            return "none"

    def as_sql(self, compiler: Any) -> str:
        text, params = compiler.as_sql()
        # The wrapper of a JSON value shortens it in its repr().
        return repr((text, [getattr(param, "obj", param) for param in params]))

    def as_mongodb(self, compiler: Any) -> str:
        return repr(mongodb.pipeline_of(compiler))
