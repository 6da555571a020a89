"""Copies of the rows that callers pass: memories with their owner and in canonical form, others checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar, cast

from django.core.exceptions import ValidationError
from django.db.models import BooleanField, Field, Model
from django.utils.translation import gettext as _

from agno_memory.db.damaged import damaged_fields
from agno_memory.derived_fields import DerivedTextField
from agno_memory.fields import (
    CompositeKeyField,
    CreatedAtField,
    ExpiresAtField,
    IdentifierField,
    MachineWritten,
    TimestampField,
)
from agno_memory.identifiers import as_text
from agno_memory.json_fields import DocumentField
from agno_memory.models import UserMemory
from agno_memory.times import whole_milliseconds
from agno_memory.validators import past_moment, refusal, stored_moment

Row = TypeVar("Row", bound=Model)


def field_named(name: str) -> Field[Any, Any]:
    """Return a field of the model."""
    return cast("Field[Any, Any]", UserMemory._meta.get_field(name))


KEY: Any = UserMemory._meta.pk


def cleaned_memory(model: type[UserMemory], memory: object, owner: str, memory_id: str | None = None) -> UserMemory:
    """Return a checked copy of a memory. The memory itself is not changed.

    Args:
        model: the class of the copy, and so its table.
        memory: as the caller passed it.
        owner: the ``user_id`` of the copy.
        memory_id: of the copy; that of ``memory`` by default.

    Raises:
        ValidationError: bad input, by the names of the fields.
    """
    if not isinstance(memory, UserMemory):
        message = _('Expected UserMemory(memory="..."), not %(type)s.')
        raise refusal("memory", message, "invalid", type=type(memory).__name__)
    values: dict[str, Any] = {"user_id": owner}
    errors: dict[str, ValidationError] = {}
    for name, cleaned in _CLEANERS.items():
        value = memory_id if name == "memory_id" and memory_id is not None else getattr(memory, name)
        try:
            values[name] = cleaned(value)
        except ValidationError as error:
            errors[name] = error
    if errors:
        raise ValidationError(errors)
    values[KEY.attname] = KEY.digest(owner, values["memory_id"])
    # By position, as Django does with the rows that it reads: keyword arguments take twice the time.
    constructor: Any = model
    candidate: UserMemory = constructor(*[values.get(field.attname) for field in model._meta.concrete_fields])
    return candidate


def cleaned_memories(model: type[UserMemory], memories: Iterable[UserMemory], owner: str) -> list[UserMemory]:
    """Return checked copies of many memories; see ``cleaned_memory()``.

    Raises:
        ValidationError: bad input, by position and name (``"3.topics"``), also an id that occurs twice.
    """
    candidates: list[UserMemory] = []
    errors: dict[str, Any] = {}
    seen: set[str] = set()
    for position, memory in enumerate(memories):
        try:
            candidate = cleaned_memory(model, memory, owner)
        except ValidationError as error:
            errors |= {f"{position}.{name}": each for name, each in error.error_dict.items()}
            continue
        if candidate.memory_id in seen:
            errors[f"{position}.memory_id"] = ValidationError(_("This id occurs twice."), code="duplicate")
        seen.add(candidate.memory_id)
        candidates.append(candidate)
    if errors:
        raise ValidationError(errors)
    return candidates


def _cleaner(field: Field[Any, Any]) -> Callable[[Any], Any]:
    """Return the function that returns a value of a field in canonical form, or raises ValidationError."""
    if isinstance(field, DocumentField):
        return partial(_cleaned_document, type(field))
    if isinstance(field, ExpiresAtField):
        return lambda value: None if value is None else stored_moment(value)
    if isinstance(field, BooleanField):
        return lambda value: field.to_python(False if value is None else value)
    if isinstance(field, CreatedAtField):
        return lambda value: value if value is None else past_moment(value)
    return partial(_cleaned_text, field, is_identifier=isinstance(field, IdentifierField))


def _cleaned_document(kind: type[DocumentField], value: Any) -> Any:
    value = kind.canonical(value)
    kind.limit(value)
    return value


def _cleaned_text(field: Field[Any, Any], value: Any, *, is_identifier: bool) -> Any:
    if is_identifier:
        value = as_text(field.name, value)
    if field.null and value in (None, ""):
        return None
    for validator in field.validators:
        validator(value)
    return value


# One for each field: the field of a value need not be examined again.
_CLEANERS = {name: _cleaner(field_named(name)) for name in ("memory_id", *UserMemory.content_fields, "created_at")}


# Sessions, runs and records


def cleaned_row(row: Row, *, exclude: Iterable[str] = (), **values: Any) -> Row:
    """Return a checked copy of a row, unsaved. The row itself is not changed.

    Args:
        row: as the caller passed it.
        exclude: the names of fields that are not checked, because they are set when the row is written.
        values: fields of the copy that differ.

    Raises:
        ValidationError: bad input, by the names of the fields.
    """
    model = type(row)
    computed = {
        field.name for field in model._meta.concrete_fields if isinstance(field, CompositeKeyField | DerivedTextField)
    }
    content = {field.attname: getattr(row, field.attname) for field in model._meta.concrete_fields}
    candidate = model(**content | values)
    # Values that another program wrote stay as they are stored.
    candidate.clean_fields(exclude={*computed, *exclude, *damaged_fields(row)})
    for field in model._meta.concrete_fields:
        moment = getattr(candidate, field.attname)
        if isinstance(field, TimestampField) and moment is not None:
            setattr(candidate, field.attname, whole_milliseconds(moment))
    return candidate


def values_to_update(candidate: Model, names: Iterable[str]) -> dict[str, Any]:
    """Return the values of fields for ``QuerySet.update()``, without those that cannot be read as they are stored."""
    kept = {
        name for name in damaged_fields(candidate) if not isinstance(candidate._meta.get_field(name), MachineWritten)
    }
    written = set(names) - kept
    fields = [field for field in type(candidate)._meta.concrete_fields if field.name in written]
    return {field.name: field.pre_save(candidate, add=False) for field in fields}
