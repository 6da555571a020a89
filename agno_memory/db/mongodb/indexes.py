"""Indexes of MongoDB's collections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Field, Model

from agno_memory.db.mongodb.errors import with_django_errors

Keys = list[tuple[str, int]]

# The server's codes for an index or a collection to drop that does not exist, and for one to create that exists.
NOT_FOUND = {26, 27}
NAMESPACE_EXISTS = 48


class MongoIndex(NamedTuple):
    """An index of a collection.

    Args:
        name: of the index.
        keys: pairs of a column and a direction, 1 or -1.
        unique: whether no two documents may have the same keys.
        options: further ones of the server.
    """

    name: str
    keys: Sequence[tuple[str, int | str]]
    unique: bool = False
    options: Mapping[str, Any] = MappingProxyType({})


def create_indexes(schema_editor: Any, model: type[Model], indexes: Sequence[MongoIndex]) -> None:
    """Create indexes; those that exist stay."""
    from pymongo import IndexModel

    models = [
        IndexModel(index.keys, name=index.name, **({"unique": True} if index.unique else {}), **index.options)
        for index in indexes
    ]
    # sqlmigrate prints a call of create_indexes(), but would execute one of create_index().
    schema_editor.get_collection(model._meta.db_table).create_indexes(models)


def drop_indexes(schema_editor: Any, model: type[Model], names: Sequence[str]) -> None:
    """Drop indexes by their names."""
    for name in names:
        _drop_index(schema_editor.get_collection(model._meta.db_table), name)


def drop_partial_indexes(
    schema_editor: Any, model: type[Model], keys: Sequence[Sequence[tuple[str, int | str]]]
) -> None:
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
        if error.code not in NOT_FOUND:
            raise


def create_collection(schema_editor: Any, model: type[Model]) -> None:
    """Create the collection of a model and its indexes; those that exist stay."""

    def create() -> None:
        _create_collection(schema_editor.get_database(), model._meta.db_table)
        schema_editor._create_model_indexes(model)

    with_django_errors(create)


def create_migrations_table(connection: Any) -> None:
    """Create the table of applied migrations unless it exists.

    Django creates it too, but fails if another process that migrates creates it at the same time.
    """
    table = MigrationRecorder.Migration._meta.db_table
    with_django_errors(lambda: _create_collection(connection.get_database(), table))


def _create_collection(database: Any, name: str) -> None:
    from pymongo.errors import CollectionInvalid, OperationFailure

    try:
        database.create_collection(name)
    except CollectionInvalid:
        # The driver has looked for it.
        return
    except OperationFailure as error:
        if error.code != NAMESPACE_EXISTS:
            raise


def set_missing(schema_editor: Any, model: type[Model], field: Field[Any, Any]) -> None:
    """Set a column to its default in documents without it. A column that has an index is not supported."""
    collection = schema_editor.get_collection(model._meta.db_table)
    missing = {field.column: {"$exists": False}}
    change = {"$set": {field.column: schema_editor.effective_default(field)}}
    with_django_errors(lambda: collection.update_many(missing, change))


def index_names(connection: Any, table: str) -> list[str]:
    """Return the names of a collection's indexes; none if it does not exist."""
    collection = connection.get_collection(table)
    return list(with_django_errors(collection.index_information))
