"""HTTP errors, and the conversion of the service's errors to them: the only place that chooses these statuses."""

from __future__ import annotations

import logging
from typing import Any, Final

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, status
from rest_framework.settings import api_settings

from agno_memory.db.errors import is_full, is_read_only, is_unavailable
from agno_memory.exceptions import DuplicateMemory, MemoryChanged, MemoryExists, MemoryNotFound, SessionNotFound

logger = logging.getLogger(__name__)

# The maximum numbers of messages in a response, and of characters in a message or a name. A request may have many wrong
# values, or names that are long, and the response repeats both.
MAX_MESSAGES: Final = 100
MAX_NAME_LENGTH: Final = 100
MAX_MESSAGE_LENGTH: Final = 1_000

# Seconds that a client waits before it tries again after the database was not available.
RETRY_AFTER: Final = 5


class Conflict(exceptions.APIException):
    """The user has a memory with this id."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = _("Already taken: leave memory_id out to get a new one, or send PUT to replace the memory.")
    default_code = "conflict"


class Duplicate(exceptions.APIException):
    """The user has a memory with the same text, and the site refuses a second one."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = _("The person has a memory with the same text. Replace it, or leave this one out.")
    default_code = "duplicate"

    def __init__(self, memory_id: str) -> None:
        super().__init__()
        self.detail = {"detail": self.detail, "memory_id": exceptions.ErrorDetail(memory_id, self.default_code)}


class PreconditionFailed(exceptions.APIException):
    """``If-Match`` or ``If-None-Match`` does not hold."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = _(
        "The memory does not match If-Match or If-None-Match. GET it again, merge your change, and repeat the request."
    )
    default_code = "precondition_failed"


class BodyTooLarge(exceptions.APIException):
    """The body is longer than ``REST_MAX_BODY_SIZE``."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"


class LengthRequired(exceptions.APIException):
    """The body is sent in chunks, without its length."""

    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_detail = _("Send the body in one piece, with Content-Length.")
    default_code = "length_required"


class ServiceUnavailable(exceptions.APIException):
    """The database is not available."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = _("The memories are not available at the moment; try again later.")
    default_code = "service_unavailable"
    # REST framework sends it as Retry-After.
    wait = RETRY_AFTER


class NotStored(exceptions.APIException):
    """The database takes no writes, and waiting does not help: 507, without ``Retry-After``."""

    status_code = status.HTTP_507_INSUFFICIENT_STORAGE
    default_detail = _("Nothing was changed: the disk of the database is full. Its operator must make room.")
    default_code = "storage_full"


class ReadOnly(NotStored):
    """The database is read-only."""

    default_detail = _("Nothing was changed: the database of the memories is read-only. Its operator can change that.")
    default_code = "read_only"


def to_api_exception(error: Exception) -> Exception:
    """Return the HTTP error of an error of the service. Any other error is returned unchanged."""
    match error:
        case ValidationError():
            return exceptions.ValidationError(detail_of(error))
        case MemoryNotFound() | SessionNotFound():
            return exceptions.NotFound()
        case MemoryExists():
            return Conflict()
        case DuplicateMemory():
            return Duplicate(error.memory_id)
        case MemoryChanged():
            return PreconditionFailed()
    if is_read_only(error) or is_full(error):
        logger.error("The database of the memories takes no writes.", exc_info=error)
        return ReadOnly() if is_read_only(error) else NotStored()
    if is_unavailable(error):
        # The response leaves the reason out, so it is logged.
        logger.error("The database of the memories is not available.", exc_info=error)
        return ServiceUnavailable()
    return error


def bounded(error: Exception) -> Exception:
    """Return an error with at most ``MAX_MESSAGES`` messages; one more names the number of the others."""
    detail: Any = getattr(error, "detail", None)
    if not isinstance(error, exceptions.APIException) or not isinstance(detail, dict | list):
        return error
    messages = _Messages()
    kept: Any = messages.first_of(detail)
    if messages.left_out:
        key = api_settings.NON_FIELD_ERRORS_KEY
        note = exceptions.ErrorDetail(_("%(count)d more errors.") % {"count": messages.left_out}, "too_many")
        if isinstance(kept, dict):
            others = kept.get(key, [])
            kept[key] = [*(others if isinstance(others, list) else [others]), note]
        else:
            kept = [*kept, note]
    error.detail = kept
    return error


class _Messages:
    """The first messages of an error."""

    def __init__(self) -> None:
        self.remaining = MAX_MESSAGES
        self.left_out = 0

    def first_of(self, part: Any) -> Any:
        """Return a part of an error with its first messages. Positions in lists do not change."""
        if isinstance(part, dict):
            kept = ((_shortened(str(name), MAX_NAME_LENGTH), self.first_of(each)) for name, each in part.items())
            return {name: each for name, each in kept if each}
        if isinstance(part, list | tuple):
            return [kept for each in part if (kept := self.first_of(each)) or each == {}]
        if not self.remaining:
            self.left_out += 1
            return None
        self.remaining -= 1
        text = _shortened(str(part), MAX_MESSAGE_LENGTH)
        return part if text == part else exceptions.ErrorDetail(text, getattr(part, "code", None))


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}\u2026"


def detail_of(error: ValidationError) -> dict[str, Any]:
    """Return the messages of an error by field."""
    if not hasattr(error, "error_dict"):
        return {api_settings.NON_FIELD_ERRORS_KEY: error.messages}
    messages: dict[str, Any] = error.message_dict
    if NON_FIELD_ERRORS in messages:
        messages[api_settings.NON_FIELD_ERRORS_KEY] = messages.pop(NON_FIELD_ERRORS)
    return messages


def by_position(errors: dict[str, Any]) -> dict[str, Any]:
    """Return errors of many memories, by names such as ``"3.topics"``, by position and then by field."""
    nested: dict[str, dict[str, Any]] = {}
    for name, messages in errors.items():
        position, _dot, field = name.partition(".")
        nested.setdefault(position, {})[field] = messages
    return nested
