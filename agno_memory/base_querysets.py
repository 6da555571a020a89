"""Bases of the querysets: rows on a database that may be lost, rows that one statement deletes, rows of an owner."""

from __future__ import annotations

from typing import Self, TypeVar

from django.db import models, transaction

from agno_memory.db.connections import connection_to
from agno_memory.identifiers import owner_id

Row = TypeVar("Row", bound=models.Model)


class ErasableQuerySet(models.QuerySet[Row]):
    """Rows that one statement can delete."""

    @property
    def db(self) -> str:
        """The alias of the database. Each statement asks for it, so a lost connection is dropped here."""
        return connection_to(super().db).alias

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
