"""``ReadableModel``: the base of the models of agents' rows, which other programs may have written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agno_memory.base_models import GuardedModel
from agno_memory.db import damaged


class ReadableModel(GuardedModel):
    """A row of which ``save()`` leaves the values that cannot be read as they are stored."""

    class Meta(GuardedModel.Meta):
        abstract = True

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Save as any model; damaged values stay as they are stored.

        Raises:
            DatabaseError: the row does not exist any more, or its primary key is damaged.
        """
        if not self._state.adding and (kept := set(self.damaged_fields)):
            deferred = self.get_deferred_fields()
            every = [field.name for field in self._meta.concrete_fields if field.attname not in deferred]
            names = every if update_fields is None else update_fields
            update_fields = [name for name in names if name not in kept and name != self._meta.pk.name]
        super().save(*args, update_fields=update_fields, **kwargs)

    save.alters_data = True  # type: ignore[attr-defined]

    @property
    def damaged_fields(self) -> list[str]:
        """The names of the fields with values that cannot be read as stored, because another program wrote them."""
        return damaged.damaged_fields(self)
