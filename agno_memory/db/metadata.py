"""The lookup of metadata: ``metadata__has={"plan": ["pro"]}``, one method per database."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import FullResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Lookup
from django.db.models.sql.compiler import SQLCompiler

from agno_memory.db.dispatch import not_written_for

if TYPE_CHECKING:
    # Generic for the type checker alone.
    _Lookup = Lookup[Any]
else:
    _Lookup = Lookup

Sql = tuple[str, tuple[Any, ...]]
Scalar = str | int | float | bool | None

# The types of SQLite's json_each() for the Python types that they hold.
SQLITE_TYPES: Final = {str: "'text'", int: "'integer', 'real'", float: "'integer', 'real'"}
SQLITE_CONSTANTS: Final = {True: "'true'", False: "'false'", None: "'null'"}


class HasMetadata(_Lookup):
    """Memories with some values under keys of their metadata.

    The value is a dictionary: for each key, a list of accepted values (text, numbers, true, false, null). Dots, quotes
    and dollar signs in a key are plain characters. No index serves it, so narrow to an owner.
    """

    lookup_name = "has"
    prepare_rhs = False

    def accepted(self) -> dict[str, list[Scalar]]:
        """Return the accepted values by key."""
        if not self.rhs:
            raise FullResultSet
        return dict(self.rhs)

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Sql:
        self.accepted()
        raise not_written_for(self, connection)

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        conditions, params = [], []
        for key, values in self.accepted().items():
            matches = [_sqlite_match(value) for value in values]
            either = " OR ".join(text for text, _params in matches)
            # Only names of columns and constants are formatted into the text, never a value.
            conditions.append(f"EXISTS (SELECT 1 FROM json_each({lhs}) AS e WHERE e.key = %s AND ({either}))")  # noqa: S608
            params += [*lhs_params, key, *(param for _text, each in matches for param in each)]
        return f"({' AND '.join(conditions)})", tuple(params)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Sql:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        conditions, params = [], []
        for key, values in self.accepted().items():
            places = ", ".join(["%s::jsonb"] * len(values))
            conditions.append(f"({lhs} -> %s::text) IN ({places})")
            params += [*lhs_params, key, *map(json.dumps, values)]
        return f"({' AND '.join(conditions)})", tuple(params)

    def as_mql_expr(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        # The backend adds the method as_mql() to every expression.
        column = self.lhs.as_mql(compiler, connection, as_expr=True)
        return {"$and": [_mql_match(column, key, values) for key, values in self.accepted().items()]}


def _sqlite_match(value: Scalar) -> tuple[str, list[Scalar]]:
    if value is None or isinstance(value, bool):
        return f"e.type = {SQLITE_CONSTANTS[value]}", []
    return f"(e.type IN ({SQLITE_TYPES[type(value)]}) AND e.value = %s)", [value]


def _mql_match(column: Any, key: str, values: list[Scalar]) -> dict[str, Any]:
    stored = {"$getField": {"field": {"$literal": key}, "input": column}}
    return {"$or": [{"$eq": [stored, {"$literal": value}]} for value in values]}
