"""The operations of memories for OpenAPI, with their examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agno_memory.conf import conf
from agno_memory.models import UserMemory
from agno_memory.names import CONTENT_FIELDS, FIELDS
from agno_memory.rest.memories.serializers import DeletedSerializer, DeleteSerializer
from agno_memory.rest.openapi.constraints import Schema
from agno_memory.rest.openapi.operations import Operation, empty, many, one, page, serialized
from agno_memory.rest.openapi.responses import DISPOSITION, ETAG, LOCATION, NO_STORE, WITH_A_BODY
from agno_memory.rest.renderers import CSVRenderer, NDJSONRenderer

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


# Operations

LIST: Final = Operation(
    name="memories_list",
    responses=many,
    description=(
        "Newest first, unless `ordering` is given. Read page by page: follow `next` until it is null. Pages stay exact "
        "while memories are written. Unknown parameters are refused, so that a misspelt one does not widen the result. "
        "A parameter such as `metadata.plan=pro` narrows by the value under a key of the metadata."
    ),
    response_example=page("memories", MEMORY, previous=None),
)
CREATE: Final = Operation(
    name="memories_create",
    responses=one(201),
    errors=(409, *WITH_A_BODY),
    description=(
        "Only `memory` is required. Without a `memory_id`, the server assigns one that sorts by time. Ids belong to "
        "their owner: several users may have the same one."
    ),
    headers={201: {"ETag": ETAG, "Location": LOCATION}},
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
    errors=(404, 412, *WITH_A_BODY),
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
DELETE: Final = Operation(name="memories_delete", responses=empty, errors=(404, 412))
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
        "NDJSON has one memory per line, each as in `GET memories/{memory_id}/`. With `Accept: text/csv`, the file is "
        "CSV with a header. It is safe to open in a spreadsheet: a cell that looks like a formula begins with an "
        "apostrophe."
    ),
    headers={200: {"Content-Disposition": DISPOSITION, "Cache-Control": NO_STORE}},
    response_example={NDJSONRenderer.media_type: NDJSON, CSVRenderer.media_type: CSV},
)
