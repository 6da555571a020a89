"""What each action takes and answers, beyond what its serializers, filters and pages say of themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from agno_memory.conf import conf
from agno_memory.rest import serializers
from agno_memory.rest.openapi import examples, responses
from agno_memory.rest.openapi.constraints import Schema
from agno_memory.rest.openapi.parameters import (
    CONFIRM,
    IF_MATCH,
    IF_NONE_MATCH,
    LIMIT,
    MEMORY_ID,
    PERSON,
    SESSION_ID,
    USER_ID,
)
from agno_memory.rest.openapi.responses import ETAG, LOCATION
from agno_memory.rest.renderers import CSVRenderer, NDJSONRenderer
from agno_memory.rest.sessions import RunSerializer

if TYPE_CHECKING:
    from agno_memory.rest.openapi.schema import OperationSchema

Examples = Mapping[str, Any]
# What answers with a status: a serializer, a schema, or None for no body.
Answers = Callable[["OperationSchema"], dict[Any, Any]]

FILE: Final = {"Content-Disposition": responses.DISPOSITION, "Cache-Control": responses.NO_STORE}


@dataclass(frozen=True)
class Operation:
    """One action of a viewset.

    Args:
        name: of the operation, unique in the API.
        tag: under which pages show it.
        words: its path without the ids.
        answers: what it answers with, by status, when all is well.
        errors: statuses that are its own, beside those that everything has.
        description: what its docstring does not say.
        parameters: beside the filters and those of pages.
        request: a serializer, or a schema, for the body; None is what the viewset says.
        headers: of its answers, by status.
        told: an example of the body.
        shown: an example of the answer, by media type.
        leads_to: whether its answer is a memory that other operations take from there.
    """

    name: str
    tag: str
    words: tuple[str, ...]
    answers: Answers
    errors: tuple[int, ...] = ()
    description: str = ""
    parameters: tuple[Callable[[], Schema], ...] = (USER_ID,)
    request: Callable[[OperationSchema], Any] | None = None
    headers: Mapping[int, Mapping[str, Schema]] = field(default_factory=dict)
    told: Examples = field(default_factory=dict)
    shown: Any = None
    leads_to: bool = False


def memory(*statuses: int) -> Answers:
    """Answer with one memory, as the viewset's serializer shows it."""
    return lambda schema: {status: schema.view.get_serializer() for status in statuses}


def with_serializer(serializer: Any) -> Answers:
    return lambda schema: {200: serializer}


def of_many(schema: OperationSchema, direction: Any) -> Schema:
    """Return the schema of a list of memories that is no page."""
    component = schema.resolve_serializer(schema.view.get_serializer(), direction)
    return {"type": "array", "items": component.ref}


def page(path: str, *results: Any, **more: Any) -> Examples:
    return {"next": examples.NEXT.format(path=path), **more, "results": list(results)}


MEMORIES: Final[dict[str, Operation]] = {
    "list": Operation(
        name="memories_list",
        tag="memories",
        words=("memories",),
        answers=lambda schema: {200: schema.view.get_serializer(many=True)},
        description=(
            "The newest first, unless `ordering` says otherwise, page by page: follow `next` until it is null. Pages "
            "stay exact while memories are written. Parameters that there are not are refused, so that one that is "
            "misspelt does not widen the answer."
        ),
        shown=page("memories", examples.MEMORY, previous=None),
    ),
    "create": Operation(
        name="memories_create",
        tag="memories",
        words=("memories",),
        answers=memory(201),
        errors=(409, *responses.WITH_A_BODY),
        description="`memory` alone is required. Without a `memory_id` it gets one that sorts by time.",
        headers={201: {"ETag": ETAG, "Location": LOCATION}},
        told={"A memory": examples.TOLD, "With an id of its own": {"memory_id": "maya-1", **examples.SECOND_TOLD}},
        shown=examples.MEMORY,
        leads_to=True,
    ),
    "bulk": Operation(
        name="memories_create_many",
        tag="memories",
        words=("memories", "bulk"),
        answers=lambda schema: {201: of_many(schema, "response")},
        errors=(409, *responses.WITH_A_BODY),
        description="The answer has them in the order given. Errors are by position, counted from 0.",
        request=lambda schema: {
            media_type: {**of_many(schema, "request"), "maxItems": conf.REST_MAX_BULK}
            for media_type in schema.map_parsers()
        },
        told={"Two memories": [examples.TOLD, examples.SECOND_TOLD]},
        shown=[examples.MEMORY, examples.SECOND],
    ),
    "retrieve": Operation(
        name="memories_retrieve",
        tag="memories",
        words=("memories",),
        answers=lambda schema: {**memory(200)(schema), 304: None},
        errors=(404,),
        parameters=(USER_ID, MEMORY_ID, IF_NONE_MATCH),
        headers={200: {"ETag": ETAG}, 304: {"ETag": ETAG}},
        shown=examples.MEMORY,
    ),
    "update": Operation(
        name="memories_replace",
        tag="memories",
        words=("memories",),
        answers=memory(200, 201),
        errors=(404, 412, *responses.WITH_A_BODY),
        description=(
            "What the body leaves out is emptied. With `If-None-Match: *` the memory is created under this id, and 412 "
            "where the id is taken, whoever has it. A `memory_id` in the body must be that of the path."
        ),
        parameters=(USER_ID, MEMORY_ID, IF_MATCH, IF_NONE_MATCH),
        headers={200: {"ETag": ETAG}, 201: {"ETag": ETAG}},
        told={"A memory": {**examples.TOLD, "topics": ["food"]}},
        shown=examples.CHANGED,
    ),
    "partial_update": Operation(
        name="memories_change",
        tag="memories",
        words=("memories",),
        answers=memory(200),
        errors=(404, 412, *responses.WITH_A_BODY),
        description="What the body leaves out stays. A `memory_id` in the body must be that of the path.",
        parameters=(USER_ID, MEMORY_ID, IF_MATCH, IF_NONE_MATCH),
        headers={200: {"ETag": ETAG}},
        told={"Other topics": {"topics": ["food"]}},
        shown=examples.CHANGED,
    ),
    "destroy": Operation(
        name="memories_delete",
        tag="memories",
        words=("memories",),
        answers=lambda schema: {204: None},
        errors=(404, 412),
        parameters=(USER_ID, MEMORY_ID, IF_MATCH, IF_NONE_MATCH),
    ),
    "delete_many": Operation(
        name="memories_delete_many",
        tag="memories",
        words=("memories", "delete"),
        answers=with_serializer(serializers.DeletedSerializer),
        errors=responses.WITH_A_BODY,
        description="The answer has the ids of those that this request deleted, in the order given.",
        request=lambda schema: serializers.DeleteSerializer(),
        told={"Two ids": {"memory_ids": [examples.MEMORY["memory_id"], "maya-1"]}},
        shown={"deleted": [examples.MEMORY["memory_id"]]},
    ),
    "export": Operation(
        name="memories_export",
        tag="memories",
        words=("memories", "export"),
        answers=lambda schema: {
            (200, NDJSONRenderer.media_type): {"type": "string"},
            (200, CSVRenderer.media_type): {"type": "string"},
        },
        description=(
            "As NDJSON, one memory a line, each as `GET memories/{memory_id}/` shows it; with `Accept: text/csv`, as "
            "CSV with a header, safe to open in a spreadsheet: a cell that looks like a formula begins with an "
            "apostrophe."
        ),
        headers={200: FILE},
        shown={NDJSONRenderer.media_type: examples.NDJSON, CSVRenderer.media_type: examples.CSV},
    ),
}

