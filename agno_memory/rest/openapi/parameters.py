"""Parameters that are no filters."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from agno_memory.conf import conf
from agno_memory.db.keyset import ORDERS
from agno_memory.rest.openapi.constraints import Schema, identifier


def _parameter(where: str, name: str, description: str, schema: Schema | None = None, **more: Any) -> Schema:
    return {"in": where, "name": name, "description": description, "schema": schema or identifier(), **more}


_query = partial(_parameter, "query")
_path = partial(_parameter, "path", required=True)
_header = partial(_parameter, "header")


def USER_ID() -> Schema:
    return _query("user_id", "Whose memories, if not the caller's own; takes the permission for it.")


def MEMORY_ID() -> Schema:
    return _path("memory_id", "Of the memory, percent-encoded: a slash in it is `%2F`.")


def PERSON() -> Schema:
    return _path("user_id", "Of the person, percent-encoded; `me` is the caller.")


def SESSION_ID() -> Schema:
    return _path("session_id", "Of the session, percent-encoded: a slash in it is `%2F`.")


def CONFIRM() -> Schema:
    description = "The id of the person once more, and the id itself where the path says `me`."
    return _query("confirm", description, required=True)


def LIMIT() -> Schema:
    from agno_memory.rest.views import PersonViewSet as View

    schema = {"type": "integer", "minimum": 0, "maximum": View.most_topics, "default": View.default_topics}
    return _query("limit", "At most so many topics.", schema)


def IF_MATCH() -> Schema:
    examples = {"This version alone": {"value": '"1"'}}
    return _header("If-Match", "The `ETag` that the memory must have.", {"type": "string"}, examples=examples)


def IF_NONE_MATCH() -> Schema:
    examples = {"Not this version": {"value": '"1"'}, "None at all": {"value": "*"}}
    return _header("If-None-Match", "The `ETag` that the memory must not have.", {"type": "string"}, examples=examples)


CURSOR: Final = _query("cursor", "Where the page begins: taken from `next` or `previous`.", {"type": "string"})


def page_size() -> Schema:
    schema = {"type": "integer", "minimum": 1, "maximum": conf.REST_MAX_PAGE_SIZE, "default": conf.REST_PAGE_SIZE}
    return _query("page_size", "So many on a page.", schema)


def ordering(default: str) -> Schema:
    schema = {"type": "string", "enum": list(ORDERS), "default": default}
    return _query("ordering", "By which time, `-` for the newest first.", schema)
