"""The inside of PostgreSQL's driver, which is optional and so imported inside functions."""

from __future__ import annotations

import datetime
from functools import cache
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper


def load_times_in_c(cursor: Any, connection: BaseDatabaseWrapper) -> None:
    """Let a cursor load times by the driver's own loader.

    Django replaces it by a loader in Python, to set the time zone of the connection. In UTC both return the same
    values, and Python's takes as long for the times of a list as the rest of the list.

    Args:
        cursor: to be used for one list.
        connection: of the cursor.
    """
    loader = _loader()
    if loader is not None and connection.timezone is datetime.UTC:
        cursor.adapters.register_loader("timestamptz", loader)


@cache
def _loader() -> Any:
    """Return psycopg's loader; None for psycopg2, which loads times in C by itself."""
    from django.db.backends.postgresql.psycopg_any import is_psycopg3

    if not is_psycopg3:
        return None
    from psycopg import adapters
    from psycopg.pq import Format

    return adapters.get_loader(adapters.types["timestamptz"].oid, Format.TEXT)
