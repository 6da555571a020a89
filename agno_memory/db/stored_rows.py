"""``StoredRows``: the part of ``Store`` that additions of one memory and of many share: stamps, and refused rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from django.db import DatabaseError
from django.db.models import F, Field

from agno_memory.batches import batched
from agno_memory.cleaning import field_named
from agno_memory.conf import conf
from agno_memory.db import MemoryDb
from agno_memory.db.errors import clashing_keys
from agno_memory.db.rows import with_read_fields
from agno_memory.db.table import Table
from agno_memory.exceptions import MemoryExists
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.signals import by_owner
from agno_memory.times import now

KEY: Any = UserMemory._meta.pk
TEXT_KEY: Any = field_named("text_key")


class StoredRows(Table[UserMemoryQuerySet]):
    """The memories of one database.

    Args:
        db: as of ``Memory``.
        model: of the rows, if the alias of a handle is given instead of the handle.
    """

    def __init__(self, db: str | MemoryDb | None, model: type[UserMemory] = UserMemory) -> None:
        super().__init__(model, db)

    def stamp(self, candidate: UserMemory) -> None:
        """Let the fields set the values that a new row starts with."""
        for pre_save in _pre_saves(self.model):
            pre_save(candidate, add=True)

    def values_of(self, candidate: UserMemory) -> dict[str, Any]:
        """Return the values of all fields by the names of their attributes."""
        return {field.attname: getattr(candidate, field.attname) for field in self.model._meta.concrete_fields}

    def refuse_taken(self, candidates: Iterable[UserMemory], error: Exception | None = None) -> None:
        """Raise MemoryExists if the owners of these memories use some of their ids already.

        Memories that have expired do not count: they are removed, so that another attempt succeeds.
        """
        candidates = list(candidates)
        ids = {candidate.key: candidate.memory_id for candidate in candidates}
        try:
            taken = self._taken_keys(candidates)
        except DatabaseError:
            if error is None:
                raise
            # The failed write broke the transaction: only its error can still name the keys.
            taken = set(clashing_keys(error))
        if taken:
            raise MemoryExists([memory_id for key, memory_id in ids.items() if key in taken]) from error

    def _taken_keys(self, candidates: Iterable[UserMemory]) -> set[str]:
        """Return those of the candidates' keys that exist, asked owner by owner. Expired memories are removed."""
        taken: set[str] = set()
        moment = now()
        for owner, keys in by_owner((candidate.user_id, candidate.key) for candidate in candidates).items():
            owned = self.rows_to_write().filter(user_id=owner)
            for batch in batched(keys, conf.BATCH_SIZE):
                found = dict(owned.filter(key__in=batch).values_list("key", "expires_at"))
                expired = [key for key, expires_at in found.items() if expires_at is not None and expires_at <= moment]
                if expired:
                    owned.expire(owner, expired)
                    # Another program may have written something else than a time, which reads as an early one.
                    stay = owned.filter(key__in=expired).values_list("key", flat=True)
                    expired = sorted(set(expired) - set(stay))
                taken.update(found.keys() - set(expired))
        return taken

    def known_texts(self, candidates: Iterable[UserMemory], owner: str) -> dict[str | None, UserMemory]:
        """Return the memories with the texts of candidates, by ``text_key``: those that the owner has, and the first
        one of several candidates with the same text. Empty if ``ON_DUPLICATE`` allows them.

        Memories that have expired are removed, so that their texts are free.
        """
        by_text: dict[str | None, list[UserMemory]] = {}
        for candidate in candidates:
            by_text.setdefault(candidate.text_key, []).append(candidate)
        by_text.pop(None, None)
        owned, moment = self.rows_to_write().filter(user_id=owner), now()
        known = {key: same[0] for key, same in by_text.items() if len(same) > 1}
        for batch in batched([key for key in by_text if key], conf.BATCH_SIZE):
            found = list(with_read_fields(owned.filter(text_key__in=batch)).annotate(known=F("text_key")))
            expired = [memory.key for memory in found if memory.has_expired(moment)]
            if expired:
                owned.expire(owner, expired)
            known |= {vars(memory).pop("known"): memory for memory in found if memory.key not in expired}
        return known


@cache
def _pre_saves(model: type[UserMemory]) -> list[Callable[..., Any]]:
    """Return the methods ``pre_save()`` that do more than to return the value of an instance."""
    fields = model._meta.concrete_fields
    return [field.pre_save for field in fields if type(field).pre_save is not Field.pre_save]


def keys_of(owner: str, memory_ids: Iterable[str]) -> list[str]:
    return [KEY.digest(owner, memory_id) for memory_id in memory_ids]


def saved(candidate: UserMemory, alias: str) -> UserMemory:
    """Mark a memory as saved in a database."""
    candidate._state.adding = False
    candidate._state.db = alias
    return candidate
