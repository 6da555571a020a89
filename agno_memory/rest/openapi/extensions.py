"""drf-spectacular's extensions for the views, serializers, fields, filters and pages of this app."""

from __future__ import annotations

from functools import wraps
from typing import Any, Final

from drf_spectacular.contrib.django_filters import DjangoFilterExtension
from drf_spectacular.extensions import (
    OpenApiFilterExtension,
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
    OpenApiViewExtension,
)
from drf_spectacular.plumbing import append_meta, get_class
from drf_spectacular.settings import spectacular_settings

from agno_memory.conf import conf
from agno_memory.rest.base import UserScopedViewSet
from agno_memory.rest.fields import BoundedListField, MetadataObjectField, TextField, TopicListField
from agno_memory.rest.memories.filters import MemoryFilterBackend, TopicsFilter
from agno_memory.rest.memories.metadata import PARAMETER as METADATA
from agno_memory.rest.memories.serializers import MergeSerializer, OwnedSerializer, UserMemorySerializer
from agno_memory.rest.openapi.constraints import Schema, identifier, new_identifier, of_validators, or_empty, topic
from agno_memory.rest.openapi.parameters import CURSOR, ORDERING, PAGE_SIZE
from agno_memory.rest.openapi.schema import OperationSchema
from agno_memory.rest.pagination import SizedPagination
from agno_memory.rest.sessions.serializers import SessionSerializer
from agno_memory.validators import MAX_IDENTIFIER_LENGTH, MAX_METADATA_DEPTH, validate_identifier

NEW_ID: Final[Schema] = {**new_identifier(), "description": "An id of your choice. Without it, the server assigns one."}
IGNORED: Final[Schema] = {"description": "Ignored. Accepted so that a response can be sent back."}
CREATED_AT: Final[Schema] = {
    "type": "string",
    "format": "date-time",
    "description": "Read-only: refused. PUT and PATCH accept the stored value, so that a response can be sent back.",
}


def owner() -> Schema:
    """Return the schema of a body's ``user_id``. A number is accepted for its text."""
    return {
        # append_meta() expresses null as the site's version of OpenAPI does.
        "anyOf": [append_meta(or_empty(identifier()), {"nullable": True}), {"type": "integer"}],
        "description": "The owner, if not the caller, as `user_id` in the URL.",
    }


class UserScopedViewSetExtension(OpenApiViewExtension):
    """Every viewset of this app, and its subclasses."""

    target_class = UserScopedViewSet
    match_subclasses = True

    def view_replacement(self) -> Any:
        site_schema = type(self.target.schema)
        schema = type("MemorySchema", (OperationSchema, site_schema), {})
        own = {"schema": schema(), "__doc__": self.target.__doc__, **_extended_actions(self.target, schema)}
        return type(self.target.__name__, (self.target,), own)


def _extended_actions(view: type[UserScopedViewSet], schema: type) -> dict[str, Any]:
    """Return the actions that a site has decorated with ``@extend_schema``, which takes precedence over our facts."""
    actions = {name: getattr(view, name) for name in view.endpoints}
    return {name: _with_schema(action, schema) for name, action in actions.items() if "schema" in _options(action)}


def _options(action: Any) -> dict[str, Any]:
    # The attribute in which the decorators of drf-spectacular and REST framework keep their arguments.
    return getattr(action, "kwargs", {})


def _with_schema(action: Any, schema: type) -> Any:
    site_schema = get_class(action.kwargs["schema"])
    copied: Any = wraps(action)(lambda *args, **kwargs: action(*args, **kwargs))
    copied.kwargs = {**action.kwargs, "schema": type(site_schema.__name__, (site_schema, schema), {})}
    return copied


class StrictSerializerExtension(OpenApiSerializerExtension):
    """Base for serializers that refuse unknown fields and have different schemas for requests and responses."""

    match_subclasses = True

    def get_name(self, auto_schema: Any, direction: Any) -> str | None:
        # Request and response are two components, whether or not the site sets COMPONENT_SPLIT_REQUEST.
        is_split = spectacular_settings.COMPONENT_SPLIT_REQUEST or direction != "request"
        name = str(auto_schema.get_serializer_name(self.target, direction))
        return None if is_split else f"{name.removesuffix('Serializer')}Request"

    def map_serializer(self, auto_schema: Any, direction: Any) -> Schema:
        schema: Schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return self.request(schema) if direction == "request" else self.response(schema)

    def request(self, schema: Schema) -> Schema:
        """Return the schema of a request, from the inferred one."""
        return {**schema, "additionalProperties": False}

    def response(self, schema: Schema) -> Schema:
        """Return the schema of a response, from the inferred one."""
        return schema


class MemorySerializerExtension(StrictSerializerExtension):
    """A memory."""

    target_class = UserMemorySerializer

    def request(self, schema: Schema) -> Schema:
        fields = self.target.fields.items()
        properties = {name: IGNORED if field.read_only else schema["properties"][name] for name, field in fields}
        properties |= {name: joined(properties[name]) for name, field in fields if isinstance(field, TextField)}
        properties |= {"user_id": owner(), "memory_id": NEW_ID}
        if properties.get("created_at") is IGNORED:
            properties["created_at"] = CREATED_AT
        required = [name for name in schema.get("required", ()) if not self.target.fields[name].read_only]
        return super().request(
            {
                **schema,
                "description": "A memory to store. Unknown fields are refused.",
                "properties": properties,
                # OpenAPI does not allow an empty list here.
                **({"required": required} if required else {}),
            }
        )

    def response(self, schema: Schema) -> Schema:
        properties = {name: {**value} for name, value in schema["properties"].items()}
        for name in ("topics", "metadata"):
            properties[name].pop("nullable", None)
        properties["version"]["minimum"] = 1
        return {
            **schema,
            "description": "A memory of a person.",
            "properties": properties,
            "required": [name for name in properties if not self.target.fields[name].write_only],
        }


