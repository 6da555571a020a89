"""What a good memory looks like: the only definition.

Fields carry these validators, and with them every form, serializer and the service. Values are refused with
Django's ``ValidationError``, the same on every database, and no error repeats the text of a memory.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from agno_memory.conf import conf

MAX_IDENTIFIER_LENGTH = 255
MAX_QUERY_LENGTH = 1_000
MAX_METADATA_DEPTH = 32
# Whole numbers that every database keeps exactly: BSON has no larger integer than 64 bits.
MAX_INTEGER = 2**63 - 1
# The largest version, and the largest limit: what fits into a column of whole numbers everywhere.
MAX_COUNT = 2**31 - 1
# From here on floats print with an exponent; PostgreSQL's jsonb writes them out and they come back as integers.
FIRST_EXPONENT = 1e16

# What one JSON document may take: MongoDB's limit for a row is 16 MB.
MAX_DOCUMENT_SIZE = 15 * 2**20

# json.dumps() makes a new encoder each time that it is told anything.
_as_json = json.JSONEncoder(ensure_ascii=False).encode


def validate_characters(value: str) -> None:
    """Refuse what some database cannot store: NUL (PostgreSQL) and lone surrogates (all, they are no UTF-8)."""
    if "\x00" in value:
        raise ValidationError(_("Null characters are not allowed."), code="null_characters_not_allowed")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValidationError(
            _("Half of a surrogate pair is not a character; decode the text properly."), code="surrogate"
        ) from None


def _validate_text(value: object, limit: int) -> None:
    if not isinstance(value, str):
        raise ValidationError(_("Expected text, not %(type)s."), code="invalid", params={"type": type(value).__name__})
    if len(value) > limit:
        raise ValidationError(
            ngettext_lazy(
                "Ensure this has at most %(limit)d character (it has %(length)d).",
                "Ensure this has at most %(limit)d characters (it has %(length)d).",
                "limit",
            ),
            code="max_length",
            params={"limit": limit, "length": len(value)},
        )
    validate_characters(value)


def _validate_not_blank(value: str) -> None:
    if not value or value.isspace():
        raise ValidationError(_("This cannot be blank."), code="blank")


def validate_memory(value: object) -> None:
    """Refuse a memory's text that is blank, longer than ``MAX_MEMORY_LENGTH`` or not storable."""
    _validate_text(value, conf.MAX_MEMORY_LENGTH)
    assert isinstance(value, str)
    _validate_not_blank(value)


def validate_input(value: object) -> None:
    """Refuse a source message or feedback that is longer than ``MAX_INPUT_LENGTH`` or not storable."""
    _validate_text(value, conf.MAX_INPUT_LENGTH)


def validate_identifier(value: object) -> None:
    """Refuse an id that is blank, longer than 255 characters or not storable. Any other Unicode is good."""
    _validate_text(value, MAX_IDENTIFIER_LENGTH)
    assert isinstance(value, str)
    _validate_not_blank(value)


def validate_query(value: object) -> None:
    """Refuse a search text that is blank, longer than 1,000 characters or not storable."""
    _validate_text(value, MAX_QUERY_LENGTH)
    assert isinstance(value, str)
    _validate_not_blank(value)


def validate_limit(value: object) -> None:
    """Refuse a limit that is no whole number from 0; ``None`` is no limit."""
    if not _is_whole(value, 0):
        raise ValidationError(_("A limit is a whole number from 0, or None for all."), code="invalid")


def validate_version(value: object) -> None:
    """Refuse a version that no memory can have; ``None`` is any."""
    if not _is_whole(value, 1):
        raise ValidationError(_("A version is a whole number from 1, or None for any."), code="invalid")


def _is_whole(value: object, least: int) -> bool:
    if value is None:
        return True
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= MAX_COUNT


def canonical_topics(value: object) -> list[str]:
    """Return topics in the one form that is stored and compared.

    Stripped, Unicode NFC, no duplicates, order kept; ``None`` is no topics.

    Raises:
        ValidationError: not a list (or other iterable) of non-empty strings.
    """
    if value is None:
        return []
    if isinstance(value, str | bytes | dict) or not isinstance(value, Iterable):
        raise ValidationError(_('Topics are a list of texts, such as ["food", "allergies"].'), code="invalid_topics")
    topics: dict[str, None] = {}
    for topic in value:
        if not isinstance(topic, str):
            raise ValidationError(_("Every topic must be text."), code="invalid_topics")
        canonical = unicodedata.normalize("NFC", topic.strip())
        if not canonical:
            raise ValidationError(_("A topic cannot be blank."), code="blank_topic")
        validate_characters(canonical)
        topics[canonical] = None
    return list(topics)


def validate_topics(value: object) -> None:
    """Refuse what are no topics, more than ``MAX_TOPICS`` of them, or one longer than ``MAX_TOPIC_LENGTH``."""
    limit_topics(canonical_topics(value))


def limit_topics(topics: list[str]) -> None:
    """Refuse canonical topics that are too many or too long."""
    if not topics:
        return
    most, longest = conf.MAX_TOPICS, conf.MAX_TOPIC_LENGTH
    if len(topics) > most:
        raise ValidationError(
            _("Ensure there are at most %(limit)d topics (there are %(count)d)."),
            code="too_many_topics",
            params={"limit": most, "count": len(topics)},
        )
    for topic in topics:
        if len(topic) > longest:
            _validate_text(topic, longest)


