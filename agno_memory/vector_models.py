"""``MemoryVector``: the vectors of embedding models. ``models`` imports it, as Django asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from agno_memory.base_models import GuardedModel
from agno_memory.fields import CompositeKeyField, IdentifierField
from agno_memory.vector_querysets import VectorQuerySet

if TYPE_CHECKING:
    # As in models.
    class MemoryVectorManager(VectorQuerySet, models.Manager["MemoryVector"]):  # type: ignore[misc]
        """The manager of vectors."""


class MemoryVector(GuardedModel):
    """The vector that an embedding model made of a memory's text. It is deleted with the memory.

    In a table of its own, so that lists do not read it. ``search.vectors`` defines the format.
    """

    key = CompositeKeyField("key", of=("memory_key", "model"))
    memory_key = models.CharField(max_length=32)
    user_id = IdentifierField()
    model = models.CharField(max_length=255)
    # Of the text that the vector was made of: another one makes it outdated.
    text_hash = models.CharField(max_length=32)
    dims = models.PositiveIntegerField()
    # The vector of length 1: each byte is a whole number from -127 to 127, times the scale.
    scale = models.FloatField()
    data = models.BinaryField()

    objects: ClassVar[MemoryVectorManager] = VectorQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        indexes = (
            models.Index(fields=["user_id", "model", "memory_key"], name="agno_vector_user_model"),
            models.Index(fields=["user_id", "memory_key"], name="agno_vector_user_memory"),
        )

    def __str__(self) -> str:
        return str(self.key)
