"""agno's own ``SqliteDb``, with which the tests compare ``DjangoDb``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agno.db.sqlite import SqliteDb


@contextmanager
def sqlite_db(folder: Path) -> Iterator[SqliteDb]:
    """Yield an empty database in a file of this folder."""
    db = SqliteDb(db_file=str(folder / "agno.db"), id="agno")
    try:
        yield db
    finally:
        db.db_engine.dispose()
