"""The values of rows: for a statement that adds them, and for a comparison."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Final

from django.db.models import Model

from agno_memory.db.inserts import Insert
from agno_memory.derived_fields import DerivedTextField
from agno_memory.json_fields import DocumentField

INSERT: Final = Insert()


def values_of(row: Model) -> dict[str, Any]:
    """Return the values of a row, unchanged but for those that are computed for searches."""
    columns = row._meta.concrete_fields
    return {
        column.attname: column.pre_save(row, add=True)
        if isinstance(column, DerivedTextField)
        else getattr(row, column.attname)
        for column in columns
    }


def prepared(row: Model) -> dict[str, Any]:
    """Return the values of a row as ``INSERT`` takes them."""
    values = values_of(row)
    for column in row._meta.concrete_fields:
        if not isinstance(column, DocumentField):
            values[column.attname] = column.get_prep_value(values[column.attname])
    return values


def line_of(row: Model, ignored: Collection[str] = ()) -> bytes:
    """Return the values of a row as JSON, without those that are computed for searches.

    Args:
        row: of any table.
        ignored: the names of other values to leave out.
    """
    values = {
        column.attname: getattr(row, column.attname)
        for column in row._meta.concrete_fields
        if column.attname not in ignored and not isinstance(column, DerivedTextField)
    }
    return json.dumps(values, default=str, sort_keys=True).encode()
