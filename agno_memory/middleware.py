"""Middleware: reads of the own writes where there are replicas, and the author of the writes of a request."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from django.core.signals import request_finished
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from agno_memory import replicas
from agno_memory.acting import REQUEST, acting
from agno_memory.conf import conf

# The key of the session and the cache.
WROTE_AT: Final = "agno_memory.wrote_at"
SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS", "TRACE")


class ReadYourWritesMiddleware:
    """Reads of a request that writes go to the primary, and so do reads of its caller for some time after.

    The time of the write is in the session, or, for a caller without one (a token of the REST API), in the cache.
    Put it after the middleware of sessions.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        # A streaming response is read after the middleware has returned.
        request_finished.connect(_end_request, dispatch_uid=WROTE_AT)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        caller = replicas.Caller(lambda: request.method not in SAFE_METHODS or _has_written_lately(request))
        replicas.begin(caller)
        response = self.get_response(request)
        if caller.has_written:
            _remember_write(request)
        return response


class ActingMiddleware:
    """The user of a request is the author of the memories that it writes: see ``acting()``.

    Put it after the middleware of authentication.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with acting(lambda: getattr(request, "user", None), through=REQUEST):
            return self.get_response(request)


def _end_request(**kwargs: Any) -> None:
    replicas.begin(None)


def _has_written_lately(request: HttpRequest) -> bool:
    if _has_session(request):
        wrote_at = request.session.get(WROTE_AT, 0)
    else:
        key = _cache_key(request)
        wrote_at = cache.get(key, 0) if key else 0
    return bool(0 <= time.time() - wrote_at < conf.READ_YOUR_WRITES_SECONDS)


def _remember_write(request: HttpRequest) -> None:
    now = time.time()
    if _has_session(request):
        request.session[WROTE_AT] = now
    elif key := _cache_key(request):
        cache.set(key, now, conf.READ_YOUR_WRITES_SECONDS)


def _has_session(request: HttpRequest) -> bool:
    """Return whether the caller has a session, without loading it: that would mark the response as varying by it.

    One that this request has begun, as a login does, comes with its response.
    """
    session = getattr(request, "session", None)
    return session is not None and (settings.SESSION_COOKIE_NAME in request.COOKIES or session.modified)


def _cache_key(request: HttpRequest) -> str | None:
    # REST framework sets the user that a token belongs to.
    user = getattr(request, "user", None)
    return f"{WROTE_AT}.{user.pk}" if user is not None and user.is_authenticated else None
