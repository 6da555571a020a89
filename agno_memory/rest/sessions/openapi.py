"""The operations of sessions for OpenAPI, with their examples."""

from __future__ import annotations

from typing import Any, Final

from agno_memory.rest.openapi.operations import Operation, empty, many, one, page
from agno_memory.rest.openapi.responses import DISPOSITION, NO_STORE, WITH_A_BODY
from agno_memory.rest.renderers import NDJSONRenderer
from agno_memory.rest.sessions.serializers import RunSerializer

# Examples

SESSION: Final[dict[str, Any]] = {
    "session_id": "b1c2",
    "session_type": "agent",
    "agent_id": "travel-planner",
    "team_id": None,
    "workflow_id": None,
    "name": "A week in Kerala",
    "created_at": "2026-11-25T09:20:00.000Z",
    "updated_at": "2026-11-25T09:30:00.125Z",
}
RUN: Final[dict[str, Any]] = {
    "run_id": "r1",
    "run_index": 0,
    "run_type": "agent",
    "parent_run_id": None,
    "status": "COMPLETED",
    "created_at": "2026-11-25T09:20:01.000Z",
    "messages": [
        {"role": "user", "text": "By train, please", "calls": [], "tool": ""},
        {"role": "assistant", "text": "Then let us begin in Kochi.", "calls": [], "tool": ""},
    ],
}
NDJSON: Final = '{"session_id": "b1c2", "user_id": "maya", "session_type": "agent", "agent_id": "travel-planner", ...'
SESSIONS_FILE: Final = {
    **DISPOSITION,
    "schema": {"type": "string", "example": 'attachment; filename="sessions.ndjson"'},
}

# Operations

LIST: Final = Operation(
    name="sessions_list",
    responses=many,
    description="Newest first. Read page by page: follow `next` until it is null.",
    response_example=page("sessions", SESSION),
)
RETRIEVE: Final = Operation(name="sessions_retrieve", responses=one(200), errors=(404,), response_example=SESSION)
RENAME: Final = Operation(
    name="sessions_rename",
    responses=one(200),
    errors=(404, *WITH_A_BODY),
    description="Only the name can be changed. The other fields of a session are accepted and ignored.",
    request_examples={"A name": {"name": "Kerala, by train"}},
    response_example={**SESSION, "name": "Kerala, by train"},
)
EXPORT: Final = Operation(
    name="sessions_export",
    responses=lambda schema: {(200, NDJSONRenderer.media_type): {"type": "string"}},
    description=(
        "One session per line, with its messages in `runs`, turn by turn, as in `GET sessions/{session_id}/runs/`. "
        "For another person it needs the permissions `agno_memory.view_agentsession` and `export_usermemory`."
    ),
    headers={200: {"Content-Disposition": SESSIONS_FILE, "Cache-Control": NO_STORE}},
    response_example={NDJSONRenderer.media_type: NDJSON},
)
DELETE: Final = Operation(name="sessions_delete", responses=empty, errors=(404,))
RUNS: Final = Operation(
    name="sessions_runs",
    responses=lambda schema: {200: RunSerializer(many=True)},
    errors=(404,),
    description=(
        "In the order in which they were made, page by page. The application's instructions to its model are left "
        "out, and so are messages that a run repeats from earlier ones."
    ),
    response_example=page("sessions/b1c2/runs", RUN),
)
