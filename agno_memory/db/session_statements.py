"""The statements on sessions and runs that each turn of an agent needs, compiled once; see ``statements``."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Any, cast

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model, Q, QuerySet
from django.db.models.sql import Query

from agno_memory.db import mongodb
from agno_memory.db.compiled import Values, bind, sql_of
from agno_memory.db.statements import Change, Select, Statement, Upsert, ValueOf
from agno_memory.db.transactions import has_transactions
from agno_memory.scopes import ANYONE, NO_USER, UserScope

# A scope of sessions: those of the user in the values of the call, or one of ``UserScope``.
Scope = UserScope | None


class OfUser:
    """Mixin of statements with the condition ``session_id``: on that session, if it belongs to a user.

    Args:
        scope: None for the session of the user of each call.
    """

    def __init__(self, *args: Any, scope: Scope, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scope = scope

    def rows(self, model: type[Model], alias: str, value: ValueOf) -> QuerySet[Any]:
        rows = model._base_manager.using(alias).filter(session_id=value("session_id"))
        return rows if self.scope is ANYONE else rows.filter(self.owner(value))

    def owner(self, value: ValueOf) -> Q:
        return Q(user_id=None if self.scope is NO_USER else value("user_id"))


class Writable(OfUser):
    """Mixin of statements on the session with an id, if a user may write it: it is theirs or has no user."""

    def owner(self, value: ValueOf) -> Q:
        return Q(user_id=None) if self.scope is NO_USER else super().owner(value) | Q(user_id=None)


class SelectSession(OfUser, Select):
    """Return the session, or None."""


class UpsertSession(Writable, Upsert):
    """Change the session, or add it if the database can do both in one statement. Returns None if it did neither."""


class Write(Change[bool]):
    """Change the row, and return whether it exists."""

    def as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> bool:
        sql = self.compiled(model, connection, sql_of)
        with connection.cursor() as cursor:
            cursor.execute(sql.text, sql.bind(values, connection))
            return bool(cursor.rowcount)

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> bool:
        query_filter, changes = bind(self.compiled(model, connection, mongodb.update_of), values, connection)
        return mongodb.set_values(model, connection, query_filter, changes)


class Outcome(Enum):
    """The outcome of ``Put``."""

    CHANGED = auto()
    ADDED = auto()
    MISSING = auto()


class Put(Change[Outcome]):
    """Change the row, or add it if the database can do both in one statement; otherwise it stays missing."""

    def as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Outcome:
        sql = self.compiled(model, connection, sql_of)
        with connection.cursor() as cursor:
            cursor.execute(sql.text, sql.bind(values, connection))
            return Outcome.CHANGED if cursor.rowcount else Outcome.MISSING

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> Outcome:
        query_filter, changes = bind(self.compiled(model, connection, mongodb.update_of), values, connection)
        is_added = mongodb.put(model, connection, query_filter, changes, values)
        return Outcome.ADDED if is_added else Outcome.CHANGED


class TouchSession(Writable, Write):
    """Change a time of the session and its version, and return whether it exists. The caller then writes a run."""

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> bool:
        query_filter, changes = bind(self.compiled(model, connection, mongodb.update_of), values, connection)
        is_followed = not has_transactions(connection)
        return mongodb.set_values(model, connection, query_filter, changes, is_followed=is_followed)


class SelectColumns(Statement[list[Sequence[Any]]]):
    """Return columns of the rows in which some fields have the values of the call, as the driver returns them.

    Args:
        conditions: the names of the fields.
        columns: names of fields.
        order: names of fields, ascending.
    """

    def __init__(self, *conditions: str, columns: Sequence[str], order: Sequence[str]) -> None:
        super().__init__()
        self.conditions, self.columns, self.order = conditions, columns, order

    def build(self, model: type[Model], alias: str, value: ValueOf) -> Query:
        rows = model._base_manager.using(alias).filter(**{name: value(name) for name in self.conditions})
        return rows.order_by(*self.order).values_list(*self.columns).query

    def as_sql(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> list[Sequence[Any]]:
        sql = self.compiled(model, connection, sql_of)
        with connection.cursor() as cursor:
            cursor.execute(sql.text, sql.bind(values, connection))
            rows: list[Sequence[Any]] = cursor.fetchall()
        return rows

    def as_mongodb(self, model: type[Model], connection: BaseDatabaseWrapper, values: Values) -> list[Sequence[Any]]:
        query_filter = bind(self.compiled(model, connection, mongodb.filter_of), values, connection)
        order = [(column, 1) for column in _columns(model, self.order)]
        return mongodb.find(model, connection, query_filter, _columns(model, self.columns), order, None)


def _columns(model: type[Model], names: Sequence[str]) -> list[str]:
    return [str(cast("Field[Any, Any]", model._meta.get_field(name)).column) for name in names]
