"""The operations of memories for OpenAPI, with their examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agno_memory.conf import conf
from agno_memory.models import UserMemory
from agno_memory.names import CONTENT_FIELDS, FIELDS
from agno_memory.rest.memories.pagination import HistoryPagination
from agno_memory.rest.memories.serializers import (
    DeletedSerializer,
    DeleteSerializer,
    MergeSerializer,
    RestoreSerializer,
)
from agno_memory.rest.openapi.constraints import Schema
from agno_memory.rest.openapi.operations import Operation, empty, many, one, page, serialized
from agno_memory.rest.openapi.responses import DISPOSITION, ETAG, LOCATION, NO_STORE, WITH_A_BODY
from agno_memory.rest.renderers import CSVRenderer, NDJSONRenderer
from agno_memory.revision_models import MemoryRevision

if TYPE_CHECKING:
    from agno_memory.rest.openapi.schema import OperationSchema

# Examples

# The content fields with their defaults, as a memory has those that a request leaves out.
DEFAULTS: Final[dict[str, Any]] = {name: getattr(UserMemory(), name) for name in CONTENT_FIELDS}
NEW_MEMORY: Final[dict[str, Any]] = {
    "memory": "Is allergic to peanuts",
    "topics": ["food", "allergies"],
    "input": "I can't have peanuts, by the way.",
    "metadata": {"confidence": 0.9},
    "agent_id": "concierge",
}
MEMORY: Final[dict[str, Any]] = {
    "memory_id": "0199d2a4-6a53-7c41-9d0b-3f0d6a1c2b7e",
    "user_id": "maya",
    **DEFAULTS,
    **NEW_MEMORY,
    "version": 1,
    "created_at": "2026-11-25T09:30:00.125Z",
    "last_updated": "2026-11-25T09:30:00.125Z",
}
CHANGED_MEMORY: Final = {**MEMORY, "topics": ["food"], "version": 2, "last_updated": "2026-11-25T09:31:12.004Z"}
SECOND_NEW_MEMORY: Final = {"memory": "Speaks Portuguese", "topics": ["languages"]}
SECOND_MEMORY: Final = {
    **MEMORY,
    **DEFAULTS,
    **SECOND_NEW_MEMORY,
    "memory_id": "0199d2a4-6a53-7c41-9d0b-3f0d6a1c2b7f",
}
NDJSON: Final = '{"memory_id": "0199d2a4-6a53-7c41-9d0b-3f0d6a1c2b7e", "user_id": "maya", "memory": "Is allergic ...'
CSV: Final = f"{','.join(FIELDS)}\r\n"


def _array(schema: OperationSchema, direction: Any) -> Schema:
    """Return the schema of a list of memories that is not a page."""
    component = schema.resolve_serializer(schema.view.get_serializer(), direction)
    return {"type": "array", "items": component.ref}


def _bulk_request(schema: OperationSchema) -> dict[str, Schema]:
    body = {**_array(schema, "request"), "maxItems": conf.REST_MAX_BULK}
    return dict.fromkeys(schema.map_parsers(), body)


# Numbers by word.
_WEIGHTS: Final[Schema] = {"type": "object", "additionalProperties": {"type": "number"}}
_EXPLANATION: Final[Schema] = {
    "type": "object",
    "description": "The parts of the score; only with `explain=true`.",
    "properties": {
        "words": {**_WEIGHTS, "description": "The weight of each word in the memory itself."},
        "neighbours": {
            "type": "object",
            "description": "The weight of each word that another memory of the session has, and its id.",
            "additionalProperties": {
                "type": "object",
                "properties": {"weight": {"type": "number"}, "memory_id": {"type": "string"}},
            },
        },
        **{name: {"type": "number"} for name in ("session", "speaker", "time", "question", "model")},
        "topics": {"type": "array", "items": {"type": "string"}},
        "model_name": {"type": "string", "nullable": True},
        "repairs": {"type": "object", "additionalProperties": {"type": "string"}},
        "order": {"type": "string", "enum": ["score", "newest", "oldest"]},
        "problem": {"type": "string", "nullable": True},
    },
}


def _found(schema: OperationSchema) -> dict[Any, Any]:
    """Return the response of a search: memories, with their scores if they were asked for."""
    memory = schema.resolve_serializer(schema.view.get_serializer(), "response").ref
    score = {"type": "object", "properties": {"score": {"type": "number"}, "explanation": _EXPLANATION}}
    results: Schema = {"type": "array", "items": {"allOf": [memory, score]}}
    return {200: {"type": "object", "properties": {"results": results}, "required": ["results"]}}


# How a version of a memory ended.
_NULLABLE: Final[Schema] = {"type": "string", "nullable": True}
_MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
_ENDING: Final[dict[str, Schema]] = {
    "valid_from": {**_MOMENT, "description": "The time from which on the version held."},
    "valid_until": {
        **_MOMENT,
        "nullable": True,
        "description": "The time until which it held; null for the version that holds now.",
    },
    "action": {
        "type": "string",
        "description": "The write that ended it. An entry with `reassigned` is no version but an event, with the "
        "version 0 and one time for both: the memory was given to this owner then.",
        "enum": ["", *MemoryRevision.Action.values],
    },
    "actor": {**_NULLABLE, "description": "The id of the author of that write."},
    "through": {"type": "string", "description": "The way of that write, such as `REST` or `admin`."},
    "reason": {"type": "string"},
    "merged_into": {**_NULLABLE, "description": "The id of the memory that has the content now."},
    "restored": {
        "type": "object",
        "nullable": True,
        "additionalProperties": {},
        "description": "How a deleted memory came back.",
    },
}
ENDING: Final[dict[str, Any]] = {
    "valid_from": CHANGED_MEMORY["created_at"],
    "valid_until": CHANGED_MEMORY["last_updated"],
    "action": "replaced",
    "actor": "maya",
    "through": "REST",
    "reason": "",
    "merged_into": None,
    "restored": None,
}
# That of the version that holds now.
NOT_ENDED: Final[dict[str, Any]] = {
    **ENDING,
    "valid_from": CHANGED_MEMORY["last_updated"],
    "valid_until": None,
    "action": "",
    "actor": None,
    "through": "",
}


def _page_of_versions(schema: OperationSchema) -> dict[Any, Any]:
    memory = schema.resolve_serializer(schema.view.get_serializer(), "response").ref
    ending: Schema = {"type": "object", "properties": _ENDING, "required": list(_ENDING)}
    results: Schema = {"type": "array", "items": {"allOf": [memory, ending]}}
    return {200: HistoryPagination().get_paginated_response_schema(results)}


def _groups(schema: OperationSchema) -> dict[Any, Any]:
    group = _array(schema, "response")
    results: Schema = {"type": "array", "items": {**group, "minItems": 2}}
    return {200: {"type": "object", "properties": {"results": results}, "required": ["results"]}}


# Operations

LIST: Final = Operation(
    name="memories_list",
    responses=many,
    description=(
        "Newest first, unless `ordering` is given. Read page by page: follow `next` until it is null. Pages stay exact "
        "while memories are written. Unknown parameters are refused, so that a misspelt one does not widen the result. "
        "A parameter such as `metadata.plan=pro` narrows by the value under a key of the metadata. "
        "With `deleted=true`, each memory has the fields of a version in its history too, and `previous` is null."
    ),
    response_example=page("memories", MEMORY, previous=None),
)
CREATE: Final = Operation(
    name="memories_create",
    responses=one(200, 201),
    errors=(409, *WITH_A_BODY),
    description=(
        "Only `memory` is required. Without a `memory_id`, the server assigns one that sorts by time. Ids belong to "
        "their owner: several users may have the same one. 200 is the response of a site that returns the memory that "
        "the person has with the same text."
    ),
    headers={200: {"ETag": ETAG, "Location": LOCATION}, 201: {"ETag": ETAG, "Location": LOCATION}},
    request_examples={"A memory": NEW_MEMORY, "With an id of its own": {"memory_id": "maya-1", **SECOND_NEW_MEMORY}},
    response_example=MEMORY,
    links=("retrieve", "update", "partial_update", "destroy"),
)
CREATE_MANY: Final = Operation(
    name="memories_create_many",
    responses=lambda schema: {201: _array(schema, "response")},
    errors=(409, *WITH_A_BODY),
    description="The response lists them in the order of the request. Errors are by position, counted from 0.",
    request=_bulk_request,
    request_examples={"Two memories": [NEW_MEMORY, SECOND_NEW_MEMORY]},
    response_example=[MEMORY, SECOND_MEMORY],
)
RETRIEVE: Final = Operation(
    name="memories_retrieve",
    responses=lambda schema: {**one(200)(schema), 304: None},
    errors=(404,),
    headers={200: {"ETag": ETAG}, 304: {"ETag": ETAG}},
    response_example=MEMORY,
)
REPLACE: Final = Operation(
    name="memories_replace",
    responses=one(200, 201),
    errors=(404, 409, 412, *WITH_A_BODY),
    description=(
        "Fields that the body leaves out are emptied. With `If-None-Match: *` the request creates the memory under "
        "this id; it fails with 412 if the user has a memory with it. A `memory_id` in the body must be that of the "
        "path."
    ),
    headers={200: {"ETag": ETAG}, 201: {"ETag": ETAG}},
    request_examples={"A memory": {**NEW_MEMORY, "topics": ["food"]}},
    response_example=CHANGED_MEMORY,
)
CHANGE: Final = Operation(
    name="memories_change",
    responses=one(200),
    errors=(404, 412, *WITH_A_BODY),
    description="Fields that the body leaves out stay unchanged. A `memory_id` in the body must be that of the path.",
    headers={200: {"ETag": ETAG}},
    request_examples={"Other topics": {"topics": ["food"]}},
    response_example=CHANGED_MEMORY,
)
DELETE: Final = Operation(
    name="memories_delete",
    responses=empty,
    errors=(404, 412),
    description="For `HISTORY_DAYS`, the memory can be restored, unless the request has `permanently=true`.",
)
HISTORY: Final = Operation(
    name="memories_history",
    responses=_page_of_versions,
    errors=(404,),
    description=(
        "The newest first: the memory as it was in each version, and how the version ended. The first one holds now. "
        "The history of a deleted memory requires the permission `agno_memory.view_deleted`, for the caller's own "
        "memories too."
    ),
    response_example=page(
        f"memories/{MEMORY['memory_id']}/history",
        {**CHANGED_MEMORY, **NOT_ENDED},
        {**MEMORY, **ENDING},
    ),
)
RESTORE: Final = Operation(
    name="memories_restore",
    responses=one(200),
    errors=(404, 412, *WITH_A_BODY),
    description=(
        "The restored version is a new one. A deleted memory comes back with its id and its history; this requires the "
        "permission `agno_memory.view_deleted`, for the caller's own memories too. `If-Match` restores only over the "
        "version that it names."
    ),
    headers={200: {"ETag": ETAG}},
    request=lambda schema: RestoreSerializer(),
    request_examples={"The version before": {}, "A certain version": {"version": 1, "reason": "ticket 812"}},
    response_example={**MEMORY, "version": 3, "last_updated": "2026-11-25T09:32:40.871Z"},
)
MERGE: Final = Operation(
    name="memories_merge",
    responses=one(200),
    errors=(404, 409, *WITH_A_BODY),
    description=(
        "The newest gets the text, the topics of all, and the earliest time of creation. The others are deleted. "
        "For another person this requires the permissions to change and to delete memories."
    ),
    headers={200: {"ETag": ETAG, "Location": LOCATION}},
    request=lambda schema: MergeSerializer(),
    request_examples={"Two memories": {"memory_ids": [MEMORY["memory_id"], "maya-1"], "memory": MEMORY["memory"]}},
    response_example=CHANGED_MEMORY,
)
DUPLICATES: Final = Operation(
    name="memories_duplicates",
    responses=_groups,
    description=(
        "Groups of memories with equal texts (case and spaces aside) or nearly the same words, the most similar group "
        "first; in a group, the newest memory first. The filters of the list narrow the memories that are compared, at "
        "most 10,000. A group has as many memories as the largest page, at most."
    ),
    response_example={"results": [[MEMORY, SECOND_MEMORY]]},
)
DELETE_MANY: Final = Operation(
    name="memories_delete_many",
    responses=serialized(DeletedSerializer),
    errors=WITH_A_BODY,
    description="The response lists the ids that this request deleted, in the order of the request.",
    request=lambda schema: DeleteSerializer(),
    request_examples={"Two ids": {"memory_ids": [MEMORY["memory_id"], "maya-1"]}},
    response_example={"deleted": [MEMORY["memory_id"]]},
)
SEARCH: Final = Operation(
    name="memories_search",
    responses=_found,
    description=(
        "Ranked by the words of the query: their rarity among the user's memories, the topics, the neighbours in a "
        "session. A query of words that say nothing, such as `what about it?`, returns the newest memories. The "
        "filters of the list apply before the ranking."
    ),
    response_example={"results": [MEMORY]},
)
EXPORT: Final = Operation(
    name="memories_export",
    responses=lambda schema: {
        (200, NDJSONRenderer.media_type): {"type": "string"},
        (200, CSVRenderer.media_type): {"type": "string"},
    },
    description=(
        "NDJSON has one memory per line, each as in `GET memories/{memory_id}/`. After the memories come their earlier "
        "versions, each as in `GET memories/{memory_id}/history/`, which `valid_until` marks; those of deleted "
        "memories only with the permission `agno_memory.view_deleted`. With `Accept: text/csv`, the file is "
        "CSV with a header. It is safe to open in a spreadsheet: a cell that looks like a formula begins with an "
        "apostrophe."
    ),
    headers={200: {"Content-Disposition": DISPOSITION, "Cache-Control": NO_STORE}},
    response_example={NDJSONRenderer.media_type: NDJSON, CSVRenderer.media_type: CSV},
)
