"""System checks of the REST API: its place in the site, its permissions, and the headers that identify its callers."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004  Django's own name
from django.core.exceptions import ImproperlyConfigured
from django.urls import get_resolver
from django.utils.module_loading import import_string

from agno_memory.checks import TAG
from agno_memory.conf import conf

# The prefix of request headers in ``request.META``.
META_PREFIX: Final = "HTTP_"


@register(TAG, Tags.compatibility)
def check_rest(**kwargs: Any) -> list[CheckMessage]:
    """Report permission classes that cannot be used or protect no user, and an API without REST framework's app."""
    if not apps.is_installed("rest_framework"):
        return [rest_not_installed()] if _is_mounted() else []
    try:
        paths = conf.REST_PERMISSION_CLASSES
    except ImproperlyConfigured:
        # Reported by check_settings().
        return []
    wrong = [message for path in paths for message in _permission_class(path)]
    return wrong or ([] if _is_guarded(paths) else [unguarded(paths)])


def _is_mounted() -> bool:
    """Return whether the site's URLs include the REST API."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return False
    try:
        # Loads the URLconf and the modules that it includes.
        list(get_resolver().url_patterns)
    except (ImportError, ImproperlyConfigured):
        # A URLconf that is missing or has no patterns is left to Django's own check, so that `--tag agno_memory` runs
        # all checks of this app. All other errors are errors in the code of the site, and are not hidden.
        return False
    return "agno_memory.rest.urls" in sys.modules


def _permission_class(path: str) -> Iterator[CheckMessage]:
    try:
        # A class, or several of them combined by `|` and `&`.
        if not callable(import_string(path)):
            yield wrong_permission(path, "it is not a permission class")
    except ImportError as error:
        yield wrong_permission(path, str(error))


def _is_guarded(paths: Iterable[str]) -> bool:
    # Imported here, because it imports REST framework, which is optional.
    from agno_memory.rest.permissions import MemoryPermissions

    classes = [import_string(path) for path in paths]
    # A combination of several classes is not a class, and cannot be examined: it counts as guarded.
    return any(not isinstance(each, type) or issubclass(each, MemoryPermissions) for each in classes)


def rest_not_installed() -> CheckMessage:
    return Warning(
        "The REST API is in the URLs, but REST framework is not in INSTALLED_APPS: in a browser, every page fails.",
        hint='Add "rest_framework" to INSTALLED_APPS.',
        id="agno_memory.W003",
    )


def wrong_permission(path: str, reason: str) -> CheckMessage:
    return Error(
        f"AGNO_MEMORY['REST_PERMISSION_CLASSES'] has {path!r}, which cannot be used: {reason}",
        hint='Use dotted paths of classes, such as "agno_memory.rest.permissions.MemoryPermissions".',
        id="agno_memory.E010",
    )


def unguarded(paths: list[str]) -> CheckMessage:
    return Warning(
        f"AGNO_MEMORY['REST_PERMISSION_CLASSES'] is {paths!r}: none of them prevents a caller from naming another user "
        "and reading, changing and erasing the memories of that user.",
        hint='Add "agno_memory.rest.permissions.MemoryPermissions" or a subclass of it. If a class of your own does '
        'this, add "agno_memory.W004" to SILENCED_SYSTEM_CHECKS.',
        id="agno_memory.W004",
    )


# The callers


@register(TAG, Tags.compatibility)
def check_caller_headers(**kwargs: Any) -> list[CheckMessage]:
    """Report headers that identify callers and are not in ``CALLER_HEADERS``, and classes that may read others."""
    try:
        headers = {name.lower() for name in conf.CALLER_HEADERS}
    except ImproperlyConfigured:
        # Reported by check_settings().
        return []
    readers = {name: reader for name, reader in _headers_read() if name.lower() not in headers}
    missing = [missing_header(name, reader) for name, reader in readers.items()]
    is_reviewed = "CALLER_HEADERS" in conf.site_values()
    return [*missing, *([] if is_reviewed else map(unknown_header, _unknown_readers()))]


def _headers_read() -> Iterator[tuple[str, str]]:
    """Yield the headers that certainly identify callers, each with the class or the app that reads it."""
    if apps.is_installed("django.contrib.sessions"):
        yield "Cookie", "django.contrib.sessions"
    for each in _authentication_classes():
        header = _header_of(each)
        if header:
            yield header, _path(each)


def _header_of(authentication: type) -> str | None:
    from rest_framework.authentication import BasicAuthentication, TokenAuthentication

    # The attribute of RemoteUserAuthentication, a key of request.META.
    key = str(getattr(authentication, "header", ""))
    if key.startswith(META_PREFIX):
        return key.removeprefix(META_PREFIX).replace("_", "-").title()
    return "Authorization" if issubclass(authentication, BasicAuthentication | TokenAuthentication) else None


def _unknown_readers() -> Iterator[str]:
    """Yield the paths of classes that may read any header.

    A class with a challenge (``authenticate_header()``) reads Authorization, by which clients answer it (RFC 9110).
    """
    classes = _authentication_classes()
    if not classes:
        return
    from rest_framework.authentication import BaseAuthentication, RemoteUserAuthentication, SessionAuthentication

    for each in classes:
        has_challenge = each.authenticate_header is not BaseAuthentication.authenticate_header
        is_known = issubclass(each, SessionAuthentication | RemoteUserAuthentication)
        if not has_challenge and not is_known and _header_of(each) is None:
            yield _path(each)


def _authentication_classes() -> list[Any]:
    """Return the site's authentication classes, if the REST API is mounted."""
    if not apps.is_installed("rest_framework") or not _is_mounted():
        return []
    from rest_framework.settings import api_settings

    return list(api_settings.DEFAULT_AUTHENTICATION_CLASSES or ())


def _path(authentication: type) -> str:
    return f"{authentication.__module__}.{authentication.__qualname__}"


def missing_header(name: str, reader: str) -> CheckMessage:
    return Warning(
        f"AGNO_MEMORY['CALLER_HEADERS'] lacks {name!r}, by which {reader} identifies callers: responses do not name it "
        "in Vary.",
        hint=f"Add {name!r} to the list.",
        id="agno_memory.W024",
    )


def unknown_header(path: str) -> CheckMessage:
    return Warning(
        f"{path} identifies callers by a header that no check can know, and AGNO_MEMORY has no CALLER_HEADERS: "
        "responses may not name it in Vary.",
        hint='Name it beside the default ones, such as "CALLER_HEADERS": ["X-Api-Key", "Authorization", "Cookie"]. If '
        'the class reads one of those, set "CALLER_HEADERS" to ["Authorization", "Cookie"].',
        id="agno_memory.W025",
    )
