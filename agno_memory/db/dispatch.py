"""Dispatch by vendor: ``as_<vendor>`` methods, as in Django's lookups."""

from __future__ import annotations

from typing import Any

from django.db import NotSupportedError
from django.db.backends.base.base import BaseDatabaseWrapper


def vendor_method(owner: object, connection: BaseDatabaseWrapper, prefix: str = "as") -> Any:
    """Return the method of an object that is written for a database.

    Args:
        owner: has ``<prefix>_<vendor>`` methods, and ``<prefix>_sql`` for all other databases.
        connection: to the database.
        prefix: the prefix of the methods.
    """
    return getattr(owner, f"{prefix}_{connection.vendor}", None) or getattr(owner, f"{prefix}_sql")


def not_written_for(expression: object, connection: BaseDatabaseWrapper) -> NotSupportedError:
    """Return the error of a lookup or an expression that has no method for a database."""
    kind = type(expression)
    return NotSupportedError(
        f"{kind.__name__} does not support {connection.vendor}. "
        f"Add a method as_{connection.vendor}() to {kind.__module__}.{kind.__qualname__}."
    )
