"""The copiers of the app's tables, by the kinds that ``copy_memories --what`` chooses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar, Final

from django.db.models import Model

from agno_memory.agent_document_kinds import WHOLES
from agno_memory.batches import batched
from agno_memory.conf import conf
from agno_memory.db.damaged import Damaged
from agno_memory.db.store import Store
from agno_memory.db.stored_rows import KEY
from agno_memory.formats import as_dict
from agno_memory.models import (
    AgentMetric,
    AgentRecord,
    AgentRun,
    AgentSession,
    AgentSpan,
    AgentTrace,
    UserMemory,
)
from agno_memory.revision_models import MemoryRevision
from agno_memory.transfer.copier import Copier


class MemoryCopier(Copier):
    """Copies memories. An update of one that has a vector deletes the vector."""

    name = "memories"
    model = UserMemory
    title = "memory_id"

    def is_whole(self, row: Any) -> bool:
        # Its content is copied as far as it can be read, as in an export. The target makes the key of owner and id, so
        # the next run would not find a memory of another program that has another key.
        identity = (row.pk, row.user_id, row.memory_id)
        return not any(isinstance(each, Damaged) for each in identity) and row.pk == KEY.digest(*identity[1:])

    def batches(self) -> Iterator[list[Any]]:
        # By created_at, which no write moves.
        return batched(UserMemory.objects.using(self.aliases[0]).walk(), conf.BATCH_SIZE)

    def write(self, new: list[Any], newer: list[tuple[Any, Any]]) -> None:
        store, changed = Store(self.aliases[1]), [memory for memory, _older in newer]
        # The target's older versions are deleted, then inserted like the new memories, with their versions.
        store.rows_to_write().filter(key__in=[memory.key for memory in changed]).erase(history=False)
        store.move_in(new + changed, keep_version=True)

    def line_of(self, row: Any) -> bytes:
        return json.dumps(as_dict(row), ensure_ascii=False, sort_keys=True).encode() + b"\n"


class RevisionCopier(Copier):
    """Copies the earlier versions of memories. They do not change, but for a deleted memory that comes back."""

    name = "earlier versions"
    model = MemoryRevision
    title = "memory_id"

    def age(self, row: Any) -> Any:
        return row.restored is not None

    def guard(self, older: Any) -> dict[str, Any]:
        return {"is_deleted": older.is_deleted}

    def is_whole(self, row: Any) -> bool:
        return not isinstance(row.pk, Damaged)

    def title_of(self, row: Any) -> str:
        return f"version {row.version} of {super().title_of(row)}"


class SessionCopier(Copier):
    """Copies sessions without their runs."""

    name = "sessions"
    model = AgentSession
    title = "session_id"


class UpdatedCopier(Copier):
    """Base of the copiers of rows that have the time of their last write, and no number of it."""

    def age(self, row: Any) -> Any:
        return row.updated_at

    def guard(self, older: Any) -> dict[str, Any]:
        return {"updated_at": older.updated_at}


class PartCopier(Copier):
    """Base of the copiers of rows that are a part of another row, which names the person."""

    whole: ClassVar[type[Model]]
    # The field with the id of the whole, in both tables.
    link: ClassVar[str]
    needs_whole: ClassVar[bool]

    def barred(self, batch: list[Any]) -> set[Any]:
        ids = {getattr(row, self.link) for row in batch}
        sources, targets = (self._owners(alias, ids) for alias in self.aliases)
        own = {each for each in ids if self._is_own(each, sources, targets)}
        return {row.pk for row in batch if getattr(row, self.link) not in own}

    def _owners(self, alias: str, ids: set[str]) -> dict[str, str | None]:
        rows = self.whole._default_manager.using(alias).filter(**{f"{self.link}__in": ids})
        return dict(rows.values_list(self.link, "user_id"))

    def _is_own(self, whole: str, sources: dict[str, str | None], targets: dict[str, str | None]) -> bool:
        if whole not in targets:
            return not self.needs_whole
        return targets[whole] in (None, sources.get(whole))

    def title_of(self, row: Any) -> str:
        return f"{getattr(row, self.title)} of {getattr(row, self.link)}"


class RunCopier(UpdatedCopier, PartCopier):
    """Copies the runs of sessions."""

    name = "runs"
    model = AgentRun
    title = "run_id"
    whole = AgentSession
    link = "session_id"
    needs_whole = True


class TraceCopier(Copier):
    """Copies traces without their spans."""

    name = "traces"
    model = AgentTrace
    title = "trace_id"


class SpanCopier(PartCopier):
    """Copies the spans of traces, which do not change. One may be there before its trace."""

    name = "spans"
    model = AgentSpan
    title = "span_id"
    whole = AgentTrace
    link = "trace_id"
    needs_whole = False

    def age(self, row: Any) -> Any:
        return 0


class RecordCopier(Copier):
    """Copies the documents of agents: knowledge contents, learnings, evaluation runs, components and so on."""

    name = "records"
    model = AgentRecord
    title = "record_id"

    def barred(self, batch: list[Any]) -> set[Any]:
        """Return the keys of parts of what another person has in the target, and of those with a name that is taken."""
        target = AgentRecord.objects.using(self.aliases[1])
        by_name = {row.unique_key: row.pk for row in batch if row.unique_key}
        taken = target.filter(unique_key__in=list(by_name)).values_list("unique_key", "pk")
        keys = {by_name[name] for name, key in taken if by_name[name] != key}
        for kind, parts in _parts_by_whole(batch).items():
            ids = {_whole_of(row) for row in parts}
            if kind is None:
                sessions = AgentSession.objects.using(self.aliases[1]).filter(session_id__in=ids)
                owners = dict(sessions.values_list("session_id", "user_id"))
            else:
                owners = dict(target.filter(kind=kind, record_id__in=ids).values_list("record_id", "user_id"))
            keys.update(row.pk for row in parts if owners.get(_whole_of(row)) not in (None, row.user_id))
        return keys

    def title_of(self, row: Any) -> str:
        return f"{row.kind} {super().title_of(row)}"


def _parts_by_whole(batch: list[Any]) -> dict[str | None, list[Any]]:
    """Return the documents that are parts, by the kind of the whole; None for a session."""
    parts: dict[str | None, list[Any]] = {}
    for row in batch:
        if row.kind in WHOLES:
            parts.setdefault(WHOLES[row.kind], []).append(row)
    return parts


def _whole_of(row: Any) -> Any:
    return row.session_id if WHOLES[row.kind] is None else row.parent_id


class MetricCopier(UpdatedCopier):
    """Copies metrics. Both databases may have computed the same numbers, at different times."""

    name = "metrics"
    model = AgentMetric
    title = "day"
    incomparable = frozenset({"created_at", "updated_at"})


# A whole comes before its parts. Vectors are computed again by embed_memories.
COPIERS: Final[dict[str, tuple[type[Copier], ...]]] = {
    "memories": (MemoryCopier,),
    "history": (RevisionCopier,),
    "sessions": (SessionCopier, RunCopier),
    "traces": (TraceCopier, SpanCopier),
    "records": (RecordCopier,),
    "metrics": (MetricCopier,),
}
