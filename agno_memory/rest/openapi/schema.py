"""The description of an operation: the site's own AutoSchema, completed by the facts of the action."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rest_framework.permissions import SAFE_METHODS

from agno_memory.rest.memories.search import SearchFilterBackend
from agno_memory.rest.memories.serializers import UserMemorySerializer
from agno_memory.rest.memories.views import MemoryViewSet
from agno_memory.rest.openapi import responses
from agno_memory.rest.openapi.components import error_response
from agno_memory.rest.openapi.constraints import Schema
from agno_memory.rest.openapi.operations import Operation
from agno_memory.rest.sessions.views import SessionViewSet

if TYPE_CHECKING:
    from drf_spectacular.openapi import AutoSchema as _AutoSchema
else:
    _AutoSchema = object

# drf-spectacular's description of a response without a body.
NO_BODY: Final = "No response body"


class OperationSchema(_AutoSchema):
    """Mixin in front of an AutoSchema, which alone describes the actions that a site adds."""

    # A viewset of this app, or a subclass.
    view: Any

    @property
    def operation(self) -> Operation | None:
        """The OpenAPI facts of the action."""
        operation: Operation | None = self.view.endpoint.operation
        return operation

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        described = super().get_operation(*args, **kwargs)
        if described and self.operation:
            self._complete(described, self.operation)
        return described

    def get_operation_id(self) -> str:
        return self._unique(self.operation.name) if self.operation else super().get_operation_id()

    def get_tags(self) -> list[str]:
        return [self.view.openapi_tag] if self.operation else super().get_tags()

    def get_summary(self) -> str | None:
        if not self.operation:
            return super().get_summary()
        return super().get_description().partition("\n")[0].replace("``", "").removesuffix(".")

    def get_description(self) -> str:  # type: ignore[override]
        return self.operation.description if self.operation else super().get_description()

    def get_filter_backends(self) -> list[Any]:
        # drf-spectacular adds filters to lists only, and these are none.
        if self.view.action == "search":
            return [SearchFilterBackend]
        if isinstance(self.view, MemoryViewSet) and self.view.action in ("export", "duplicates"):
            return list(self.view.filter_backends)
        return super().get_filter_backends()

    def get_request_serializer(self) -> Any:
        if self.operation and self.operation.request:
            return self.operation.request(self)
        return super().get_request_serializer()

    def get_response_serializers(self) -> Any:
        return self.operation.responses(self) if self.operation else super().get_response_serializers()

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        # Other apps of a site may have components of the same names, such as Stats.
        name = str(super().get_serializer_name(serializer, direction))
        is_own = type(serializer).__module__.startswith("agno_memory.rest.")
        return f"Memory{name}" if is_own and type(serializer) is not UserMemorySerializer else name

    def map_parsers(self) -> list[Any]:
        # Form parsers serve the browsable API. A form cannot express a list.
        media_types = super().map_parsers()
        return [each for each in media_types if each.endswith("json")] or media_types

    def _get_parameters(self) -> list[Schema]:
        inferred = super()._get_parameters()
        own = [parameter.described(self.view) for parameter in self.view.endpoint.parameters]
        merged = {(each["in"], each["name"]): each for each in [*inferred, *own]}
        return sorted(merged.values(), key=lambda each: each["name"])

    def _unique(self, name: str) -> str:
        """Return an operation id that differs between two places at which the API is mounted."""
        tokens = self._tokenize_path()
        route = self.view.endpoint.route
        prefix = tokens[: len(tokens) - len(route.words)]
        return "_".join([*prefix, name]).replace("-", "_")

    def _complete(self, described: Schema, operation: Operation) -> None:
        """Add headers, links, examples and errors to the description that drf-spectacular inferred."""
        if "requestBody" in described:
            # A change of a memory or a restoration may be empty; a session needs its name.
            may_be_empty = self.view.action in ("partial_update", "restore")
            is_required = not may_be_empty or isinstance(self.view, SessionViewSet)
            described["requestBody"]["required"] = is_required
        self._complete_successes(described["responses"], operation)
        if self._has_own_serializer():
            self._add_examples(described, operation)
        of_writes = () if self.method in SAFE_METHODS else responses.OF_WRITES
        for status in sorted({*responses.EVERYWHERE, *of_writes, *operation.errors}):
            described["responses"].setdefault(str(status), error_response(self.registry, status))

    def _complete_successes(self, described: Schema, operation: Operation) -> None:
        for status, response in described.items():
            if response["description"] in ("", NO_BODY):
                response["description"] = responses.SUCCESSES.get(status, response["description"])
            if headers := operation.headers.get(int(status)):
                response.setdefault("headers", {}).update(headers)
        if operation.links and "201" in described:
            described["201"]["links"] = dict(self._link(action) for action in operation.links)

    def _link(self, action: str) -> tuple[str, Schema]:
        name = self.view.endpoints[action].operation.name
        owner_and_id = {"path.memory_id": "$response.body#/memory_id", "query.user_id": "$response.body#/user_id"}
        return name, {"operationId": self._unique(name), "parameters": owner_and_id}

    def _has_own_serializer(self) -> bool:
        """Return whether the examples match the view's serializer, which a site may replace."""
        return not isinstance(self.view, MemoryViewSet) or self.view.get_serializer_class() is UserMemorySerializer

    def _add_examples(self, described: Schema, operation: Operation) -> None:
        for content in described.get("requestBody", {}).get("content", {}).values():
            content["examples"] = {title: {"value": value} for title, value in operation.request_examples.items()}
        for response in described["responses"].values():
            for media_type, content in response.get("content", {}).items():
                example = operation.response_example
                content["example"] = example.get(media_type, example) if isinstance(example, dict) else example
