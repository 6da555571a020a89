"""Values that the database computes from a row's own columns: a class each, a method for each database."""

from __future__ import annotations

from typing import Any

from django.db import NotSupportedError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func
from django.db.models.sql.compiler import SQLCompiler

from agno_memory.db.lookups import Sql


class TopicsWith(Func):
    """The topics of a row with one more at their end, whether it is among them already or not.

    Args:
        column: name of the field.
        topic: in canonical form.
    """

    def __init__(self, column: str, topic: str, **extra: Any) -> None:
        super().__init__(column, **extra)
        self.topic = topic

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, *args: Any, **context: Any) -> Sql:
        name = type(self).__name__
        raise NotSupportedError(
            f"{name} is not written for {connection.vendor}: "
            f"give agno_memory.db.expressions.{name} an as_{connection.vendor}() method."
        )

    def column_sql(self, compiler: SQLCompiler) -> str:
        """Return the column as it is written in SQL; it has no parameters."""
        return str(compiler.compile(self.get_source_expressions()[0])[0])

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        return f"json_insert({self.column_sql(compiler)}, '$[#]', %s)", (self.topic,)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        return f"{self.column_sql(compiler)} || jsonb_build_array(%s::text)", (self.topic,)

    def as_mql_expr(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        return {"$concatArrays": [self.column_mql(compiler, connection), [{"$literal": self.topic}]]}

    def column_mql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        """Return the column as MongoDB's expressions name it; the backend gives every expression that method."""
        column: Any = self.get_source_expressions()[0]
        return column.as_mql(compiler, connection, as_expr=True)


class TopicsWithout(TopicsWith):
    """The topics of a row without one of them, in their order."""

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        # Columns alone are written into the text, never a value.
        each = f"json_each({self.column_sql(compiler)}) AS topic"
        kept = f"SELECT topic.value FROM {each} WHERE topic.value <> %s ORDER BY topic.id"  # noqa: S608
        return f"(SELECT json_group_array(value) FROM ({kept}))", (self.topic,)  # noqa: S608

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        return f"{self.column_sql(compiler)} - %s::text", (self.topic,)

    def as_mql_expr(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        kept = {"$ne": ["$$this", {"$literal": self.topic}]}
        return {"$filter": {"input": self.column_mql(compiler, connection), "cond": kept}}
