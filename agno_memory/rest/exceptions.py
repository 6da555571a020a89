"""Which error is which status. The domain's errors become HTTP here and nowhere else."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, status
from rest_framework.settings import api_settings

from agno_memory.db.errors import is_unavailable
from agno_memory.exceptions import MemoryChanged, MemoryExists, MemoryNotFound, SessionNotFound

logger = logging.getLogger(__name__)

# What a client waits before it asks a database again that was down, in seconds.
RETRY_AFTER = 5


class Conflict(exceptions.APIException):
    """The id is taken, whoever has it."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = _("Already taken: leave memory_id out to get a new one, or PUT to change a memory of yours.")
    default_code = "conflict"


class PreconditionFailed(exceptions.APIException):
    """If-Match or If-None-Match does not hold."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = _("It is not, or no longer, as If-Match or If-None-Match says: GET it again, merge, and repeat.")
    default_code = "precondition_failed"


class BodyTooLarge(exceptions.APIException):
    """The body is longer than ``REST_MAX_BODY_SIZE``."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"


class LengthRequired(exceptions.APIException):
    """The body comes in chunks, and nobody says how long it is."""

    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_detail = _("Send the body in one piece, with Content-Length.")
    default_code = "length_required"


class ServiceUnavailable(exceptions.APIException):
    """The database does not answer."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = _("The memories cannot be reached at the moment; try again later.")
    default_code = "service_unavailable"
    # DRF turns it into the header Retry-After.
    wait = RETRY_AFTER


def to_api_exception(error: Exception) -> Exception:
    """Return the error that DRF answers with for one of the domain's; any other as it is."""
    match error:
        case ValidationError():
            return exceptions.ValidationError(detail_of(error))
        case MemoryNotFound() | SessionNotFound():
            return exceptions.NotFound()
        case MemoryExists():
            return Conflict()
        case MemoryChanged():
            return PreconditionFailed()
    if is_unavailable(error):
        # The answer does not say what is wrong, so the log does.
        logger.error("The memories' database does not answer.", exc_info=error)
        return ServiceUnavailable()
    return error


def detail_of(error: ValidationError) -> dict[str, Any]:
    """Return the messages of an error by field."""
    if not hasattr(error, "error_dict"):
        return {api_settings.NON_FIELD_ERRORS_KEY: error.messages}
    named: dict[str, Any] = error.message_dict
    if NON_FIELD_ERRORS in named:
        named[api_settings.NON_FIELD_ERRORS_KEY] = named.pop(NON_FIELD_ERRORS)
    return named


def by_position(errors: dict[str, Any]) -> dict[str, Any]:
    """Return errors of many memories, named ``"3.topics"``, by position and then by field, as DRF has them."""
    named: dict[str, Any] = {}
    for name, messages in errors.items():
        position, _dot, field = name.partition(".")
        named.setdefault(position, {})[field] = messages
    return named
