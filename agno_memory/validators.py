"""The rules for valid values: the only definition.

The fields have these validators, and forms, serializers and the service inherit them. An invalid value raises Django's
``ValidationError``, the same for every database, and no error repeats the text of a memory.
"""

from __future__ import annotations

import datetime
import json
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from agno_memory.conf import conf
from agno_memory.json_texts import json_text as json_text  # also imported from here
from agno_memory.names import MAX_COUNT as MAX_COUNT
from agno_memory.names import MAX_IDENTIFIER_LENGTH as MAX_IDENTIFIER_LENGTH
from agno_memory.names import MAX_QUERY_LENGTH as MAX_QUERY_LENGTH
from agno_memory.times import now, whole_milliseconds

Result = TypeVar("Result")

MAX_METADATA_DEPTH = 32
# The largest whole number that every database stores exactly: BSON has integers of at most 64 bits.
MAX_INTEGER = 2**63 - 1
# Floats from this one on print with an exponent; PostgreSQL's jsonb writes all of their digits and returns integers.
FIRST_EXPONENT = 1e16


# json.dumps() creates a new encoder for each call with an option.
_as_json = json.JSONEncoder(ensure_ascii=False).encode


def validate_characters(value: str) -> None:
    """Refuse characters that a database cannot store: NUL (PostgreSQL) and lone surrogates (all: UTF-8 has none)."""
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
    """Refuse the text of a memory if it is blank, longer than ``MAX_MEMORY_LENGTH`` or not storable."""
    _validate_text(value, conf.MAX_MEMORY_LENGTH)
    assert isinstance(value, str)
    _validate_not_blank(value)


def validate_input(value: object) -> None:
    """Refuse a source message or feedback if it is longer than ``MAX_INPUT_LENGTH`` or not storable."""
    _validate_text(value, conf.MAX_INPUT_LENGTH)


def validate_identifier(value: object) -> None:
    """Refuse an id if it is blank, longer than 255 characters or not storable. Any other Unicode is valid."""
    _validate_text(value, MAX_IDENTIFIER_LENGTH)
    assert isinstance(value, str)
    _validate_not_blank(value)


def validate_query(value: object) -> None:
    """Refuse a search text if it is blank, longer than 1,000 characters or not storable."""
    _validate_text(value, MAX_QUERY_LENGTH)
    assert isinstance(value, str)
    _validate_not_blank(value)


def validate_note(value: object) -> None:
    """Refuse the reason of a write if it is longer than 1,000 characters or not storable; it may be empty."""
    _validate_text(value, MAX_QUERY_LENGTH)


def validate_question(value: object) -> None:
    """Refuse the query of a ranked search, which may be a whole message, if it is blank, too long or not storable."""
    _validate_text(value, conf.MAX_INPUT_LENGTH)
    assert isinstance(value, str)
    _validate_not_blank(value)


def validate_share(value: object) -> None:
    """Refuse a number that is not from 0 to 1; ``None`` means no bound."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1):
        raise ValidationError(_("A share is a number from 0 to 1, or None for no bound."), code="invalid")


def validate_limit(value: object) -> None:
    """Refuse a limit that is not a whole number from 0; ``None`` means no limit."""
    if not is_count(value):
        raise ValidationError(_("A limit is a whole number from 0, or None for all."), code="invalid")


def validate_version(value: object) -> None:
    """Refuse a version that is not a whole number from 1; ``None`` means any version."""
    if not is_count(value, 1):
        raise ValidationError(_("A version is a whole number from 1, or None for any."), code="invalid")


def is_count(value: object, least: int = 0) -> bool:
    """Return whether a value is a whole number from ``least`` to ``MAX_COUNT``, both included, or None."""
    if value is None:
        return True
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= MAX_COUNT


def canonical_topics(value: object) -> list[str]:
    """Return topics in their canonical form, in which they are stored and compared.

    Each topic is stripped and in Unicode NFC. Duplicates are removed and the order is kept. ``None`` is an empty list.

    Raises:
        ValidationError: not a list (or other iterable) of non-empty strings.
    """
    if value is None:
        return []
    if isinstance(value, str | bytes | dict) or not isinstance(value, Iterable):
        raise ValidationError(_('Topics must be a list, such as ["food", "allergies"].'), code="invalid_topics")
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
    """Refuse invalid topics, more than ``MAX_TOPICS`` of them, or one longer than ``MAX_TOPIC_LENGTH``."""
    limit_topics(canonical_topics(value))


def limit_topics(topics: list[str]) -> None:
    """Refuse too many canonical topics, or one that is too long."""
    if not topics:
        return
    max_topics, max_length = conf.MAX_TOPICS, conf.MAX_TOPIC_LENGTH
    if len(topics) > max_topics:
        raise ValidationError(
            _("Ensure there are at most %(limit)d topics (there are %(count)d)."),
            code="too_many_topics",
            params={"limit": max_topics, "count": len(topics)},
        )
    for topic in topics:
        if len(topic) > max_length:
            _validate_text(topic, max_length)


def canonical_metadata(value: object) -> dict[str, Any]:
    """Return metadata in a form that every database returns unchanged; ``None`` is an empty object.

    Raises:
        ValidationError: not a JSON object, a key that begins with ``$``, a number beyond 64 bits, nested too deep.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValidationError(_("Metadata must be a JSON object."), code="invalid_metadata")
    canonical: dict[str, Any] = _canonical_json(value, MAX_METADATA_DEPTH)
    return canonical


