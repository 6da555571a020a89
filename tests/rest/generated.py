"""What no OpenAPI can say of a valid request: hooks for the requests that schemathesis generates."""

from __future__ import annotations

from typing import Any

import schemathesis
from django.core.exceptions import ValidationError
from schemathesis import Case, GenerationMode, HookContext

from agno_memory.validators import validate_metadata


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Make what is meant to be valid so; what is meant to be invalid goes out as it is."""
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    query: Any = case.query or {}
    # A cursor is made by a page and nobody else.
    query.pop("cursor", None)
    if "confirm" in query:
        # It repeats what is in the path.
        query["confirm"] = case.path_parameters["user_id"]
    for memory in case.body if isinstance(case.body, list) else [case.body]:
        if isinstance(memory, dict):
            agree(memory, case)


def agree(memory: dict[str, Any], case: Case[Any]) -> None:
    """Let a body say nothing else than the URL, and hold no metadata that some database could not."""
    memory.pop("user_id", None)
    if case.path_parameters:
        memory.pop("memory_id", None)
    try:
        validate_metadata(memory.get("metadata"))
    except ValidationError:
        del memory["metadata"]
