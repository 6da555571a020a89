"""Everything that depends on the database. The handles of the seed document are imported from here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agno_memory.db.handles import MemoryDb, MongoMemoryDb, PostgresMemoryDb, SqliteMemoryDb

__all__ = ["MemoryDb", "MongoMemoryDb", "PostgresMemoryDb", "SqliteMemoryDb"]


def __getattr__(name: str) -> Any:
    # Imported on first use: the handles need the models, and the fields of the models need the lookups of this package.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("agno_memory.db.handles"), name)
