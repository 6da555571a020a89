"""``Merging``: the verbs of ``Memory`` on memories that say the same, sync and async."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from agno_memory.cleaning import cleaned_memory
from agno_memory.db.transactions import all_or_nothing
from agno_memory.exceptions import MemoryChanged, MemoryNotFound
from agno_memory.history import History
from agno_memory.identifiers import Identifier, identifier, owner_id
from agno_memory.models import UserMemory
from agno_memory.search.duplicates import groups_of_duplicates
from agno_memory.services import async_twin
from agno_memory.signals import memory_deleted, memory_replaced
from agno_memory.validators import check, items, refusal, validate_limit


class Merging(History):
    """Base of ``Memory``: duplicates, and several memories made into one."""

    def merge_user_memories(
        self, memory_ids: Iterable[Identifier], user_id: object = None, memory: str | None = None
    ) -> UserMemory:
        """Merge memories into the newest of them.

        It gets the topics of all and the earliest ``created_at``. It is pinned if one of them is. It expires as the
        last of them, or not if one of them does not. The others are deleted. All or nothing if the database has
        transactions. ``restore_user_memory()`` undoes it, for each of them.

        Args:
            memory_ids: the ids of at least two memories.
            user_id: the owner.
            memory: the text; by default that of the newest.

        Returns:
            The memory as it is now.

        Raises:
            ValidationError: bad input, or more topics than ``MAX_TOPICS``; nothing was written.
            MemoryNotFound: this user does not have one of them; nothing was written.
            MemoryChanged: another call wrote one of them in between.
        """
        owner = owner_id(user_id)
        given = items("memory_ids", memory_ids)
        ids = list(dict.fromkeys(identifier("memory_id", each, "memory_ids") for each in given))
        if len(ids) < 2:
            raise refusal("memory_ids", _("Give at least two memories to merge."), "too_few")

        def merge() -> tuple[UserMemory, list[str]]:
            merged = self._store.existing(ids, owner)
            missing = [each for each in ids if each not in {memory.memory_id for memory in merged}]
            if missing:
                raise MemoryNotFound(missing[0])
            newest, *others = merged
            written = self._write_merged(newest, others, memory)
            gone = self._store.delete_merged(others, newest.memory_id)
            if len(gone) < len(others):
                changed = next(each for each in others if each.memory_id not in gone)
                raise MemoryChanged(changed.memory_id, changed.version)
            self._store.claim_text(written)
            return written, gone

        written, gone = all_or_nothing(self.write_alias, merge)
        self._send(memory_replaced, user_id=owner, memory_ids=[written.memory_id])
        self._send(memory_deleted, user_id=owner, memory_ids=gone)
        return written

    def _write_merged(self, newest: UserMemory, others: list[UserMemory], text: str | None) -> UserMemory:
        topics = dict.fromkeys(topic for each in (newest, *others) for topic in each.topics)
        content = {name: getattr(newest, name) for name in UserMemory.content_fields}
        content |= {"topics": list(topics), "pinned": any(each.pinned for each in (newest, *others))}
        expiries = [each.expires_at for each in (newest, *others)]
        content["expires_at"] = None if None in expiries else max(each for each in expiries if each)
        if text is not None:
            content["memory"] = text
        created_at = min(each.created_at for each in (newest, *others))
        asked = UserMemory(memory_id=newest.memory_id, created_at=created_at, **content)
        candidate = cleaned_memory(self._store.model, asked, newest.user_id)
        names = (*UserMemory.content_fields, "created_at")
        # One of the others may have the text until it is deleted.
        written = self._store.replace(candidate, newest, "merged", names, claims_text=False)
        if written is None:
            raise MemoryChanged(newest.memory_id, newest.version)
        return written

    def duplicates(self, user_id: object = None, limit: int | None = None) -> list[list[UserMemory]]:
        """Return groups of memories of a user that say the same: equal texts, or nearly the same words.

        The time grows with the number of the memories.

        Args:
            user_id: the owner.
            limit: the maximum number of groups; all by default.

        Returns:
            The groups, the most similar first; the memories of a group, the newest first.

        Raises:
            ValidationError: bad input.
        """
        check("limit", limit, validate_limit)
        return groups_of_duplicates(self.select(user_id, {}))[:limit]

    amerge_user_memories = async_twin(merge_user_memories)
    aduplicates = async_twin(duplicates)
