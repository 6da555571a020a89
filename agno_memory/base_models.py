"""``GuardedModel``: the base of all models of this app."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any, ClassVar

from django.db import models, router

from agno_memory.base_querysets import GuardedQuerySet
from agno_memory.db.connections import connection_to
from agno_memory.db.guarded import run_on


class GuardedModel(models.Model):
    """A model whose statements run through the gate of ``db.guarded``, also those of instances."""

    objects: ClassVar[models.Manager[Any]] = GuardedQuerySet.as_manager()

    class Meta:
        abstract = True
        # For save(), refresh_from_db(), foreign keys and cascades. Models inherit it, migrations do not know it.
        base_manager_name = "objects"

    def delete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        # Django deletes an instance by a query of its own.
        alias = using or router.db_for_write(type(self), instance=self)
        return run_on(alias, partial(super().delete, using=alias, keep_parents=keep_parents))

    delete.alters_data = True  # type: ignore[attr-defined]

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        # Django checks a condition by a query of its own.
        connection_to(router.db_for_write(type(self), instance=self))
        super().validate_constraints(exclude)
