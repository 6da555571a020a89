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


def _lenient(codec_options: Any) -> Any:
    """Return the options of a database, but to read times outside the years 1 to 9999, and texts that are not UTF-8.

    By itself, the driver fails for the whole batch.
    """
    from bson.codec_options import DatetimeConversion

    return codec_options.with_options(
        datetime_conversion=DatetimeConversion.DATETIME_AUTO, unicode_decode_error_handler="replace"
    )


def compilers_collection(compiler: Any) -> Any:
    """Return the collection that a compiler of the backend reads, which logs as the backend's do."""
    connection, table = compiler.connection, compiler.collection_name
    collection = collection_of(connection, table, None)
    if not connection.queries_logged:
        return collection
    return connection.get_collection(table, codec_options=collection.codec_options)


def collection_of(connection: Any, table: str, options: Options | None) -> Any:
    """Return the driver's collection of a table, which reads the documents of other programs too.

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
        codec_options = _lenient(database.codec_options)
        own = options() if options else {}
        collections[key] = database.get_collection(table, codec_options=codec_options, **own)
    return collections[key]
