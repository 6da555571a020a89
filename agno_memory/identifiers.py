"""Ids as they are stored: text, in one form, however callers pass them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeAlias
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import models
from django.utils.translation import gettext as _

from agno_memory.conf import conf
from agno_memory.names import MAX_IDENTIFIER_LENGTH
from agno_memory.validators import check, refusal, validate_identifier

# An id as callers pass it.
Identifier: TypeAlias = str | int | UUID | models.Model


def identifier(field: str, value: object, name: str | None = None) -> str:
    """Return an id as it is stored.

    Args:
        field: of a model, ``"memory_id"`` or the like.
        value: a string, an int, a UUID, or an instance of the model, which stands for its id.
        name: of the argument, for errors; that of the field by default.

    Raises:
        ValidationError: another type, or an invalid identifier; by the name of the argument.
    """
    name = name or field
    if isinstance(value, models.Model):
        value = getattr(value, field, value)
    value = as_text(name, value)
    check(name, value, validate_identifier)
    assert isinstance(value, str)
    return value


def as_text(name: str, value: object) -> object:
    """Return a text, an int or a UUID as a plain text, and any other value unchanged.

    A member of an enum that is a text or an int is that text or int; ``str()`` would return its name.

    Raises:
        ValidationError: an int with more digits than an id may have.
    """
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        # Checked before str(), which refuses numbers of thousands of digits.
        if abs(value) >= 10**MAX_IDENTIFIER_LENGTH:
            raise refusal(name, _("This number is too long for an id."), "max_length")
        return str(int(value))
    return value


def owner_id(user: object) -> str:
    """Return the id under which a user's memories are stored.

    Args:
        user: a string, an int, a UUID, a Django user (mapped by ``USER_ID_FIELD``), or ``None`` for
            ``DEFAULT_USER_ID``.

    Raises:
        ValidationError: an anonymous or unsaved user, another type, or an invalid identifier.
    """
    if user is None:
        return conf.DEFAULT_USER_ID
    if hasattr(user, "is_authenticated") and not isinstance(user, type):
        user = _django_user_id(user)
    user = as_text("user_id", user)
    if not isinstance(user, str):
        message = _("A user must be a text, a whole number, a UUID or a Django user, not %(type)s.")
        raise refusal("user_id", message, "invalid", type=type(user).__name__)
    check("user_id", user, validate_identifier)
    return _canonical_uuid(user) if _users_have_uuids(settings.AUTH_USER_MODEL, conf.USER_ID_FIELD) else user


def _django_user_id(user: Any) -> Any:
    if not user.is_authenticated:
        message = _("An anonymous user has no memories. Require a login first, or pass a user id.")
        raise refusal("user_id", message, "anonymous")
    try:
        value = getattr(user, conf.USER_ID_FIELD)
    except AttributeError:
        raise ImproperlyConfigured(
            f"AGNO_MEMORY['USER_ID_FIELD'] is {conf.USER_ID_FIELD!r}, which {type(user).__name__} does not have."
        ) from None
    if value is None:
        raise refusal("user_id", _("Save the user before adding memories."), "unsaved")
    return str(as_text("user_id", value))


@lru_cache(maxsize=16)
def _users_have_uuids(user_model: str, name: str) -> bool:
    """Return whether the site's users are identified by a UUID, which has several spellings."""
    if not apps.is_installed("django.contrib.auth"):
        return False
    options = apps.get_model(user_model)._meta
    try:
        field = options.pk if name == "pk" else options.get_field(name)
    except FieldDoesNotExist:
        return False
    return isinstance(field, models.UUIDField)


def _canonical_uuid(user_id: str) -> str:
    """Return a UUID in Python's spelling, and any other text unchanged."""
    try:
        return str(UUID(user_id))
    except ValueError:
        return user_id
