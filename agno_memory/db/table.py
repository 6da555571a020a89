"""The table of a model in the database that an alias, a handle or the router names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from django.db.models import Model, QuerySet

from agno_memory import replicas
from agno_memory.base_querysets import OwnedQuerySet
from agno_memory.db import MemoryDb

OwnedRows = TypeVar("OwnedRows", bound=OwnedQuerySet[Any])
Result = TypeVar("Result")


class Table(Generic[OwnedRows]):
    """A model's rows and their database.

    Args:
        model: the model of the rows. A handle has a model of its own, which takes its place.
        db: an alias of ``DATABASES``, a handle, or None for the router's choice.
    """

    def __init__(self, model: type[Model], db: str | MemoryDb | None = None) -> None:
        self.db = db
        self.model: Any = db.model if isinstance(db, MemoryDb) else model

    @property
    def read_alias(self) -> str:
        """The alias of the database to read from."""
        return self._alias or replicas.read_alias(self.model)

    @property
    def write_alias(self) -> str:
        """The alias of the database to write to."""
        return self._alias or replicas.write_alias(self.model)

    @property
    def _alias(self) -> str | None:
        if not isinstance(self.db, MemoryDb):
            return self.db
        # The table of a handle is created on first use.
        self.db.create()
        return self.db.alias

    def rows(self) -> OwnedRows:
        """Return all rows, to read. Without an alias or a handle, the router chooses when they are read."""
        return self._rows_on(self._alias)

    def read(self, read: Callable[[str], Result]) -> Result:
        """Return the result of a function that reads from an alias, and falls back to the primary."""
        alias = self._alias
        return replicas.reading(lambda: self.read_alias, read) if alias is None else read(alias)

    def rows_to_write(self) -> OwnedRows:
        """Return all rows, on the database to write to."""
        return self._rows_on(self.write_alias)

    def _rows_on(self, alias: str | None) -> OwnedRows:
        rows: QuerySet[Any] = self.model._default_manager.using(alias)
        return cast("OwnedRows", rows)
