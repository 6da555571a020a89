"""The gate of all statements of the ORM: each has a connection that is not lost, and errors of Django without content.

All methods of Django's querysets and models that run a statement, also those of later releases, end in the compiler of
a query. ``GuardedQuery`` guards that of each query that begins with a queryset. Where Django makes a query by itself,
the caller is inside ``run_on()``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial, wraps
from types import GeneratorType
from typing import Any, Final, TypeVar, cast

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql import Query, RawQuery
from django.db.models.sql.compiler import SQLCompiler

from agno_memory.db import mongodb, postgresql
from agno_memory.db.connections import connection_to
from agno_memory.db.dispatch import vendor_method
from agno_memory.db.errors import with_django_errors

Result = TypeVar("Result")

# The methods of compilers that run a statement. Django 5.2 has no execute_returning_sql().
EXECUTING: Final = ("execute_sql", "execute_returning_sql", "explain_query")
# The end of an iterator.
END: Final = object()


def run_on(alias: str, statement: Callable[[], Result]) -> Result:
    """Return the result of a function that runs statements on a database, with Django's errors.

    Args:
        alias: of the database. If the connection of this thread to it was lost, it connects again.
        statement: runs them.
    """
    return with_django_errors(connection_to(alias), statement)


class GuardedQuery(Query):
    """A query that runs through the gate, and so do the updates and deletions that are made of it."""

    def get_compiler(
        self, using: str | None = None, connection: BaseDatabaseWrapper | None = None, elide_empty: bool = True
    ) -> SQLCompiler:
        if using:
            connection_to(using)
        compiler = super().get_compiler(using, connection, elide_empty)
        compiler.__class__ = _guarded_compiler(cast("Any", type(compiler)))
        return cast("SQLCompiler", compiler)

    def chain(self, klass: type[Query] | None = None) -> Query:
        return super().chain(_guarded_query(cast("Any", klass)) if klass else None)

    def get_aggregation(self, using: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        # Of some queries, Django makes one of another class.
        return run_on(using, partial(super().get_aggregation, using, *args, **kwargs))


class GuardedRawQuery(RawQuery):
    """A query of ``QuerySet.raw()`` that runs through the gate."""

    def clone(self, using: str) -> GuardedRawQuery:
        return GuardedRawQuery(self.sql, using, params=self.params)

    def _execute_query(self) -> None:
        execute: Callable[[], None] = super()._execute_query  # type: ignore[misc]
        run_on(self.using, execute)

    def __iter__(self) -> Iterator[Any]:
        return _steps(super().__iter__(), connection_to(self.using))


@cache
def _guarded_query(query: type[Query]) -> type[Query]:
    return query if issubclass(query, GuardedQuery) else type(query.__name__, (GuardedQuery, query), {})


@cache
def _guarded_compiler(compiler: type[SQLCompiler]) -> type[SQLCompiler]:
    methods = {name: _guarded(getattr(compiler, name)) for name in EXECUTING if hasattr(compiler, name)}
    return type(compiler.__name__, (compiler,), methods | mongodb.in_transactions(compiler))


class _Read:
    """Run a statement, and read its rows; one method per database."""

    def by_sql(self, connection: BaseDatabaseWrapper, run: Callable[[], Result], *, is_chunked: bool) -> Result:
        return run()

    def by_postgresql(self, connection: BaseDatabaseWrapper, run: Callable[[], Result], *, is_chunked: bool) -> Result:
        return postgresql.read_rows(connection, run, is_chunked=is_chunked)


READ: Final = _Read()


def _guarded(execute: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method of a compiler with Django's errors."""

    @wraps(execute)
    def guarded(compiler: Any, *args: Any, **kwargs: Any) -> Any:
        read = vendor_method(READ, compiler.connection, "by")
        run = partial(execute, compiler, *args, **kwargs)
        result = with_django_errors(
            compiler.connection, partial(read, compiler.connection, run, is_chunked=kwargs.get("chunked_fetch", False))
        )
        # It reads the rows while it is read itself, in chunks.
        return _steps(result, compiler.connection) if isinstance(result, GeneratorType) else result

    return guarded


def _steps(each: Iterator[Any], connection: BaseDatabaseWrapper) -> Iterator[Any]:
    """Yield from an iterator that reads from a connection."""
    step = partial(next, each, END)
    while (item := with_django_errors(connection, step)) is not END:
        yield item
