"""What the app keeps about a person, kind by kind.

``HOLDINGS`` is the one list of what belongs to a person. Data of a new kind gets a ``Holding`` there: then it is
counted before an erasure, erased with the rest, counted again afterwards, and goes with a renamed account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext_lazy as _

from agno_memory import log_texts
from agno_memory.agent_metrics import AgentMetrics
from agno_memory.agent_records import AgentRecords
from agno_memory.agent_sessions import AgentSessions
from agno_memory.agent_traces import AgentTraces
from agno_memory.batches import batched
from agno_memory.bulk import BulkMemory
from agno_memory.cleaning import KEY
from agno_memory.conf import conf
from agno_memory.db.damaged import identified
from agno_memory.db.transactions import all_or_nothing
from agno_memory.memory import Memory
from agno_memory.models import AgentRun, AgentTrace, UserMemory
from agno_memory.person_traces import About
from agno_memory.reassigning import reassign_deleted
from agno_memory.revision_querysets import RevisionQuerySet
from agno_memory.services import ANYONE
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
        give: gives them to another owner, and returns the ids of those that stay because the new owner uses them for
            others. By default they go with those of another kind.
    """

    name: str
    label: Any
    count: Callable[[str, str | None], int]
    erase: Callable[[str, str | None], object]
    give: Callable[[str, str, str | None], Sequence[str]] = lambda before, owner, db: ()


def _count_memories(owner: str, db: str | None) -> int:
    return Memory(db).rows_to_write(owner).count()


def give_memories(before: str, owner: str, db: str | None) -> Reassigned:
    """Give the memories of a person, deleted ones included, to another one."""
    memory = Memory(db)

    def relink(batch: Iterable[UserMemory]) -> None:
        log_texts.relink({each.key: KEY.digest(owner, each.memory_id) for each in batch})

    bulk = BulkMemory(memory.rows_to_write(before), on_batch=relink)
    moved = bulk.reassign(owner, with_deleted=True)
    kept = reassign_deleted(memory.rows_to_write(ANYONE), before, owner) if before != owner else []
    return Reassigned(moved, [*bulk.conflicts, *kept])


def _give_metrics(before: str, owner: str, db: str | None) -> Sequence[str]:
    AgentMetrics(db).reassign_user_metrics(before, owner)
    return ()


def _give_sessions(before: str, owner: str, db: str | None) -> Sequence[str]:
    AgentSessions(db).reassign_user_sessions(before, owner)
    return ()


def _give_traces(before: str, owner: str, db: str | None) -> Sequence[str]:
    AgentTraces(db).reassign_user_traces(before, owner)
    return ()


def _give_log_texts(before: str, owner: str, db: str | None) -> Sequence[str]:
    log_texts.rename(before, owner)
    return ()


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


# The kinds that ``erase_memories()`` deletes.
VECTORS: Final = "vectors"
OF_MEMORIES: Final = ("memories", "earlier versions", VECTORS)
# Runs before sessions, and spans before traces: afterwards their owner is unknown. The erasure of the sessions and that
# of the traces deletes them, all or nothing.
# Vectors name their owner, so they come after the memories, whose deletion deletes most of them.
HOLDINGS: Final = (
    Holding(
        "memories",
        _("Memories"),
        _count_memories,
        lambda owner, db: Memory(db).clear_user_memories(owner),
        lambda before, owner, db: give_memories(before, owner, db).conflicts,
    ),
    Holding(
        "earlier versions",
        _("Earlier versions and deleted memories"),
        lambda owner, db: _revisions(owner, db).count(),
        lambda owner, db: _revisions(owner, db).erase(),
    ),
    Holding(
        VECTORS,
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
        _give_sessions,
    ),
    Holding("spans", _("Steps of traces"), _count_spans, lambda owner, db: None),
    Holding(
        "traces",
        _("Traces"),
        _count_traces,
        lambda owner, db: AgentTraces(db).delete_user_traces(owner),
        _give_traces,
    ),
    Holding(
        "metrics",
        _("Numbers of use"),
        lambda owner, db: AgentMetrics(db).rows_to_write(owner).count(),
        lambda owner, db: AgentMetrics(db).rows_to_write(owner).erase(),
        _give_metrics,
    ),
    Holding(
        "records",
        _("Documents of agents"),
        lambda owner, db: AgentRecords(None, db).rows_to_write(owner).count(),
        lambda owner, db: AgentRecords(None, db).delete_user_records(owner),
        lambda before, owner, db: AgentRecords(None, db).reassign_user_records(before, owner),
    ),
    Holding(
        "log texts",
        _("Texts in the log"),
        lambda owner, db: log_texts.count(owner),
        lambda owner, db: log_texts.erase(owner),
        _give_log_texts,
    ),
)
