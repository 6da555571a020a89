"""The operations of people for OpenAPI, with their examples."""

from __future__ import annotations

from typing import Final

from agno_memory.rest.openapi.operations import Operation, page, serialized
from agno_memory.rest.people.serializers import (
    ErasedSerializer,
    OwnerSerializer,
    PersonErasedSerializer,
    PersonSerializer,
    StatsSerializer,
    TopicsSerializer,
)

TOPICS: Final = Operation(
    name="topics_list",
    responses=serialized(TopicsSerializer),
    response_example={"results": [{"topic": "food", "count": 3}, {"topic": "allergies", "count": 1}]},
)
STATS: Final = Operation(
    name="stats_retrieve",
    responses=serialized(StatsSerializer),
    response_example={
        "user_id": "maya",
        "total": 12,
        "first_created_at": "2026-11-02T18:04:51.320Z",
        "last_updated": "2026-11-25T09:30:00.125Z",
    },
)
LIST: Final = Operation(
    name="users_list",
    responses=lambda schema: {200: OwnerSerializer(many=True)},
    response_example=page("users", {"user_id": "maya", "count": 12, "last_updated": "2026-11-25T09:30:00.125Z"}),
)
ERASE: Final = Operation(name="users_erase", responses=serialized(ErasedSerializer), response_example={"deleted": 12})
ERASED: Final = {
    "memories": 12,
    "earlier_versions": 5,
    "vectors": 12,
    "runs": 30,
    "sessions": 4,
    "spans": 90,
    "traces": 30,
    "metrics": 4,
    "records": 3,
    "log_texts": 2,
}
COUNT_PERSON: Final = Operation(
    name="users_retrieve",
    responses=serialized(PersonSerializer),
    description=(
        "The counts that the erasure confirms and reports, before it. For another person it needs the permissions of "
        "the erasure, and it counts as one in the throttle scope `erase`."
    ),
    response_example={"user_id": "maya", "counts": ERASED},
)
ERASE_PERSON: Final = Operation(
    name="users_erase_everything",
    responses=serialized(PersonErasedSerializer),
    description=(
        "Memories, sessions with their runs, traces, metrics, other documents of agents, cached facts, and the texts "
        "about the person in the admin's log. For another person it needs the permissions to delete memories and "
        "sessions. `left` is a second count: if it finds anything, send the request again."
    ),
    response_example={
        "erased": ERASED,
        "left": dict.fromkeys(ERASED, 0),
    },
)
