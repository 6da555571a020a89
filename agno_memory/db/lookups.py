"""Lookups of topics and of folded text: one class per lookup, one method per database.

``topics__about=[...]`` finds memories that have all of the topics, ``topics__about_any=[...]`` at least one of them.
Whole topics are compared, in their canonical form, so ``%``, ``_``, quotes and brackets are plain characters.
``search_text__contains_all=[...]`` finds memories with all of these parts in their text.
To support another database, add a method ``as_<vendor>`` to each class.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Lookup
from django.db.models.expressions import Col, Value
from django.db.models.lookups import Contains, Exact
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.where import AND, WhereNode

from agno_memory.db.compiled import Param, mapped
from agno_memory.db.dispatch import not_written_for
from agno_memory.validators import canonical_topics

if TYPE_CHECKING:
    # Generic for the type checker alone.
    _Lookup = Lookup[Any]
else:
    _Lookup = Lookup

Sql = tuple[str, tuple[Any, ...]]


# The topics of a column as an array, whose elements may be no texts: a row of another program may have other JSON.


def sqlite_topics(column: str) -> str:
    """Return SQL for the topics of a column as a JSON array: a text is one topic, any other value has none."""
    as_array = f"json_array(json_extract({column}, '$'))"
    return f"CASE json_type({column}) WHEN 'array' THEN {column} WHEN 'text' THEN {as_array} ELSE '[]' END"


def postgresql_topics(column: str) -> str:
    """Return the same for PostgreSQL."""
    as_array = f"jsonb_build_array({column})"
    kind = f"jsonb_typeof({column})"
    return f"CASE {kind} WHEN 'array' THEN {column} WHEN 'string' THEN {as_array} ELSE '[]'::jsonb END"


def mql_topics(column: Any) -> dict[str, Any]:
    """Return the same as an expression of MongoDB."""
    as_array = {"$cond": [{"$eq": [{"$type": column}, "string"]}, [column], []]}
    return {"$cond": [{"$isArray": [column]}, column, as_array]}


class TopicsLookup(_Lookup):
    """Base of lookups that compare the topics of a memory with a list of topics."""

    # Raised for an empty list, so that every database returns the same rows for it: all or none.
    when_empty: type[Exception]
    postgresql_operator: str
    mql_path_operator: str

    def get_prep_lookup(self) -> list[Any]:
        # While a statement is compiled, each topic is a placeholder.
        is_compiled = isinstance(self.rhs, list) and any(isinstance(topic, Param) for topic in self.rhs)
        return cast("list[Any]", self.rhs) if is_compiled else canonical_topics(self.rhs)

    @property
    def can_use_path(self) -> bool:
        """Whether MongoDB's backend may match by the column's path, which an index can serve."""
        return bool(getattr(self.lhs, "is_simple_column", False))

    def topics(self) -> list[str]:
        """Return the topics to compare with."""
        if not self.rhs:
            raise self.when_empty
        return list(self.rhs)

    def minimum(self, topics: list[str]) -> int:
        """Return the number of these topics that a memory must have."""
        raise NotImplementedError("A subclass of TopicsLookup must define minimum().")

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Sql:
        self.topics()
        raise not_written_for(self, connection)

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        topics = self.topics()
        lhs, lhs_params = self.process_lhs(compiler, connection)
        # Only names of columns are formatted into the text, never a value.
        places = ", ".join(["%s"] * len(topics))
        matches = f"SELECT COUNT(*) FROM json_each({lhs}) AS topic WHERE topic.value IN ({places})"  # noqa: S608
        return f"({matches}) >= {self.minimum(topics)}", (*lhs_params, *topics)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        topics = self.topics()
        lhs, lhs_params = self.process_lhs(compiler, connection)
        condition = f"{lhs} {self.postgresql_operator} %s::text[]"
        if is_of_one_owner(compiler.query.where):
            # This spelling keeps the planner off the index of topics. It expects a hundredth of the table for any
            # topic, and would read all of these rows although the person has perhaps a hundred memories.
            condition = f"({condition}) IS TRUE"
        return condition, (*lhs_params, topics)

    def as_mongodb(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Sql:
        """Return placeholder SQL, which Django compiles in ``When(topics__about=...)`` and the backend discards."""
        self.topics()
        return "topics", ()

    def as_mql_path(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        topics = self.topics()
        # The backend adds the method as_mql() to every expression.
        column = self.lhs.as_mql(compiler, connection)
        return {column: {self.mql_path_operator: topics}}


class About(TopicsLookup):
    """Memories that have all of the topics; an empty list finds every memory."""

    lookup_name = "about"
    when_empty = FullResultSet
    postgresql_operator = "?&"
    mql_path_operator = "$all"

    def minimum(self, topics: list[str]) -> int:
        return len(topics)

    def as_mql_expr(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        topics = self.topics()
        stored = mql_topics(self.lhs.as_mql(compiler, connection, as_expr=True))
        return {"$setIsSubset": [{"$literal": topics}, stored]}


class AboutAny(TopicsLookup):
    """Memories that have at least one of the topics; an empty list finds no memory."""

    lookup_name = "about_any"
    when_empty = EmptyResultSet
    postgresql_operator = "?|"
    mql_path_operator = "$in"

    def minimum(self, topics: list[str]) -> int:
        return 1

    def as_mql_expr(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        topics = self.topics()
        stored = mql_topics(self.lhs.as_mql(compiler, connection, as_expr=True))
        return {"$gt": [{"$size": {"$setIntersection": [{"$literal": topics}, stored]}}, 0]}


def is_of_one_owner(where: WhereNode) -> bool:
    """Return whether a condition selects memories of a single person."""
    if where.connector != AND or where.negated:
        return False
    # Django has no AND inside an AND.
    return any(map(_is_owner, where.children))


def _is_owner(condition: object) -> bool:
    """Return whether a condition is that the owner is one value: another column has one for each row."""
    if not isinstance(condition, Exact) or not isinstance(condition.lhs, Col):
        return False
    is_value = isinstance(condition.rhs, Value) or not hasattr(condition.rhs, "resolve_expression")
    return condition.lhs.target.name == "user_id" and is_value


class FewerTopics(_Lookup):
    """Memories that have fewer topics than a number."""

    lookup_name = "fewer_than"

    def get_prep_lookup(self) -> int:
        return int(self.rhs)

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Sql:
        # The function for the length of a JSON array has another name on each database.
        raise not_written_for(self, connection)

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        lhs, params = self.process_lhs(compiler, connection)
        # Any other value than an array has the length 0.
        return f"json_array_length({lhs}) < {self.rhs:d}", tuple(params)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        lhs, params = self.process_lhs(compiler, connection)
        # The server refuses the length of any other value than an array.
        return f"jsonb_array_length({postgresql_topics(lhs)}) < {self.rhs:d}", tuple(params) * 3

    def as_mql_expr(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        return {"$lt": [{"$size": mql_topics(self.lhs.as_mql(compiler, connection, as_expr=True))}, self.rhs]}


class FoldedContains(Contains):
    """Folded text that contains a text.

    On SQLite, LIKE treats all noncharacters of Unicode as the same one; INSTR() does not.
    """

    def get_rhs_op(self, connection: BaseDatabaseWrapper, rhs: str) -> str:
        # For Django, an expression is another column, of which the database must make a pattern.
        if not isinstance(self.rhs, Param):
            return super().get_rhs_op(connection, rhs)
        operators: dict[str, str] = connection.operators  # type: ignore[attr-defined]
        return operators["contains"] % rhs

    def process_rhs(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        if not isinstance(self.rhs, Param):
            return super().process_rhs(compiler, connection)
        return "%s", [self.rhs.mapped(lambda text: f"%{connection.ops.prep_for_like_query(text)}%")]

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        return f"INSTR({lhs}, %s) > 0", (*lhs_params, self.rhs)

    def as_mql_path(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        column: Any = self.lhs
        return {column.as_mql(compiler, connection): {"$regex": mapped(self.rhs, re.escape)}}


class FoldedContainsAll(_Lookup):
    """Folded text that contains all of some texts; an empty list finds every row."""

    lookup_name = "contains_all"
    prepare_rhs = False

    def each(self) -> WhereNode:
        """Return the condition for each text, joined by AND."""
        return WhereNode(cast("Any", [FoldedContains(self.lhs, text) for text in self.rhs]))

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Sql:
        text, params = compiler.compile(cast("Any", self.each()))
        return text, tuple(params)

    def as_mql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, as_expr: bool = False) -> Any:
        # The backend adds the method as_mql() to every expression.
        where: Any = self.each()
        return where.as_mql(compiler, connection, as_expr=as_expr)
