"""``BulkMemory``: the verbs of staff on many memories of many owners."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from agno_memory.acting import Author, current_author
from agno_memory.conf import conf
from agno_memory.db.expressions import TopicsWith, TopicsWithout
from agno_memory.db.keyset import Order
from agno_memory.db.store import Store
from agno_memory.db.transactions import all_or_nothing
from agno_memory.deleted_querysets import version_of
from agno_memory.exceptions import MemoryExists
from agno_memory.identifiers import owner_id
from agno_memory.keys import uuid7
from agno_memory.models import UserMemory
from agno_memory.names import CONTENT_FIELDS, MACHINE_WRITTEN
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.reassigning import move_versions
from agno_memory.replicas import write_alias
from agno_memory.retries import retry
from agno_memory.revision_models import MemoryRevision
from agno_memory.revision_querysets import EVENT
from agno_memory.search.stored_words import stored_words
from agno_memory.signals import announce, announce_batch, by_owner, memory_added, memory_deleted, memory_replaced
from agno_memory.times import now
from agno_memory.validators import canonical_topics, check, limit_topics

Batch = list[UserMemory]
# Writes the rows of one owner, which are also given as they were before, and returns the written ones.
Write = Callable[[UserMemoryQuerySet, Batch], Batch]

ORDER: Final[Order] = "created_at"
# The fields that are loaded of the memories of a batch.
LOADED: Final = ("key", "memory_id", "user_id", "created_at")


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
            and ``created_at`` are loaded; all fields after ``reassign()``.

    Raises:
        TypeError: a slice or a union.
    """

    def __init__(self, rows: UserMemoryQuerySet, on_batch: Callable[[Batch], object] | None = None) -> None:
        if rows.query.is_sliced or rows.query.combinator:
            raise TypeError("BulkMemory takes neither a slice nor a union: it would write more rows than they have.")
        if rows._moment is not None:
            raise TypeError("BulkMemory takes no rows of as_of(): memories of an earlier moment are read.")
        # Keep the alias of using(); otherwise write to the router's database for writes.
        self.rows = rows.using(getattr(rows, "_db", None) or write_alias(rows.model))
        self._on_batch = on_batch
        self._store = Store(self.rows.db, self.rows.model)
        # The ids that reassign() did not move, because the new owner uses them for other memories.
        self.conflicts: list[str] = []

    def add_topic(self, topic: str) -> int:
        """Add a topic to the memories, and return the number of memories that were written.

        Memories that have the topic already, or ``MAX_TOPICS`` others, do not change.

        Raises:
            ValidationError: an invalid topic; nothing was written.
        """
        topic = _canonical(topic)
        rows = self.rows.exclude(topics__about=[topic]).filter(topics__fewer_than=conf.MAX_TOPICS)
        return self._update_topics(rows, TopicsWith("topics", topic), lambda topics: [*topics, topic])

    def remove_topic(self, topic: str) -> int:
        """Remove a topic from the memories, and return the number of memories that were written.

        Raises:
            ValidationError: an invalid topic; nothing was written.
        """
        topic = _canonical(topic)
        return self._update_topics(
            self.rows.about(topic),
            TopicsWithout("topics", topic),
            lambda topics: [each for each in topics if each != topic],
        )

    def reassign(self, user: object, *, with_deleted: bool = False) -> int:
        """Give the memories to another owner, and return the number of memories that were moved.

        Each is added for the new owner and deleted for the owner before, with its version, its times and its history.
        The history gets an entry with the action ``"reassigned"``, which does not name the owner before.
        Memories that the new owner has already do not change. If the new owner uses the id for another memory, the
        memory stays where it is; ``conflicts`` has its id afterwards.

        Args:
            user: the new owner: a string, an int, a UUID, a Django user, or ``None`` for ``DEFAULT_USER_ID``.
            with_deleted: give also the deleted memories that had these ids before; otherwise they stay.

        Raises:
            ValidationError: an invalid owner; nothing was written.
        """
        owner = owner_id(user)
        self.conflicts = []

        def announce_move(batch: Batch) -> None:
            announce_batch(memory_deleted, batch, using=self.rows.db)
            announce(memory_added, UserMemory, owner, [memory.memory_id for memory in batch], using=self.rows.db)

        return self._each(self.rows.exclude(user_id=owner), partial(self._move, owner, with_deleted), announce_move)

    def _move(self, owner: str, with_deleted: bool, rows: UserMemoryQuerySet, loaded: Batch) -> Batch:
        """Move memories of one owner to another, and return those that were moved."""
        memories = _in_order(rows, [memory.key for memory in loaded])
        copies = {memory.memory_id: _copy_for(memory, owner) for memory in memories}
        present = self._store.rows_to_write().filter(user_id=owner, key__in=[copy.key for copy in copies.values()])
        # The same memory is there if an earlier call ended between the addition and the deletion.
        stored = {memory.memory_id: memory for memory in present}
        conflicts = {each for each, memory in stored.items() if _state(memory) != _state(copies[each])}
        self.conflicts += [memory.memory_id for memory in memories if memory.memory_id in conflicts]
        new = [copies[each] for each in copies if each not in stored]
        # First, so that an interrupted call loses no note.
        self._note_move(new)
        self._store.move_in(new, keep_version=True)
        moved = [memory for memory in memories if memory.memory_id not in conflicts]
        move_versions(self.rows.model.revisions(self.rows.db), moved, owner, with_deleted=with_deleted)
        # The vectors go too: the new owner's memories have other keys.
        for source, keys in _keys_by_owner(moved).items():
            rows.erase_returning(source, keys)
        return moved

    def _note_move(self, copies: Batch) -> None:
        """Note in the history of memories that they come from another owner: by whom, and not from whom."""
        if conf.HISTORY_DAYS:
            author, moment = current_author(), now()
            notes = [_note_of(memory, max(moment, memory.last_updated), author) for memory in copies]
            self.rows.model.revisions(self.rows.db).bulk_create(notes)

    def delete(self, *, permanently: bool = False) -> int:
        """Delete the memories and return their number.

        Args:
            permanently: keep no version of them. Otherwise they can be restored, for ``HISTORY_DAYS``.
        """
        return self._each(self.rows, _delete_permanently if permanently else _delete, self._announce_deleted)

    def _update_topics(
        self, rows: UserMemoryQuerySet, topics: TopicsWith | TopicsWithout, change: Callable[[list[str]], list[str]]
    ) -> int:
        """Set topics in the database, and the words of ranked searches, which follow them.

        Args:
            rows: the memories.
            topics: the expression for the topics.
            change: returns the same for the topics of one memory.
        """

        def write(owned: UserMemoryQuerySet, memories: Batch) -> Batch:
            terms = {each.key: stored_words(each.memory, change(_listed(each.topics))) for each in memories}
            moment = now()
            owned.keep("replaced", moment=moment)
            owned.update_topics(topics, terms, moment)
            return memories

        return self._each(rows, write, self._announce_replaced, loaded=(*LOADED, "memory", "topics"))

    def _each(
        self,
        rows: UserMemoryQuerySet,
        write: Write,
        announce_written: Callable[[Batch], object],
        loaded: Sequence[str] = LOADED,
    ) -> int:
        """Write all rows, a batch at a time, and return the number of written rows."""
        # No write changes this order, and an index serves it for one owner's memories as well as for all.
        rows = rows.sorted_by(ORDER)
        count, position = 0, None
        while batch := self._next(rows, position):
            attempts = partial(_write_batch, rows, batch, write, loaded)
            conflicts = list(self.conflicts)

            def attempt(work: Callable[[], Batch] = attempts, conflicts: list[str] = conflicts) -> Batch:
                self.conflicts = list(conflicts)
                return all_or_nothing(rows.db, work)

            # The new owner may use an id since it was looked up.
            written = retry(attempt, MemoryExists)
            count, position = count + len(written), batch[-1]
            announce_written(written)
            if self._on_batch:
                self._on_batch(written)
        return count

    @staticmethod
    def _next(rows: UserMemoryQuerySet, position: UserMemory | None) -> Batch:
        left = rows if position is None else rows.after(position, ORDER)
        return list(left.only(*LOADED)[: conf.BATCH_SIZE])

    def _announce_replaced(self, batch: Batch) -> None:
        announce_batch(memory_replaced, batch, using=self.rows.db)

    def _announce_deleted(self, batch: Batch) -> None:
        announce_batch(memory_deleted, batch, using=self.rows.db)


