"""``MemoryRouter``: the database of this app's tables."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from agno_memory.conf import conf

APP_LABEL = "agno_memory"


class MemoryRouter:
    """Route this app to the alias in ``AGNO_MEMORY["DATABASE"]``. It returns None for all other apps."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        """Return the alias for a model of this app, None for other models."""
        return conf.DATABASE if model._meta.app_label == APP_LABEL else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Return whether ``db`` is the alias for this app; None for other apps."""
        return db == conf.DATABASE if app_label == APP_LABEL else None
