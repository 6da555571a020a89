"""The facts of an action for OpenAPI, beyond its serializers, filters, pages and parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from agno_memory.rest.openapi.constraints import Schema

if TYPE_CHECKING:
    from agno_memory.rest.openapi.schema import OperationSchema

# Returns the serializer or the schema of each successful status; None is an empty body.
Responses = Callable[["OperationSchema"], dict[Any, Any]]
Examples = Mapping[str, Any]

NEXT_PAGE: Final = "https://example.com/api/{path}/?cursor=Znwt"


@dataclass(frozen=True)
class Operation:
    """One action of a viewset.

    Args:
        name: operation id, unique in the API.
        responses: the responses of the successful statuses.
        errors: statuses of this action, beside those of every action.
        description: details beyond the docstring of the action.
        request: returns a serializer or a schema of the body; None takes the viewset's serializer.
        headers: the headers of the responses, by status.
        request_examples: bodies by title.
        response_example: a body, or bodies by media type.
        links: actions that take the memory in the response.
    """

    name: str
    responses: Responses
    errors: tuple[int, ...] = ()
    description: str = ""
    request: Callable[[OperationSchema], Any] | None = None
    headers: Mapping[int, Mapping[str, Schema]] = field(default_factory=dict)
    request_examples: Examples = field(default_factory=dict)
    response_example: Any = None
    links: tuple[str, ...] = ()


def one(*statuses: int) -> Responses:
    """Return the responses with one object, by the viewset's serializer."""
    return lambda schema: {status: schema.view.get_serializer() for status in statuses}


def many(schema: OperationSchema) -> dict[Any, Any]:
    """Return the response with a list of objects, by the viewset's serializer."""
    return {200: schema.view.get_serializer(many=True)}


def serialized(serializer: Any) -> Responses:
    """Return the response by a serializer, or its class."""
    return lambda schema: {200: serializer}


def empty(schema: OperationSchema) -> dict[Any, Any]:
    """Return the response without a body."""
    return {204: None}


def page(path: str, *results: Any, **links: Any) -> Examples:
    """Return the example of a page.

    Args:
        path: the path of the list.
        results: on the page.
        links: beside ``next``.
    """
    return {"next": NEXT_PAGE.format(path=path), **links, "results": list(results)}
