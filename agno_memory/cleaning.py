"""What callers hand in, as it will be written: owned, checked, and in canonical form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db.models import Field
from django.utils.translation import gettext as _

from agno_memory.fields import DocumentField
from agno_memory.models import UserMemory
from agno_memory.validators import refusal


def field_named(name: str) -> Field[Any, Any]:
    """Return a field of the model."""
    return cast("Field[Any, Any]", UserMemory._meta.get_field(name))


_given_fields = {name: field_named(name) for name in ("memory_id", *UserMemory.content_fields)}


def cleaned_memory(model: type[UserMemory], memory: object, owner: str, memory_id: str | None = None) -> UserMemory:
    """Return a checked copy of a memory; what the caller holds is not changed.

    Args:
        model: of the copy, which says the table.
        memory: as handed in.
        owner: of the copy.
        memory_id: of the copy; the memory's own by default.

    Raises:
        ValidationError: by the names of the fields.
    """
    if not isinstance(memory, UserMemory):
        message = _('Expected UserMemory(memory="..."), not %(type)s.')
        raise refusal("memory", message, "invalid", type=type(memory).__name__)
    values: dict[str, Any] = {"user_id": owner}
    errors: dict[str, ValidationError] = {}
    for name, field in _given_fields.items():
        value = memory_id if name == "memory_id" and memory_id is not None else getattr(memory, name)
        try:
            values[name] = _cleaned(field, value)
        except ValidationError as error:
            errors[name] = error
    if errors:
        raise ValidationError(errors)
    # By position, as Django makes the instances that it reads: by name takes twice the time.
    make: Any = model
    candidate: UserMemory = make(*[values.get(field.attname) for field in model._meta.concrete_fields])
    return candidate


def cleaned_memories(model: type[UserMemory], memories: Iterable[UserMemory], owner: str) -> list[UserMemory]:
    """Return checked copies of many memories.

    Raises:
        ValidationError: by position and name, ``"3.topics"``; an id given twice is one of them.
    """
    found: list[UserMemory] = []
    errors: dict[str, Any] = {}
    seen: set[str] = set()
    for position, memory in enumerate(memories):
        try:
            candidate = cleaned_memory(model, memory, owner)
        except ValidationError as error:
            errors |= {f"{position}.{name}": each for name, each in error.error_dict.items()}
            continue
        if candidate.memory_id in seen:
            errors[f"{position}.memory_id"] = ValidationError(_("Given twice."), code="duplicate")
        seen.add(candidate.memory_id)
        found.append(candidate)
    if errors:
        raise ValidationError(errors)
    return found


def _cleaned(field: Field[Any, Any], value: Any) -> Any:
    if isinstance(field, DocumentField):
        value = type(field).canonical(value)
        type(field).limit(value)
        return value
    if field.null and value in (None, ""):
        return None
    for validator in field.validators:
        validator(value)
    return value
