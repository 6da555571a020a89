"""Bases of the querysets: rows on a database that may be lost, rows that one statement deletes, rows of an owner."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Self, TypeVar

from django.db import models, transaction

from agno_memory import replicas
from agno_memory.db.connections import connected_to, connection_to
from agno_memory.db.guarded import GuardedRawQuery, run_on
from agno_memory.db.readable import ReadableQuery
from agno_memory.identifiers import owner_id

Row = TypeVar("Row", bound=models.Model)
Result = TypeVar("Result")


class GuardedQuerySet(models.QuerySet[Row]):
    """Rows whose statements run through the gate of ``db.guarded``.

    Those that another program wrote are read as far as they can be.
    """

    def __init__(self, model: Any = None, query: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(model, query or ReadableQuery(model), *args, **kwargs)

    @property
    def db(self) -> str:
        """The alias of the database. Each statement asks for it, so a lost connection is dropped here."""
        own: Any = self
        choose = replicas.write_alias if self._for_write else replicas.read_alias
        alias: str = own._db or choose(self.model, **own._hints)
        # Django begins a transaction for some writes.
        return (connected_to if self._for_write else connection_to)(alias).alias

    # Reads that depend on nothing before them are repeated on the primary.

    def _fetch_all(self) -> None:
        own: Any = self
        # Django calls this at each use of a result, also after it was read.
        if own._result_cache is None or own._prefetch_related_lookups:
            self._falling_back(super()._fetch_all)

    def count(self) -> int:
        return self._falling_back(super().count)

    def exists(self) -> bool:
        return self._falling_back(super().exists)

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return self._falling_back(partial(super().aggregate, *args, **kwargs))

    def read(self, read: Callable[[], Result]) -> Result:
        """Return the result of a function that reads these rows by a cursor; see ``_falling_back()``."""
        return self._falling_back(lambda: run_on(self.db, read))

    # It is not a question about rows, so managers do not have it.
    read.queryset_only = True  # type: ignore[attr-defined]

    def _falling_back(self, read: Callable[[], Result]) -> Result:
        """Return the result of a function that reads these rows.

        It is called once more, to read from the primary, if the router chose a replica and the connection is lost.
        """
        own: Any = self
        if own._db or self._for_write:
            return read()
        return replicas.reading(lambda: self.db, lambda _alias: read())

    # Django makes these queries by itself.

    def raw(self, *args: Any, **kwargs: Any) -> Any:
        rows: Any = super().raw(*args, **kwargs)
        rows.query = GuardedRawQuery(rows.query.sql, rows.query.using, rows.query.params)
        return rows

    def _insert(self, *args: Any, using: str | None = None, **kwargs: Any) -> Any:
        self._for_write = True
        alias = using or self.db
        insert: Callable[..., Any] = super()._insert  # type: ignore[misc]
        return run_on(alias, partial(insert, *args, using=alias, **kwargs))

    _insert.alters_data = True  # type: ignore[attr-defined]
    _insert.queryset_only = False  # type: ignore[attr-defined]

    def _raw_delete(self, using: str | None) -> int:
        return run_on(using or self.db, partial(super()._raw_delete, using))

    _raw_delete.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        self._for_write = True
        return run_on(self.db, super().delete)

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


class ErasableQuerySet(GuardedQuerySet[Row]):
    """Rows that one statement can delete."""

    def erase(self) -> int:
        """Delete these rows in one statement, and return their number.

        Loads no row and follows no cascade, so ``pre_delete`` and ``post_delete`` are not sent.

        Raises:
            TypeError: a slice or a union.
        """
        if self.query.is_sliced or self.query.combinator:
            raise TypeError("erase() takes neither a slice nor a union: it would delete more rows than they have.")
        self._for_write = True
        with transaction.mark_for_rollback_on_error(using=self.db):
            return int(self._raw_delete(self.db) or 0)

    erase.alters_data = True  # type: ignore[attr-defined]
    # As with delete(), a manager without a filter must not have it.
    erase.queryset_only = True  # type: ignore[attr-defined]


class OwnedQuerySet(ErasableQuerySet[Row]):
    """Rows that belong to users, by their field ``user_id``."""

    def for_user(self, user: object) -> Self:
        """Narrow to the rows of one user.

        Args:
            user: a string, an int, a Django user, or None for the user named by ``DEFAULT_USER_ID``.

        Raises:
            ValidationError: an anonymous user, or a value that is not a user.
        """
        return self.filter(user_id=owner_id(user))
