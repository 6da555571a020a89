"""System checks: ``manage.py check`` reports a misconfiguration with a stable id and a hint.

The checks read settings and open no connection, so they run without ``--database`` and before the server is started.
A function detects a problem; the builder after it makes the message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import ERROR, CheckMessage, Error, Tags, Warning, register  # noqa: A004  Django's own name
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured, ValidationError
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db.utils import load_backend

from agno_memory.aliases import other_aliases, used_aliases
from agno_memory.conf import Settings, conf
from agno_memory.db.drivers import how_to_install
from agno_memory.engine_checks import ENGINE_CHECKS
from agno_memory.models import UserMemory
from agno_memory.replicas import FOR_READ
from agno_memory.routers import MemoryRouter
from agno_memory.user_checks import account_field, is_object
from agno_memory.validators import validate_identifier

TAG = "agno_memory"
MIDDLEWARE = "agno_memory.middleware.ReadYourWritesMiddleware"


# Settings


@register(TAG, Tags.compatibility)
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Report unknown names in ``AGNO_MEMORY``, values of the wrong type, and ``USE_TZ = False``."""
    try:
        site_values = conf.site_values()
    except ImproperlyConfigured as error:
        return [*_naive_time(), wrong_setting(error, 'Write AGNO_MEMORY = {"DATABASE": "default"}, or remove it.')]
    names = conf.names()
    return [
        *_naive_time(),
        *(unknown_setting(name, names) for name in site_values if name not in names),
        *_wrong_settings(names),
    ]


def _naive_time() -> list[CheckMessage]:
    return [] if settings.USE_TZ else [naive_time()]


def _wrong_settings(names: Iterable[str]) -> Iterator[CheckMessage]:
    for name in names:
        try:
            getattr(conf, name)
        except ImproperlyConfigured as error:
            yield wrong_setting(error, f"{name}: {getattr(Settings, name).__doc__}")


def unknown_setting(name: object, names: list[str]) -> CheckMessage:
    return _error(4, f"AGNO_MEMORY has no setting {name!r}.", _suggestion(str(name).upper(), names))


def wrong_setting(error: ImproperlyConfigured, hint: str) -> CheckMessage:
    return _error(5, str(error), hint)


def naive_time() -> CheckMessage:
    return _error(7, "USE_TZ is False, but the times of memories are aware, in UTC.", "Set USE_TZ = True.")


# Users


@register(TAG, Tags.compatibility)
def check_users(**kwargs: Any) -> list[CheckMessage]:
    """Report a ``USER_ID_FIELD`` that users do not have, and an invalid or ambiguous ``DEFAULT_USER_ID``."""
    name, default = _valid_setting("USER_ID_FIELD"), _valid_setting("DEFAULT_USER_ID")
    return [*_user_id_field(name), *_default_user_id(default), *_shared_user_id(name, default)]


def _user_id_field(name: str | None) -> Iterator[CheckMessage]:
    if name is None or not apps.is_installed("django.contrib.auth"):
        return
    user_model = get_user_model()
    # A method is an attribute too, but not a value.
    if not hasattr(user_model, name) or callable(getattr(user_model, name)):
        fields = ["pk", *(field.name for field in user_model._meta.concrete_fields)]
        yield unknown_user_field(name, user_model.__name__, fields)
    else:
        yield from account_field(name, user_model)


def _default_user_id(user_id: str | None) -> Iterator[CheckMessage]:
    try:
        if user_id is not None:
            validate_identifier(user_id)
    except ValidationError as error:
        yield bad_default_user(error)


def _shared_user_id(name: str | None, user_id: str | None) -> Iterator[CheckMessage]:
    """Report a default id that is a valid value of the users' field: its user would own the memories without a user."""
    if name is None or user_id is None or not apps.is_installed("django.contrib.auth"):
        return
    options = get_user_model()._meta
    try:
        field: Any = options.pk if name == "pk" else options.get_field(name)
        if is_object(name, field):
            return
        field.run_validators(field.to_python(user_id))
    except (FieldDoesNotExist, ValidationError):
        return
    yield shared_default_user(user_id, name)


def unknown_user_field(name: str, user_model: str, fields: list[str]) -> CheckMessage:
    return _error(
        8,
        f"AGNO_MEMORY['USER_ID_FIELD'] is {name!r}, which is not a field or property of {user_model}.",
        _suggestion(name, fields),
    )


def shared_default_user(user_id: str, name: str) -> CheckMessage:
    return Warning(
        f"A user with the {name} {user_id!r} would own the memories that are added without a user.",
        hint=f"Set AGNO_MEMORY['DEFAULT_USER_ID'] to a text that is not a valid {name}, such as '<nobody>'.",
        id="agno_memory.W002",
    )


def bad_default_user(error: ValidationError) -> CheckMessage:
    return _error(
        9,
        f"AGNO_MEMORY['DEFAULT_USER_ID'] is not a valid id: {' '.join(error.messages)}",
        "Set it to a short text, or remove it to use 'default'.",
    )


