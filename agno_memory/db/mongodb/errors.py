"""Errors of MongoDB's driver: how they become Django's, and what they mean.

Packages of MongoDB are optional, so they are imported inside functions, which run for a connection to MongoDB only.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeVar

from django.db import DatabaseError, OperationalError

Result = TypeVar("Result")

# The part of an error's text that quotes the keys of a document.
CONTENT: Final = re.compile(r" dup key: .*", re.DOTALL)
# Codes of the server for errors of its operation, not of the statement: a host or a network that cannot be reached,
# wrong login, lock and time limits, also of a confirmation, a conflict of two writes, shutdown, no primary, no other
# server that the read preference allows.
OPERATIONAL_CODES: Final = frozenset(
    (6, 7, 18, 24, 50, 64, 89, 91, 112, 133, 134, 189, 202, 262, 9001, 10107, 11600, 11602, 13435, 13436)
)


def with_django_errors(call: Callable[[], Result]) -> Result:
    """Call a function and raise errors of the driver as Django's.

    The backend does so for its queries. This does it for all other calls: looking for a table, reading features,
    ending a transaction.
    """
    translate, untranslated = _backend_errors()
    try:
        result: Result = translate(call)
    except untranslated as error:
        # The backend translates an error of a bulk write only if a key is taken.
        raise _class_of(error)(_without_documents(error)) from error
    except DatabaseError as error:
        # The backend's errors have no text, and one class for all errors but a taken key.
        cause = error.__cause__
        if not isinstance(cause, untranslated):
            raise
        has_text = str(error) not in ("", str(cause))
        text = _without_documents(cause)
        if type(error) is DatabaseError and _class_of(cause) is OperationalError:
            raise OperationalError(text) from cause
        if not has_text:
            error.args = (text,)
        raise
    return result


def _class_of(error: BaseException) -> type[DatabaseError]:
    """Return Django's class for a driver's error, the same that PostgreSQL's backend raises for such an error."""
    is_lost = isinstance(error, Exception) and is_connection_failure(error)
    is_operational = is_lost or _is_transient(error) or not OPERATIONAL_CODES.isdisjoint(_codes(error))
    return OperationalError if is_operational else DatabaseError


def _codes(error: BaseException) -> list[Any]:
    """Return the codes of an error. That of a bulk write has one for each of its parts."""
    return [getattr(error, "code", None), *(each.get("code") for each in _parts(error))]


def _without_documents(error: Exception) -> str:
    """Return the text of a driver's error without the documents of its details, and let the error have the same.

    The error is the cause of Django's, so logs have both.
    """
    messages = [each["errmsg"] for each in _parts(error) if each.get("errmsg")]
    text = CONTENT.sub("", "; ".join(messages) or str(error) or type(error).__name__)
    error.args = (text,)
    return text


@cache
def _backend_errors() -> tuple[Callable[[Callable[[], Any]], Any], type[Exception]]:
    """Return the backend's function that calls another one and translates its errors, and the class of the others."""
    from django_mongodb_backend.query import wrap_database_errors
    from pymongo.errors import PyMongoError

    return wrap_database_errors(lambda call: call()), PyMongoError


def is_connection_failure(error: Exception) -> bool:
    """Return whether the server could not be reached: the driver's error, or Django's with it as its cause."""
    # The driver's errors exist only after its import.
    failure = getattr(sys.modules.get("pymongo.errors"), "ConnectionFailure", None)
    return failure is not None and (isinstance(error, failure) or isinstance(error.__cause__, failure))


def is_transient(error: DatabaseError) -> bool:
    """Return whether a transaction failed only because of another one, so that repeating it may succeed."""
    return _is_transient(error.__cause__)


def _is_transient(error: BaseException | None) -> bool:
    has_label = getattr(error, "has_error_label", None)
    return bool(has_label and has_label("TransientTransactionError"))


def clashing_keys(error: Exception) -> list[Any]:
    """Return the values of unique keys that were taken. Errors of other databases have none."""
    return [key for each in _parts(error) for key in each.get("keyValue", {}).values()]


def inserted_before(error: Exception) -> int:
    """Return the number of rows of a batch that were written before the one that failed."""
    return int(_details(error).get("nInserted", 0))


def _parts(error: BaseException) -> list[dict[str, Any]]:
    """Return the errors of the parts of a bulk write, among them those of their confirmation; of others, the error."""
    details = _details(error)
    return [*details.get("writeErrors", [details]), *details.get("writeConcernErrors", [])]


def _details(error: BaseException | None) -> dict[str, Any]:
    """Return the details of a driver's error, or of the cause of Django's."""
    details = getattr(error, "details", None) or getattr(getattr(error, "__cause__", None), "details", None)
    return dict(details or {})
