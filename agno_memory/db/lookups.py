"""Questions about topics, one class each, one method per database.

``topics__about=[...]`` finds memories that have all of the topics, ``topics__about_any=[...]`` any of them. Topics
are compared whole, in their canonical form, so ``%``, ``_``, quotes and brackets are plain characters.
Another database needs one more method: ``as_<vendor>``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import NotSupportedError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Lookup
from django.db.models.expressions import Col
from django.db.models.lookups import Contains, Exact
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.where import AND, WhereNode

from agno_memory.validators import canonical_topics

if TYPE_CHECKING:
    # Generic for the type checker alone.
    _Lookup = Lookup[Any]
else:
    _Lookup = Lookup

Sql = tuple[str, tuple[Any, ...]]


class TopicsLookup(_Lookup):
    """Compares the whole topics of a memory with a list of topics."""

    # What no topics at all mean: databases differ, so it is said here.
    when_empty: type[Exception]
    postgresql_operator: str
    mql_path_operator: str

    def get_prep_lookup(self) -> list[str]:
        return canonical_topics(self.rhs)

    @property
    def can_use_path(self) -> bool:
        """Tell MongoDB's backend that a plain column is matched by its path, which an index can serve."""
        return bool(getattr(self.lhs, "is_simple_column", False))

    def topics(self) -> list[str]:
        if not self.rhs:
            raise self.when_empty
        return list(self.rhs)

    def least(self, topics: list[str]) -> int:
        """Return how many of the topics a memory must have."""
        raise NotImplementedError("A question about topics says how many of them it asks for.")

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Sql:
        self.topics()
        raise NotSupportedError(
            f"{type(self).__name__} is not written for {connection.vendor}: "
            f"give agno_memory.db.lookups.{type(self).__name__} an as_{connection.vendor}() method."
        )

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        topics = self.topics()
        lhs, lhs_params = self.process_lhs(compiler, connection)
        # Columns alone are written into the text, never a value.
        places = ", ".join(["%s"] * len(topics))
        found = f"SELECT COUNT(*) FROM json_each({lhs}) AS topic WHERE topic.value IN ({places})"  # noqa: S608
        return f"({found}) >= {self.least(topics)}", (*lhs_params, *topics)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        topics = self.topics()
        lhs, lhs_params = self.process_lhs(compiler, connection)
        found = f"{lhs} {self.postgresql_operator} %s::text[]"
        if is_of_one_owner(compiler.query.where):
            # Put so, no index on topics serves it. The planner would take everybody's memories about a topic for a
            # hundredth of the table, and read them all where one person has a hundred.
            found = f"({found}) IS TRUE"
        return found, (*lhs_params, topics)

    def as_mongodb(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Sql:
        """Stand in where Django compiles SQL that the backend throws away, as in ``When(topics__about=...)``."""
        self.topics()
        return "topics", ()

    def as_mql_path(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        topics = self.topics()
        # The backend adds as_mql() to every expression.
        column = self.lhs.as_mql(compiler, connection)
        return {column: {self.mql_path_operator: topics}}


class About(TopicsLookup):
    """All of the topics; every memory when there are none to ask for."""

    lookup_name = "about"
    when_empty = FullResultSet
    postgresql_operator = "?&"
    mql_path_operator = "$all"

    def least(self, topics: list[str]) -> int:
        return len(topics)

    def as_mql_expr(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        topics = self.topics()
        return {"$setIsSubset": [{"$literal": topics}, self.lhs.as_mql(compiler, connection, as_expr=True)]}


class AboutAny(TopicsLookup):
    """At least one of the topics; no memory when there are none to ask for."""

    lookup_name = "about_any"
    when_empty = EmptyResultSet
    postgresql_operator = "?|"
    mql_path_operator = "$in"

    def least(self, topics: list[str]) -> int:
        return 1

    def as_mql_expr(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        topics = self.topics()
        shared = {"$setIntersection": [{"$literal": topics}, self.lhs.as_mql(compiler, connection, as_expr=True)]}
        return {"$gt": [{"$size": shared}, 0]}


def is_of_one_owner(where: WhereNode) -> bool:
    """Tell whether a condition holds for the memories of one person alone."""
    if where.connector != AND or where.negated:
        return False
    return any(
        is_of_one_owner(child) if isinstance(child, WhereNode) else isinstance(child, Exact) and _is_owner(child.lhs)
        for child in where.children
    )


def _is_owner(expression: object) -> bool:
    return isinstance(expression, Col) and expression.target.name == "user_id"


class FewerTopics(_Lookup):
    """Fewer topics than a number."""

    lookup_name = "fewer_than"

    def get_prep_lookup(self) -> int:
        return int(self.rhs)

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Sql:
        # JSON_ARRAY_LENGTH and the like: no two databases call it alike.
        raise NotSupportedError(
            f"FewerTopics is not written for {connection.vendor}: "
            f"give agno_memory.db.lookups.FewerTopics an as_{connection.vendor}() method."
        )

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        lhs, params = self.process_lhs(compiler, connection)
        return f"json_array_length({lhs}) < {self.rhs:d}", tuple(params)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        lhs, params = self.process_lhs(compiler, connection)
        return f"jsonb_array_length({lhs}) < {self.rhs:d}", tuple(params)

    def as_mql_expr(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        return {"$lt": [{"$size": self.lhs.as_mql(compiler, connection, as_expr=True)}, self.rhs]}


class FoldedContains(Contains):
    """Text that occurs in folded text. SQLite's LIKE takes all characters that are none for one; INSTR() does not."""

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        return f"INSTR({lhs}, %s) > 0", (*lhs_params, self.rhs)
