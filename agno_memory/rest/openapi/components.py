"""Error responses as components that operations share."""

from __future__ import annotations

from http import HTTPStatus

from django.utils.functional import Promise
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent

from agno_memory.rest import problems
from agno_memory.rest.openapi.constraints import Schema
from agno_memory.rest.openapi.responses import ERRORS, SCHEMAS

JSON = "application/json"


def error_response(registry: ComponentRegistry, status: int) -> Schema:
    """Return a reference to the response of an error, and add its components to the registry if they are missing."""
    for name, schema in SCHEMAS.items():
        _register(registry, name, ResolvedComponent.SCHEMA, schema)
    error = ERRORS[status]
    example = {name: str(value) if isinstance(value, Promise) else value for name, value in error.example.items()}
    response = {
        "description": error.description,
        **({"headers": error.headers} if error.headers else {}),
        "content": {
            JSON: {"schema": error.schema, "example": example},
            problems.MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/MemoryProblem"},
                "example": problems.as_problem(HTTPStatus(status), example),
            },
        },
    }
    return _register(registry, error.name, ResolvedComponent.RESPONSE, response)


def _register(registry: ComponentRegistry, name: str, kind: str, schema: Schema) -> Schema:
    # The registry compares components by this class.
    component = ResolvedComponent(name=name, type=kind, schema=schema, object=ResolvedComponent)
    registry.register_on_missing(component)
    return component.ref
