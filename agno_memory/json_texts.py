"""JSON as text: the form in which documents of other programs are stored, and come back unchanged."""

from __future__ import annotations

import json
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# The maximum size of a JSON document in bytes: MongoDB's limit for a row is 16 MB.
MAX_DOCUMENT_SIZE: Final = 15 * 2**20


def object_or_none(value: object) -> dict[str, Any] | None:
    """Return the object in JSON; None for any other value, which another program may have written."""
    return value if isinstance(value, dict) else None


def json_object(value: object) -> dict[str, Any]:
    """Return the object in JSON; an empty one for any other value."""
    return value if isinstance(value, dict) else {}


class JSONText(str):
    """The JSON text of a value, which ``VerbatimJSONField`` stores as it is."""

    __slots__ = ()


def json_text(value: object, encoder: type[json.JSONEncoder] = json.JSONEncoder) -> JSONText:
    """Return a value as JSON text, which every database stores unchanged; a ``JSONText`` as it is.

    Args:
        value: to encode.
        encoder: its ``default()`` encodes values of other types than JSON's.

    Raises:
        ValidationError: a value that JSON cannot represent, or more than 15 MB.
    """
    if isinstance(value, JSONText):
        return value
    try:
        text = encoder(ensure_ascii=False).encode(value)
    except (TypeError, ValueError, RecursionError):
        raise ValidationError(_("This is not JSON."), code="invalid") from None
    try:
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError:
        # A lone surrogate can be escaped in JSON, but not encoded as UTF-8.
        text = json.dumps(value, cls=encoder)
        size = len(text)
    if size > MAX_DOCUMENT_SIZE:
        raise ValidationError(
            _("Ensure this has at most %(limit)d bytes of JSON (it has %(size)d)."),
            code="too_large",
            params={"limit": MAX_DOCUMENT_SIZE, "size": size},
        )
    return JSONText(text)