def canonical_metadata(value: object) -> dict[str, Any]:
    """Return metadata in the one form that every database gives back unchanged; ``None`` is empty.

    Raises:
        ValidationError: not a JSON object, keys that begin with ``$``, numbers beyond 64 bits, nested too deep.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValidationError(_("Metadata must be a JSON object."), code="invalid_metadata")
    canonical: dict[str, Any] = _canonical_json(value, MAX_METADATA_DEPTH)
    return canonical


def _canonical_json(value: Any, depth: int) -> Any:
    if depth == 0:
        raise ValidationError(
            _("Metadata may be nested %(limit)d levels deep."),
            code="metadata_too_deep",
            params={"limit": MAX_METADATA_DEPTH},
        )
    match value:
        case None | bool():
            return value
        case str():
            validate_characters(value)
            return value
        case int() | float():
            return _canonical_number(value)
        case list() | tuple():
            return [_canonical_json(item, depth - 1) for item in value]
        case dict():
            return {_metadata_key(key): _canonical_json(item, depth - 1) for key, item in value.items()}
    raise ValidationError(
        _("Metadata cannot hold a %(type)s; use text, numbers, true, false, null, lists and objects."),
        code="invalid_metadata",
        params={"type": type(value).__name__},
    )


def _canonical_number(value: float) -> float:
    # NaN compares to nothing, so it is refused too.
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise ValidationError(_("Metadata numbers must fit into 64 bits."), code="metadata_number")
    if abs(value) >= FIRST_EXPONENT:
        return int(value)
    # Not every database has a negative zero.
    return value or abs(value)


def _metadata_key(key: object) -> str:
    if not isinstance(key, str):
        raise ValidationError(_("Metadata keys must be text."), code="invalid_metadata")
    # MongoDB reads "$ref" and its like as operators or references.
    if key.startswith("$"):
        raise ValidationError(_("Metadata keys cannot begin with a dollar sign."), code="invalid_metadata")
    validate_characters(key)
    return key


def validate_metadata(value: object) -> None:
    """Refuse what is no metadata, or more than ``MAX_METADATA_SIZE`` bytes of JSON."""
    limit_metadata(canonical_metadata(value))


def limit_metadata(metadata: dict[str, Any]) -> None:
    """Refuse canonical metadata that is too large."""
    if not metadata:
        return
    size = len(_as_json(metadata).encode())
    if size > conf.MAX_METADATA_SIZE:
        raise ValidationError(
            _("Ensure metadata has at most %(limit)d bytes (it has %(size)d)."),
            code="metadata_too_large",
            params={"limit": conf.MAX_METADATA_SIZE, "size": size},
        )


def json_text(value: object) -> str:
    """Return a value as the text of its JSON, which every database keeps as it is.

    Raises:
        ValidationError: no JSON, or more than 15 MB of it.
    """
    try:
        text = _as_json(value)
    except (TypeError, ValueError, RecursionError):
        raise ValidationError(_("This is not JSON."), code="invalid") from None
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        # Half of a surrogate pair has an escape in JSON, and no bytes outside of it.
        text = json.dumps(value)
        size = len(text)
    if size > MAX_DOCUMENT_SIZE:
        raise ValidationError(
            _("Ensure this has at most %(limit)d bytes of JSON (it has %(size)d)."),
            code="too_large",
            params={"limit": MAX_DOCUMENT_SIZE, "size": size},
        )
    return text


def owner_id(user: object) -> str:
    """Return the id under which a user's memories are stored.

    Args:
        user: a string, an int, a Django user (mapped by ``USER_ID_FIELD``), or ``None`` for ``DEFAULT_USER_ID``.

    Raises:
        ValidationError: an anonymous or unsaved user, another type, or an id that is no good identifier.
    """
    if user is None:
        return conf.DEFAULT_USER_ID
    if hasattr(user, "is_authenticated") and not isinstance(user, type):
        user = _django_user_id(user)
    if isinstance(user, int) and not isinstance(user, bool):
        # Before str(): Python refuses to write out thousands of digits.
        if abs(user) >= 10**MAX_IDENTIFIER_LENGTH:
            raise refusal("user_id", _("A number this long is no user."), "max_length")
        user = str(user)
    if not isinstance(user, str):
        message = _("A user is a text, a whole number or a Django user, not %(type)s.")
        raise refusal("user_id", message, "invalid", type=type(user).__name__)
    check("user_id", user, validate_identifier)
    return user


def _django_user_id(user: Any) -> str:
    if not user.is_authenticated:
        message = _("An anonymous user has no memories: ask for a login first, or name a user id.")
        raise refusal("user_id", message, "anonymous")
    try:
        value = getattr(user, conf.USER_ID_FIELD)
    except AttributeError:
        raise ImproperlyConfigured(
            f"AGNO_MEMORY['USER_ID_FIELD'] is {conf.USER_ID_FIELD!r}, which {type(user).__name__} does not have."
        ) from None
    if value is None:
        raise refusal("user_id", _("Save the user before remembering anything."), "unsaved")
    return str(value)


def refusal(name: str, message: Any, code: str, **params: Any) -> ValidationError:
    """Return the error that refuses one field or argument, by its name."""
    return ValidationError({name: ValidationError(message, code=code, params=params)})


def items(name: str, value: object) -> list[Any]:
    """Return what a caller gave as several, as a list; its refusal says which argument is meant."""
    if isinstance(value, str | bytes | dict) or not isinstance(value, Iterable):
        raise refusal(name, _("Give a list, not %(type)s."), "invalid", type=type(value).__name__)
    return list(value)


def check(name: str, value: object, validator: Callable[[object], None]) -> None:
    """Ask a validator; its refusal says which field or argument is meant."""
    try:
        validator(value)
    except ValidationError as error:
        raise ValidationError({name: error}) from None


def fold(text: str) -> str:
    """Return text as searches compare it: case folded and Unicode NFKC, computed here so every database agrees."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
