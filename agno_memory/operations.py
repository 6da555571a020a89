"""Schema that one database needs, as operations that return early on the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

# MongoDB's code for the index that is to be dropped.
INDEX_NOT_FOUND = 27


class CreateOnSomeDatabases(Operation):
    """Base: does to a model what the methods ``create_on_<vendor>`` do, and undoes it with ``drop_on_<vendor>``.

    Args:
        model_name: of the model, in lower case.
    """

    reduces_to_sql = True
    reversible = True
    # In words and in the name of a migration.
    what: ClassVar[str]

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing: indexes of one database are no part of the models."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            self.create(schema_editor, model)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            self._dispatch("drop", schema_editor, model)

    def describe(self) -> str:
        return f"Create the {self.what} of {self.model_name}"

    @property
    def migration_name_fragment(self) -> str:
        return f"{self.model_name}_{self.what.replace(' ', '_')}"

    @classmethod
    def create(cls, schema_editor: BaseDatabaseSchemaEditor, model: type[models.Model]) -> None:
        """Create the indexes for a model's table, whatever it is called. On MongoDB it may be done again."""
        cls._dispatch("create", schema_editor, model)

    @classmethod
    def _dispatch(cls, verb: str, schema_editor: BaseDatabaseSchemaEditor, model: type[models.Model]) -> None:
        method = getattr(cls, f"{verb}_on_{schema_editor.connection.vendor}", None)
        if method is not None:
            method(schema_editor, model)


class CreateKeyIndexes(CreateOnSomeDatabases):
    """Put plain unique indexes in the place of those of MongoDB's backend.

    Those are partial (strings only), so that no query is planned with them.
    """

    what = "key indexes"

    @classmethod
    def create_on_mongodb(cls, schema_editor: Any, model: type[models.Model]) -> None:
        # Here, because it comes with MongoDB's backend, which a site without MongoDB does not have.
        from pymongo import IndexModel

        for name, keys in cls._backends_own(model).items():
            # sqlmigrate writes create_indexes() down instead of making the call; create_index() it would make.
            collection = schema_editor.get_collection(model._meta.db_table)
            collection.create_indexes([IndexModel(keys, name=name, unique=True)])
        drop_partial_indexes(schema_editor, model, list(cls._backends_own(model).values()))

    @classmethod
    def drop_on_mongodb(cls, schema_editor: Any, model: type[models.Model]) -> None:
        for name in cls._backends_own(model):
            schema_editor.get_collection(model._meta.db_table).drop_index(name)

    @staticmethod
    def _backends_own(model: type[models.Model]) -> dict[str, list[tuple[str, int]]]:
        """Return the keys that the backend makes unique, by the names of our indexes for them."""
        unique = [[cast("str", model._meta.pk.column)]]
        unique += [
            [cast("Any", model._meta.get_field(name)).column for name in constraint.fields]
            for constraint in model._meta.constraints
            if isinstance(constraint, models.UniqueConstraint)
        ]
        return {f"agno_memory_unique_{'_'.join(columns)}": [(column, 1) for column in columns] for columns in unique}


class CreateTopicsIndex(CreateOnSomeDatabases):
    """Index the topics of a model in the way of the database, and its key as ``CreateKeyIndexes`` does.

    PostgreSQL gets a GIN index, MongoDB multikey ones. SQLite cannot index the elements of JSON; it walks the index of
    the person.
    """

    what = "topics index"

    @classmethod
    def is_made_on(cls, connection: BaseDatabaseWrapper) -> bool:
        """Tell whether this database finds everybody's memories about a topic by an index."""
        return hasattr(cls, f"create_on_{connection.vendor}")

    @staticmethod
    def _gin(model: type[models.Model]) -> GinIndex:
        index = GinIndex(fields=["topics"])
        index.set_name_with_model(model)
        return index

    @classmethod
    def create_on_postgresql(cls, schema_editor: BaseDatabaseSchemaEditor, model: type[models.Model]) -> None:
        schema_editor.add_index(model, cls._gin(model))

    @classmethod
    def drop_on_postgresql(cls, schema_editor: BaseDatabaseSchemaEditor, model: type[models.Model]) -> None:
        schema_editor.remove_index(model, cls._gin(model))

    @staticmethod
    def _mongodb_indexes(model: type[models.Model]) -> list[Any]:
        # Here, because it comes with MongoDB's backend, which a site without MongoDB does not have.
        from pymongo import IndexModel

        key = cast("str", model._meta.pk.column)
        newest = [("last_updated", -1), (key, -1)]
        return [
            IndexModel([(key, 1)], name="agno_memory_key", unique=True),
            IndexModel([("user_id", 1), ("topics", 1), *newest], name="agno_memory_user_topics"),
            IndexModel([("topics", 1), *newest], name="agno_memory_topics"),
        ]

    @classmethod
    def create_on_mongodb(cls, schema_editor: Any, model: type[models.Model]) -> None:
        table = model._meta.db_table
        # sqlmigrate writes create_indexes() down instead of making the call; create_index() it would make.
        schema_editor.get_collection(table).create_indexes(cls._mongodb_indexes(model))
        drop_partial_indexes(schema_editor, model, [[(cast("str", model._meta.pk.column), 1)]])

    @classmethod
    def drop_on_mongodb(cls, schema_editor: Any, model: type[models.Model]) -> None:
        collection = schema_editor.get_collection(model._meta.db_table)
        for index in cls._mongodb_indexes(model):
            collection.drop_index(index.document["name"])


def drop_partial_indexes(
    schema_editor: Any, model: type[models.Model], keys: Sequence[Sequence[tuple[str, int]]]
) -> None:
    """Drop the partial indexes on these keys."""
    table = model._meta.db_table
    for name, index in schema_editor.connection.get_collection(table).index_information().items():
        if index["key"] in keys and "partialFilterExpression" in index:
            _drop_index(schema_editor.get_collection(table), name)


def _drop_index(collection: Any, name: str) -> None:
    from pymongo.errors import OperationFailure

    try:
        collection.drop_index(name)
    except OperationFailure as error:
        # Another process was faster.
        if error.code != INDEX_NOT_FOUND:
            raise