def _delete(rows: UserMemoryQuerySet, memories: Batch) -> Batch:
    """Delete memories of one owner, and keep their versions."""
    for owner, keys in _keys_by_owner(memories).items():
        rows.delete_kept(owner, keys)
    return memories


def _delete_permanently(rows: UserMemoryQuerySet, memories: Batch) -> Batch:
    """Delete memories of one owner, and their earlier versions."""
    for owner, keys in _keys_by_owner(memories).items():
        rows.erase_returning(owner, keys)
        rows.model.revisions(rows.db).filter(user_id=owner, memory_key__in=keys).erase()
    return memories


def _keys_by_owner(memories: Batch) -> dict[str, list[str]]:
    return by_owner((memory.user_id, memory.key) for memory in memories)


def _write_batch(rows: UserMemoryQuerySet, batch: Batch, write: Write, loaded: Sequence[str]) -> Batch:
    """Write a batch owner by owner, and return the written memories.

    A database that is distributed by owner refuses to lock the rows of several owners in one statement.
    """
    written: Batch = []
    for owner, keys in _keys_by_owner(batch).items():
        # Locked, if the database has row locks: the returned rows are the written ones.
        owned = rows.order_by().filter(user_id=owner, key__in=keys)
        locked = _in_order(owned.select_for_update().only(*loaded), keys)
        keys = [memory.key for memory in locked]
        written += write(rows.order_by().filter(user_id=owner, key__in=keys), locked) if locked else []
    return written


