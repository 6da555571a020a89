"""How an operation is described: the site's own AutoSchema, and what the table of operations adds to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agno_memory.rest import serializers
from agno_memory.rest.openapi import responses
from agno_memory.rest.openapi.constraints import Schema
from agno_memory.rest.openapi.operations import FOLLOWERS, MEMORIES, PEOPLE, SESSIONS, Operation
from agno_memory.rest.serializers import UserMemorySerializer
from agno_memory.rest.sessions import SessionViewSet
from agno_memory.rest.views import MemoryViewSet

if TYPE_CHECKING:
    from drf_spectacular.openapi import AutoSchema as _AutoSchema
else:
    _AutoSchema = object

# What drf-spectacular says where nobody has said anything.
NO_BODY = "No response body"


class OperationSchema(_AutoSchema):
    """Mixin in front of an AutoSchema. Actions that a site adds to a viewset are left to that."""

    # A viewset of this app, or a subclass.
    view: Any

    @property
    def operation(self) -> Operation | None:
        """What the table says of this action."""
        tables = {MemoryViewSet: MEMORIES, SessionViewSet: SESSIONS}
        table = next((table for view, table in tables.items() if isinstance(self.view, view)), PEOPLE)
        return table.get(self.view.action)

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        described = super().get_operation(*args, **kwargs)
        if described and self.operation:
            self._complete(described, self.operation)
        return described

    def get_operation_id(self) -> str:
        return self._named(self.operation.name) if self.operation else super().get_operation_id()

    def get_tags(self) -> list[str]:
        return [self.operation.tag] if self.operation else super().get_tags()

    def get_summary(self) -> str | None:
        if not self.operation:
            return super().get_summary()
        return super().get_description().partition("\n")[0].replace("``", "").removesuffix(".")

    def get_description(self) -> str:  # type: ignore[override]
        return self.operation.description if self.operation else super().get_description()

    def get_filter_backends(self) -> list[Any]:
        if self.view.action == "export":
            return list(self.view.filter_backends)
        return super().get_filter_backends()

    def get_request_serializer(self) -> Any:
        if self.operation and self.operation.request:
            return self.operation.request(self)
        return super().get_request_serializer()

    def get_response_serializers(self) -> Any:
        return self.operation.answers(self) if self.operation else super().get_response_serializers()

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        # Other apps of a site may have stats and owners too.
        name = str(super().get_serializer_name(serializer, direction))
        is_ours = type(serializer).__module__ in (serializers.__name__, SessionViewSet.__module__)
        ours = is_ours and type(serializer) is not UserMemorySerializer
        return f"Memory{name}" if ours else name

    def map_parsers(self) -> list[Any]:
        # Forms are there for the browsable API: they cannot say what is a list.
        every = super().map_parsers()
        return [each for each in every if each.endswith("json")] or every

    def _get_parameters(self) -> list[Schema]:
        parameters = super()._get_parameters()
        own = [parameter() for parameter in self.operation.parameters] if self.operation else []
        named = {(each["in"], each["name"]): each for each in [*parameters, *own]}
        return sorted(named.values(), key=lambda each: each["name"])

    def _named(self, name: str) -> str:
        """Return the id of an operation here: where the API is mounted twice, each has its own."""
        assert self.operation
        tokens = self._tokenize_path()
        prefix = tokens[: len(tokens) - len(self.operation.words)]
        return "_".join([*prefix, name]).replace("-", "_")

    def _complete(self, described: Schema, operation: Operation) -> None:
        """Add headers, links, examples and errors to what was found by looking at the view."""
        if "requestBody" in described:
            # A memory may be changed in nothing; a session needs its name.
            required = self.view.action != "partial_update" or isinstance(self.view, SessionViewSet)
            described["requestBody"]["required"] = required
        self._complete_successes(described["responses"], operation)
        if self._shows_examples():
            self._add_examples(described, operation)
        for status in sorted({*responses.EVERYWHERE, *operation.errors}):
            described["responses"].setdefault(str(status), responses.error(self.registry, status))

    def _complete_successes(self, described: Schema, operation: Operation) -> None:
        for status, response in described.items():
            if response["description"] in ("", NO_BODY):
                response["description"] = responses.SUCCESSES.get(status, response["description"])
            if headers := operation.headers.get(int(status)):
                response.setdefault("headers", {}).update(headers)
        if operation.leads_to and "201" in described:
            described["201"]["links"] = {MEMORIES[action].name: self._link(action) for action in FOLLOWERS}

    def _link(self, action: str) -> Schema:
        owner_and_id = {"path.memory_id": "$response.body#/memory_id", "query.user_id": "$response.body#/user_id"}
        return {"operationId": self._named(MEMORIES[action].name), "parameters": owner_and_id}

    def _shows_examples(self) -> bool:
        """Tell whether the examples are of what this view takes and answers."""
        return not isinstance(self.view, MemoryViewSet) or self.view.get_serializer_class() is UserMemorySerializer

    def _add_examples(self, described: Schema, operation: Operation) -> None:
        for content in described.get("requestBody", {}).get("content", {}).values():
            content["examples"] = {name: {"value": value} for name, value in operation.told.items()}
        for response in described["responses"].values():
            for media_type, content in response.get("content", {}).items():
                shown = operation.shown
                content["example"] = shown.get(media_type, shown) if isinstance(shown, dict) else shown
