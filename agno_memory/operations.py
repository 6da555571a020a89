"""Migration operations for a schema that a single database needs. They do nothing on the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, cast

from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from agno_memory.db import mongodb
from agno_memory.db.dispatch import vendor_method
from agno_memory.db.mongodb import Keys, MongoIndex
from agno_memory.db.words_index import MONGODB_INDEX, IndexedWords, WordsTables, index_name, sqlite_sql


class CreateCollection(migrations.CreateModel):
    """``CreateModel`` that takes what is there on MongoDB, and completes it.

    MongoDB has no transactions for schemas: a migration that was killed, another one at the same time, and a write
    before the first migration each leave a collection, and Django's operation would fail for ever.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            vendor_method(type(self), schema_editor.connection, "create_on")(schema_editor, model)

    @classmethod
    def create_on_sql(cls, schema_editor: Any, model: type[models.Model]) -> None:
        schema_editor.create_model(model)

    @classmethod
    def create_on_mongodb(cls, schema_editor: Any, model: type[models.Model]) -> None:
        mongodb.create_collection(schema_editor, model)


class AddMissingField(migrations.AddField):
    """``AddField`` that on MongoDB keeps the values of documents that have the field already.

    A newer release may have written them before it was migrated.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        before, model = (state.apps.get_model(app_label, self.model_name) for state in (from_state, to_state))
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            field = model._meta.get_field(self.name)
            vendor_method(type(self), schema_editor.connection, "add_on")(schema_editor, before, field)

    @classmethod
    def add_on_sql(cls, schema_editor: Any, model: type[models.Model], field: models.Field[Any, Any]) -> None:
        schema_editor.add_field(model, field)

    @classmethod
    def add_on_mongodb(cls, schema_editor: Any, model: type[models.Model], field: models.Field[Any, Any]) -> None:
        mongodb.set_missing(schema_editor, model, field)


class AddIndex(migrations.AddIndex):
    """``AddIndex`` that on MongoDB can be taken back where the index is missing."""

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            vendor_method(_Removal, schema_editor.connection, "remove_on")(schema_editor, model, self.index)


class AddConstraint(migrations.AddConstraint):
    """``AddConstraint`` for a unique index; see ``AddIndex``."""

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            vendor_method(_Removal, schema_editor.connection, "remove_on")(schema_editor, model, self.constraint)


class _Removal:
    """Removes an index or a constraint; one method per database."""

    @classmethod
    def remove_on_sql(cls, schema_editor: Any, model: type[models.Model], index: Any) -> None:
        remove = schema_editor.remove_index if isinstance(index, models.Index) else schema_editor.remove_constraint
        remove(model, index)

    @classmethod
    def remove_on_mongodb(cls, schema_editor: Any, model: type[models.Model], index: Any) -> None:
        mongodb.drop_indexes(schema_editor, model, [index.name])


class VendorOperation(Operation):
    """Base: calls ``create_on_<vendor>`` for a model, and ``drop_on_<vendor>`` to reverse it.

    Args:
        model_name: the name of the model, in lower case.
    """

    reduces_to_sql = True
    reversible = True
    # A noun for the description and for the names of migrations.
    noun: ClassVar[str]

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing: indexes of a single database are not part of the models."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._apply(self.create, app_label, schema_editor, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._apply(self.drop, app_label, schema_editor, to_state)

    def _apply(
        self,
        method: Callable[[BaseDatabaseSchemaEditor, type[models.Model]], None],
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        state: ProjectState,
    ) -> None:
        model = state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            method(schema_editor, model)

    def describe(self) -> str:
        return f"Create the {self.noun} of {self.model_name}"

    @property
    def migration_name_fragment(self) -> str:
        return f"{self.model_name}_{self.noun.replace(' ', '_')}"

    @classmethod
    def create(cls, schema_editor: BaseDatabaseSchemaEditor, model: type[models.Model]) -> None:
        """Create the indexes for the table of a model. On MongoDB, those that exist already stay."""
        vendor_method(cls, schema_editor.connection, "create_on")(schema_editor, model)

    @classmethod
    def drop(cls, schema_editor: BaseDatabaseSchemaEditor, model: type[models.Model]) -> None:
        """Drop the indexes."""
        vendor_method(cls, schema_editor.connection, "drop_on")(schema_editor, model)

    @classmethod
    def create_on_sql(cls, schema_editor: Any, model: type[models.Model]) -> None:
        """Do nothing on a database without a method of its own."""

    @classmethod
    def drop_on_sql(cls, schema_editor: Any, model: type[models.Model]) -> None:
        """Do nothing on a database without a method of its own."""


class CreateKeyIndexes(VendorOperation):
    """Replace the unique indexes of MongoDB's backend by plain ones.

    The backend's are partial (strings only), so the server does not use them for queries.
    """

    noun = "key indexes"

    @classmethod
    def create_on_mongodb(cls, schema_editor: Any, model: type[models.Model]) -> None:
        indexes = cls.unique_indexes(model)
        for index in indexes:
            mongodb.create_indexes(schema_editor, model, [index])
        mongodb.drop_partial_indexes(schema_editor, model, [list(index.keys) for index in indexes])

    @classmethod
    def drop_on_mongodb(cls, schema_editor: Any, model: type[models.Model]) -> None:
        mongodb.drop_indexes(schema_editor, model, [index.name for index in cls.unique_indexes(model)])

    @staticmethod
    def unique_indexes(model: type[models.Model]) -> list[MongoIndex]:
        """Return an index for the primary key and for each unique constraint."""
        # MongoDB keeps `_id` unique by itself.
        unique = [[column] for column in [cast("str", model._meta.pk.column)] if column != "_id"]
        unique += [
            [cast("Any", model._meta.get_field(name)).column for name in constraint.fields]
            for constraint in model._meta.constraints
            if isinstance(constraint, models.UniqueConstraint)
        ]
        return [
            MongoIndex(f"agno_memory_unique_{'_'.join(columns)}", [(column, 1) for column in columns], unique=True)
            for columns in unique
        ]


class CreateTopicsIndex(VendorOperation):
    """Index the topics of a model.

    PostgreSQL gets a GIN index, MongoDB multikey indexes. SQLite cannot index the elements of JSON; it reads the index
    of the person.
    """

    noun = "topics index"

    @classmethod
    def is_made_on(cls, connection: BaseDatabaseWrapper) -> bool:
        """Return whether an index serves the question for everybody's memories about a topic on this database."""
        return bool(vendor_method(cls, connection, "create_on") != cls.create_on_sql)

    # The names of the indexes on a database.
    @classmethod
    def names_on_sql(cls, model: type[models.Model]) -> list[str]:
        return []

    @classmethod
    def names_on_postgresql(cls, model: type[models.Model]) -> list[str]:
        return [cls._gin(model).name]

    @classmethod
    def names_on_mongodb(cls, model: type[models.Model]) -> list[str]:
        return [index.name for index in cls.mongodb_indexes(model)]

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
    def mongodb_indexes(model: type[models.Model]) -> list[MongoIndex]:
        newest: Keys = [("last_updated", -1), ("memory_id", -1)]
        return [
            MongoIndex("agno_memory_user_topics", [("user_id", 1), ("topics", 1), *newest]),
            MongoIndex("agno_memory_topics", [("topics", 1), *newest, ("_id", -1)]),
        ]

    @classmethod
    def create_on_mongodb(cls, schema_editor: Any, model: type[models.Model]) -> None:
        mongodb.create_indexes(schema_editor, model, cls.mongodb_indexes(model))

    @classmethod
    def drop_on_mongodb(cls, schema_editor: Any, model: type[models.Model]) -> None:
        mongodb.drop_indexes(schema_editor, model, cls.names_on_mongodb(model))


