from __future__ import annotations

from typing import Any


class SiteRouter:
    """Keep other apps' tables off the memories' database, which may be MongoDB. Put it after ``MemoryRouter``."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db != "memories"
