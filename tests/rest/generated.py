"""Hooks for the requests that schemathesis generates: rules for valid requests that OpenAPI cannot express."""

from __future__ import annotations

from typing import Any

import schemathesis
from django.core.exceptions import ValidationError
from schemathesis import Case, GenerationMode, HookContext

from agno_memory.validators import validate_metadata


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Make requests valid that are meant to be; those that are meant to be invalid stay unchanged."""
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    query: Any = case.query or {}
    # Only a page makes a valid cursor.
    query.pop("cursor", None)
    # Keys of metadata are parameters of their own, which begin with a word that OpenAPI cannot express.
    known = {parameter.name for parameter in case.operation.query}
    for name in [each for each in query if each not in known and not each.startswith("metadata.")]:
        query[f"metadata.{name or 'key'}"] = query.pop(name)
    # Only moments of the last days are known.
    query.pop("as_of", None)
    if query.get("deleted"):
        # Deleted memories have one order.
        query.pop("ordering", None)
    if "confirm" in query:
        # It repeats the id in the path.
        query["confirm"] = case.path_parameters["user_id"]
    for memory in case.body if isinstance(case.body, list) else [case.body]:
        if isinstance(memory, dict):
            agree(memory, case)


def agree(memory: dict[str, Any], case: Case[Any]) -> None:
    """Make a body agree with the URL, and remove metadata that some database cannot store."""
    memory.pop("user_id", None)
    # Only the stored time is accepted.
    memory.pop("created_at", None)
    if case.path_parameters:
        memory.pop("memory_id", None)
    try:
        validate_metadata(memory.get("metadata"))
    except ValidationError:
        del memory["metadata"]