class CreateWordsIndex(VendorOperation):
    """Index the stored words of memories with their owners, for ranked searches; see ``db/words_index.py``.

    On SQLite, run it again after an operation that replaces the table: its triggers go with the old one.
    """

    noun = "words index"

    @classmethod
    def is_made_on(cls, connection: BaseDatabaseWrapper) -> bool:
        """Return whether this database can have the index."""
        has_method = vendor_method(cls, connection, "create_on") != cls.create_on_sql
        return bool(has_method and vendor_method(cls, connection, "can_have_on")(connection))

    @classmethod
    def can_have_on_sql(cls, connection: BaseDatabaseWrapper) -> bool:
        return True

    @classmethod
    def can_have_on_sqlite(cls, connection: BaseDatabaseWrapper) -> bool:
        # An extension of SQLite, which nearly every build has.
        with connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM pragma_module_list WHERE name = 'fts5'")
            return bool(cursor.fetchone()[0])

    @staticmethod
    def _gin(model: type[models.Model]) -> GinIndex:
        # Words that wait in a list of their own would be read at every search.
        name = index_name(model._meta.db_table)
        return GinIndex(IndexedWords("search_terms", "user_id"), name=name, fastupdate=False)

    @classmethod
    def create_on_postgresql(cls, schema_editor: BaseDatabaseSchemaEditor, model: type[models.Model]) -> None:
        schema_editor.add_index(model, cls._gin(model))

    @classmethod
    def drop_on_postgresql(cls, schema_editor: BaseDatabaseSchemaEditor, model: type[models.Model]) -> None:
        schema_editor.remove_index(model, cls._gin(model))

    @staticmethod
    def mongodb_index() -> MongoIndex:
        # The words are stems already, and no field of a document names their language.
        options = {"default_language": "none", "language_override": "agno_memory_language"}
        return MongoIndex(MONGODB_INDEX, [("user_id", 1), ("search_terms", "text")], options=options)

    @classmethod
    def create_on_mongodb(cls, schema_editor: Any, model: type[models.Model]) -> None:
        mongodb.create_indexes(schema_editor, model, [cls.mongodb_index()])

    @classmethod
    def drop_on_mongodb(cls, schema_editor: Any, model: type[models.Model]) -> None:
        mongodb.drop_indexes(schema_editor, model, [MONGODB_INDEX])

    @classmethod
    def create_on_sqlite(cls, schema_editor: Any, model: type[models.Model]) -> None:
        cls.drop_on_sqlite(schema_editor, model)
        if cls.can_have_on_sqlite(schema_editor.connection):
            for statement in sqlite_sql(model, schema_editor.quote_name):
                schema_editor.execute(statement)

    @classmethod
    def drop_on_sqlite(cls, schema_editor: Any, model: type[models.Model]) -> None:
        names = WordsTables.of(model._meta.db_table)
        for trigger in names.triggers:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {schema_editor.quote_name(trigger)}")
        for table in (names.words, names.keys):
            schema_editor.execute(f"DROP TABLE IF EXISTS {schema_editor.quote_name(table)}")
