"""Misconfiguration, told by ``manage.py check`` with a stable id and a hint.

Every check reads settings and connects to nothing, so it runs without ``--database`` and before the server is there.
What a check measures is in its function, what it says in the builder beside it.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004  Django's own name
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured, ValidationError
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db.utils import load_backend
from django.urls import get_resolver
from django.utils.module_loading import import_string

from agno_memory.conf import Settings, conf
from agno_memory.db.drivers import how_to_install
from agno_memory.db.handles import SQLITE_OPTIONS
from agno_memory.models import UserMemory
from agno_memory.validators import validate_identifier

TAG = "agno_memory"

WAL = re.compile(r"\bjournal_mode\s*[=(]\s*['\"]?wal\b", re.IGNORECASE)
# Both take their lock when they begin.
IMMEDIATE_MODES = {"IMMEDIATE", "EXCLUSIVE"}


# Settings


@register(TAG, Tags.compatibility)
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Report unknown names in ``AGNO_MEMORY``, values of the wrong type, and naive time."""
    try:
        given = conf.given()
    except ImproperlyConfigured as error:
        return [*_naive_time(), wrong_setting(error, 'Write AGNO_MEMORY = {"DATABASE": "default"}, or leave it out.')]
    known = conf.names()
    return [
        *_naive_time(),
        *(unknown_setting(name, known) for name in given if name not in known),
        *_wrong_settings(known),
    ]


def _naive_time() -> list[CheckMessage]:
    return [] if settings.USE_TZ else [naive_time()]


def _wrong_settings(names: Iterable[str]) -> Iterator[CheckMessage]:
    for name in names:
        try:
            getattr(conf, name)
        except ImproperlyConfigured as error:
            yield wrong_setting(error, f"{name}: {getattr(Settings, name).__doc__}")


def unknown_setting(name: object, known: list[str]) -> CheckMessage:
    return _error(4, f"AGNO_MEMORY has no setting {name!r}.", _nearest(str(name).upper(), known))


def wrong_setting(error: ImproperlyConfigured, hint: str) -> CheckMessage:
    return _error(5, str(error), hint)


def naive_time() -> CheckMessage:
    return _error(7, "USE_TZ is False, but memories are kept in aware UTC.", "Set USE_TZ = True.")


# Users


@register(TAG, Tags.compatibility)
def check_users(**kwargs: Any) -> list[CheckMessage]:
    """Report a ``USER_ID_FIELD`` that users do not have, and a ``DEFAULT_USER_ID`` that is no good id."""
    name, default = _valid("USER_ID_FIELD"), _valid("DEFAULT_USER_ID")
    return [*_user_id_field(name), *_default_user_id(default), *_shared_user_id(name, default)]


def _user_id_field(name: str | None) -> Iterator[CheckMessage]:
    if name is None or not apps.is_installed("django.contrib.auth"):
        return
    user_model = get_user_model()
    # A method is there, but it is no value.
    if not hasattr(user_model, name) or callable(getattr(user_model, name)):
        fields = ["pk", *(field.name for field in user_model._meta.concrete_fields)]
        yield unknown_user_field(name, user_model.__name__, fields)


def _default_user_id(user_id: str | None) -> Iterator[CheckMessage]:
    try:
        if user_id is not None:
            validate_identifier(user_id)
    except ValidationError as error:
        yield bad_default_user(error)


def _shared_user_id(name: str | None, user_id: str | None) -> Iterator[CheckMessage]:
    """Report a default id that the users' own field would take: whoever is called so owns what belongs to nobody."""
    if name is None or user_id is None or not apps.is_installed("django.contrib.auth"):
        return
    options = get_user_model()._meta
    try:
        field: Any = options.pk if name == "pk" else options.get_field(name)
        field.run_validators(field.to_python(user_id))
    except (FieldDoesNotExist, ValidationError):
        return
    yield shared_default_user(user_id, name)


def unknown_user_field(name: str, user_model: str, fields: list[str]) -> CheckMessage:
    return _error(
        8,
        f"AGNO_MEMORY['USER_ID_FIELD'] is {name!r}, which is no field or property of {user_model}.",
        _nearest(name, fields),
    )


def shared_default_user(user_id: str, name: str) -> CheckMessage:
    return Warning(
        f"A user whose {name} is {user_id!r} would own what is remembered about nobody.",
        hint=f"Set AGNO_MEMORY['DEFAULT_USER_ID'] to what no {name} can be, such as '<nobody>'.",
        id="agno_memory.W002",
    )


def bad_default_user(error: ValidationError) -> CheckMessage:
    return _error(
        9,
        f"AGNO_MEMORY['DEFAULT_USER_ID'] is no good id: {' '.join(error.messages)}",
        "Give a short text, or leave it out for 'default'.",
    )


# Database


# Not Tags.database: from Django 6.1 on a plain `manage.py check` leaves those out, because they may connect.
@register(TAG, Tags.compatibility)
def check_database(**kwargs: Any) -> list[CheckMessage]:
    """Report where the memories cannot get to the database that they are meant for, or not safely."""
    wanted = _valid("DATABASE")
    if wanted is None:
        return []
    routed = router.db_for_write(UserMemory)
    # Where no alias is named, a router of the site's own may decide.
    alias = routed if wanted == DEFAULT_DB_ALIAS else wanted
    return [*([] if routed == alias else [no_router(alias, routed)]), *_connection(alias)]


def _connection(alias: str) -> list[CheckMessage]:
    if alias not in connections.settings:
        return [unknown_alias(alias, list(connections.settings))]
    settings_dict = connections.settings[alias]
    engine = settings_dict["ENGINE"]
    if engine.partition(".")[0] == "djongo":
        return [djongo(alias)]
    try:
        vendor = load_backend(engine).DatabaseWrapper.vendor
    except (ImportError, ImproperlyConfigured) as error:
        return [no_driver(alias, engine, error)]
    return list(_sqlite(alias, settings_dict)) if vendor == "sqlite" else []


