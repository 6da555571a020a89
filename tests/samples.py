"""A value for each content field of a memory, which is not the field's default."""

from __future__ import annotations

import datetime
from typing import Any, Final

from django.db import models

from agno_memory.fields import ExpiresAtField, IdentifierField
from agno_memory.json_fields import MetadataField, TopicsField
from agno_memory.models import UserMemory
from agno_memory.names import CONTENT_FIELDS
from agno_memory.times import to_iso

# By the type of the field, so a new field of one of these types is tested without a change here.
BY_TYPE: Final[dict[type[models.Field[Any, Any]], Any]] = {
    models.TextField: "Größe\n🎈\u2028 '\"\\",
    IdentifierField: "chef-食事",
    ExpiresAtField: datetime.datetime(2099, 5, 17, 9, 30, 0, 125_000, datetime.UTC),
    models.BooleanField: True,
    TopicsField: ["café", "a, b", "100%"],
    MetadataField: {"n": [1.5, None, True], "ключ": {"a.b": "$c"}},
}


def sample(name: str) -> Any:
    """Return a value for a content field.

    Raises:
        AssertionError: a field of a type that has no sample.
    """
    field: Any = UserMemory._meta.get_field(name)
    assert type(field) in BY_TYPE, (
        f"tests/samples.py has no sample value for {name}: add one for {type(field).__name__} to BY_TYPE."
    )
    value = BY_TYPE[type(field)]
    assert value != field.get_default(), f"The sample value for {name} is the default of the field: choose another one."
    return value


def json_sample(name: str) -> Any:
    """Return the value of ``sample()`` as JSON has it."""
    value = sample(name)
    return to_iso(value) if isinstance(value, datetime.datetime) else value


def sample_memory(*names: str, **values: Any) -> UserMemory:
    """Return an unsaved memory in which these content fields (by default all) have sample values."""
    return UserMemory(**{"memory": "x", **{name: sample(name) for name in names or CONTENT_FIELDS}, **values})
