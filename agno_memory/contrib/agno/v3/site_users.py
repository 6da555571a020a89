"""The site's users in front of AgentOS: who sends a request, and whether a page of this site sent it."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.http import is_same_domain

# Returns the user of a request, an id or a Django user, or None. It runs in a worker thread, so it may use the ORM.
Authenticate = Callable[[HttpRequest], Any]
# Of the body, which AgentOS reads, and Django must not.
BODY_HEADERS: Final = (b"content-length", b"content-type", b"transfer-encoding")


def session_user(request: HttpRequest) -> Any:
    """Return the user who is logged in by a session, the anonymous user if there is none.

    A browser adds the cookie of the session to requests of all pages. So, as in Django's views, POST, PUT, PATCH and
    DELETE need the CSRF token, in the header ``X-CSRFToken``. A request whose ``Origin`` is another site is refused for
    any method, because AgentOS lets pages of some other sites read its answers. A WebSocket must have an ``Origin``.

    Raises:
        PermissionDenied: the token is missing or wrong, or the request is from a page of another site.
    """
    SessionMiddleware(_no_response).process_request(request)
    user = get_user(request)
    if user.is_authenticated:
        _check_origin(request)
        _check_csrf_token(request)
    return user


def as_request(scope: dict[str, Any]) -> HttpRequest:
    """Return an HTTP request or the handshake of a WebSocket as Django's request, without its body."""
    headers = [(name, value) for name, value in scope["headers"] if name.lower() not in BODY_HEADERS]
    secure = scope.get("scheme") in ("https", "wss")
    values = {"method": scope.get("method", "GET"), "scheme": "https" if secure else "http", "headers": headers}
    return ASGIRequest({**scope, **values}, BytesIO())


def _check_origin(request: HttpRequest) -> None:
    origin = request.headers.get("Origin")
    # Browsers send none with a GET of the same site, and one with each WebSocket.
    if origin is None and not _is_websocket(request):
        return
    if origin is None or not (origin == f"{request.scheme}://{request.get_host()}" or _is_trusted(origin)):
        raise PermissionDenied(f"A page of {origin or 'an unknown site'} may not use a session of this site.")


def _is_trusted(origin: str) -> bool:
    """Return whether an origin is in ``CSRF_TRUSTED_ORIGINS``."""
    scheme, place = urlsplit(origin)[:2]
    trusted = [urlsplit(each) for each in settings.CSRF_TRUSTED_ORIGINS]
    return any(scheme == each.scheme and is_same_domain(place, each.netloc.lstrip("*")) for each in trusted)


def _check_csrf_token(request: HttpRequest) -> None:
    check = CsrfViewMiddleware(_no_response)
    check.process_request(request)
    # It logs the reason.
    if check.process_view(request, _no_response, (), {}) is not None:
        raise PermissionDenied("The CSRF token is missing or wrong: send the value of its cookie in X-CSRFToken.")


def _is_websocket(request: HttpRequest) -> bool:
    return getattr(request, "scope", {}).get("type") == "websocket"


def _no_response(request: HttpRequest) -> HttpResponse:
    raise AssertionError("The middleware has no view.")