def _sqlite(alias: str, settings_dict: Mapping[str, Any]) -> Iterator[CheckMessage]:
    name, options = str(settings_dict["NAME"]), settings_dict["OPTIONS"]
    if name.startswith((":memory:", "file::memory:")) or "mode=memory" in name:
        return
    missing = []
    if not WAL.search(str(options.get("init_command", ""))):
        missing.append("WAL mode")
    if str(options.get("transaction_mode", "")).upper() not in IMMEDIATE_MODES:
        missing.append("immediate transactions")
    if missing:
        yield unsafe_sqlite(alias, " and ".join(missing))


def unknown_alias(alias: str, known: list[str]) -> CheckMessage:
    return _error(1, f"Memories go to database {alias!r}, which DATABASES does not have.", _nearest(alias, known))


def no_router(wanted: str, routed: str) -> CheckMessage:
    others = ", ..." if settings.DATABASE_ROUTERS else ""
    return _error(
        2,
        f"AGNO_MEMORY['DATABASE'] is {wanted!r}, but DATABASE_ROUTERS sends memories to {routed!r}.",
        f'Put this app\'s router first: DATABASE_ROUTERS = ["agno_memory.routers.MemoryRouter"{others}]',
    )


def no_driver(alias: str, engine: str, error: Exception) -> CheckMessage:
    return _error(
        3,
        f"The driver of database {alias!r} (ENGINE {engine!r}) cannot be loaded: {error.__cause__ or error}",
        how_to_install(engine),
    )


def djongo(alias: str) -> CheckMessage:
    return _error(
        6,
        f"Database {alias!r} has ENGINE 'djongo', which cannot work here: djongo 1.3.7, its last release, asks for "
        "Django before 3.1.13 and PyMongo before 3.12, and with Django 4.2 or later every query fails.",
        'pip install "agno-memory[mongodb]" and write "ENGINE": "django_mongodb_backend", with the connection string '
        'as "HOST" and the database as "NAME". The data stays where it is; but djongo keeps topics as JSON strings, '
        "so a collection that it wrote must be converted before this app can read it.",
    )


def unsafe_sqlite(alias: str, missing: str) -> CheckMessage:
    return Warning(
        f"The SQLite database {alias!r} is opened without {missing}: readers and writers get in each other's way "
        'until one fails with "database is locked".',
        hint=f'Add to DATABASES["{alias}"]: "OPTIONS": {json.dumps(SQLITE_OPTIONS)}',
        id="agno_memory.W001",
    )


# The REST API


@register(TAG, Tags.compatibility)
def check_rest(**kwargs: Any) -> list[CheckMessage]:
    """Report permission classes that cannot be used or keep nobody out, and an API without REST framework's app."""
    if not apps.is_installed("rest_framework"):
        return [rest_not_installed()] if _is_mounted() else []
    try:
        paths = conf.REST_PERMISSION_CLASSES
    except ImproperlyConfigured:
        # check_settings has said so.
        return []
    wrong = [message for path in paths for message in _permission_class(path)]
    return wrong or ([] if _is_guarded(paths) else [unguarded(paths)])


def _is_mounted() -> bool:
    """Tell whether the site's URLs have the REST API; where they cannot be read, Django's own checks say so."""
    try:
        list(get_resolver().url_patterns)
    except Exception:
        return False
    return "agno_memory.rest.urls" in sys.modules


def _permission_class(path: str) -> Iterator[CheckMessage]:
    try:
        # A class, or several of them combined by `|` and `&`.
        if not callable(import_string(path)):
            yield wrong_permission(path, "it is no permission class")
    except ImportError as error:
        yield wrong_permission(path, str(error))


def _is_guarded(paths: Iterable[str]) -> bool:
    # Here, because it imports REST framework, which a site need not have.
    from agno_memory.rest.permissions import MemoryPermissions

    classes = [import_string(path) for path in paths]
    # What is combined of several cannot be told from here.
    return any(not isinstance(each, type) or issubclass(each, MemoryPermissions) for each in classes)


def rest_not_installed() -> CheckMessage:
    return Warning(
        "The REST API is in the URLs, but REST framework is not in INSTALLED_APPS: in a browser, every page fails.",
        hint='Add "rest_framework" to INSTALLED_APPS.',
        id="agno_memory.W003",
    )


def wrong_permission(path: str, reason: str) -> CheckMessage:
    return _error(
        10,
        f"AGNO_MEMORY['REST_PERMISSION_CLASSES'] has {path!r}, which cannot be used: {reason}",
        'Give dotted paths of classes, such as "agno_memory.rest.permissions.MemoryPermissions".',
    )


def unguarded(paths: list[str]) -> CheckMessage:
    return Warning(
        f"AGNO_MEMORY['REST_PERMISSION_CLASSES'] is {paths!r}: nothing in it keeps a caller from naming another user "
        "and reading, changing and erasing what is theirs.",
        hint='Add "agno_memory.rest.permissions.MemoryPermissions" or a subclass, or, where your own class sees to it, '
        "silence this by SILENCED_SYSTEM_CHECKS.",
        id="agno_memory.W004",
    )


# Shared


def _valid(name: str) -> str | None:
    """Return a setting, or None where ``check_settings`` has something to say about it."""
    try:
        value: str = getattr(conf, name)
    except ImproperlyConfigured:
        return None
    return value


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}."


def _error(number: int, message: str, hint: str) -> CheckMessage:
    return Error(message, hint=hint, id=f"agno_memory.E{number:03d}")
