"""HTTP errors, and the conversion of the service's errors to them: the only place that chooses these statuses."""

from __future__ import annotations

import logging
from typing import Any, Final

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, status
from rest_framework.settings import api_settings

from agno_memory.db.errors import is_full, is_read_only, is_unavailable
from agno_memory.exceptions import MemoryChanged, MemoryExists, MemoryNotFound, SessionNotFound

logger = logging.getLogger(__name__)

# Seconds that a client waits before it tries again after the database was not available.
RETRY_AFTER: Final = 5


class Conflict(exceptions.APIException):
    """The user has a memory with this id."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = _("Already taken: leave memory_id out to get a new one, or send PUT to replace the memory.")
    default_code = "conflict"


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
