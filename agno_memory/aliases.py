"""The aliases in ``DATABASES`` on which the models of this app are, or can be, for the system checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router
from django.db.models import Model

from agno_memory import replicas
from agno_memory.conf import conf
from agno_memory.db.handles.base import is_handle
from agno_memory.models import UserMemory

APP_LABEL: Final = "agno_memory"


def used_aliases() -> list[str]:
    """Return the aliases that routers name for this app's models, without duplicates; some may not exist.

    Raises:
        ImproperlyConfigured: the setting ``DATABASE`` has a wrong value.
    """
    # Inside, MemoryRouter connects to no replica.
    with replicas.on_primary():
        aliases = [alias for model in _models() for alias in _routed(model)]
    return list(dict.fromkeys([*aliases, *(alias for alias in _replicas() if alias in connections.settings)]))


def other_aliases() -> list[str]:
    """Return the other aliases on which the routers allow this app: ``Memory(alias)`` may use them."""
    used = used_aliases()
    return [alias for alias in connections.settings if alias not in used and _is_allowed(alias)]


def with_memories(aliases: Sequence[str] | None) -> list[str]:
    """Return those of the aliases that a command names on which models of this app are, or can be.

    ``READ_DATABASES`` are left out: their schema and rows are those of the database that they copy, and only there a
    command can change them.
    """
    if not aliases:
        return []
    copies = {*_replicas()} - {router.db_for_write(UserMemory, **{replicas.FOR_READ: True})}
    known = {*used_aliases(), *other_aliases()} - copies
    return [alias for alias in aliases if alias in known]


def _models() -> list[type[Model]]:
    return list(apps.get_app_config(APP_LABEL).get_models())


def _routed(model: type[Model]) -> Iterator[str]:
    yield router.db_for_write(model, **{replicas.FOR_READ: True})
    try:
        yield router.db_for_read(model)
    except ImproperlyConfigured:
        # A wrong READ_DATABASES is reported by check_settings().
        return


def _replicas() -> list[str]:
    try:
        return conf.READ_DATABASES
    except ImproperlyConfigured:
        # Reported by check_settings().
        return []


def _is_allowed(alias: str) -> bool:
    """Return whether routers allow this app on an alias.

    Without an answer of any router Django allows it. That is no sign of memories there if a router sends them to
    another alias. A handle has an alias that is not in ``DATABASES``.
    """
    if is_handle(alias):
        return False
    name = UserMemory._meta.model_name
    allowed = _answer("allow_migrate", alias, APP_LABEL, model_name=name, model=UserMemory)
    is_routed = _answer("db_for_write", UserMemory, **{replicas.FOR_READ: True}) is not None
    return not is_routed if allowed is None else bool(allowed)


def _answer(method: str, *args: Any, **hints: Any) -> Any:
    """Return the first answer of a router, or None: Django's own method hides that none has answered."""
    answers = (getattr(each, method)(*args, **hints) for each in router.routers if hasattr(each, method))
    return next((answer for answer in answers if answer is not None), None)
