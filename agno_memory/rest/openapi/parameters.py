"""Parameters of the query, the path and the headers, except filters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from agno_memory.conf import conf
from agno_memory.db.keyset import ORDERS
from agno_memory.rest.openapi.constraints import Schema, identifier

# The number of groups of duplicates in a response without ``limit``.
DEFAULT_GROUPS: Final = 10


@dataclass(frozen=True)
class Parameter:
    """A parameter.

    Args:
        location: the location of the parameter.
        name: the name of the parameter.
        description: in OpenAPI.
        schema: returns the schema of its value for a view.
        is_required: whether a request must have it.
        examples: values by title.
    """

    location: Literal["query", "path", "header"]
    name: str
    description: str
    schema: Callable[[Any], Schema] = lambda view: identifier()
    is_required: bool = False
    examples: Mapping[str, Any] = field(default_factory=dict)

    def described(self, view: Any) -> Schema:
        """Return the parameter in OpenAPI."""
        described: Schema = {"in": self.location, "name": self.name, "description": self.description}
        described["schema"] = self.schema(view)
        if self.is_required:
            described["required"] = True
        if self.examples:
            described["examples"] = {title: {"value": value} for title, value in self.examples.items()}
        return described


def _text(view: Any) -> Schema:
    return {"type": "string"}


def _moment(view: Any) -> Schema:
    return {"type": "string", "format": "date-time"}


def _flag(view: Any) -> Schema:
    return {"type": "boolean", "default": False}


def _true_flag(view: Any) -> Schema:
    return {"type": "boolean", "default": True}


def _groups(view: Any) -> Schema:
    return {"type": "integer", "minimum": 0, "maximum": conf.REST_MAX_PAGE_SIZE, "default": DEFAULT_GROUPS}


def _page_size(view: Any) -> Schema:
    return {"type": "integer", "minimum": 1, "maximum": conf.REST_MAX_PAGE_SIZE, "default": conf.REST_PAGE_SIZE}


def _ordering(view: Any) -> Schema:
    # A site may have put another pagination class in the place of ours.
    default = getattr(view.pagination_class, "default_ordering", next(iter(ORDERS)))
    return {"type": "string", "enum": list(ORDERS), "default": default}


def _limit(view: Any) -> Schema:
    return {"type": "integer", "minimum": 0, "maximum": view.most_topics, "default": view.default_topics}


USER_ID: Final = Parameter(
    "query", "user_id", "The owner of the memories. For a user other than the caller, this requires the permission."
)
SESSION_OWNER: Final = Parameter(
    "query", "user_id", "The person in the sessions. For a user other than the caller, this requires the permission."
)
LIMIT: Final = Parameter("query", "limit", "The maximum number of topics.", _limit)
CONFIRM: Final = Parameter(
    "query", "confirm", "The id of the person again; the id itself if the path has `me`.", is_required=True
)
ORDERING: Final = Parameter("query", "ordering", "The time to order by; with `-`, the newest first.", _ordering)
PAGE_SIZE: Final = Parameter("query", "page_size", "The number of results on a page.", _page_size)
CURSOR: Final = Parameter("query", "cursor", "The start of the page: take it from `next` or `previous`.", _text)

MEMORY_ID: Final = Parameter(
    "path", "memory_id", "The id of the memory, percent-encoded: a slash in it is `%2F`.", is_required=True
)
PERSON_ID: Final = Parameter(
    "path", "user_id", "The id of the person, percent-encoded; `me` is the caller.", is_required=True
)
SESSION_ID: Final = Parameter(
    "path", "session_id", "The id of the session, percent-encoded: a slash in it is `%2F`.", is_required=True
)

AS_OF: Final = Parameter(
    "query",
    "as_of",
    "The memories as they were at this time, at most `HISTORY_DAYS` ago, in ISO 8601. Those that were deleted since "
    "require the permission `agno_memory.view_deleted`.",
    _moment,
)
DELETED: Final = Parameter(
    "query",
    "deleted",
    "Instead of the memories, the deleted ones, the last deleted one first. Requires the permission "
    "`agno_memory.view_deleted`, for the caller's own memories too.",
    _flag,
)
PERMANENTLY: Final = Parameter(
    "query", "permanently", "Keep no version of the memory. With the permission, also for a deleted memory.", _flag
)
WITH_HISTORY: Final = Parameter(
    "query", "history", "Append the earlier versions of the memories; only NDJSON has them.", _true_flag
)
GROUPS: Final = Parameter("query", "limit", "The maximum number of groups.", _groups)

IF_MATCH: Final = Parameter(
    "header",
    "If-Match",
    "The `ETag` that the memory must have; or its version, or its version, @ and `created_at`, in quotes.",
    _text,
    examples={"Only this version": '"1"', "Only this version of this memory": '"1@2026-11-25T09:30:00.125Z"'},
)
IF_NONE_MATCH: Final = Parameter(
    "header",
    "If-None-Match",
    "The `ETag` that the memory must not have. A write accepts its version in quotes too.",
    _text,
    examples={"Any version but this one": '"1"', "Only if there is none": "*"},
)
