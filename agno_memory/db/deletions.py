"""Deletions by a queryset, which are not compiled once: their conditions have any shape."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from django.db.models.sql import DeleteQuery

from agno_memory.db.capabilities import returns_written_rows
from agno_memory.db.connections import connection_to
from agno_memory.db.errors import with_django_errors


class DeleteMany:
    """Delete the rows of a queryset and return the values of one field."""

    def run(self, rows: QuerySet[Any], name: str = "pk") -> list[Any]:
        """Delete the rows.

        Args:
            rows: a queryset without a slice.
            name: of the field.
        """
        connection = connection_to(rows.db)
        delete = self.returning if returns_written_rows(connection) else self.after_reading
        with transaction.mark_for_rollback_on_error(using=rows.db):
            return with_django_errors(connection, partial(delete, rows, name, connection))

    def returning(self, rows: QuerySet[Any], name: str, connection: BaseDatabaseWrapper) -> list[Any]:
        """Delete and return the values in one statement."""
        options: Any = rows.model._meta
        field = options.pk if name == "pk" else options.get_field(name)
        try:
            text, params = rows.query.chain(DeleteQuery).get_compiler(connection=connection).as_sql()
        except EmptyResultSet:
            return []
        with connection.cursor() as cursor:
            cursor.execute(f"{text} RETURNING {connection.ops.quote_name(field.column)}", params)
            return [row[0] for row in cursor.fetchall()]

    def after_reading(self, rows: QuerySet[Any], name: str, connection: BaseDatabaseWrapper) -> list[Any]:
        """Read the values, then delete. Outside a transaction, two simultaneous calls may both return the same row."""
        found = dict(rows.values_list("pk", name))
        rows.filter(pk__in=list(found))._raw_delete(rows.db)
        return list(found.values())
