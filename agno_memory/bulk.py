"""``Curation``: what staff do to many memories at once, whoever owns them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.db import router

from agno_memory.conf import conf
from agno_memory.db.expressions import TopicsWith, TopicsWithout
from agno_memory.db.keyset import Order
from agno_memory.db.statements import DeleteMany
from agno_memory.db.transactions import all_or_nothing
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.signals import announce, memory_added, memory_deleted, memory_replaced
from agno_memory.validators import canonical_topics, check, limit_topics, owner_id

Written = list[UserMemory]
# Writes what a queryset finds.
Write = Callable[[UserMemoryQuerySet], object]

DELETE_MANY: Final = DeleteMany()
ORDER: Final[Order] = "created_at"


class BulkMemory:
    """The verbs for many memories of many owners.

    Each goes through what it is given in batches of ``BATCH_SIZE``: 100,000 memories are neither loaded at once nor
    written one by one. A batch is all or nothing where the database has transactions; what ends in between has done
    the batches before, and doing it again does the rest. Every statement repeats the conditions of the rows, so a
    memory that meets them no longer is left alone.

    **It does not check who asks**, and it crosses owners: for one person's own memories there is ``Memory``.

    Args:
        rows: which memories; neither a slice nor a union.
        on_batch: called after each batch with the memories it wrote, of which only ``memory_id``, ``user_id``
            (the owner before) and ``created_at`` are loaded.
    """

    def __init__(self, rows: UserMemoryQuerySet, on_batch: Callable[[Written], object] | None = None) -> None:
        if rows.query.is_sliced or rows.query.combinator:
            raise TypeError("Curation takes neither a slice nor a union: it would write more than they show.")
        # What names its database keeps it; what the router read from is written where writes go.
        self.rows = rows.using(getattr(rows, "_db", None) or router.db_for_write(rows.model))
        self._on_batch = on_batch

    def add_topic(self, topic: str) -> int:
        """Give the memories one more topic, and return how many have got it.

        Those that have it already, or as many topics as a memory may have, stay as they are.

        Raises:
            ValidationError: no good topic; nothing was written.
        """
        topic = _canonical(topic)
        rows = self.rows.exclude(topics__about=[topic]).filter(topics__fewer_than=conf.MAX_TOPICS)
        return self._each(rows, lambda batch: batch.update(topics=TopicsWith("topics", topic)), self._replaced)

    def remove_topic(self, topic: str) -> int:
        """Take a topic from the memories, and return from how many.

        Raises:
            ValidationError: no good topic; nothing was written.
        """
        topic = _canonical(topic)
        rows = self.rows.about(topic)
        return self._each(rows, lambda batch: batch.update(topics=TopicsWithout("topics", topic)), self._replaced)

    def reassign(self, user: object) -> int:
        """Give the memories to another owner, and return how many were somebody else's before.

        To receivers of signals it is a deletion from one owner and an addition to the other.

        Args:
            user: the owner to be: a string, an int, a Django user, or ``None`` for ``DEFAULT_USER_ID``.

        Raises:
            ValidationError: no good owner; nothing was written.
        """
        owner = owner_id(user)

        def moved(batch: Written) -> None:
            self._deleted(batch)
            announce(memory_added, UserMemory, owner, [memory.memory_id for memory in batch], using=self.rows.db)

        return self._each(self.rows.exclude(user_id=owner), lambda batch: batch.update(user_id=owner), moved)

    def delete(self) -> int:
        """Delete the memories and return how many that were."""
        return self._each(self.rows, DELETE_MANY.run, self._deleted)

    def _each(self, rows: UserMemoryQuerySet, write: Write, tell: Callable[[Written], object]) -> int:
        """Write all rows, a batch at a time, and return how many there were."""
        # In an order that no write moves, and that an index has for one person's memories as well as for everybody's.
        rows = rows.sorted_by(ORDER).only("memory_id", "user_id", "created_at")
        count, left = 0, rows
        while batch := all_or_nothing(rows.db, lambda left=left: _write_next(left, write)):  # type: ignore[misc]
            count, left = count + len(batch), rows.after(batch[-1], ORDER)
            tell(batch)
            if self._on_batch:
                self._on_batch(batch)
        return count

    def _replaced(self, batch: Written) -> None:
        for owner, memory_ids in _by_owner(batch).items():
            announce(memory_replaced, UserMemory, owner, memory_ids, using=self.rows.db)

    def _deleted(self, batch: Written) -> None:
        for owner, memory_ids in _by_owner(batch).items():
            announce(memory_deleted, UserMemory, owner, memory_ids, using=self.rows.db)


def _write_next(rows: UserMemoryQuerySet, write: Write) -> Written:
    """Write the first batch of these and return it."""
    # Locked where rows can be: what is returned is what was written.
    batch = list(rows.select_for_update()[: conf.BATCH_SIZE])
    if batch:
        write(rows.order_by().filter(memory_id__in=[memory.memory_id for memory in batch]))
    return batch


def _by_owner(batch: Written) -> dict[str, list[str]]:
    owners: dict[str, list[str]] = {}
    for memory in batch:
        owners.setdefault(memory.user_id, []).append(memory.memory_id)
    return owners


def _canonical(topic: object) -> str:
    """Return one topic in the form that is stored."""
    topics = [topic]
    check("topic", topics, lambda value: limit_topics(canonical_topics(value)))
    return canonical_topics(topics)[0]
