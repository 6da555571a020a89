"""``History``: the verbs of ``Memory`` on earlier versions and deleted memories, sync and async."""

from __future__ import annotations

import datetime
from typing import Any, Final

from agno_memory.acting import current_author
from agno_memory.db.memory_statements import Version, version_number
from agno_memory.db.store import Store
from agno_memory.deleted_querysets import version_of
from agno_memory.exceptions import MemoryChanged, MemoryExists, MemoryNotFound, VersionNotFound
from agno_memory.identifiers import Identifier, identifier, owner_id
from agno_memory.models import UserMemory
from agno_memory.recall import Recall
from agno_memory.revision_models import MemoryRevision
from agno_memory.revision_querysets import VersionPosition
from agno_memory.services import async_twin
from agno_memory.signals import memory_added, memory_replaced
from agno_memory.times import now, to_iso
from agno_memory.validators import check, validate_limit, validate_version

# The versions of a page, when an earlier one is searched for.
PAGE_SIZE: Final = 100


class History(Recall):
    """Base of ``Memory``: what was known when, and the way back to it."""

    def get_user_memory_history(
        self,
        memory_id: Identifier,
        user_id: object = None,
        *,
        limit: int | None = None,
        position: MemoryRevision | VersionPosition | None = None,
    ) -> list[MemoryRevision]:
        """Return the versions of a memory that are kept, the newest first.

        Each has the content of the memory and ``version``; ``valid_from`` and ``valid_until``, the times between which
        it held; and how it ended: ``action``, ``actor``, ``through`` and ``reason``. The version that holds now has
        ``valid_until=None`` and no action. An entry with the action ``"reassigned"`` is no version but an event, with
        the version 0 and one time for both: the memory was given to this owner then. If an id was used again after its
        memory had been deleted, the versions are those of the new memory.

        Args:
            memory_id: the id of the memory, which may be deleted.
            user_id: the owner.
            limit: the maximum number of versions; all by default.
            position: return the versions before this one, the last entry of the page before, or its time and number.

        Raises:
            ValidationError: bad input.
            MemoryNotFound: this user has no such memory, and no version of one is kept.
        """
        owner, own_id = owner_id(user_id), identifier("memory_id", memory_id)
        check("limit", limit, validate_limit)
        if isinstance(position, MemoryRevision):
            position = position.last_updated, position.version
        current, versions = self._store.versions(own_id, owner, limit, position)
        if position is not None:
            return versions
        if current is None and not versions and limit != 0:
            raise MemoryNotFound(own_id)
        return [*([version_of(current)] if current else []), *versions][:limit]

    def restore_user_memory(
        self,
        memory_id: Identifier,
        user_id: object = None,
        version: int | None = None,
        *,
        at_version: Version = None,
    ) -> UserMemory:
        """Restore an earlier version of a memory as a new version, or a deleted memory.

        A deleted memory comes back with its id, its ``created_at`` and its history.

        Args:
            memory_id: the id of the memory.
            user_id: the owner.
            version: the version to restore; by default the one before, and of a deleted memory the last one.
            at_version: restore only if the memory has this version now; as ``version`` of
                ``replace_user_memory()``.

        Returns:
            The memory as it is now.

        Raises:
            ValidationError: bad input; nothing was written.
            VersionNotFound: this version is not kept. It is a ``MemoryNotFound``, as for a memory without versions.
            MemoryChanged: another call wrote the memory in between, or it is not at ``at_version``; nothing was
                written.
        """
        check("version", version, validate_version)
        number = version_number(at_version, "at_version")
        owner, own_id = owner_id(user_id), identifier("memory_id", memory_id)
        # A replica may lack the last write.
        store = Store(self._store.write_alias, self._store.model)
        current, versions = store.versions(own_id, owner, 1, events=False)
        if current is None and self._store.expire(own_id, owner):
            # Its last version is among the earlier ones now.
            current, versions = store.versions(own_id, owner, 1, events=False)
        if not current and not versions:
            raise MemoryNotFound(own_id)
        if number is not None and not _is_at(current, at_version):
            raise MemoryChanged(own_id, number)
        if current is not None and version == current.version:
            wanted: UserMemory | MemoryRevision = current
        else:
            wanted = _kept_version(store, own_id, owner, versions, version)
        if current is None:
            return self._restore_deleted(wanted, versions[0])
        candidate = content_of(self._store, wanted)
        names = (*UserMemory.content_fields, "created_at")
        restored = self._store.replace(candidate, current, "restored", names)
        if restored is None:
            raise MemoryChanged(own_id, current.version)
        self._send(memory_replaced, user_id=owner, memory_ids=[own_id])
        return restored

    def _restore_deleted(self, wanted: UserMemory | MemoryRevision, last: MemoryRevision) -> UserMemory:
        moment = max(now(), last.valid_until)
        candidate = content_of(self._store, wanted)
        candidate.version = last.version + 1
        candidate.last_updated = moment
        try:
            restored = self._store.bring_back(candidate, last, note_of_return(moment))
        except MemoryExists:
            raise MemoryChanged(candidate.memory_id, last.version) from None
        self._send(memory_added, user_id=restored.user_id, memory_ids=[restored.memory_id])
        return restored

    aget_user_memory_history = async_twin(get_user_memory_history)
    arestore_user_memory = async_twin(restore_user_memory)


def _kept_version(
    store: Store, memory_id: str, owner: str, versions: list[MemoryRevision], version: int | None
) -> MemoryRevision:
    """Return an earlier version of a memory, read page by page.

    Args:
        store: on the database to write to.
        memory_id: of the memory.
        owner: of the memory.
        versions: the first ones.
        version: the number of the version; None for the first.
    """
    while versions and (version is None or version <= versions[0].version):
        for revision in versions:
            if version in (None, revision.version):
                return revision
        last = versions[-1].last_updated, versions[-1].version
        versions = store.versions(memory_id, owner, PAGE_SIZE, last, events=False)[1]
    raise VersionNotFound(memory_id, version)


def note_of_return(moment: datetime.datetime) -> dict[str, Any]:
    """Return how a deleted memory comes back at a moment: the value of ``MemoryRevision.restored``."""
    author = current_author()
    return {"at": to_iso(moment), "by": author.actor, "through": author.through, "reason": author.reason}


def _is_at(current: UserMemory | None, version: Version) -> bool:
    """Return whether a memory is at a version."""
    if current is None or not isinstance(version, UserMemory):
        return current is not None and current.version == version
    return (current.version, current.created_at) == (version.version, version.created_at)


def content_of(store: Store, version: UserMemory | MemoryRevision) -> UserMemory:
    """Return an unsaved memory with the content of a version. It does not expire if that would be before now."""
    names = ("memory_id", "user_id", "created_at", *UserMemory.content_fields)
    values = {name: getattr(version, name) for name in names}
    if values["expires_at"] is not None and values["expires_at"] <= now():
        values["expires_at"] = None
    key = version.key if isinstance(version, UserMemory) else version.memory_key
    content: UserMemory = store.model(key=key, **values)
    return content
