"""Endpoints: each action of a viewset with its facts beside it.

URLs, reserved ids, permissions, throttles, known parameters and OpenAPI are read from these facts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from agno_memory.rest.openapi.operations import Operation
from agno_memory.rest.openapi.parameters import Parameter

Handler = TypeVar("Handler", bound=Callable[..., Any])
Method = Literal["get", "post", "put", "patch", "delete"]
Permission = Literal["view", "add", "change", "delete", "export"]
Scope = Literal["read", "write", "erase", "export"]

# The attribute of a decorated method that holds its facts.
FACTS: Final = "endpoint_facts"


@dataclass(frozen=True)
class Route:
    """A path of the API.

    Args:
        path: relative to the address of the API, in Django's syntax.
        name: the name of the URL pattern.
        title: heading of the page in the browsable API.
    """

    path: str
    name: str
    title: str

    @property
    def words(self) -> list[str]:
        """The segments of the path that are not ids."""
        return [segment for segment in self.segments if not is_id(segment)]

    @property
    def segments(self) -> list[str]:
        """The parts of the path."""
        return self.path.strip("/").split("/")

    @property
    def ends_with_id(self) -> bool:
        """Whether the last segment is an id."""
        return is_id(self.segments[-1])


@dataclass(frozen=True)
class Endpoint:
    """Decorator that declares the facts of one action. An action that a site adds without it has the defaults.

    A method that overrides an action in a subclass has the same facts, unless it is decorated too.

    Args:
        method: the HTTP method.
        route: the path. Without one, the site must define the URL pattern.
        permission: the model permission that a caller needs to act for another user.
        also: further permissions that such a caller needs.
        models: the models of that permission; by default that of the viewset.
        scope: the key of ``REST_THROTTLE_RATES`` that limits the requests.
        parameters: the accepted parameters, except filters, with their descriptions for OpenAPI.
        names_user_in_body: whether the body may contain ``user_id``.
        concerns_everybody: whether the action covers all users, so that it always requires the permission.
        operation: further facts for OpenAPI; without it, drf-spectacular describes the action.
    """

    method: Method | None = None
    route: Route | None = None
    permission: Permission = "view"
    also: tuple[Permission, ...] = ()
    models: tuple[str, ...] = ()
    scope: Scope = "read"
    parameters: tuple[Parameter, ...] = ()
    names_user_in_body: bool = False
    concerns_everybody: bool = False
    operation: Operation | None = None

    def __call__(self, handler: Handler) -> Handler:
        setattr(handler, FACTS, self)
        return handler


UNDECORATED: Final = Endpoint()


def endpoints_of(view: type) -> dict[str, Endpoint]:
    """Return the endpoints of a viewset by action, those of its bases included."""
    return {
        name: facts
        for base in reversed(view.__mro__)
        for name, member in vars(base).items()
        if isinstance(facts := getattr(member, FACTS, None), Endpoint)
    }


def actions_by_route(endpoints: dict[str, Endpoint]) -> dict[Route, dict[str, Any]]:
    """Return the action for each HTTP method, by route, in an order in which no route hides another one.

    An id may contain slashes. So routes that end with an id come last, and longer ones before shorter ones.
    """
    actions: dict[Route, dict[str, Any]] = {}
    for action, facts in endpoints.items():
        if facts.route and facts.method:
            actions.setdefault(facts.route, {})[facts.method] = action
    routes = sorted(actions, key=lambda route: (route.ends_with_id, -len(route.segments)))
    return {route: actions[route] for route in routes}


def reserved_ids(routes: Iterable[Route]) -> tuple[str, ...]:
    """Return the ids without a URL of their own: fixed words of other routes, in the place of the id."""
    paths = [route.path for route in routes]
    prefixes = [route.path.rpartition("<")[0] for route in routes if route.ends_with_id]
    words = [
        path.removeprefix(prefix).strip("/")
        for prefix in prefixes
        for path in paths
        if path.startswith(prefix) and path != prefix
    ]
    return tuple(sorted(word for word in words if not is_id(word)))


def reserved_endings(routes: Iterable[Route]) -> tuple[str, ...]:
    """Return the words that other routes have after an id: an id that ends with a slash and one has no URL."""
    paths = [route.path for route in routes]
    prefixes = [route.path for route in routes if route.ends_with_id]
    words = [path.removeprefix(prefix).strip("/") for prefix in prefixes for path in paths if path.startswith(prefix)]
    return tuple(sorted(word for word in words if word and not is_id(word)))


def is_id(segment: str) -> bool:
    """Return whether a part of a path is a placeholder."""
    return "<" in segment
