"""The policy for which database this app's tables live in."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from agno_memory.conf import conf

APP_LABEL = "agno_memory"


class MemoryRouter:
    """Sends this app to the alias named by ``AGNO_MEMORY["DATABASE"]`` and says nothing about any other."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        """Return this app's alias for its models, None for others."""
        return conf.DATABASE if model._meta.app_label == APP_LABEL else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Allow this app's tables on its alias alone; None for other apps."""
        return db == conf.DATABASE if app_label == APP_LABEL else None
