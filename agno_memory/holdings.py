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
from agno_memory.agent_metric_models import AgentMetricQuerySet
from agno_memory.agent_metrics import AgentMetrics
from agno_memory.agent_records import AgentRecords
from agno_memory.agent_sessions import AgentSessions
from agno_memory.agent_traces import AgentTraces
from agno_memory.batches import batched
from agno_memory.bulk import BulkMemory
from agno_memory.cleaning import KEY
from agno_memory.conf import conf
from agno_memory.db.transactions import all_or_nothing
from agno_memory.memory import Memory
from agno_memory.models import AgentRun, AgentTrace, UserMemory
from agno_memory.person_sessions import Person, erase_records, record_keys
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
        count: returns the number of objects of a person.
        erase: deletes them. It may leave them to the erasure of another kind.
        give: gives them to another owner, and returns the ids of those that stay because the new owner uses them for
            others. By default they go with those of another kind.
        is_of_sessions: whether some belong to a person through a session alone. They go with it to another owner.
    """

    name: str
    label: Any
    count: Callable[[Person], int]
    erase: Callable[[Person], object]
    give: Callable[[str, str, str | None], Sequence[str]] = lambda before, owner, db: ()
    is_of_sessions: bool = False


def _count_memories(person: Person) -> int:
    return Memory(person.db).rows_to_write(person.owner).count()


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


def _vectors(person: Person) -> VectorQuerySet:
    return Memory(person.db).rows_to_write(person.owner).vectors().filter(user_id=person.owner)


def _erase_vectors(person: Person) -> None:
    vectors = _vectors(person)
    # As the memories, so that a command can wait for the transaction of a killed process.
    all_or_nothing(vectors.db, vectors.erase)


def _revisions(person: Person) -> RevisionQuerySet:
    return Memory(person.db).rows_to_write(person.owner).revisions().filter(user_id=person.owner)


def _count_sessions(person: Person) -> int:
    return AgentSessions(person.db).rows_to_write(person.owner).count()


def _count_runs(person: Person) -> int:
    runs = AgentRun.objects.using(AgentSessions(person.db).write_alias)
    return sum(runs.filter(session_id__in=batch).count() for batch in batched(person.session_ids, conf.BATCH_SIZE))


def _about(person: Person) -> tuple[About, str]:
    alias = AgentTraces(person.db).write_alias
    return About.of(person.owner, alias, person.session_ids), alias


def _count_spans(person: Person) -> int:
    about, alias = _about(person)
    return about.count_spans(alias)


def _count_traces(person: Person) -> int:
    about, alias = _about(person)
    traces = AgentTrace.objects.using(alias)
    others = traces.exclude(user_id=person.owner)
    named = sum(others.filter(trace_id__in=batch).count() for batch in batched(about.trace_ids, conf.BATCH_SIZE))
    return traces.for_user(person.owner).count() + named + len(about.trace_keys)


def _erase_traces(person: Person) -> None:
    AgentTraces(person.db).delete_user_traces(person.owner, session_ids=person.session_ids)


def _metrics(person: Person) -> AgentMetricQuerySet:
    return AgentMetrics(person.db).rows_to_write(person.owner)


def _count_records(person: Person) -> int:
    records = AgentRecords(None, person.db)
    return records.rows_to_write(person.owner).count() + len(record_keys(person.session_ids, records.write_alias))


def _erase_records(person: Person) -> None:
    records = AgentRecords(None, person.db)
    records.delete_user_records(person.owner)
    erase_records(person.session_ids, records.write_alias)


# The kinds that ``erase_memories()`` deletes.
VECTORS: Final = "vectors"
OF_MEMORIES: Final = ("memories", "earlier versions", VECTORS)
# Runs before sessions, and spans before traces: afterwards their owner is unknown. The erasure of the sessions and that
# of the traces deletes them, all or nothing.
# ``people.erase()`` begins with the kinds that belong to sessions.
# Vectors name their owner, so they come after the memories, whose deletion deletes most of them.
HOLDINGS: Final = (
    Holding(
        "memories",
        _("Memories"),
        _count_memories,
        lambda person: Memory(person.db).clear_user_memories(person.owner),
        lambda before, owner, db: give_memories(before, owner, db).conflicts,
    ),
    Holding(
        "earlier versions",
        _("Earlier versions and deleted memories"),
        lambda person: _revisions(person).count(),
        lambda person: _revisions(person).erase(),
    ),
    Holding(
        VECTORS,
        _("Vectors of texts"),
        lambda person: _vectors(person).count(),
        _erase_vectors,
    ),
    Holding("runs", _("Turns of conversations"), _count_runs, lambda person: None),
    Holding(
        "sessions",
        _("Conversations"),
        _count_sessions,
        lambda person: AgentSessions(person.db).delete_user_sessions(person.owner),
        _give_sessions,
    ),
    Holding("spans", _("Steps of traces"), _count_spans, lambda person: None),
    Holding(
        "traces",
        _("Traces"),
        _count_traces,
        _erase_traces,
        _give_traces,
        is_of_sessions=True,
    ),
    Holding(
        "metrics",
        _("Numbers of use"),
        lambda person: _metrics(person).count(),
        lambda person: _metrics(person).erase(),
        _give_metrics,
    ),
    Holding(
        "records",
        _("Documents of agents"),
        _count_records,
        _erase_records,
        lambda before, owner, db: AgentRecords(None, db).reassign_user_records(before, owner),
        is_of_sessions=True,
    ),
    Holding(
        "log texts",
        _("Texts in the log"),
        lambda person: log_texts.count(person.owner),
        lambda person: log_texts.erase(person.owner),
        _give_log_texts,
    ),
)
