"""Indexes of MongoDB's collections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db.models import Model

from agno_memory.db.mongodb.errors import with_django_errors

Keys = list[tuple[str, int]]

# The server's code for "the index to drop does not exist".
INDEX_NOT_FOUND = 27


class MongoIndex(NamedTuple):
    """An index of a collection.

    Args:
        name: of the index.
        keys: pairs of a column and a direction, 1 or -1.
        unique: whether no two documents may have the same keys.
    """

    name: str
    keys: Keys
    unique: bool = False


def create_indexes(schema_editor: Any, model: type[Model], indexes: Sequence[MongoIndex]) -> None:
    """Create indexes; those that exist stay."""
    from pymongo import IndexModel

    models = [
        IndexModel(index.keys, name=index.name, **({"unique": True} if index.unique else {})) for index in indexes
    ]
    # sqlmigrate prints a call of create_indexes(), but would execute one of create_index().
    schema_editor.get_collection(model._meta.db_table).create_indexes(models)


def drop_indexes(schema_editor: Any, model: type[Model], names: Sequence[str]) -> None:
    """Drop indexes by their names."""
    for name in names:
        schema_editor.get_collection(model._meta.db_table).drop_index(name)


def drop_partial_indexes(schema_editor: Any, model: type[Model], keys: Sequence[Keys]) -> None:
    """Drop the partial indexes on any of these keys."""
    table = model._meta.db_table
    for name, index in schema_editor.connection.get_collection(table).index_information().items():
        if index["key"] in keys and "partialFilterExpression" in index:
            _drop_index(schema_editor.get_collection(table), name)


def _drop_index(collection: Any, name: str) -> None:
    from pymongo.errors import OperationFailure

    try:
        collection.drop_index(name)
    except OperationFailure as error:
        # Another process dropped it first.
        if error.code != INDEX_NOT_FOUND:
            raise


def index_names(connection: Any, table: str) -> list[str]:
    """Return the names of a collection's indexes."""
    collection = connection.get_collection(table)
    return list(with_django_errors(collection.index_information))
