"""``MemoryRouter``: the database of this app's tables."""

from __future__ import annotations

from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model

from agno_memory import replicas
from agno_memory.conf import conf
from agno_memory.db.capabilities import takes_any_app

APP_LABEL = "agno_memory"


class MemoryRouter:
    """Route this app to the alias in ``AGNO_MEMORY["DATABASE"]``, and reads to ``READ_DATABASES`` if there are some.

    Where that alias is a MongoDB and not "default", all other apps are kept off it: their keys (``AutoField``) do not
    exist there. For the rest it returns None for other apps.
    """

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        """Return the alias to read a model of this app from, None for other models."""
        if model._meta.app_label != APP_LABEL:
            return None
        if not conf.READ_DATABASES or replicas.needs_primary(conf.DATABASE):
            return conf.DATABASE
        return replicas.choose() or conf.DATABASE

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        """Return the alias to write a model of this app to, None for other models."""
        if model._meta.app_label != APP_LABEL:
            return None
        if not hints.get(replicas.FOR_READ):
            replicas.note_write()
        return conf.DATABASE

    def allow_relation(self, first: Model, second: Model, **hints: Any) -> bool | None:
        """Allow relations between rows of this app that were read from different copies of its database."""
        copies = {conf.DATABASE, *conf.READ_DATABASES}
        rows = (first, second)
        if all(row._meta.app_label == APP_LABEL and row._state.db in copies for row in rows):
            return True
        return None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Return whether ``db`` is the alias for this app; for other apps False on its MongoDB, None elsewhere."""
        if app_label == APP_LABEL:
            return db == conf.DATABASE
        return False if db == conf.DATABASE and _is_without_other_apps(db) else None


def _is_without_other_apps(alias: str) -> bool:
    """Return whether an alias beside the database of the site cannot have the tables of other apps."""
    if alias == DEFAULT_DB_ALIAS or alias not in connections.settings:
        return False
    return not takes_any_app(connections[alias])
