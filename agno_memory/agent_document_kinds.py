"""The kinds of agno 3's documents, with the columns by which agno lists them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agno_memory.agent_documents import Document, Kind, kind, optional_moment, short_id
from agno_memory.agent_record_models import AgentRecord
from agno_memory.keys import composite_key
from agno_memory.times import from_epoch

# Contents of knowledge bases, evaluation runs, learnings

CONTENT: Final = kind(
    "knowledge", "id", "name", "status", record_type="type", parent_id="linked_to", sort_number="size"
)

EVALUATION: Final = kind(
    "evaluation",
    "run_id",
    "name",
    "run_id",
    "agent_id",
    "team_id",
    "workflow_id",
    record_type="eval_type",
    reference_id="model_id",
    reference_type="model_provider",
)

LEARNING: Final = kind(
    "learning",
    "learning_id",
    "namespace",
    "agent_id",
    "team_id",
    "workflow_id",
    "session_id",
    record_type="learning_type",
    reference_id="entity_id",
    reference_type="entity_type",
)


# Components

# The values of ``status`` of a component's record.
LIVE, ARCHIVED = "live", "archived"


@dataclass(frozen=True)
class ComponentKind(Kind):
    """Components, of which agno knows by ``deleted_at`` whether they are archived."""

    def fill(self, record: AgentRecord, document: Document) -> None:
        super().fill(record, document)
        record.status = LIVE if document.get("deleted_at") is None else ARCHIVED


def _part_id(*names: str) -> Callable[[Document], str]:
    """Return the function for the id of a document that several columns identify."""
    return lambda document: composite_key(*(str(document[name]) for name in names))


def config_id(component_id: str, version: int) -> str:
    """Return the id of the record of a version."""
    return CONFIG.id_of({"component_id": component_id, "version": version})


_component: Final = kind(
    "component", "component_id", "name", record_type="component_type", sort_number="current_version"
)
COMPONENT: Final = ComponentKind(_component.name, _component.id_of, _component.columns)
CONFIG: Final = Kind(
    "component_config",
    _part_id("component_id", "version"),
    {"name": "label", "status": "stage", "parent_id": "component_id", "sort_number": "version"},
)
LINK: Final = Kind(
    "component_link",
    _part_id("parent_component_id", "parent_version", "link_kind", "link_key"),
    {
        "name": "link_key",
        "record_type": "link_kind",
        "parent_id": "parent_component_id",
        "namespace": "parent_version",
        "reference_id": "child_component_id",
        "reference_type": "child_version",
        "sort_number": "position",
    },
)


# Schedules

# The values of ``status`` of a schedule's record.
ENABLED, DISABLED = "enabled", "disabled"


@dataclass(frozen=True)
class ScheduleKind(Kind):
    """Schedules. Names are unique within the schedules of one user, and within those without a user."""

    def fill(self, record: AgentRecord, document: Document) -> None:
        super().fill(record, document)
        record.status = ENABLED if document.get("enabled") else DISABLED
        record.parent_id = endpoint_id(endpoint_of(document))
        record.unique_key = schedule_name(record.user_id, record.name)


def schedule_name(owner: str | None, name: str) -> str:
    """Return the unique key of a schedule."""
    return composite_key("schedule", *filter(None, [owner]), name)


def endpoint_of(schedule: Document) -> str:
    """Return the endpoint of a schedule; "" for one of another program that has none."""
    return str(schedule.get("endpoint") or "")


def endpoint_id(endpoint: str) -> str:
    """Return the id by which schedules of an endpoint are found. A slash at the end makes no difference."""
    return short_id(endpoint.rstrip("/"))


_schedule: Final = kind(
    "schedule",
    "id",
    "name",
    due_at="next_run_at",
    claimed_by="locked_by",
    claimed_at="locked_at",
    reference_id="target_id",
    reference_type="target_type",
)
SCHEDULE: Final = ScheduleKind(_schedule.name, _schedule.id_of, _schedule.columns)
SCHEDULE_RUN: Final = kind(
    "schedule_run",
    "id",
    "status",
    "run_id",
    "session_id",
    parent_id="schedule_id",
    due_at="triggered_at",
    sort_number="completed_at",
)


# Approvals

APPROVAL: Final = kind(
    "approval",
    "id",
    "status",
    "agent_id",
    "team_id",
    "workflow_id",
    "session_id",
    "run_id",
    name="tool_name",
    record_type="approval_type",
    parent_id="schedule_id",
    reference_id="schedule_run_id",
    reference_type="pause_type",
    namespace="source_type",
    due_at="expires_at",
)


# Service accounts, and tokens for other services

# The values of ``status`` of an account's record.
ACTIVE, REVOKED = "active", "revoked"
# Sorts before all times: databases disagree on the place of None.
NEVER: Final = from_epoch(0)


@dataclass(frozen=True)
class AccountKind(Kind):
    """Service accounts. The names of those that are not revoked are unique."""

    def fill(self, record: AgentRecord, document: Document) -> None:
        super().fill(record, document)
        is_active = document.get("revoked_at") is None
        record.status = ACTIVE if is_active else REVOKED
        record.unique_key = composite_key(self.name, record.name) if is_active else None
        record.due_at = optional_moment(document.get("expires_at")) or NEVER
        record.claimed_at = optional_moment(document.get("last_used_at")) or NEVER


_account: Final = kind(
    "service_account", "id", "name", reference_id="token_hash", due_at="expires_at", claimed_at="last_used_at"
)
ACCOUNT: Final = AccountKind(_account.name, _account.id_of, _account.columns)


def token_id(token: Document) -> str:
    """Return the id of the record of a token: a user has one for each service."""
    return composite_key(token["provider"], token["user_id"] or "", token["service"])


AUTH_TOKEN: Final = Kind("auth_token", token_id, {"reference_type": "provider", "namespace": "service"})


# The kinds of documents with the means to log in: no file that leaves the site has their data.
SECRET_KINDS: Final = (ACCOUNT.name, AUTH_TOKEN.name)


# Compactions and transcripts of sessions

COMPACTION: Final = kind("compaction", "compaction_id", "session_id", "run_id", sort_number="tokens_before")


def transcript_of(entry: Document) -> tuple[str, str, str]:
    """Return the names of a transcript with all its parts."""
    return entry["framework"], entry["project_key"], entry["session_id"]


@dataclass(frozen=True)
class TranscriptKind(Kind):
    """Entries of transcripts. The number of each is unique within its part, and so is the id that the SDK gave it."""

    def fill(self, record: AgentRecord, document: Document) -> None:
        super().fill(record, document)
        record.session_id = document["agno_session_id"]
        record.parent_id = composite_key(*transcript_of(document))
        record.namespace = composite_key(document["framework"], document["project_key"])
        record.unique_key = unique_entry(document, document["entry"].get("uuid"))


def unique_entry(entry: Document, uuid: str | None) -> str | None:
    """Return the unique key of an entry to which its SDK gave an id; None without one."""
    return composite_key("transcript", *transcript_of(entry), entry["subpath"], uuid) if uuid else None


TRANSCRIPT: Final = TranscriptKind(
    "transcript",
    lambda entry: composite_key(*transcript_of(entry), entry["subpath"], str(entry["position"])),
    {"name": "subpath", "reference_id": "session_id", "sort_number": "position"},
)


# The kinds of documents that are parts, with the kind of the whole; None for a session. ``parent_id`` or ``session_id``
# of a part is the id of the whole.
WHOLES: Final[dict[str, str | None]] = {
    CONFIG.name: COMPONENT.name,
    LINK.name: COMPONENT.name,
    SCHEDULE_RUN.name: SCHEDULE.name,
    COMPACTION.name: None,
    TRANSCRIPT.name: None,
}