def canonical_metadata_filter(value: object) -> dict[str, list[Any]]:
    """Return the argument of the lookup ``metadata__has`` for metadata to find: lists of values by key.

    Raises:
        ValidationError: not a JSON object, or a value that is a list or an object.
    """
    wanted = canonical_metadata(value)
    if any(isinstance(each, list | dict) for each in wanted.values()):
        raise ValidationError(_("Metadata is found by text, numbers, true, false and null."), code="invalid_metadata")
    return {key: [each] for key, each in wanted.items()}


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
    # NaN fails every comparison, so it is refused too.
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise ValidationError(_("Metadata numbers must fit into 64 bits."), code="metadata_number")
    if abs(value) >= FIRST_EXPONENT:
        return int(value)
    # Some databases have no negative zero.
    return value or abs(value)


def _metadata_key(key: object) -> str:
    if not isinstance(key, str):
        raise ValidationError(_("Metadata keys must be text."), code="invalid_metadata")
    # MongoDB reads "$ref" and similar keys as operators or references.
    if key.startswith("$"):
        raise ValidationError(_("Metadata keys cannot begin with a dollar sign."), code="invalid_metadata")
    validate_characters(key)
    return key


def validate_metadata(value: object) -> None:
    """Refuse invalid metadata, or more than ``MAX_METADATA_SIZE`` bytes of JSON."""
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


def stored_moment(value: object) -> datetime.datetime:
    """Return a time as it is stored, in UTC and whole milliseconds.

    Raises:
        ValidationError: not an aware datetime, or in the first or the last year of the calendar.
    """
    if not isinstance(value, datetime.datetime) or value.utcoffset() is None:
        raise ValidationError(_("Expected a datetime with a time zone."), code="invalid")
    # Not every time zone has the first and the last day of the calendar, so a page could not show them.
    if value.year in (datetime.MINYEAR, datetime.MAXYEAR):
        raise ValidationError(_("This time is in the first or the last year of the calendar."), code="invalid")
    return whole_milliseconds(value.astimezone(datetime.UTC))


def past_moment(value: object) -> datetime.datetime:
    """Return a time of the past as it is stored; raises ValidationError as ``stored_moment()``, and for the future."""
    moment = stored_moment(value)
    if moment > now():
        raise ValidationError(_("This time is in the future."), code="future")
    return moment


def refusal(name: str, message: Any, code: str, **params: Any) -> ValidationError:
    """Return the ValidationError for one field or argument.

    Args:
        name: of the field or argument.
        message: may contain ``%(param)s``.
        code: a stable name of the error.
        params: for the message.
    """
    return ValidationError({name: ValidationError(message, code=code, params=params)})


def items(name: str, value: object) -> list[Any]:
    """Return an argument that takes several values as a list.

    Raises:
        ValidationError: not an iterable, or a string; by the name of the argument.
    """
    if isinstance(value, str | bytes | dict) or not isinstance(value, Iterable):
        raise refusal(name, _("Give a list, not %(type)s."), "invalid", type=type(value).__name__)
    return list(value)


def check(name: str, value: object, validator: Callable[[object], Result]) -> Result:
    """Return the result of a validator, or raise its error by the name of the field or argument."""
    try:
        return validator(value)
    except ValidationError as error:
        raise ValidationError({name: error}) from None


def fold(text: str) -> str:
    """Return text in the form that searches compare: case folded and in Unicode NFKC.

    Computed in Python, so that searches find the same on every database.
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
