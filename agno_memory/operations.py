"""Schema that one database needs, as operations that return early on the others."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

# MongoDB's code for the index that is to be dropped.
INDEX_NOT_FOUND = 27


class CreateTopicsIndex(Operation):
    """Index the topics of a model in the way of the database, and its key where the backend's index is of no use.

    PostgreSQL gets a GIN index. MongoDB gets multikey indexes, and a plain unique index on the key in the place of the
    backend's, which is partial (strings only), so that no query is planned with it. SQLite cannot index the elements of
    JSON; it walks the index of the person.

    Args:
        model_name: of the model, in lower case.
    """

    reduces_to_sql = True
    reversible = True

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
        return f"Create the topics index of {self.model_name}"

    @property
    def migration_name_fragment(self) -> str:
        return f"{self.model_name}_topics_index"

    @classmethod
    def create(cls, schema_editor: BaseDatabaseSchemaEditor, model: type[models.Model]) -> None:
        """Create the indexes for a model's table, whatever it is called. On MongoDB it may be done again."""
        cls._dispatch("create", schema_editor, model)

    @classmethod
    def is_made_on(cls, connection: BaseDatabaseWrapper) -> bool:
        """Tell whether this database finds everybody's memories about a topic by an index."""
        return hasattr(cls, f"create_on_{connection.vendor}")

    @classmethod
    def _dispatch(cls, verb: str, schema_editor: BaseDatabaseSchemaEditor, model: type[models.Model]) -> None:
        method = getattr(cls, f"{verb}_on_{schema_editor.connection.vendor}", None)
        if method is not None:
            method(schema_editor, model)

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
        present = schema_editor.connection.get_collection(table).index_information()
        for name, index in present.items():
            if index["key"] == [(model._meta.pk.column, 1)] and "partialFilterExpression" in index:
                cls._drop_mongodb_index(schema_editor.get_collection(table), name)

    @staticmethod
    def _drop_mongodb_index(collection: Any, name: str) -> None:
        from pymongo.errors import OperationFailure

        try:
            collection.drop_index(name)
        except OperationFailure as error:
            # Another process was faster.
            if error.code != INDEX_NOT_FOUND:
                raise

    @classmethod
    def drop_on_mongodb(cls, schema_editor: Any, model: type[models.Model]) -> None:
        collection = schema_editor.get_collection(model._meta.db_table)
        for index in cls._mongodb_indexes(model):
            collection.drop_index(index.document["name"])
