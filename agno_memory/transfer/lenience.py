"""Corrections of ``import_memories --lenient``, for rows that are rejected otherwise."""

from __future__ import annotations

from typing import Any

from agno_memory.names import CONTENT_FIELDS

# Ids stay as they are: without a character, one may be the id of somebody else.
CORRECTED = [name for name in CONTENT_FIELDS if not name.endswith("_id")]


def lenient_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a record without NUL, lone surrogates and blank topics; ids do not change."""
    corrected = {name: _storable(value) if name in CORRECTED else value for name, value in fields.items()}
    topics = corrected.get("topics")
    if isinstance(topics, list):
        corrected["topics"] = [
            each for each in topics if each is not None and (each.strip() if isinstance(each, str) else True)
        ]
    return corrected


def _storable(value: Any) -> Any:
    """Return a value, in which every text has only characters that every database stores."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode(errors="ignore").decode()
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return value
