"""One person as a whole: the count of all that the app keeps about them (``holdings``), its erasure, its new owner."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any, NamedTuple

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.db.models.signals import post_delete

from agno_memory.conf import conf
from agno_memory.holdings import HOLDINGS, OF_MEMORIES, VECTORS, Counts, Reassigned, give_memories
from agno_memory.identifiers import owner_id
from agno_memory.memory import Memory
from agno_memory.person_sessions import Person
from agno_memory.stats.cache import forget_cached

__all__ = [
    "HOLDINGS",
    "OF_MEMORIES",
    "Counts",
    "Erasure",
    "Reassigned",
    "Reassignment",
    "account_deleted",
    "connect_accounts",
    "count",
    "erase",
    "erase_memories",
    "labelled",
    "reassign",
    "reassign_memories",
]

logger = logging.getLogger(__name__)


class Erasure(NamedTuple):
    """The result of ``erase()``: the objects before it, and those that a second count found after it."""

    erased: Counts
    left: Counts

    @property
    def is_complete(self) -> bool:
        """Return whether the second count found nothing."""
        return not any(self.left.values())


class Reassignment(NamedTuple):
    """The result of ``reassign()``.

    Args:
        moved: the number of objects of each kind that were there and are not any more.
        left: the number of those that stay or are new.
        conflicts: the ids of those that stay, by kind, because the new owner uses them for others.
    """

    moved: Counts
    left: Counts
    conflicts: dict[str, list[str]]


def count(user: object, db: str | None = None, *, kinds: Collection[str] | None = None) -> Counts:
    """Return the number of objects of each kind that the app keeps about a person.

    The cost depends on the person's objects, and for the texts in the log on the admin's whole log.

    Args:
        user: a string, an int, a UUID, a Django user, or ``None`` for ``DEFAULT_USER_ID``.
        db: an alias of ``DATABASES``; ``None`` follows the router.
        kinds: names of kinds, such as ``OF_MEMORIES``; ``None`` is all of them.

    Raises:
        ValidationError: an invalid user.
    """
    return _count(Person(owner_id(user), db), kinds)


def _count(person: Person, kinds: Collection[str] | None = None) -> Counts:
    return {holding.name: holding.count(person) for holding in HOLDINGS if kinds is None or holding.name in kinds}


def labelled(counts: Counts) -> list[tuple[str, int]]:
    """Return the label of each kind in the current language, and the number of its objects."""
    labels = {holding.name: str(holding.label) for holding in HOLDINGS}
    return [(labels[name], number) for name, number in counts.items()]


def erase(user: object, db: str | None = None) -> Erasure:
    """Delete everything that the app keeps about a person, and count again afterwards.

    It is part of a transaction of the caller. Otherwise each kind is erased for itself: after an error, call it again.
    The entries of the site's cache that can name the person are deleted when the transaction is committed.
    **The caller checks permissions.**

    Args:
        user: a string, an int, a UUID, a Django user, or ``None`` for ``DEFAULT_USER_ID``.
        db: an alias of ``DATABASES``; ``None`` follows the router.

    Returns:
        The counts before and after.

    Raises:
        ValidationError: an invalid user; nothing was deleted.
    """
    person = Person(owner_id(user), db)
    before = _count(person)
    # What belongs to sessions is erased before them, so that the next call after an error finds it, and after them: an
    # agent may have written in between.
    for holding in (*(each for each in HOLDINGS if each.is_of_sessions), *HOLDINGS):
        holding.erase(person)
    transaction.on_commit(forget_cached, using=Memory(db).write_alias)
    return Erasure(before, _count(person))


def erase_memories(user: object, db: str | None = None) -> int:
    """Delete all memories of a person, and the cached facts about them. Conversations and the log stay.

    Args:
        user: a string, an int, a UUID, a Django user, or ``None`` for ``DEFAULT_USER_ID``.
        db: an alias of ``DATABASES``; ``None`` follows the router.

    Returns:
        The number of memories.

    Raises:
        ValidationError: an invalid user; nothing was deleted.
    """
    memory = Memory(db)
    deleted = memory.clear_user_memories(user)
    transaction.on_commit(forget_cached, using=memory.write_alias)
    return deleted


def reassign_memories(source: object, target: object, db: str | None = None) -> Reassigned:
    """Give all memories of one person to another, deleted ones included. Conversations and the rest stay.

    Args:
        source: the owner before; a string, an int, a UUID or a Django user.
        target: the new owner.
        db: an alias of ``DATABASES``; ``None`` follows the router.

    Returns:
        The number of memories that were there, and the ids of those that stay, also deleted ones, because the new owner
        uses them for other memories.

    Raises:
        ValidationError: an invalid user; nothing was written.
    """
    moved = give_memories(owner_id(source), owner_id(target), db)
    transaction.on_commit(forget_cached, using=Memory(db).write_alias)
    return moved


def reassign(source: object, target: object, db: str | None = None) -> Reassignment:
    """Give everything that the app keeps about a person to another one, for a renamed or merged account.

    The texts in the admin's log name the new one afterwards. Vectors are not moved: they are computed again. Each kind
    is written for itself, in batches that are all or nothing if the database has transactions: after an error, call it
    again. **The caller checks permissions.**

    Args:
        source: the owner before; a string, an int, a UUID or a Django user.
        target: the new owner.
        db: an alias of ``DATABASES``; ``None`` follows the router.

    Raises:
        ValidationError: an invalid user; nothing was written.
        RecordChanged: other calls wrote a document of an agent at each of many attempts.
    """
    before, owner = owner_id(source), owner_id(target)
    there = count(before, db)
    if before == owner:
        return Reassignment(dict.fromkeys(there, 0), there, {})
    kept = {holding.name: list(holding.give(before, owner, db)) for holding in HOLDINGS}
    transaction.on_commit(forget_cached, using=Memory(db).write_alias)
    left = count(before, db)
    moved = {name: max(0, number - left[name]) for name, number in there.items() if name != VECTORS}
    return Reassignment(moved, left, {name: ids for name, ids in kept.items() if ids})


# Accounts


def connect_accounts() -> None:
    """Call ``account_deleted()`` for each deleted user. Only for users: a receiver slows down each deletion."""
    if not apps.is_installed("django.contrib.auth"):
        return
    user_model = get_user_model()._meta.concrete_model
    for model in apps.get_models():
        # The sender is the proxy if a proxy is deleted.
        if model._meta.concrete_model is user_model:
            post_delete.connect(account_deleted, sender=model, dispatch_uid=f"agno_memory.{model._meta.label}")


def account_deleted(instance: Any, using: str, **kwargs: Any) -> None:
    """Erase the person of a deleted account if ``ON_USER_DELETE`` is ``"erase"``.

    In the transaction of the deletion if the memories are in the same database; otherwise after its commit, so that an
    account whose deletion is rolled back keeps its memories. An error is then logged, because the account is gone.
    """
    if conf.ON_USER_DELETE != "erase":
        return
    try:
        # Now, because Django removes the primary key from the instance.
        owner = owner_id(instance)
    except ValidationError:
        # USER_ID_FIELD is NULL, empty or another id that the service refuses, so nothing is stored under it.
        return
    if Memory().write_alias == using:
        erase(owner)
    else:
        # An error must not keep Django from the erasures of other accounts in the same transaction. Django logs it with
        # the name of the function, which a partial() has not.
        transaction.on_commit(lambda: _erase_after_deletion(owner), using=using, robust=True)


def _erase_after_deletion(owner: str) -> None:
    try:
        erase(owner)
    except DatabaseError:
        logger.exception(
            "The account of the person %(owner)s is deleted, but not all that is kept about them. "
            "Run: manage.py erase_user %(owner)s",
            {"owner": owner},
        )
