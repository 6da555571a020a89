"""``DjangoDb``: the store of agents built with agno 3."""

from __future__ import annotations

from typing import Any, Final

from agno.db.base import BaseDb

from agno_memory.agent_metrics import AgentMetrics
from agno_memory.agent_sessions import AgentSessions
from agno_memory.agent_traces import AgentTraces
from agno_memory.contrib.agno.agent_memory import AgentMemory, check_recall
from agno_memory.contrib.agno.v3.agent_transcripts import TranscriptsMixin
from agno_memory.contrib.agno.v3.approvals import ApprovalsMixin
from agno_memory.contrib.agno.v3.auth_tokens import AuthTokensMixin
from agno_memory.contrib.agno.v3.compactions import CompactionsMixin
from agno_memory.contrib.agno.v3.component_configs import ComponentConfigsMixin
from agno_memory.contrib.agno.v3.component_links import ComponentLinksMixin
from agno_memory.contrib.agno.v3.components import ComponentsMixin
from agno_memory.contrib.agno.v3.evaluations import EvaluationsMixin
from agno_memory.contrib.agno.v3.knowledge import KnowledgeMixin
from agno_memory.contrib.agno.v3.last_writes import LastWrites
from agno_memory.contrib.agno.v3.learnings import LearningsMixin
from agno_memory.contrib.agno.v3.memories import MemoriesMixin
from agno_memory.contrib.agno.v3.metrics import MetricsMixin
from agno_memory.contrib.agno.v3.refusals import refuse_unsupported
from agno_memory.contrib.agno.v3.run_objects import RunObjects
from agno_memory.contrib.agno.v3.runs import RunsMixin
from agno_memory.contrib.agno.v3.schedule_runs import ScheduleRunsMixin
from agno_memory.contrib.agno.v3.schedules import SchedulesMixin
from agno_memory.contrib.agno.v3.service_accounts import ServiceAccountsMixin
from agno_memory.contrib.agno.v3.sessions import SessionsMixin
from agno_memory.contrib.agno.v3.traces import TracesMixin

# The names of agno's tables, as in the names of their attributes.
TABLES: Final = (
    "memory",
    "session",
    "runs",
    "trace",
    "span",
    "metrics",
    "knowledge",
    "eval",
    "learnings",
    "components",
    "component_configs",
    "component_links",
    "schedules",
    "schedule_runs",
    "approvals",
    "service_accounts",
    "auth_tokens",
    "compactions",
    "transcripts",
)


@refuse_unsupported
class DjangoDb(
    MemoriesMixin,
    SessionsMixin,
    RunsMixin,
    KnowledgeMixin,
    EvaluationsMixin,
    LearningsMixin,
    ComponentsMixin,
    ComponentConfigsMixin,
    ComponentLinksMixin,
    TracesMixin,
    MetricsMixin,
    SchedulesMixin,
    ScheduleRunsMixin,
    ApprovalsMixin,
    ServiceAccountsMixin,
    AuthTokensMixin,
    CompactionsMixin,
    TranscriptsMixin,
    BaseDb,
):
    """What agno keeps, in the site's database.

    For ``Agent(db=DjangoDb())``, teams, workflows, ``setup_tracing(db=DjangoDb())`` and AgentOS.

    A memory that staff correct in the admin reaches the agent in its next run. Several users may use one memory id,
    each for a memory of their own; a session belongs to one user, and ``docs/agno.md`` shows the effect in agno.

    Args:
        db: an alias of ``DATABASES``; ``None`` follows the router.
        id: the id by which AgentOS distinguishes databases; the same in every process.
        recall: the number of memories in a prompt of an agent, a team or a memory manager: those that matter for the
            message of the run, then the newest. All memories of the user by default, and always for other callers.

    Raises:
        ValueError: ``recall`` is not a whole number from 1.
    """

    def __init__(self, db: str | None = None, *, id: str | None = None, recall: int | None = None) -> None:
        super().__init__(id=id or ("agno_memory" if db is None else f"agno_memory_{db}"))
        check_recall(recall)
        self.recall = recall
        self.db = db
        self._memory = AgentMemory(db)
        self._sessions = AgentSessions(db)
        self._run_objects = RunObjects()
        self._last_writes = LastWrites()
        self._traces = AgentTraces(db)
        self._metrics = AgentMetrics(db)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(db={self.db!r}, id={self.id!r})"

    def to_dict(self) -> dict[str, Any]:
        """Return the arguments of the store, for ``from_dict``."""
        return {"type": "django", "id": self.id, "db": self.db, "recall": self.recall}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> DjangoDb:
        """Return the store that ``to_dict`` describes."""
        return cls(data.get("db"), id=data.get("id"), recall=data.get("recall"))

    # The schema, which Django's migrations keep

    def table_exists(self, table_name: str) -> bool:
        """Return whether this store has a table of this name."""
        # Older releases have fewer tables.
        return table_name in [getattr(self, f"{each}_table_name", None) for each in TABLES]

    def get_latest_schema_version(self, table_name: str) -> str:
        """Return the version that agno regards as up to date."""
        return str(self.default_schema_version)

    def upsert_schema_version(self, table_name: str, version: str) -> None:
        """Do nothing: ``manage.py migrate`` changes the schema."""
