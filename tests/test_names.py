"""The names of ``names.py`` are those of the model."""

from __future__ import annotations

from inspect import signature

import pytest
from django.db.models import Field

from agno_memory import names
from agno_memory.derived_fields import DerivedTextField
from agno_memory.fields import CompositeKeyField
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.names import FILTERS, Filter, Kind

FIELDS = {
    field.attname: field
    for field in UserMemory._meta.concrete_fields
    # Made by the model from others.
    if not isinstance(field, DerivedTextField | CompositeKeyField)
}
# The model names its own fields; these are the ones that callers do not set as content.
NOT_CONTENT = {"memory_id", "user_id"}


def is_content(name: str, field: Field[object, object]) -> bool:
    return name not in NOT_CONTENT and field.editable


def test_content_fields_are_those_of_the_model() -> None:
    """A name that the model lacks fails earlier, too: cleaning.py is imported with "UserMemory has no field named"."""
    declared = set(names.CONTENT_FIELDS)
    of_model = {name for name, field in FIELDS.items() if is_content(name, field)}
    for name in sorted(declared - of_model):
        pytest.fail(f"names.CONTENT_FIELDS has {name!r}, but UserMemory has no editable field of this name: add it.")
    for name in sorted(of_model - declared):
        pytest.fail(f"UserMemory has the editable field {name!r}: add it to names.CONTENT_FIELDS, or callers lose it.")
    assert UserMemory.content_fields is names.CONTENT_FIELDS


def test_the_other_fields_are_those_of_the_model() -> None:
    assert set(names.FIELDS) == set(FIELDS), "names.FIELDS must have every field of UserMemory except the search text."
    assert len(names.FIELDS) == len(FIELDS), "names.FIELDS has a name twice."
    machine_written = {name for name, field in FIELDS.items() if not field.editable}
    assert set(names.MACHINE_WRITTEN) == machine_written, "names.MACHINE_WRITTEN must have every non-editable field."


@pytest.mark.parametrize("each", FILTERS, ids=lambda each: each.name)
def test_a_filter_has_a_lookup_of_the_model(each: Filter) -> None:
    field, _, lookup = each.lookup.partition("__")
    found = UserMemory._meta.get_field(field)
    assert not lookup or found.get_lookup(lookup), f"{each.name}: {field} has no lookup {lookup!r}."
    if each.kind in (Kind.IDENTIFIER, Kind.TOPICS):
        assert each.name in signature(Memory.get_user_memories).parameters, f"add {each.name!r} to get_user_memories()."
    parameters = [other.parameter for other in FILTERS]
    assert parameters.count(each.parameter) == 1
