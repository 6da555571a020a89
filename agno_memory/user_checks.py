"""Checks of the field of the site's users that is the owner's id."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import getattr_static
from typing import Any, Final

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004  Django's own name
from django.core.exceptions import FieldDoesNotExist
from django.db.models.fields.related_descriptors import ReverseManyToOneDescriptor

# Properties of Django's users with one value for all accounts.
OF_ALL_ACCOUNTS: Final = ("is_anonymous", "is_authenticated")


def account_field(name: str, user_model: Any) -> Iterator[CheckMessage]:
    """Report a field that two accounts can share, one whose value can pass to another account, and a property."""
    options = user_model._meta
    try:
        field: Any = options.pk if name == "pk" else options.get_field(name)
    except FieldDoesNotExist:
        yield _account_attribute(name, user_model)
        return
    if is_object(name, field):
        yield related_object(name, field)
    elif not _is_unique(field, options):
        yield shared_field(name)
    elif field.editable and not field.primary_key:
        yield changing_field(name)


def is_object(name: str, field: Any) -> bool:
    """Return whether the attribute of a field is another object: the column of a relation has another name."""
    return bool(field.is_relation and (field.many_to_many or name not in ("pk", getattr(field, "attname", None))))


def _account_attribute(name: str, user_model: Any) -> CheckMessage:
    """Return the message about an attribute that is not a field."""
    attribute = getattr_static(user_model, name, None)
    # The text of a manager of related objects is one for all accounts too.
    is_constant = not hasattr(attribute, "__get__") or isinstance(attribute, ReverseManyToOneDescriptor)
    return shared_field(name) if is_constant or name in OF_ALL_ACCOUNTS else unknown_property(name)


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


def related_object(name: str, field: Any) -> CheckMessage:
    column = field.attname if field.concrete and not field.many_to_many else None
    return Error(
        f"AGNO_MEMORY['USER_ID_FIELD'] is {name!r}, which is a relation: the text of the related object would be the "
        "owner, and two accounts with the same text read and erase the same memories.",
        hint="Use the primary key, which is the default, or a field with unique=True"
        + (f", such as {column!r} if it is unique." if column else "."),
        id="agno_memory.E014",
    )


def unknown_property(name: str) -> CheckMessage:
    return Warning(
        f"AGNO_MEMORY['USER_ID_FIELD'] is {name!r}, which is a property: no check can see if two accounts have the "
        "same value, and would read and erase the same memories.",
        hint="Use the primary key, which is the default, or a field with unique=True. If each account has a value "
        'of its own, which never changes, add "agno_memory.W018" to SILENCED_SYSTEM_CHECKS.',
        id="agno_memory.W018",
    )


def changing_field(name: str) -> CheckMessage:
    return Warning(
        f"AGNO_MEMORY['USER_ID_FIELD'] is {name!r}, which can change: the next account with the old value gets the "
        "memories of this one.",
        hint="Use the primary key, which is the default, or a field with editable=False. If values never change and "
        'are never used again, add "agno_memory.W014" to SILENCED_SYSTEM_CHECKS.',
        id="agno_memory.W014",
    )
