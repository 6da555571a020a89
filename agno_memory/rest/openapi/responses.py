"""Error responses, the headers of responses, and descriptions of successes."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from agno_memory.rest.exceptions import (
    RETRY_AFTER,
    Conflict,
    LengthRequired,
    NotStored,
    PreconditionFailed,
    ServiceUnavailable,
)
from agno_memory.rest.openapi.constraints import Schema

# Headers

ETAG: Final[Schema] = {
    "description": "The version of the memory and a digest of it, for `If-Match` and `If-None-Match`.",
    "required": True,
    "schema": {"type": "string", "pattern": '^"[0-9]+-[0-9a-f]{16}"$', "example": '"1-5f3c9a0b7d214e86"'},
}
LOCATION: Final[Schema] = {
    "description": "The address of the memory.",
    "required": True,
    "schema": {"type": "string", "format": "uri"},
}
RETRY: Final[Schema] = {
    "description": "Seconds to wait before the next attempt.",
    "schema": {"type": "integer", "minimum": 0, "example": RETRY_AFTER},
}
CHALLENGE: Final[Schema] = {
    "description": "How to log in.",
    "schema": {"type": "string", "example": "Token"},
}
NO_STORE: Final[Schema] = {
    "description": "A stored copy would not be erased with the person.",
    "required": True,
    "schema": {"type": "string", "enum": ["private, no-store"]},
}
DISPOSITION: Final[Schema] = {
    "description": "The name of the file.",
    "required": True,
    "schema": {"type": "string", "example": 'attachment; filename="memories.ndjson"'},
}

# Schemas

_MESSAGES: Final[Schema] = {"type": "array", "items": {"type": "string"}}
SCHEMAS: Final[dict[str, Schema]] = {
    "MemoryErrorDetail": {
        "type": "object",
        "description": "An error of the request as a whole.",
        "properties": {"detail": {"type": "string"}},
        "required": ["detail"],
        "additionalProperties": False,
    },
    "MemoryFieldErrors": {
        "type": "object",
        "description": (
            "Errors by the names of fields or parameters. If a request has several memories or ids, errors are by "
            "their positions first."
        ),
        "additionalProperties": {"anyOf": [_MESSAGES, {"type": "object", "additionalProperties": {}}]},
    },
    "MemoryDuplicate": {
        "type": "object",
        "description": "The person has a memory with the same text.",
        "properties": {
            "detail": {"type": "string"},
            "memory_id": {"type": "string", "description": "The id of that memory."},
        },
        "required": ["detail", "memory_id"],
        "additionalProperties": False,
    },
    "MemoryProblem": {
        "type": "object",
        "description": "The error by RFC 9457, for clients that accept `application/problem+json`.",
        "properties": {
            "type": {"type": "string", "format": "uri", "example": "about:blank"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string"},
            "memory_id": {"type": "string", "description": "The id of a memory with the same text."},
            "errors": {"$ref": "#/components/schemas/MemoryFieldErrors"},
        },
        "required": ["type", "title", "status"],
    },
}
_DETAIL: Final = {"$ref": "#/components/schemas/MemoryErrorDetail"}
_FIELDS: Final = {"$ref": "#/components/schemas/MemoryFieldErrors"}
_EITHER: Final = {"anyOf": [_DETAIL, _FIELDS]}
_DUPLICATE: Final = {"$ref": "#/components/schemas/MemoryDuplicate"}

SUCCESSES: Final = {
    "200": "The result.",
    "201": "Created.",
    "204": "Deleted.",
    "304": "Not modified: the client has the current version.",
}


class Error(NamedTuple):
    """The response of an error.

    Args:
        name: the name of the component.
        description: the description of the error.
        schema: the schema of the body as JSON.
        example: an example of the body as JSON. Its texts may be lazy translations.
        headers: the headers of the response.
    """

    name: str
    description: str
    schema: Schema
    example: Any
    headers: dict[str, Schema]


def _error(name: str, description: str, detail: object, **headers: Schema) -> Error:
    named = {header.replace("_", "-"): described for header, described in headers.items()}
    return Error(name, description, _DETAIL, {"detail": detail}, named)


ERRORS: Final[dict[int, Error]] = {
    400: Error(
        "MemoryBadRequest",
        "A parameter or a field of the body is not valid. Errors are by their names.",
        _EITHER,
        {"topics": ["Ensure there are at most 50 topics (there are 51)."]},
        {},
    ),
    401: _error(
        "MemoryUnauthorized",
        "The caller is not logged in, or the credentials are not valid.",
        "Invalid token.",
        WWW_Authenticate=CHALLENGE,
    ),
    403: _error(
        "MemoryForbidden",
        "The request names another user, and the caller lacks the permission; or the caller is not logged in and the "
        "site's authentication sends no challenge.",
        "You do not have permission to perform this action.",
    ),
    404: _error(
        "MemoryNotFound",
        "The user has no such memory or session. One of another user gives the same answer.",
        "Not found.",
    ),
    406: _error(
        "MemoryNotAcceptable",
        "The response is not available in a format that `Accept` names.",
        "Could not satisfy the request Accept header.",
    ),
    409: Error(
        "MemoryConflict",
        "The user has a memory with this id; for many memories, errors are by position. Or the site refuses a second "
        "memory with the same text. Or another request wrote one of the memories to merge.",
        {"anyOf": [_DETAIL, _FIELDS, _DUPLICATE]},
        {"detail": Conflict.default_detail},
        {},
    ),
    411: _error("MemoryLengthRequired", "The body has no `Content-Length`.", LengthRequired.default_detail),
    412: _error(
        "MemoryPreconditionFailed",
        "The memory does not match `If-Match` or `If-None-Match`: another client has changed it.",
        PreconditionFailed.default_detail,
    ),
    413: _error("MemoryTooLarge", "The body is too long.", "At most 10485760 bytes: send several requests."),
    415: _error(
        "MemoryUnsupportedMediaType",
        "The body is not JSON in UTF-8.",
        'Unsupported media type "text/plain" in request.',
    ),
    429: _error(
        "MemoryTooManyRequests",
        "The caller sends more requests than the site allows.",
        "Request was throttled. Expected available in 12 seconds.",
        Retry_After=RETRY,
    ),
    503: _error(
        "MemoryUnavailable",
        "The database is not available.",
        ServiceUnavailable.default_detail,
        Retry_After={**RETRY, "required": True},
    ),
    507: _error(
        "MemoryNotStored",
        "The database is read-only, or its disk is full. Waiting does not help.",
        NotStored.default_detail,
    ),
}
# Statuses of every action, of every action that writes, and of every action with a body.
EVERYWHERE: Final = (400, 401, 403, 406, 429, 503)
OF_WRITES: Final = (507,)
WITH_A_BODY: Final = (411, 413, 415)
