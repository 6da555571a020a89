"""``BulkMemory``: the verbs of staff on many memories of many owners."""

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
from agno_memory.signals import announce, announce_batch, memory_added, memory_deleted, memory_replaced
from agno_memory.validators import canonical_topics, check, limit_topics, owner_id

Batch = list[UserMemory]
# Writes the rows of a queryset.
Write = Callable[[UserMemoryQuerySet], object]

DELETE_MANY: Final = DeleteMany()
ORDER: Final[Order] = "created_at"


class BulkMemory:
    """Verbs on many memories of many owners.

    Each verb writes in batches of ``BATCH_SIZE``: 100,000 memories are neither loaded at once nor written one by one. A
    batch is all or nothing if the database has transactions. If a verb is interrupted, the batches before are written;
    to write the rest, call it again. Every statement repeats the conditions of the rows, so a memory that no longer
    meets them is not written.

    **The caller checks permissions**: these verbs cross owners. For one person's own memories, use ``Memory``.

    Args:
        rows: the memories; neither a slice nor a union.
        on_batch: called after each batch with its memories, of which only ``memory_id``, ``user_id`` (the owner before)
            and ``created_at`` are loaded.

    Raises:
        TypeError: a slice or a union.
    """

    def __init__(self, rows: UserMemoryQuerySet, on_batch: Callable[[Batch], object] | None = None) -> None:
        if rows.query.is_sliced or rows.query.combinator:
            raise TypeError("BulkMemory takes neither a slice nor a union: it would write more rows than they have.")
        # Keep the alias of using(); otherwise write to the router's database for writes.
        self.rows = rows.using(getattr(rows, "_db", None) or router.db_for_write(rows.model))
        self._on_batch = on_batch

    def add_topic(self, topic: str) -> int:
        """Add a topic to the memories, and return the number of memories that were written.

        Memories that have the topic already, or ``MAX_TOPICS`` others, do not change.

        Raises:
            ValidationError: an invalid topic; nothing was written.
        """
        topic = _canonical(topic)
        rows = self.rows.exclude(topics__about=[topic]).filter(topics__fewer_than=conf.MAX_TOPICS)
        return self._update_topics(rows, TopicsWith("topics", topic))

    def remove_topic(self, topic: str) -> int:
        """Remove a topic from the memories, and return the number of memories that were written.

        Raises:
            ValidationError: an invalid topic; nothing was written.
        """
        topic = _canonical(topic)
        return self._update_topics(self.rows.about(topic), TopicsWithout("topics", topic))

    def reassign(self, user: object) -> int:
        """Give the memories to another owner, and return the number of memories that were written.

        Memories that this owner has already do not change. The others are announced as deleted for the owner before
        and as added for the new one.

        Args:
            user: the new owner: a string, an int, a Django user, or ``None`` for ``DEFAULT_USER_ID``.

        Raises:
            ValidationError: an invalid owner; nothing was written.
        """
        owner = owner_id(user)

        def announce_move(batch: Batch) -> None:
            announce_batch(memory_deleted, batch, using=self.rows.db)
            announce(memory_added, UserMemory, owner, [memory.memory_id for memory in batch], using=self.rows.db)

        return self._each(self.rows.exclude(user_id=owner), lambda batch: batch.update(user_id=owner), announce_move)

    def delete(self) -> int:
        """Delete the memories and return their number."""
        return self._each(self.rows, DELETE_MANY.run, self._announce_deleted)

    def _update_topics(self, rows: UserMemoryQuerySet, topics: TopicsWith | TopicsWithout) -> int:
        return self._each(rows, lambda batch: batch.update(topics=topics), self._announce_replaced)

    def _each(self, rows: UserMemoryQuerySet, write: Write, announce_written: Callable[[Batch], object]) -> int:
        """Write all rows, a batch at a time, and return their number."""
        # No write changes this order, and an index serves it for one owner's memories as well as for all.
        rows = rows.sorted_by(ORDER).only("memory_id", "user_id", "created_at")
        count, left = 0, rows
        while batch := all_or_nothing(rows.db, lambda left=left: _write_next(left, write)):  # type: ignore[misc]
            count, left = count + len(batch), rows.after(batch[-1], ORDER)
            announce_written(batch)
            if self._on_batch:
                self._on_batch(batch)
        return count

    def _announce_replaced(self, batch: Batch) -> None:
        announce_batch(memory_replaced, batch, using=self.rows.db)

    def _announce_deleted(self, batch: Batch) -> None:
        announce_batch(memory_deleted, batch, using=self.rows.db)


def _write_next(rows: UserMemoryQuerySet, write: Write) -> Batch:
    """Write the first batch of the rows and return it."""
    # Locked, if the database has row locks: the rows that are returned are the ones that were written.
    batch = list(rows.select_for_update()[: conf.BATCH_SIZE])
    if batch:
        write(rows.order_by().filter(memory_id__in=[memory.memory_id for memory in batch]))
    return batch


def _canonical(topic: object) -> str:
    """Return a topic in its canonical form; raises ValidationError."""
    topics = [topic]
    check("topic", topics, lambda value: limit_topics(canonical_topics(value)))
    return canonical_topics(topics)[0]
