from __future__ import annotations

from typing import Any

from django.db.models import Model


class EveryDatabase:
    """Memories on every alias, the rest of the site on the default one: the contract suite names its alias itself."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "default" or app_label == "agno_memory"


class LogOnReplica:
    """Reads of the admin's log go to a replica, which no test has."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return "replica" if model._meta.label == "admin.LogEntry" else None