PEOPLE: Final[dict[str, Operation]] = {
    "topics": Operation(
        name="topics_list",
        tag="people",
        words=("topics",),
        answers=with_serializer(serializers.TopicsSerializer),
        parameters=(USER_ID, LIMIT),
        shown={"results": [{"topic": "food", "count": 3}, {"topic": "allergies", "count": 1}]},
    ),
    "stats": Operation(
        name="stats_retrieve",
        tag="people",
        words=("stats",),
        answers=with_serializer(serializers.StatsSerializer),
        shown={
            "user_id": "maya",
            "total": 12,
            "first_created_at": "2026-11-02T18:04:51.320Z",
            "last_updated": "2026-11-25T09:30:00.125Z",
        },
    ),
    "list": Operation(
        name="users_list",
        tag="people",
        words=("users",),
        answers=lambda schema: {200: serializers.OwnerSerializer(many=True)},
        parameters=(),
        shown=page("users", examples.OWNER),
    ),
    "erase": Operation(
        name="users_erase",
        tag="people",
        words=("users", "memories"),
        answers=with_serializer(serializers.ErasedSerializer),
        parameters=(PERSON, CONFIRM),
        shown={"deleted": 12},
    ),
}

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

SESSIONS: Final[dict[str, Operation]] = {
    "list": Operation(
        name="sessions_list",
        tag="sessions",
        words=("sessions",),
        answers=lambda schema: {200: schema.view.get_serializer(many=True)},
        description="The caller's own, the latest first, page by page: follow `next` until it is null.",
        parameters=(),
        shown=page("sessions", SESSION),
    ),
    "retrieve": Operation(
        name="sessions_retrieve",
        tag="sessions",
        words=("sessions",),
        answers=lambda schema: {200: schema.view.get_serializer()},
        errors=(404,),
        parameters=(SESSION_ID,),
        shown=SESSION,
    ),
    "partial_update": Operation(
        name="sessions_rename",
        tag="sessions",
        words=("sessions",),
        answers=lambda schema: {200: schema.view.get_serializer()},
        errors=(404, *responses.WITH_A_BODY),
        description="The name alone can be changed; the rest of the body is not looked at.",
        parameters=(SESSION_ID,),
        told={"A name": {"name": "Kerala, by train"}},
        shown={**SESSION, "name": "Kerala, by train"},
    ),
    "destroy": Operation(
        name="sessions_delete",
        tag="sessions",
        words=("sessions",),
        answers=lambda schema: {204: None},
        errors=(404,),
        parameters=(SESSION_ID,),
    ),
    "runs": Operation(
        name="sessions_runs",
        tag="sessions",
        words=("sessions", "runs"),
        answers=lambda schema: {200: RunSerializer(many=True)},
        errors=(404,),
        description=(
            "As they were made, page by page. What an application tells its model first is not shown, nor what a run "
            "repeats of earlier ones."
        ),
        parameters=(SESSION_ID,),
        shown=page("sessions/b1c2/runs", RUN),
    ),
}

# Operations that take a memory, by its id and its owner, from the answer of another.
FOLLOWERS: Final = ("retrieve", "update", "partial_update", "destroy")
