"""What drf-spectacular asks of the views, serializers, fields, filters and pages of this app."""

from __future__ import annotations

from functools import wraps
from typing import Any

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
from agno_memory.rest.openapi.constraints import Schema, identifier, new_identifier, of_validators, or_empty, topic
from agno_memory.rest.openapi.operations import MEMORIES, PEOPLE, SESSIONS
from agno_memory.rest.openapi.parameters import CURSOR, ordering, page_size
from agno_memory.rest.openapi.schema import OperationSchema
from agno_memory.rest.serializers import TextField
from agno_memory.validators import MAX_IDENTIFIER_LENGTH, validate_identifier

SERIALIZERS = "agno_memory.rest.serializers"
NEW_ID: Schema = {**new_identifier(), "description": "Its id, if it is to have one of your choice."}
NOT_READ: Schema = {"description": "Not looked at: it may stand here so that an answer can be sent back."}


def owner() -> Schema:
    """Return the schema of whose it is, in a body; a number is taken for a text."""
    return {
        # As the site's version of OpenAPI says that something may be null.
        "anyOf": [append_meta(or_empty(identifier()), {"nullable": True}), {"type": "integer"}],
        "description": "Whose it is, if not the caller's own, as `user_id` in the URL says it.",
    }


class Views(OpenApiViewExtension):
    """Every view of this app, in whatever subclass."""

    target_class = "agno_memory.rest.base.ActingView"
    match_subclasses = True

    def view_replacement(self) -> Any:
        theirs = type(self.target.schema)
        schema = type("MemorySchema", (OperationSchema, theirs), {})
        own = {"schema": schema(), "__doc__": self.target.__doc__, **_extended(self.target, schema)}
        return type(self.target.__name__, (self.target,), own)


def _extended(view: Any, schema: type) -> dict[str, Any]:
    """Return the actions that a site has decorated with ``@extend_schema``, whose word then goes before ours."""
    actions = {name: getattr(view, name) for name in (*MEMORIES, *PEOPLE, *SESSIONS) if hasattr(view, name)}
    return {name: _before(action, schema) for name, action in actions.items() if "schema" in _keywords(action)}


def _keywords(action: Any) -> dict[str, Any]:
    # Where drf-spectacular's decorator and REST framework's leave what they are told.
    return getattr(action, "kwargs", {})


def _before(action: Any, schema: type) -> Any:
    theirs = get_class(action.kwargs["schema"])
    copied: Any = wraps(action)(lambda *args, **kwargs: action(*args, **kwargs))
    copied.kwargs = {**action.kwargs, "schema": type(theirs.__name__, (theirs, schema), {})}
    return copied


class _Body(OpenApiSerializerExtension):
    """A serializer that refuses fields that it does not know."""

    match_subclasses = True

    def get_name(self, auto_schema: Any, direction: Any) -> str | None:
        # What is sent and what is answered differ, whether or not the site has them apart.
        apart = spectacular_settings.COMPONENT_SPLIT_REQUEST or direction != "request"
        name = str(auto_schema.get_serializer_name(self.target, direction))
        return None if apart else f"{name.removesuffix('Serializer')}Request"

    def map_serializer(self, auto_schema: Any, direction: Any) -> Schema:
        schema: Schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return self.request(schema) if direction == "request" else self.response(schema)

    def request(self, schema: Schema) -> Schema:
        return {**schema, "additionalProperties": False}

    def response(self, schema: Schema) -> Schema:
        return schema


class Memory(_Body):
    target_class = f"{SERIALIZERS}.UserMemorySerializer"

    def request(self, schema: Schema) -> Schema:
        fields = self.target.fields.items()
        known = {name: NOT_READ if field.read_only else schema["properties"][name] for name, field in fields}
        known |= {name: as_one(known[name]) for name, field in fields if isinstance(field, TextField)}
        known |= {"user_id": owner(), "memory_id": NEW_ID}
        required = [name for name in schema.get("required", ()) if not self.target.fields[name].read_only]
        return super().request(
            {
                **schema,
                "description": "What to remember of somebody. Fields that there are not are refused.",
                "properties": known,
                # A list of nothing is not valid.
                **({"required": required} if required else {}),
            }
        )

    def response(self, schema: Schema) -> Schema:
        shown = {name: {**value} for name, value in schema["properties"].items()}
        for name in ("topics", "metadata"):
            shown[name].pop("nullable", None)
        shown["version"]["minimum"] = 1
        return {
            **schema,
            "description": "What is remembered of somebody.",
            "properties": shown,
            "required": [name for name in shown if not self.target.fields[name].write_only],
        }


