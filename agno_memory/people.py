"""One person as a whole: everything that the app keeps about them, and its erasure.

``HOLDINGS`` is the one list of what belongs to a person. Data of a new kind gets a ``Holding`` there: then it is
counted before an erasure, erased with the rest, and counted again afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.signals import post_delete
from django.utils.translation import gettext_lazy as _

from agno_memory import log_texts
from agno_memory.agent_metrics import AgentMetrics
from agno_memory.agent_records import AgentRecords
from agno_memory.agent_sessions import AgentSessions
from agno_memory.agent_traces import AgentTraces
from agno_memory.batches import batched
from agno_memory.bulk import BulkMemory
from agno_memory.conf import conf
from agno_memory.db.damaged import identified
from agno_memory.db.transactions import all_or_nothing
from agno_memory.identifiers import owner_id
from agno_memory.memory import Memory
from agno_memory.models import AgentRun, AgentTrace
from agno_memory.person_traces import About
from agno_memory.reassigning import reassign_deleted
from agno_memory.revision_querysets import RevisionQuerySet
from agno_memory.services import ANYONE
from agno_memory.stats.cache import forget_cached
from agno_memory.vector_querysets import VectorQuerySet


class Reassigned(NamedTuple):
    """The result of ``reassign_memories()``: the number of moved memories, and the ids of those that stay."""

    moved: int
    conflicts: list[str]


# The number of objects of each kind, by the name of the kind.
Counts = dict[str, int]


@dataclass(frozen=True)
class Holding:
    """A kind of data about a person.

    Args:
        name: of the kind, a plural noun.
        label: the name for staff, translated lazily.
        count: returns the number of objects of an owner in the database with an alias, or the router's (None).
        erase: deletes them. It may leave them to the erasure of another kind.
    """

    name: str
    label: Any
    count: Callable[[str, str | None], int]
    erase: Callable[[str, str | None], object]


class Erasure(NamedTuple):
    """The result of ``erase()``: the objects before it, and those that a second count found after it."""

    erased: Counts
    left: Counts

    @property
    def is_complete(self) -> bool:
        """Return whether the second count found nothing."""
        return not any(self.left.values())


def _count_memories(owner: str, db: str | None) -> int:
    return Memory(db).rows_to_write(owner).count()


def _vectors(owner: str, db: str | None) -> VectorQuerySet:
    return Memory(db).rows_to_write(owner).vectors().filter(user_id=owner)


def _erase_vectors(owner: str, db: str | None) -> None:
    vectors = _vectors(owner, db)
    # As the memories, so that a command can wait for the transaction of a killed process.
    all_or_nothing(vectors.db, vectors.erase)


def _revisions(owner: str, db: str | None) -> RevisionQuerySet:
    return Memory(db).rows_to_write(owner).revisions().filter(user_id=owner)


def _count_sessions(owner: str, db: str | None) -> int:
    return AgentSessions(db).rows_to_write(owner).count()


def _count_runs(owner: str, db: str | None) -> int:
    sessions = AgentSessions(db).rows_to_write(owner)
    ids = identified(sessions.values_list("session_id", flat=True))
    runs = AgentRun.objects.using(sessions.db)
    return sum(runs.filter(session_id__in=batch).count() for batch in batched(ids, conf.BATCH_SIZE))


def _about(owner: str, db: str | None) -> tuple[About, str]:
    alias = AgentTraces(db).write_alias
    return About.of(owner, alias), alias


def _count_spans(owner: str, db: str | None) -> int:
    about, alias = _about(owner, db)
    return about.count_spans(alias)


def _count_traces(owner: str, db: str | None) -> int:
    about, alias = _about(owner, db)
    traces = AgentTrace.objects.using(alias)
    others = traces.exclude(user_id=owner)
    named = sum(others.filter(trace_id__in=batch).count() for batch in batched(about.trace_ids, conf.BATCH_SIZE))
    return traces.for_user(owner).count() + named


# Runs before sessions, and spans before traces: afterwards their owner is unknown. The erasure of the sessions and that
# of the traces deletes them, all or nothing.
# Vectors name their owner, so they come after the memories, whose deletion deletes most of them.
HOLDINGS: Final = (
    Holding("memories", _("Memories"), _count_memories, lambda owner, db: Memory(db).clear_user_memories(owner)),
    Holding(
        "earlier versions",
        _("Earlier versions and deleted memories"),
        lambda owner, db: _revisions(owner, db).count(),
        lambda owner, db: _revisions(owner, db).erase(),
    ),
    Holding(
        "vectors",
        _("Vectors of texts"),
        lambda owner, db: _vectors(owner, db).count(),
        lambda owner, db: _erase_vectors(owner, db),
    ),
    Holding("runs", _("Turns of conversations"), _count_runs, lambda owner, db: None),
    Holding(
        "sessions",
        _("Conversations"),
        _count_sessions,
        lambda owner, db: AgentSessions(db).delete_user_sessions(owner),
    ),
    Holding("spans", _("Steps of traces"), _count_spans, lambda owner, db: None),
    Holding(
        "traces",
        _("Traces"),
        _count_traces,
        lambda owner, db: AgentTraces(db).delete_user_traces(owner),
    ),
    Holding(
        "metrics",
        _("Numbers of use"),
        lambda owner, db: AgentMetrics(db).rows_to_write(owner).count(),
        lambda owner, db: AgentMetrics(db).rows_to_write(owner).erase(),
    ),
    Holding(
        "records",
        _("Documents of agents"),
        lambda owner, db: AgentRecords(None, db).rows_to_write(owner).count(),
        lambda owner, db: AgentRecords(None, db).delete_user_records(owner),
    ),
    Holding(
        "log texts",
        _("Texts in the log"),
        lambda owner, db: log_texts.count(owner),
        lambda owner, db: log_texts.erase(owner),
    ),
)


def count(user: object, db: str | None = None) -> Counts:
    """Return the number of objects of each kind that the app keeps about a person.

    Args:
        user: a string, an int, a UUID, a Django user, or ``None`` for ``DEFAULT_USER_ID``.
        db: an alias of ``DATABASES``; ``None`` follows the router.

    Raises:
        ValidationError: an invalid user.
    """
    owner = owner_id(user)
    return {holding.name: holding.count(owner, db) for holding in HOLDINGS}


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
    owner = owner_id(user)
    before = count(owner, db)
    for holding in HOLDINGS:
        holding.erase(owner, db)
    transaction.on_commit(forget_cached, using=Memory(db).write_alias)
    return Erasure(before, count(owner, db))


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
    """Give all memories of one person to another, deleted ones included, for a renamed or merged account.

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
    memory = Memory(db)
    before, after = owner_id(source), owner_id(target)
    bulk = BulkMemory(memory.rows_to_write(before))
    moved = bulk.reassign(after, with_deleted=True)
    kept = reassign_deleted(memory.rows_to_write(ANYONE), before, after) if before != after else []
    transaction.on_commit(forget_cached, using=bulk.rows.db)
    return Reassigned(moved, [*bulk.conflicts, *kept])


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
    account whose deletion is rolled back keeps its memories.
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
        transaction.on_commit(partial(erase, owner), using=using)
