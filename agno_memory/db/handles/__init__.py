"""Handles: databases for memories that are named in code instead of ``DATABASES``.

A handle registers its connection with Django under an alias of its own, uses a subclass of the model for its table, and
creates the table with its indexes on first use. Handles for the same table are interchangeable: they share alias and
model.
"""

from __future__ import annotations

from agno_memory.db.handles.base import MemoryDb
from agno_memory.db.handles.mongodb import MONGODB_OPTIONS, MongoMemoryDb, options_in
from agno_memory.db.handles.postgresql import POSTGRES_OPTIONS, PostgresMemoryDb
from agno_memory.db.handles.sqlite import NO_FOREIGN_KEYS, SQLITE_OPTIONS, SqliteMemoryDb

__all__ = [
    "MONGODB_OPTIONS",
    "NO_FOREIGN_KEYS",
    "POSTGRES_OPTIONS",
    "SQLITE_OPTIONS",
    "MemoryDb",
    "MongoMemoryDb",
    "PostgresMemoryDb",
    "SqliteMemoryDb",
    "options_in",
]
