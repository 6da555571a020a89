from __future__ import annotations

from typing import Any


class SiteRouter:
    """Keeps the rest of the site off the memories' database, which may be MongoDB. Comes after ``MemoryRouter``."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db != "memories"