# Database


# Not Tags.database: from Django 6.1 on, a plain `manage.py check` skips those, because they may open connections.
@register(TAG, Tags.compatibility)
def check_database(**kwargs: Any) -> list[CheckMessage]:
    """Report databases of the memories that are not routed to, unknown, without a driver, or unsafe as they are set."""
    configured = _valid_setting("DATABASE")
    if configured is None:
        return []
    routed = router.db_for_write(UserMemory, **{FOR_READ: True})
    # If the setting is the default, a router of the site may choose the database.
    if configured not in (DEFAULT_DB_ALIAS, routed):
        return [no_router(configured, routed), *_connection(configured)]
    of_used = [message for alias in used_aliases() for message in _connection(alias)]
    return [*of_used, *_warnings_of_others()]


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
    return list(ENGINE_CHECKS[vendor](alias, settings_dict)) if vendor in ENGINE_CHECKS else []


def _warnings_of_others() -> Iterator[CheckMessage]:
    """Yield the warnings about databases that only ``Memory(alias)`` can use. Errors there concern other apps first."""
    for message in (message for alias in other_aliases() for message in _connection(alias)):
        if message.level < ERROR:
            hint = str(message.hint).removesuffix(".")
            message.hint = (
                f"{hint}. If no memories are stored there, let allow_migrate() of a router return False for this app: "
                "agno_memory.routers.MemoryRouter does."
            )
            yield message


@register(TAG, Tags.compatibility)
def check_replicas(**kwargs: Any) -> list[CheckMessage]:
    """Report ``READ_DATABASES`` that do not exist or are not used, and a site without the middleware for them."""
    aliases = _valid_setting("READ_DATABASES")
    if not aliases:
        return []
    wrong = [unknown_replica(alias) for alias in aliases if alias not in connections.settings]
    return [
        *wrong,
        *([] if _has_memory_router() else [unused_replicas()]),
        *([] if MIDDLEWARE in settings.MIDDLEWARE else [no_middleware()]),
    ]


def _has_memory_router() -> bool:
    return any(isinstance(each, MemoryRouter) for each in router.routers)


def unknown_replica(alias: str) -> CheckMessage:
    message = f"AGNO_MEMORY['READ_DATABASES'] has {alias!r}, but DATABASES has no such alias."
    return _error(11, message, _suggestion(alias, list(connections.settings)))


def unused_replicas() -> CheckMessage:
    return Warning(
        "AGNO_MEMORY['READ_DATABASES'] is set, but DATABASE_ROUTERS has no MemoryRouter, which routes reads to them.",
        hint='Add "agno_memory.routers.MemoryRouter" to DATABASE_ROUTERS.',
        id="agno_memory.W011",
    )


def no_middleware() -> CheckMessage:
    return Warning(
        "AGNO_MEMORY['READ_DATABASES'] is set, but a visitor that has written memories may read older ones from a "
        "replica in the next request.",
        hint=f'Add "{MIDDLEWARE}" to MIDDLEWARE, after the middleware of sessions.',
        id="agno_memory.W012",
    )


def unknown_alias(alias: str, aliases: list[str]) -> CheckMessage:
    message = f"Memories are stored in database {alias!r}, but DATABASES has no such alias."
    return _error(1, message, _suggestion(alias, aliases))


def no_router(configured: str, routed: str) -> CheckMessage:
    others = ", ..." if settings.DATABASE_ROUTERS else ""
    return _error(
        2,
        f"AGNO_MEMORY['DATABASE'] is {configured!r}, but DATABASE_ROUTERS sends memories to {routed!r}.",
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
        f"Database {alias!r} has ENGINE 'djongo', which cannot work here: djongo 1.3.7, its last release, requires "
        "Django before 3.1.13 and PyMongo before 3.12, and with Django 4.2 or later every query fails.",
        'pip install "agno-memory[mongodb]" and write "ENGINE": "django_mongodb_backend", with the connection string '
        '(mongodb://...?journal=true) as "HOST" and the database as "NAME". djongo stores topics as JSON strings, so '
        "this app cannot read a collection that djongo wrote: convert it with manage.py import_memories.",
    )


# Shared


def _valid_setting(name: str) -> Any:
    """Return a setting, or None if its value is wrong, which ``check_settings()`` reports."""
    try:
        value = getattr(conf, name)
    except ImproperlyConfigured:
        return None
    return value


def _suggestion(name: str, choices: list[str]) -> str:
    nearest = get_close_matches(name, choices, n=1)
    return f"Did you mean {nearest[0]!r}?" if nearest else f"Choose one of: {', '.join(choices)}."


def _error(number: int, message: str, hint: str) -> CheckMessage:
    return Error(message, hint=hint, id=f"agno_memory.E{number:03d}")
