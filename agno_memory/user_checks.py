"""Checks of the field of the site's users that is the owner's id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004  Django's own name
from django.core.exceptions import FieldDoesNotExist


def account_field(name: str, user_model: Any) -> Iterator[CheckMessage]:
    """Report a field that two accounts can share, and one whose value can pass from one account to another."""
    options = user_model._meta
    try:
        field: Any = options.pk if name == "pk" else options.get_field(name)
    except FieldDoesNotExist:
        # A property: the site answers for it.
        return
    if not _is_unique(field, options):
        yield shared_field(name)
    elif field.editable and not field.primary_key:
        yield changing_field(name)


def _is_unique(field: Any, options: Any) -> bool:
    """Return whether the database keeps two accounts from having one value."""
    total = [each.fields for each in options.total_unique_constraints]
    alone = {(field.name,), (field.attname,)}
    return bool(getattr(field, "unique", False)) or any(tuple(names) in alone for names in total)


def shared_field(name: str) -> CheckMessage:
    return Error(
        f"AGNO_MEMORY['USER_ID_FIELD'] is {name!r}, which is not unique: two accounts with the same value read and "
        "erase the same memories.",
        hint="Use the primary key, which is the default, or a field with unique=True.",
        id="agno_memory.E014",
    )


def changing_field(name: str) -> CheckMessage:
    return Warning(
        f"AGNO_MEMORY['USER_ID_FIELD'] is {name!r}, which can change: the next account with the old value gets the "
        "memories of this one.",
        hint="Use the primary key, which is the default, or a field with editable=False. If values never change and "
        'are never used again, add "agno_memory.W014" to SILENCED_SYSTEM_CHECKS.',
        id="agno_memory.W014",
    )