class Session(_Body):
    target_class = "agno_memory.rest.sessions.SessionSerializer"

    def request(self, schema: Schema) -> Schema:
        known = dict.fromkeys(self.target.fields, NOT_READ) | {"name": schema["properties"]["name"]}
        described = "Another name. Fields that there are not are refused."
        return super().request({**schema, "description": described, "properties": known, "required": ["name"]})


class Delete(_Body):
    target_class = f"{SERIALIZERS}.DeleteSerializer"

    def request(self, schema: Schema) -> Schema:
        return super().request({**schema, "properties": {**schema["properties"], "user_id": owner()}})


def as_one(schema: Schema) -> Schema:
    """Return the schema of a text that may be empty, which drf-spectacular takes apart, as the one that it is."""
    if "oneOf" not in schema:
        return schema
    rest = {name: value for name, value in schema.items() if name != "oneOf"}
    return {**schema["oneOf"][0], **rest}


class Text(OpenApiSerializerFieldExtension):
    target_class = f"{SERIALIZERS}.TextField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Schema:
        known = of_validators(self.target.validators)
        if direction != "request":
            # An answer may hold what was written before a limit was lowered; an id fits its column.
            is_id = validate_identifier in self.target.validators
            return {"type": "string", **({"maxLength": MAX_IDENTIFIER_LENGTH} if is_id else {})}
        return {"type": "string", **(or_empty(known) if self.target.allow_blank else known)}


class Topics(OpenApiSerializerFieldExtension):
    target_class = f"{SERIALIZERS}.TopicListField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Schema:
        if direction != "request":
            return {"type": "array", "items": {"type": "string"}}
        # No maxItems: a topic that stands there twice counts once.
        described = f"At most {conf.MAX_TOPICS} different ones."
        return {"type": "array", "items": topic(), "description": described}


class Metadata(OpenApiSerializerFieldExtension):
    target_class = f"{SERIALIZERS}.MetadataObjectField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Schema:
        if direction != "request":
            return {"type": "object", "additionalProperties": {}}
        described = (
            f"At most {conf.MAX_METADATA_SIZE} bytes of JSON, 32 levels deep; whole numbers of 64 bits; no name that "
            "begins with a dollar sign."
        )
        return {"type": "object", "additionalProperties": {}, "description": described}


class Bounded(OpenApiSerializerFieldExtension):
    target_class = f"{SERIALIZERS}.BoundedListField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Schema:
        known: Schema = auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)
        return {**known, "maxItems": conf.REST_MAX_BULK}


class Filters(DjangoFilterExtension):
    """The filters of this app, and whatever a subclass of the set adds."""

    target_class = "agno_memory.rest.filters.MemoryFilterBackend"
    match_subclasses = True
    priority = 1

    def resolve_filter_field(
        self, auto_schema: Any, model: Any, filterset_class: Any, field_name: str, filter_field: Any
    ) -> list[Schema]:
        from agno_memory.rest.filters import TopicsFilter

        if isinstance(filter_field, TopicsFilter):
            return [
                {
                    "in": "query",
                    "name": field_name,
                    "description": str(filter_field.label),
                    "schema": {"type": "array", "items": topic()},
                    "explode": True,
                    "style": "form",
                }
            ]
        found: list[Schema] = super().resolve_filter_field(
            auto_schema, model, filterset_class, field_name, filter_field
        )
        for parameter in found:
            # An empty one is a field of a form that is not filled in.
            parameter["allowEmptyValue"] = True
            parameter["schema"] |= of_validators(filter_field.extra.get("validators", ()))
            parameter.setdefault("description", f"Exactly this `{field_name}`.")
        return found


class Pages(OpenApiFilterExtension):
    target_class = "agno_memory.rest.pagination.SizedPagination"
    match_subclasses = True

    def get_schema_operation_parameters(self, auto_schema: Any, *args: Any, **kwargs: Any) -> list[Schema]:
        order = getattr(self.target, "default_ordering", None)
        return [CURSOR, page_size(), *([ordering(order)] if order else [])]
