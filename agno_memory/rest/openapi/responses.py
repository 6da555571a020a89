"""The answers that say no, and the headers of all answers, as components that operations share."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent

from agno_memory.rest import problems
from agno_memory.rest.exceptions import RETRY_AFTER, Conflict, LengthRequired, PreconditionFailed, ServiceUnavailable

Schema = dict[str, Any]
JSON: Final = "application/json"

# Headers

ETAG: Final[Schema] = {
    "description": "The version of the memory, for `If-Match` and `If-None-Match`.",
    "required": True,
    "schema": {"type": "string", "pattern": '^"[0-9]+"$', "example": '"1"'},
}
LOCATION: Final[Schema] = {
    "description": "Where the memory is.",
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
    "description": "`no-store`: what is kept elsewhere is not erased with the person.",
    "required": True,
    "schema": {"type": "string", "enum": ["no-store"]},
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
        "description": "What is wrong with the request as a whole.",
        "properties": {"detail": {"type": "string"}},
        "required": ["detail"],
        "additionalProperties": False,
    },
    "MemoryFieldErrors": {
        "type": "object",
        "description": (
            "What is wrong, by the names of fields or parameters; where a request has several memories or ids, by "
            "their positions first."
        ),
        "additionalProperties": {"anyOf": [_MESSAGES, {"type": "object", "additionalProperties": {}}]},
    },
    "MemoryProblem": {
        "type": "object",
        "description": "The same by RFC 9457, for clients whose `Accept` names `application/problem+json`.",
        "properties": {
            "type": {"type": "string", "format": "uri", "example": "about:blank"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string"},
            "errors": {"$ref": "#/components/schemas/MemoryFieldErrors"},
        },
        "required": ["type", "title", "status"],
    },
}
_DETAIL: Final = {"$ref": "#/components/schemas/MemoryErrorDetail"}
_FIELDS: Final = {"$ref": "#/components/schemas/MemoryFieldErrors"}
_EITHER: Final = {"anyOf": [_DETAIL, _FIELDS]}

SUCCESSES: Final = {
    "200": "What came of it.",
    "201": "Remembered.",
    "204": "Forgotten.",
    "304": "It still is as the client has it.",
}

# Errors: name of the component, what it means, its schema, an example and headers.

Error = tuple[str, str, Schema, Any, dict[str, Schema]]


def _detail(text: object) -> dict[str, str]:
    return {"detail": str(text)}


ERRORS: Final[dict[int, Error]] = {
    400: (
        "MemoryBadRequest",
        "A parameter, or the body, is not as it must be: what, by the names of the fields.",
        _EITHER,
        {"topics": ["Ensure there are at most 50 topics (there are 51)."]},
        {},
    ),
    401: (
        "MemoryUnauthorized",
        "Nobody is logged in, or the credentials are no good.",
        _DETAIL,
        _detail("Invalid token."),
        {"WWW-Authenticate": CHALLENGE},
    ),
    403: (
        "MemoryForbidden",
        "Another user is named without the permission for it; or nobody is logged in and there is no challenge.",
        _DETAIL,
        _detail("You do not have permission to perform this action."),
        {},
    ),
    404: (
        "MemoryNotFound",
        "The user has no such memory, whoever else may have it.",
        _DETAIL,
        _detail("Not found."),
        {},
    ),
    406: (
        "MemoryNotAcceptable",
        "There is no form that the `Accept` asks for.",
        _DETAIL,
        _detail("Could not satisfy the request Accept header."),
        {},
    ),
    409: (
        "MemoryConflict",
        "The id is taken, whoever has it; of many, the positions of those that are.",
        _EITHER,
        _detail(Conflict.default_detail),
        {},
    ),
    411: (
        "MemoryLengthRequired",
        "The body has no `Content-Length`.",
        _DETAIL,
        _detail(LengthRequired.default_detail),
        {},
    ),
    412: (
        "MemoryPreconditionFailed",
        "The memory is not as `If-Match` or `If-None-Match` says: somebody wrote in between.",
        _DETAIL,
        _detail(PreconditionFailed.default_detail),
        {},
    ),
    413: (
        "MemoryTooLarge",
        "The body is too long.",
        _DETAIL,
        _detail("At most 10485760 bytes: send several requests."),
        {},
    ),
    415: (
        "MemoryUnsupportedMediaType",
        "The body is not JSON in UTF-8.",
        _DETAIL,
        _detail('Unsupported media type "text/plain" in request.'),
        {},
    ),
    429: (
        "MemoryTooManyRequests",
        "More requests than the site allows.",
        _DETAIL,
        _detail("Request was throttled. Expected available in 12 seconds."),
        {"Retry-After": RETRY},
    ),
    503: (
        "MemoryUnavailable",
        "The database does not answer.",
        _DETAIL,
        _detail(ServiceUnavailable.default_detail),
        {"Retry-After": {**RETRY, "required": True}},
    ),
}
EVERYWHERE: Final = (400, 401, 403, 406, 429, 503)
WITH_A_BODY: Final = (411, 413, 415)


def error(registry: ComponentRegistry, status: int) -> Schema:
    """Return a reference to the answer of an error, which is put among the components where it is missing."""
    for name, schema in SCHEMAS.items():
        _register(registry, name, ResolvedComponent.SCHEMA, schema)
    name, description, schema, example, headers = ERRORS[status]
    answer = {
        "description": description,
        **({"headers": headers} if headers else {}),
        "content": {
            JSON: {"schema": schema, "example": example},
            problems.MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/MemoryProblem"},
                "example": problems.as_problem(HTTPStatus(status), example),
            },
        },
    }
    return _register(registry, name, ResolvedComponent.RESPONSE, answer)


def _register(registry: ComponentRegistry, name: str, kind: str, schema: Schema) -> Schema:
    # A class, for that is what the registry compares.
    component = ResolvedComponent(name=name, type=kind, schema=schema, object=ResolvedComponent)
    registry.register_on_missing(component)
    return component.ref