class SessionSerializerExtension(StrictSerializerExtension):
    """A session."""

    target_class = SessionSerializer

    def request(self, schema: Schema) -> Schema:
        properties = dict.fromkeys(self.target.fields, IGNORED) | {"name": schema["properties"]["name"]}
        description = "A new name. Unknown fields are refused."
        return super().request({**schema, "description": description, "properties": properties, "required": ["name"]})


class OwnedSerializerExtension(StrictSerializerExtension):
    """A body that may name the owner: ids to delete or to merge, a version to restore."""

    target_class = OwnedSerializer

    def request(self, schema: Schema) -> Schema:
        return super().request({**schema, "properties": {**schema["properties"], "user_id": owner()}})


class MergeSerializerExtension(OwnedSerializerExtension):
    """Ids to merge."""

    target_class = MergeSerializer
    priority = 1

    def request(self, schema: Schema) -> Schema:
        ids = {**schema["properties"]["memory_ids"], "minItems": 2, "uniqueItems": True}
        return super().request({**schema, "properties": {**schema["properties"], "memory_ids": ids}})


def joined(schema: Schema) -> Schema:
    """Return the schema of a text that may be empty as one, where drf-spectacular splits it by ``oneOf``."""
    if "oneOf" not in schema:
        return schema
    rest = {name: value for name, value in schema.items() if name != "oneOf"}
    return {**schema["oneOf"][0], **rest}


class TextFieldExtension(OpenApiSerializerFieldExtension):
    """A text, with the limits of its validators."""

    target_class = TextField
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Schema:
        constraints = of_validators(self.target.validators)
        if direction != "request":
            # A response may contain a text from before a limit was lowered; the limit of ids never changes.
            is_id = validate_identifier in self.target.validators
            return {"type": "string", **({"maxLength": MAX_IDENTIFIER_LENGTH} if is_id else {})}
        return {"type": "string", **(or_empty(constraints) if self.target.allow_blank else constraints)}


class TopicListFieldExtension(OpenApiSerializerFieldExtension):
    """A list of topics."""

    target_class = TopicListField
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Schema:
        if direction != "request":
            return {"type": "array", "items": {"type": "string"}}
        # Without maxItems, because duplicates do not count.
        description = f"At most {conf.MAX_TOPICS} different topics."
        return {"type": "array", "items": topic(), "description": description}


class MetadataObjectFieldExtension(OpenApiSerializerFieldExtension):
    """Metadata."""

    target_class = MetadataObjectField
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Schema:
        if direction != "request":
            return {"type": "object", "additionalProperties": {}}
        description = (
            f"At most {conf.MAX_METADATA_SIZE} bytes of JSON, at most {MAX_METADATA_DEPTH} levels deep. Whole numbers "
            "have at most 64 bits. No name begins with a dollar sign."
        )
        return {"type": "object", "additionalProperties": {}, "description": description}


class BoundedListFieldExtension(OpenApiSerializerFieldExtension):
    """A list with a limit."""

    target_class = BoundedListField
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Schema:
        schema: Schema = auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)
        return {**schema, "maxItems": conf.REST_MAX_BULK}


class MemoryFilterExtension(DjangoFilterExtension):
    """The filters of this app, and those that a subclass of the set adds."""

    target_class = f"{MemoryFilterBackend.__module__}.{MemoryFilterBackend.__qualname__}"
    match_subclasses = True
    priority = 1

    def get_schema_operation_parameters(self, auto_schema: Any, *args: Any, **kwargs: Any) -> list[Schema]:
        return [*super().get_schema_operation_parameters(auto_schema, *args, **kwargs), METADATA]

    def resolve_filter_field(
        self, auto_schema: Any, model: Any, filterset_class: Any, field_name: str, filter_field: Any
    ) -> list[Schema]:
        if isinstance(filter_field, TopicsFilter):
            return [_topics_parameter(field_name, str(filter_field.label))]
        parameters: list[Schema] = super().resolve_filter_field(
            auto_schema, model, filterset_class, field_name, filter_field
        )
        for parameter in parameters:
            # A form sends a field that is not filled in as an empty parameter.
            parameter["allowEmptyValue"] = True
            parameter["schema"] |= of_validators(filter_field.extra.get("validators", ()))
            parameter.setdefault("description", f"Exactly this `{field_name}`.")
        return parameters


def _topics_parameter(name: str, description: str) -> Schema:
    schema = {"type": "array", "items": topic()}
    return {
        "in": "query",
        "name": name,
        "description": description,
        "schema": schema,
        "explode": True,
        "style": "form",
    }


class PaginationExtension(OpenApiFilterExtension):
    """Pages."""

    target_class = SizedPagination
    match_subclasses = True

    def get_schema_operation_parameters(self, auto_schema: Any, *args: Any, **kwargs: Any) -> list[Schema]:
        parameters = [CURSOR, PAGE_SIZE, *([ORDERING] if hasattr(self.target, "default_ordering") else [])]
        return [parameter.described(auto_schema.view) for parameter in parameters]
