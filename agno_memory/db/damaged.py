"""Values that stand for those of other programs which a field cannot have; ``readable`` makes them."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any, Final

from django.db.models import Model

# The text of a missing primary key, which pages link to.
NO_ID: Final = "(none)"
# Separators of lines and paragraphs alone: such an id is blank, so it is refused.
NOWHERE: Final = "\u2028\u2029"


class Damaged:
    """Mixin of values that stand for a stored value of another type.

    Attributes:
        stored: the value in the database.
    """

    stored: Any = None


class DamagedText(Damaged, str):
    """The text of a stored value; "" for a missing one, and ``NO_ID`` for a missing primary key."""


class DamagedNumber(Damaged, int):
    """The number 1, the first version."""


class DamagedFlag(Damaged, int):
    """The number 0, which counts as false: Python's bool has no subclasses."""


class DamagedTime(Damaged, datetime.datetime):
    """The time of an ISO 8601 text; the start of 1970 for any other value."""


class DamagedDate(Damaged, datetime.date):
    """The first day of 1970."""


class DamagedTopics(Damaged, list[str]):
    """The texts among the stored topics."""


class DamagedMetadata(Damaged, dict[str, Any]):
    """The stored object with other values than JSON's as text; empty for any other value."""


def damaged_fields(row: Model) -> list[str]:
    """Return the names of the fields with values that cannot be read as stored, because another program wrote them."""
    values = row.__dict__
    return [field.name for field in row._meta.concrete_fields if isinstance(values.get(field.attname), Damaged)]


def stored_id(value: object) -> Any:
    """Return an id as it is stored: of a damaged one the number, the ObjectId or another value that is no text.

    A missing one, an object or a list is ``NOWHERE``, which matches no row: a condition on a missing id would match all
    rows without one.
    """
    if not isinstance(value, Damaged):
        return value
    return NOWHERE if value.stored is None or isinstance(value.stored, dict | list) else value.stored


def unchanged(**values: Any) -> dict[str, Any]:
    """Return the condition that a row still has these values, which were read. Damaged ones cannot be compared."""
    return {name: value for name, value in values.items() if not isinstance(value, Damaged)}


def identified(ids: Iterable[str]) -> list[str]:
    """Return the ids that are not missing: those of other rows would be missing too."""
    return [each for each in ids if stored_id(each) not in (NOWHERE, "")]
