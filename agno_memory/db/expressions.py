"""Expressions, computed by the database from columns of a row: one class per expression, one method per database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, Func
from django.db.models.functions import Length
from django.db.models.sql.compiler import SQLCompiler

from agno_memory.db.dispatch import not_written_for
from agno_memory.db.lookups import Sql, mql_topics, postgresql_topics, sqlite_topics


class TopicsWith(Func):
    """The topics of a row with one more appended, even if the row has it already.

    Args:
        column: name of the field.
        topic: the topic to append, in canonical form.
    """

    def __init__(self, column: str, topic: str, **extra: Any) -> None:
        super().__init__(column, **extra)
        self.topic = topic

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, *args: Any, **context: Any) -> Sql:
        raise not_written_for(self, connection)

    def column_sql(self, compiler: SQLCompiler) -> str:
        """Return the SQL of the column, which has no parameters."""
        return str(compiler.compile(self.get_source_expressions()[0])[0])

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        return f"json_insert({sqlite_topics(self.column_sql(compiler))}, '$[#]', %s)", (self.topic,)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        return f"({postgresql_topics(self.column_sql(compiler))}) || jsonb_build_array(%s::text)", (self.topic,)

    def as_mql_expr(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        return {"$concatArrays": [self.column_mql(compiler, connection), [{"$literal": self.topic}]]}

    def column_mql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        """Return the topics as an operand of MongoDB's expressions."""
        # The backend adds the method as_mql() to every expression.
        column: Any = self.get_source_expressions()[0]
        return mql_topics(column.as_mql(compiler, connection, as_expr=True))


class TopicsWithout(TopicsWith):
    """The topics of a row without one of them, in the same order."""

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        # Only names of columns are formatted into the text, never a value.
        each = f"json_each({sqlite_topics(self.column_sql(compiler))}) AS topic"
        is_kept = "topic.type = 'text' AND topic.value <> %s"
        kept = f"SELECT topic.value FROM {each} WHERE {is_kept} ORDER BY topic.id"  # noqa: S608
        return f"(SELECT json_group_array(value) FROM ({kept}))", (self.topic,)  # noqa: S608

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        return f"({postgresql_topics(self.column_sql(compiler))}) - %s::text", (self.topic,)

    def as_mql_expr(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        kept = {"$ne": ["$$this", {"$literal": self.topic}]}
        return {"$filter": {"input": self.column_mql(compiler, connection), "cond": kept}}


def mql_text(column: Any) -> dict[str, Any]:
    """Return a column as an expression of MongoDB: "" if a document of another program has no text in it."""
    return {"$cond": [{"$eq": [{"$type": column}, "string"]}, column, ""]}


class TextLength(Length):
    """The number of characters of a text."""

    def as_mql_expr(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        # The backend adds the method as_mql() to every expression.
        source: Any = self.get_source_expressions()[0]
        return {"$strLenCP": mql_text(source.as_mql(compiler, connection, as_expr=True))}


class SumOfParts(Func):
    """The sum of the numbers of those texts that a column contains.

    With powers of two it tells which of them, with weights how much they matter.

    Args:
        column: name of the field, a text.
        numbers: whole numbers by text.
    """

    output_field = BigIntegerField()

    def __init__(self, column: str, numbers: Mapping[str, int], **extra: Any) -> None:
        super().__init__(column, **extra)
        self.numbers = dict(numbers)

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, *args: Any, **context: Any) -> Sql:
        return self._sum(compiler, "POSITION(%s IN {column}) > 0")

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        return self._sum(compiler, "INSTR({column}, %s) > 0")

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        return self._sum(compiler, "STRPOS({column}, %s::text) > 0")

    def as_mql_expr(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        # The backend adds the method as_mql() to every expression.
        source: Any = self.get_source_expressions()[0]
        return sum_of_parts_mql(source.as_mql(compiler, connection, as_expr=True), self.numbers)

    def _sum(self, compiler: SQLCompiler, condition: str) -> Sql:
        column, _params = compiler.compile(self.get_source_expressions()[0])
        cases = (
            f"CASE WHEN {condition.format(column=column)} THEN {number:d} ELSE 0 END"
            for number in self.numbers.values()
        )
        return f"({' + '.join(cases) or '0'})", tuple(self.numbers)


def sum_of_parts_mql(column: Any, numbers: Mapping[str, int]) -> dict[str, Any]:
    """Return the same in MongoDB's query language.

    Args:
        column: an operand of MongoDB's expressions.
        numbers: whole numbers by text.
    """
    # By bytes: by code points, the server decodes the whole text for each part.
    found = ({"$gte": [{"$indexOfBytes": ["$$text", {"$literal": part}]}, 0]} for part in numbers)
    pairs = zip(found, numbers.values(), strict=True)
    total = {"$add": [0, *({"$cond": [condition, number, 0]} for condition, number in pairs)]}
    return {"$let": {"vars": {"text": mql_text(column)}, "in": total}}