def _in_order(rows: UserMemoryQuerySet, keys: list[str]) -> Batch:
    """Return rows in the order of their keys: a database returns them in any order."""
    found = {memory.key: memory for memory in rows}
    return [found[key] for key in keys if key in found]


def _copy_for(memory: UserMemory, owner: str) -> UserMemory:
    """Return an unsaved copy of a memory for another owner."""
    values = {field.attname: getattr(memory, field.attname) for field in memory._meta.concrete_fields}
    key: Any = memory._meta.pk
    return type(memory)(**values | {"user_id": owner, "key": key.digest(owner, memory.memory_id)})


def _note_of(memory: UserMemory, moment: datetime.datetime, author: Author) -> MemoryRevision:
    """Return the event of a reassignment: of no length, so that the memory is at no moment there twice."""
    note = version_of(memory)
    note.key, note.version = f"{memory.key}-{uuid7()}", EVENT
    note.last_updated = note.valid_until = moment
    note.action, note.actor, note.through, note.reason = note.Action.REASSIGNED.value, *author
    return note


def _state(memory: UserMemory) -> list[Any]:
    return [getattr(memory, name) for name in (*CONTENT_FIELDS, *MACHINE_WRITTEN)]


def _canonical(topic: object) -> str:
    """Return a topic in its canonical form; raises ValidationError."""
    topics = [topic]
    check("topic", topics, lambda value: limit_topics(canonical_topics(value)))
    return canonical_topics(topics)[0]


def _listed(topics: Any) -> list[str]:
    """Return topics as a list: a row of another program may have something else."""
    return topics if isinstance(topics, list) else []
