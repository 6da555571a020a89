from __future__ import annotations

from typing import Any


class EveryDatabase:
    """Memories on every alias, the rest of the site on the default one: the contract suite names its alias itself."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "default" or app_label == "agno_memory"
