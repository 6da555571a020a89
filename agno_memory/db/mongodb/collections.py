"""The driver's collections, with the options that a call needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

# Options of a collection that differ from those of the connection.
Options = Callable[[], dict[str, Any]]

# The collections of each connection, with the database that they belong to: the driver takes a tenth of a call to
# create one.
_collections: WeakKeyDictionary[Any, tuple[Any, dict[Any, Any]]] = WeakKeyDictionary()


def newest() -> dict[str, Any]:
    """Return the options of a read that precedes a write."""
    from pymongo import ReadPreference

    return {"read_preference": ReadPreference.PRIMARY}


def unsaved() -> dict[str, Any]:
    """Return the options of a write that need not be in the journal of any server yet."""
    from pymongo import WriteConcern

    return {"write_concern": WriteConcern(w=1, j=False)}


def collection_of(connection: Any, table: str, options: Options | None) -> Any:
    """Return the driver's collection of a table.

    Args:
        connection: to the database.
        table: the name of the table.
        options: ``newest``, ``unsaved``, or None for those of the connection.
    """
    database = connection.database
    owner, collections = _collections.get(connection, (None, {}))
    if owner is not database:
        # The connection was closed in between.
        collections = {}
        _collections[connection] = database, collections
    key = table, options
    if key not in collections:
        collections[key] = database.get_collection(table, **(options() if options else {}))
    return collections[key]
